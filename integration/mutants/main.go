// Command mutants proves that the tests hold the contract. For each rule in its lists it breaks the
// product, in a copy that only the compiler sees, and runs the test that stands for the rule: that
// test has to fail, and to pass on the product as it is.
//
//	go run ./integration/mutants [-only REGEXP] [-parallel N]
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
)

func main() {
	only := flag.String("only", "", "run only rules whose list or sentence matches this `REGEXP`")
	parallel := flag.Int("parallel", 2, "how many tests run at once")
	flag.Parse()
	if err := run(*only, *parallel); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(only string, parallel int) error {
	filter, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	all, err := readLists(filepath.Join(root, "integration/mutants/rules"))
	if err != nil {
		return err
	}
	var chosen []mutant
	for _, m := range all {
		if filter.MatchString(m.where + " " + m.rule) {
			chosen = append(chosen, m)
		}
	}
	scratch, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)

	var sound sync.Map // (package, test) → sync.OnceValue that tells what is wrong with it
	var survivors atomic.Int32
	var group sync.WaitGroup
	slots := make(chan struct{}, max(parallel, 1))
	for i, m := range chosen {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			once, _ := sound.LoadOrStore(m.pkg+" "+m.test, sync.OnceValue(func() string {
				return m.passes(root)
			}))
			verdict := once.(func() string)()
			if verdict == "" {
				verdict = m.isCaught(root, filepath.Join(scratch, fmt.Sprint(i)))
			}
			if verdict == "" {
				fmt.Printf("caught    %s %s\n", m.where, m.rule)
				return
			}
			survivors.Add(1)
			fmt.Printf("NOT       %s %s\n          %s %s: %s\n", m.where, m.rule, m.pkg, m.test, verdict)
		})
	}
	group.Wait()
	fmt.Printf("%d rules, %d not proved\n", len(chosen), survivors.Load())
	if survivors.Load() > 0 || len(chosen) == 0 {
		return fmt.Errorf("not every rule has a test that fails without it")
	}
	return nil
}

func moduleRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", err
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}

// passes runs the mutant's test on the product as it is, and tells what is wrong with it.
func (m mutant) passes(root string) string {
	out, err := m.runTest(root)
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

// isCaught runs the test on the mutant, and tells why that is no proof.
func (m mutant) isCaught(root, scratch string) string {
	files, err := m.mutated(root)
	if err != nil {
		return err.Error()
	}
	var overlay struct{ Replace map[string]string }
	overlay.Replace = map[string]string{}
	for file, text := range files {
		copied := filepath.Join(scratch, file)
		if err := os.MkdirAll(filepath.Dir(copied), 0o700); err != nil {
			return err.Error()
		}
		if err := os.WriteFile(copied, []byte(text), 0o600); err != nil {
			return err.Error()
		}
		overlay.Replace[filepath.Join(root, file)] = copied
	}
	plan, err := json.Marshal(overlay)
	if err != nil {
		return err.Error()
	}
	path := filepath.Join(scratch, "overlay.json")
	if err := os.WriteFile(path, plan, 0o600); err != nil {
		return err.Error()
	}
	out, err := m.runTest(root, "-overlay="+path)
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

// runTest runs the mutant's test. Flags for all builds reach those that the test itself starts, too.
func (m mutant) runTest(root string, flags ...string) ([]byte, error) {
	cmd := exec.Command("go", "test", "-tags", "nomsgpack", "-count=1", "-v", "-failfast", "-timeout", "5m", "-vet=off",
		"-run", m.test, m.pkg)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOFLAGS="+strings.Join(append(strings.Fields(os.Getenv("GOFLAGS")), flags...), " "))
	return cmd.CombinedOutput()
}

// tail is the end of what a test printed.
func tail(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}
