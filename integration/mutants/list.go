package main

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// mutant is one rule of a contract, the test that stands for it, and a change of the product that
// breaks the rule.
type mutant struct {
	rule  string // one sentence
	where string // the list and line that it stands at
	pkg   string // a package of the module, such as ./rest
	test  string // what -run gets
	edits []edit
}

// edit replaces a text that stands exactly once in a file.
type edit struct {
	file     string // relative to the module's root
	old, new string
}

// readLists reads all lists of a folder, in the order of their names.
func readLists(folder string) ([]mutant, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no lists", folder)
	}
	var all []mutant
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		list, err := parseList(filepath.Base(file), string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// parseList reads a list. Lines that begin with # are for people. A mutant is
//
//	rule The sentence that the product keeps.
//	test ./package ^TestName$/subtest
//	edit file.go
//	<<<
//	the text as it is
//	===
//	the text that breaks the rule
//	>>>
//
// with one edit or more.
func parseList(name, text string) ([]mutant, error) {
	var list []mutant
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		wrong := func(what string) error { return fmt.Errorf("%s:%d: %s", name, i+1, what) }
		word, rest, _ := strings.Cut(lines[i], " ")
		switch {
		case strings.TrimSpace(lines[i]) == "" || strings.HasPrefix(lines[i], "#"):
		case word == "rule":
			list = append(list, mutant{rule: rest, where: fmt.Sprintf("%s:%d", name, i+1)})
		case len(list) == 0:
			return nil, wrong("a list begins with a rule")
		case word == "test":
			m := &list[len(list)-1]
			var found bool
			if m.pkg, m.test, found = strings.Cut(rest, " "); !found {
				return nil, wrong("a test is a package and a pattern")
			}
		case word == "edit":
			e := edit{file: rest}
			var err error
			if e.old, i, err = block(lines, i+1, "<<<", "==="); err != nil {
				return nil, wrong(err.Error())
			}
			if e.new, i, err = block(lines, i, "===", ">>>"); err != nil {
				return nil, wrong(err.Error())
			}
			m := &list[len(list)-1]
			m.edits = append(m.edits, e)
		default:
			return nil, wrong(fmt.Sprintf("what is %q?", word))
		}
	}
	for _, m := range list {
		if m.rule == "" || m.test == "" || len(m.edits) == 0 {
			return nil, fmt.Errorf("%s: a rule needs a sentence, a test and an edit", m.where)
		}
	}
	return list, nil
}

// block is the text between two lines, and the index of the second.
func block(lines []string, at int, begin, end string) (string, int, error) {
	if at >= len(lines) || lines[at] != begin {
		return "", at, fmt.Errorf("expected a line %s", begin)
	}
	for i := at + 1; i < len(lines); i++ {
		if lines[i] == end {
			return strings.Join(lines[at+1:i], "\n"), i, nil
		}
	}
	return "", at, fmt.Errorf("no line %s follows", end)
}

// mutated are the files that the mutant changes, by their path below root, as they are and as it
// changes them.
func (m mutant) mutated(root string) (before, after map[string]string, err error) {
	before, after = map[string]string{}, map[string]string{}
	for _, e := range m.edits {
		if _, seen := after[e.file]; !seen {
			content, err := os.ReadFile(filepath.Join(root, e.file))
			if err != nil {
				return nil, nil, err
			}
			before[e.file], after[e.file] = string(content), string(content)
		}
		if n := strings.Count(after[e.file], e.old); e.old == "" || n != 1 {
			return nil, nil, fmt.Errorf("%s: %s has the text to be replaced %d times", m.where, e.file, n)
		}
		after[e.file] = strings.Replace(after[e.file], e.old, e.new, 1)
	}
	for file, text := range after {
		if strings.HasSuffix(file, "_test.go") {
			return nil, nil, fmt.Errorf("%s: a mutant changes the product, not its tests", m.where)
		}
		if filepath.Ext(file) != ".go" {
			continue
		}
		if _, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", m.where, err)
		}
	}
	return before, after, nil
}

// declaredTests are the names of tests by package, as far as somebody asked for them.
type declaredTests map[string][]string

// have tells what is wrong if the package does not have the test that the mutant names.
func (d declaredTests) have(root string, m mutant) error {
	top, _, _ := strings.Cut(m.test, "/")
	pattern, err := regexp.Compile(top)
	if err != nil {
		return fmt.Errorf("%s: %w", m.where, err)
	}
	names, known := d[m.pkg]
	if !known {
		files, err := filepath.Glob(filepath.Join(root, m.pkg, "*_test.go"))
		if err != nil {
			return err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			for _, found := range declared.FindAllSubmatch(text, -1) {
				names = append(names, string(found[1]))
			}
		}
		d[m.pkg] = names
	}
	if !slices.ContainsFunc(names, pattern.MatchString) {
		return errors.New(m.where + ": " + m.pkg + " has no test " + top)
	}
	return nil
}

var declared = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
