package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"
)

// variable names the mutant in whose place a test program acts; without it the program is the
// product as it is.
const variable = "CHOSEN_MUTANT"

// complaint is, with the number of a mutant behind it, what the compiler takes for the file that
// what the mutant changes stands in.
const complaint = "mutant"

// switches puts many mutants into one program, which has to be built only once: each function that
// a mutant changes is there a second time, as changed, and the first leaves for the second where
// the environment says so.
type switches struct {
	sources map[string]string      // the files that mutants change, as they are
	enters  map[string][]insertion // where their functions leave
	changed map[string]string      // their functions as changed
}

// insertion is a text that comes in at an offset.
type insertion struct {
	at   int
	text string
}

func newSwitches() *switches {
	return &switches{sources: map[string]string{}, enters: map[string][]insertion{}, changed: map[string]string{}}
}

// add puts a mutant, the files before and after it, into the program under a number. It reports false,
// and adds nothing, if the mutant changes more than the bodies of functions.
func (s *switches) add(number int, before, after map[string]string) bool {
	enters, changed := map[string]insertion{}, map[string]string{}
	for file, text := range after {
		f, ok := changedFunction(before[file], text)
		if !ok {
			return false
		}
		name := fmt.Sprintf("%sOfMutant%d", f.decl.Name.Name, number)
		call, ok := f.call(name)
		if !ok {
			return false
		}
		enters[file] = insertion{f.body, fmt.Sprintf("\nif chosenMutant == \"%d\" { %s }\n", number, call)}
		changed[file] = f.changed[:f.name] + name + f.changed[f.name+len(f.decl.Name.Name):]
	}
	for file := range after {
		s.sources[file] = before[file]
		s.enters[file] = append(s.enters[file], enters[file])
		s.changed[file] += fmt.Sprintf("\n//line %s%d:1\n%s\n", complaint, number, changed[file])
	}
	return true
}

// files are those of the program with all mutants, by their paths below the root.
func (s *switches) files() (map[string]string, error) {
	files := map[string]string{}
	for file, text := range s.sources {
		parsed, err := parser.ParseFile(token.NewFileSet(), "", text, parser.PackageClauseOnly)
		if err != nil {
			return nil, err
		}
		enters := s.enters[file]
		slices.SortStableFunc(enters, func(a, b insertion) int { return b.at - a.at })
		for _, enter := range enters {
			text = text[:enter.at] + enter.text + text[enter.at:]
		}
		files[file] = text + s.changed[file]
		files[path.Join(path.Dir(file), "chosen_mutant.go")] = fmt.Sprintf(
			"package %s\n\nimport \"os\"\n\nvar chosenMutant = os.Getenv(%q)\n", parsed.Name.Name, variable)
	}
	return files, nil
}

// function is one that a mutant changes.
type function struct {
	decl    *ast.FuncDecl
	body    int    // the offset of what is in its body, in its file
	changed string // all of it as changed
	name    int    // the offset of its name in that
}

// changedFunction finds the function in which two texts of a file differ. It reports false if they
// differ elsewhere, or in more than one.
func changedFunction(before, after string) (found function, ok bool) {
	was, wasAt, err := parsed(before)
	if err != nil {
		return found, false
	}
	is, isAt, err := parsed(after)
	if err != nil || len(was.Decls) != len(is.Decls) {
		return found, false
	}
	for i := range was.Decls {
		a, b := was.Decls[i], is.Decls[i]
		changed := after[isAt(b.Pos()):isAt(b.End())]
		if before[wasAt(a.Pos()):wasAt(a.End())] == changed {
			continue
		}
		f, isFunction := a.(*ast.FuncDecl)
		g, staysOne := b.(*ast.FuncDecl)
		if !isFunction || !staysOne || f.Type.TypeParams != nil || found.decl != nil ||
			before[wasAt(f.Pos()):wasAt(f.Body.Pos())] != after[isAt(g.Pos()):isAt(g.Body.Pos())] {
			return found, false
		}
		found = function{decl: f, body: wasAt(f.Body.Lbrace) + 1, changed: changed, name: isAt(g.Name.Pos()) - isAt(g.Pos())}
	}
	return found, found.decl != nil
}

// parsed returns the file, and what tells the offset of a position in it.
func parsed(text string) (*ast.File, func(token.Pos) int, error) {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, "", text, parser.SkipObjectResolution)
	return f, func(p token.Pos) int { return set.Position(p).Offset }, err
}

// call is the statement that leaves for the changed function. It reports false if that cannot be
// given the same arguments.
func (f function) call(name string) (statement string, ok bool) {
	var arguments []string
	for _, field := range f.decl.Type.Params.List {
		if len(field.Names) == 0 {
			return "", false
		}
		_, variadic := field.Type.(*ast.Ellipsis)
		for _, n := range field.Names {
			if n.Name == "_" {
				return "", false
			}
			argument := n.Name
			if variadic {
				argument += "..."
			}
			arguments = append(arguments, argument)
		}
	}
	statement = name + "(" + strings.Join(arguments, ", ") + ")"
	if f.decl.Recv != nil {
		names := f.decl.Recv.List[0].Names
		if len(names) == 0 || names[0].Name == "_" {
			return "", false
		}
		statement = names[0].Name + "." + statement
	}
	if f.decl.Type.Results == nil {
		return statement + "; return", true
	}
	return "return " + statement, true
}
