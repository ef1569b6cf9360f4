// Command mutants proves that the tests hold the contract. For each rule in its lists it breaks the
// product, in a copy that only the compiler sees, and runs the test that stands for the rule: that
// test has to fail, and to pass on the product as it is.
//
//	go run ./integration/mutants [-only REGEXP] [-parallel N] [-single]
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

func main() {
	only := flag.String("only", "", "run only rules whose list or sentence matches this `REGEXP`")
	parallel := flag.Int("parallel", 2, "how many tests run at once")
	single := flag.Bool("single", false, "build each broken product by itself, not many in one")
	flag.Parse()
	if err := run(*only, *parallel, *single); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(only string, parallel int, single bool) error {
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
	runs := &runs{root: root, scratch: scratch, together: &branches{}}
	if !single {
		if runs.together, err = newBranches(root, scratch, chosen); err != nil {
			return err
		}
	}

	var sound sync.Map // (package, test) → sync.OnceValue that tells what is wrong with it
	var survivors atomic.Int32
	var group sync.WaitGroup
	slots := make(chan struct{}, max(parallel, 1))
	for i, m := range chosen {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			once, _ := sound.LoadOrStore(m.pkg+" "+m.test, sync.OnceValue(func() string {
				return runs.passes(m)
			}))
			verdict := once.(func() string)()
			if verdict == "" {
				verdict = runs.isCaught(m, i)
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

// runs runs tests on the product and on mutants of it.
type runs struct {
	root, scratch string
	together      *branches
}

// passes runs the mutant's test on the product as it is, and tells what is wrong with it.
func (r *runs) passes(m mutant) string {
	out, err := r.run(m, noMutant)
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

// isCaught runs the test on the mutant of an index, and tells why that is no proof.
func (r *runs) isCaught(m mutant, index int) string {
	out, err := r.run(m, index)
	switch {
	case err == nil:
		return "passes although the rule is broken"
	case bytes.Contains(out, []byte("panic: test timed out")):
		return "hangs instead of failing"
	case bytes.Contains(out, []byte("--- FAIL")):
		return ""
	}
	return "does not get as far as the test\n" + err.Error() + "\n" + tail(out)
}

// run runs the test on the mutant of an index, or on the product.
func (r *runs) run(m mutant, index int) ([]byte, error) {
	args := []string{"test", "-tags", "nomsgpack", "-count=1", "-v", "-failfast", "-timeout", "5m", "-vet=off"}
	switch {
	case r.together.taken[index] || index == noMutant && r.together.tests[m.pkg] != "":
		return r.together.run(m, index)
	case index != noMutant:
		files, err := m.mutated(r.root)
		if err != nil {
			return nil, err
		}
		overlay, err := writeOverlay(r.root, filepath.Join(r.scratch, strconv.Itoa(index)), files)
		if err != nil {
			return nil, err
		}
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.Command("go", append(args, "-run", m.test, m.pkg)...)
	cmd.Dir = r.root
	return cmd.CombinedOutput()
}

// tail is the end of what a test printed.
func tail(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}
