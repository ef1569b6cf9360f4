package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// branchVariable is the environment variable that says which branch is taken.
const branchVariable = "MUTANT"

// branches is the product with many mutants in it: functions that they change begin with a branch for
// each, variables choose between values. So all of them cost one build of each package's tests,
// instead of one for each.
type branches struct {
	root, scratch string
	taken         map[int]bool      // mutants that are branches, by their index
	tests         map[string]string // built tests by package
}

// part is what a branch can replace: the body of a function, or the value of a variable.
type part struct {
	from, to int // in the text, without the braces
	kind     string
}

// The kinds of parts.
const (
	bodyWithResult = "body with result"
	bodyAlone      = "body"
	value          = "value"
)

// source is a file taken apart.
type source struct {
	text    string
	parts   map[string]part // by what identifies them, with types
	imports []string
	// rest is the text without its parts and imports.
	rest string
	// begin is where imports may be added.
	begin int
}

func takeApart(text string) (*source, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "", text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	at := func(p token.Pos) int { return set.Position(p).Offset }
	s := &source{text: text, parts: map[string]part{}, begin: at(file.Name.End())}
	cuts := []part{} // what does not belong to rest
	add := func(key string, p part) {
		s.parts[key] = p
		cuts = append(cuts, p)
	}
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			if d.Body == nil || hasLabel(d.Body) {
				continue
			}
			kind := bodyWithResult
			if d.Type.Results.NumFields() == 0 {
				kind = bodyAlone
			}
			add(text[at(d.Pos()):at(d.Body.Lbrace)], part{at(d.Body.Lbrace) + 1, at(d.Body.Rbrace), kind})
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.ImportSpec:
					s.imports = append(s.imports, text[at(spec.Pos()):at(spec.End())])
				case *ast.ValueSpec:
					if d.Tok == token.VAR && spec.Type == nil && len(spec.Names) == 1 && len(spec.Values) == 1 {
						add("var "+spec.Names[0].Name, part{at(spec.Values[0].Pos()), at(spec.Values[0].End()), value})
					}
				}
			}
			if d.Tok == token.IMPORT {
				cuts = append(cuts, part{from: at(d.Pos()), to: at(d.End())})
			}
		}
	}
	slices.SortFunc(cuts, func(a, b part) int { return a.from - b.from })
	var rest strings.Builder
	last := 0
	for _, cut := range cuts {
		rest.WriteString(text[last:cut.from])
		last = cut.to
	}
	s.rest = strings.TrimSpace(rest.String() + text[last:])
	return s, nil
}

// hasLabel reports whether a body has labels, which cannot be there twice.
func hasLabel(body ast.Node) (found bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		_, label := n.(*ast.LabeledStmt)
		found = found || label
		return !found
	})
	return found
}

// replacement is what one mutant puts into a part of a file.
type replacement struct {
	mutant  int
	part    string
	text    string
	imports []string
}

// replacements returns what the mutant replaces, by file; nil if it changes anything but parts.
func (m mutant) replacements(root string, index int) (map[string][]replacement, error) {
	files, err := m.mutated(root)
	if err != nil {
		return nil, err
	}
	all := map[string][]replacement{}
	for file, text := range files {
		if filepath.Ext(file) != ".go" {
			return nil, nil
		}
		original, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			return nil, err
		}
		before, err := takeApart(string(original))
		if err != nil {
			return nil, err
		}
		after, err := takeApart(text)
		if err != nil {
			return nil, err
		}
		if before.rest != after.rest || len(before.parts) != len(after.parts) {
			return nil, nil
		}
		for key, p := range after.parts {
			old, ok := before.parts[key]
			if !ok {
				return nil, nil
			}
			if now := text[p.from:p.to]; now != before.text[old.from:old.to] {
				all[file] = append(all[file], replacement{index, key, now, after.imports})
			}
		}
	}
	return all, nil
}

// weave returns the file with a branch for each replacement.
func (s *source) weave(all []replacement) string {
	byPart := map[string][]replacement{}
	imports := map[string]bool{}
	for _, r := range all {
		byPart[r.part] = append(byPart[r.part], r)
		for _, i := range r.imports {
			imports[i] = !slices.Contains(s.imports, i)
		}
	}
	text := s.text
	// From the end on, so that what is before stays where it is.
	for _, key := range slices.SortedFunc(maps.Keys(byPart), func(a, b string) int { return s.parts[b].from - s.parts[a].from }) {
		p := s.parts[key]
		var b strings.Builder
		b.WriteString(text[:p.from])
		if p.kind == value {
			b.WriteString(pick(byPart[key], text[p.from:p.to]) + text[p.to:])
			text = b.String()
			continue
		}
		for _, r := range byPart[key] {
			fmt.Fprintf(&b, "\nif chosenMutant == \"%d\" {\n%s\n", r.mutant, r.text)
			if p.kind == bodyAlone {
				b.WriteString("return\n")
			}
			b.WriteString("}\n")
		}
		text = b.String() + text[p.from:]
	}
	added := ""
	for _, i := range slices.Sorted(maps.Keys(imports)) {
		if imports[i] {
			added += "\nimport " + i
		}
	}
	return text[:s.begin] + added + text[s.begin:]
}

func pick(all []replacement, original string) string {
	for _, r := range all {
		original = fmt.Sprintf("pickMutant(\"%d\", %s, %s)", r.mutant, r.text, original)
	}
	return original
}

// switchboard is the file that is added to each package with branches.
const switchboard = `package %s

import "os"

var chosenMutant = os.Getenv("` + branchVariable + `")

func pickMutant[T any](mutant string, mutated, original T) T {
	if chosenMutant == mutant {
		return mutated
	}
	return original
}

var _ = pickMutant[int]
`

// newBranches makes branches of all mutants that can be, and builds the tests that they need.
func newBranches(root, scratch string, all []mutant) (*branches, error) {
	b := &branches{root: root, scratch: scratch, taken: map[int]bool{}, tests: map[string]string{}}
	byFile := map[string][]replacement{}
	for index, m := range all {
		replaced, err := m.replacements(root, index)
		if err != nil {
			return nil, err
		}
		if len(replaced) > 0 {
			b.taken[index], b.tests[m.pkg] = true, ""
		}
		for file, list := range replaced {
			byFile[file] = append(byFile[file], list...)
		}
	}
	for {
		files, err := b.woven(byFile)
		if err != nil {
			return nil, err
		}
		out, err := b.build(files)
		if err == nil {
			return b, nil
		}
		// What does not compile is found to be so by itself.
		unfit := unfitBranches(out, files)
		if len(unfit) == 0 {
			return nil, fmt.Errorf("build the mutants: %w\n%s", err, tail(out))
		}
		for _, index := range unfit {
			delete(b.taken, index)
		}
		for file := range byFile {
			byFile[file] = slices.DeleteFunc(byFile[file], func(r replacement) bool { return !b.taken[r.mutant] })
		}
	}
}

// build builds the tests.
func (b *branches) build(files map[string]string) ([]byte, error) {
	overlay, err := writeOverlay(b.root, filepath.Join(b.scratch, "branches"), files)
	if err != nil {
		return nil, err
	}
	for pkg := range b.tests {
		b.tests[pkg] = filepath.Join(b.scratch, strings.ReplaceAll(pkg, "/", "_")+".test")
		cmd := exec.Command("go", "test", "-tags", "nomsgpack", "-vet=off", "-overlay", overlay, "-c", "-o", b.tests[pkg], pkg)
		cmd.Dir = b.root
		if out, err := cmd.CombinedOutput(); err != nil {
			return out, err
		}
	}
	return nil, nil
}

var (
	complaint   = regexp.MustCompile(`(?m)^(?:\./)?(\S+\.go):(\d+):`)
	branchBegin = regexp.MustCompile(`(?:chosenMutant == |pickMutant\()"(\d+)"`)
)

// unfitBranches are the mutants whose branches the compiler complains about: those that begin last
// before the lines it names.
func unfitBranches(out []byte, files map[string]string) []int {
	var unfit []int
	for _, found := range complaint.FindAllSubmatch(out, -1) {
		line, err := strconv.Atoi(string(found[2]))
		lines := strings.SplitAfter(fileAt(string(found[1]), files), "\n")
		if err != nil || line > len(lines) {
			continue
		}
		begins := branchBegin.FindAllStringSubmatch(strings.Join(lines[:line], ""), -1)
		if len(begins) == 0 {
			continue
		}
		if index, err := strconv.Atoi(begins[len(begins)-1][1]); err == nil {
			unfit = append(unfit, index)
		}
	}
	return unfit
}

// fileAt is the file that the compiler calls by a path: where it was written, or what it replaces.
func fileAt(path string, files map[string]string) string {
	for file, text := range files {
		if path == file || strings.HasSuffix(path, "/"+file) {
			return text
		}
	}
	return ""
}

// woven are the files with branches and those with which they choose.
func (b *branches) woven(byFile map[string][]replacement) (map[string]string, error) {
	files := map[string]string{}
	for file, list := range byFile {
		text, err := os.ReadFile(filepath.Join(b.root, file))
		if err != nil {
			return nil, err
		}
		s, err := takeApart(string(text))
		if err != nil {
			return nil, err
		}
		files[file] = s.weave(list)
		clause, err := parser.ParseFile(token.NewFileSet(), "", text, parser.PackageClauseOnly)
		if err != nil {
			return nil, err
		}
		files[filepath.Join(filepath.Dir(file), "mutants_of_"+clause.Name.Name+".go")] = fmt.Sprintf(switchboard, clause.Name.Name)
	}
	return files, nil
}

// noMutant is the index of none.
const noMutant = -1

// run runs the mutant's test with the branch of an index.
func (b *branches) run(m mutant, index int) ([]byte, error) {
	cmd := exec.Command(b.tests[m.pkg], "-test.run", m.test, "-test.v", "-test.failfast", "-test.timeout", "5m")
	cmd.Dir = filepath.Join(b.root, m.pkg)
	cmd.Env = append(os.Environ(), fmt.Sprint(branchVariable, "=", index))
	return cmd.CombinedOutput()
}

// writeOverlay writes files, by their paths below root, into a folder, and returns the path of what
// tells the compiler to take them.
func writeOverlay(root, folder string, files map[string]string) (string, error) {
	var overlay struct{ Replace map[string]string }
	overlay.Replace = map[string]string{}
	for file, text := range files {
		copied := filepath.Join(folder, file)
		if err := os.MkdirAll(filepath.Dir(copied), 0o700); err != nil {
			return "", err
		}
		if err := os.WriteFile(copied, []byte(text), 0o600); err != nil {
			return "", err
		}
		overlay.Replace[filepath.Join(root, file)] = copied
	}
	plan, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "overlay.json")
	return path, os.WriteFile(path, plan, 0o600)
}
