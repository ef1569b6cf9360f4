package main

import (
	"testing"
)

// The lists fit the product: each text that a mutant replaces is there once, what comes of it is Go,
// and each test exists. That the tests fail is what "make mutants" shows.
func TestListsFitTheProduct(t *testing.T) {
	const root = "../.."
	all, err := readLists("rules")
	if err != nil {
		t.Fatal(err)
	}
	tests := declaredTests{}
	for _, m := range all {
		if _, _, err := m.mutated(root); err != nil {
			t.Error(err)
		}
		if err := tests.have(root, m); err != nil {
			t.Error(err)
		}
	}
}

func TestMalformedListsAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no rule":     "test ./rest TestX\n",
		"no test":     "rule A.\nedit a.go\n<<<\na\n===\nb\n>>>\n",
		"no edit":     "rule A.\ntest ./rest TestX\n",
		"no pattern":  "rule A.\ntest ./rest\n",
		"no end":      "rule A.\ntest ./rest TestX\nedit a.go\n<<<\na\n===\nb\n",
		"no begin":    "rule A.\ntest ./rest TestX\nedit a.go\na\n===\nb\n>>>\n",
		"unknown":     "rule A.\nwhat is this\n",
		"no sentence": "rule \ntest ./rest TestX\nedit a.go\n<<<\na\n===\nb\n>>>\n",
	} {
		if _, err := parseList("list", text); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// A text that stands twice would break one of two rules, and nobody knows which.
func TestMutantsMustBeExact(t *testing.T) {
	for name, e := range map[string]edit{
		"nowhere":    {file: "list_test.go", old: "no such " + "text", new: "x"},
		"many times": {file: "list.go", old: "err", new: "x"},
		"not Go":     {file: "list.go", old: "package main", new: "packed main"},
		"a test":     {file: "list_test.go", old: "package main", new: "package main // x"},
		"no file":    {file: "missing.go", old: "a", new: "b"},
	} {
		if _, _, err := (mutant{edits: []edit{e}}).mutated("."); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
