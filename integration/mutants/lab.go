package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// lab runs tests on mutants. Its verdicts may be asked for concurrently.
type lab struct {
	root, scratch string
	mutants       []mutant
	after         []map[string]string // the files of each mutant
	alone         []bool              // whether it needs a program of its own
	overlay       string              // that has all other mutants
	programs      map[string]string   // by package, built with it
	sound         sync.Map            // package and test → sync.OnceValue that tells what is wrong with it
}

// newLab builds the programs that have many mutants.
func newLab(root, scratch string, mutants []mutant) (*lab, error) {
	l := &lab{
		root: root, scratch: scratch, mutants: mutants,
		after: make([]map[string]string, len(mutants)), alone: make([]bool, len(mutants)),
	}
	before := make([]map[string]string, len(mutants))
	for i, m := range mutants {
		var err error
		if before[i], l.after[i], err = m.mutated(root); err != nil {
			return nil, err
		}
	}
	for {
		many := newSwitches()
		for i := range mutants {
			l.alone[i] = l.alone[i] || !many.add(i, before[i], l.after[i])
		}
		files, err := many.files()
		if err != nil {
			return nil, err
		}
		if err := l.buildMany(files); err == nil || !l.separate(err) {
			return l, err
		}
	}
}

// buildMany builds a program of each package that has a test.
func (l *lab) buildMany(files map[string]string) (err error) {
	if l.overlay, err = l.writeOverlay("many", files); err != nil {
		return err
	}
	l.programs = map[string]string{}
	for _, m := range l.mutants {
		if l.programs[m.pkg] != "" {
			continue
		}
		if l.programs[m.pkg], err = l.build(m.pkg, l.overlay, strings.ReplaceAll(m.pkg, "/", "_")+".test"); err != nil {
			return err
		}
	}
	return nil
}

var complaints = regexp.MustCompile(`(?m)` + complaint + `(\d+):\d+`)

// separate takes the mutants that the compiler complains about out of the programs that have many. It
// reports false if there are none.
func (l *lab) separate(wrong error) (found bool) {
	for _, match := range complaints.FindAllStringSubmatch(wrong.Error(), -1) {
		if i, err := strconv.Atoi(match[1]); err == nil && i < len(l.alone) && !l.alone[i] {
			l.alone[i], found = true, true
		}
	}
	return found
}

// writeOverlay writes files for the compiler to see instead of the product's, and returns the path of
// the list of them.
func (l *lab) writeOverlay(name string, files map[string]string) (string, error) {
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	folder := filepath.Join(l.scratch, name)
	for file, text := range files {
		copied := filepath.Join(folder, file)
		if err := os.MkdirAll(filepath.Dir(copied), 0o700); err != nil {
			return "", err
		}
		if err := os.WriteFile(copied, []byte(text), 0o600); err != nil {
			return "", err
		}
		overlay.Replace[filepath.Join(l.root, file)] = copied
	}
	plan, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	path := filepath.Join(l.scratch, name+".json")
	return path, os.WriteFile(path, plan, 0o600)
}

// verdict tells why a mutant is no proof; it is empty for one that is.
func (l *lab) verdict(i int) string {
	m := l.mutants[i]
	program := l.programs[m.pkg]
	once, _ := l.sound.LoadOrStore(m.pkg+" "+m.test, sync.OnceValue(func() string { return l.passes(program, m) }))
	if wrong := once.(func() string)(); wrong != "" {
		return wrong
	}
	if !l.alone[i] {
		return l.fails(program, l.overlay, m, variable+"="+strconv.Itoa(i))
	}
	name := fmt.Sprint("mutant", i)
	overlay, err := l.writeOverlay(name, l.after[i])
	if err != nil {
		return err.Error()
	}
	program, err = l.build(m.pkg, overlay, name+".test")
	if err != nil {
		return err.Error()
	}
	defer os.Remove(program)
	return l.fails(program, overlay, m)
}

// build builds the package's test program as the overlay changes it.
func (l *lab) build(pkg, overlay, name string) (string, error) {
	program := filepath.Join(l.scratch, name)
	cmd := exec.Command("go", "test", "-c", "-o", program, "-tags", "nomsgpack", "-vet=off", "-ldflags=-s -w", "-overlay", overlay, pkg)
	cmd.Dir = l.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot be built\n%s", tail(out))
	}
	return program, nil
}

// passes runs the mutant's test on the product as it is, and tells what is wrong with it.
func (l *lab) passes(program string, m mutant) string {
	out, err := l.runTest(program, l.overlay, m)
	switch {
	case err != nil:
		return "fails on the product as it is\n" + tail(out)
	case !bytes.Contains(out, []byte("\n--- PASS")):
		return "runs no test"
	case bytes.Contains(out, []byte("\n--- SKIP")):
		return "is skipped"
	}
	return ""
}

// fails runs the test on the mutant, and tells why that is no proof.
func (l *lab) fails(program, overlay string, m mutant, env ...string) string {
	out, err := l.runTest(program, overlay, m, env...)
	switch {
	case err == nil:
		return "passes although the rule is broken"
	case bytes.Contains(out, []byte("panic: test timed out")):
		return "hangs instead of failing"
	case bytes.Contains(out, []byte("--- FAIL")):
		return ""
	}
	return "does not get as far as the test\n" + tail(out)
}

// runTest runs the mutant's test. What that builds itself is built with the same overlay.
func (l *lab) runTest(program, overlay string, m mutant, env ...string) ([]byte, error) {
	cmd := exec.Command(program, "-test.run", m.test, "-test.v", "-test.failfast", "-test.timeout", "5m")
	cmd.Dir = filepath.Join(l.root, m.pkg)
	cmd.Env = append(append(os.Environ(), "GOFLAGS="+os.Getenv("GOFLAGS")+" -overlay="+overlay), env...)
	return cmd.CombinedOutput()
}

// tail is the end of what a test printed.
func tail(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}
