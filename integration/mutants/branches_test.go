package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const whole = `package p

import "fmt"

var answer = 42

const never = 1

func (x T) both(a int, _ string) (n int, err error) {
	fmt.Println(a)
	return
}

func alone() { fmt.Println() }

func labelled() {
out:
	for {
		break out
	}
}
`

func TestBodiesAndValuesBecomeBranches(t *testing.T) {
	s, err := takeApart(whole)
	if err != nil {
		t.Fatal(err)
	}
	woven := s.weave([]replacement{
		{1, "var answer", "43", nil},
		{2, "var answer", "44", nil},
		{3, "func alone() ", " os.Exit(0) ", []string{`"fmt"`, `"os"`}},
		{4, "func (x T) both(a int, _ string) (n int, err error) ", "\n\treturn 1, nil\n", nil},
	})
	for _, want := range []string{
		"package p\nimport \"os\"\n\nimport \"fmt\"\n",
		`var answer = pickMutant("2", 44, pickMutant("1", 43, 42))`,
		"func alone() {\nif chosenMutant == \"3\" {\n os.Exit(0) \nreturn\n}\n fmt.Println() }",
		"(n int, err error) {\nif chosenMutant == \"4\" {\n\n\treturn 1, nil\n\n}\n\n\tfmt.Println(a)\n\treturn\n}",
	} {
		if !strings.Contains(woven, want) {
			t.Errorf("there is no %q in\n%s", want, woven)
		}
	}
	if _, err := takeApart(woven); err != nil {
		t.Error(err)
	}
}

func TestOtherChangesAreNoBranches(t *testing.T) {
	before, err := takeApart(whole)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"a constant":       {"never = 1", "never = 2"},
		"a signature":      {"a int, _ string", "a, b int"},
		"what has a label": {"for {", "for true {"},
		"a new function":   {"func alone", "func more() {}\n\nfunc alone"},
	} {
		after, err := takeApart(strings.Replace(whole, change[0], change[1], 1))
		if err != nil {
			t.Fatal(err)
		}
		same := before.rest == after.rest && len(before.parts) == len(after.parts)
		for key := range after.parts {
			_, known := before.parts[key]
			same = same && known
		}
		if same {
			t.Errorf("%s could be a branch", name)
		}
	}
}

func TestBranchesThatDoNotCompileAreKnown(t *testing.T) {
	s, err := takeApart(whole)
	if err != nil {
		t.Fatal(err)
	}
	woven := s.weave([]replacement{
		{5, "func alone() ", "\n\tfmt.Println()\n", nil},
		{6, "func alone() ", "\n\tnothing()\n", nil},
	})
	before, _, _ := strings.Cut(woven, "nothing()")
	out := fmt.Sprintf("# p\n/tmp/p/p.go:%d:2: undefined: nothing\n", strings.Count(before, "\n")+1)
	if got := unfitBranches([]byte(out), map[string]string{"p/p.go": woven}); !slices.Equal(got, []int{6}) {
		t.Errorf("the compiler complains about %v", got)
	}
	if got := unfitBranches([]byte("p/p.go:1:1: no package\nx.go:1:1: what"), map[string]string{"p/p.go": woven}); got != nil {
		t.Errorf("the compiler complains about %v", got)
	}
}
