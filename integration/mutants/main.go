// Command mutants proves that the tests hold the contract. For each rule in its lists it breaks the
// product, in a copy that only the compiler sees, and runs the test that stands for the rule: that
// test has to fail, and to pass on the product as it is.
//
//	go run ./integration/mutants [-only REGEXP] [-parallel N]
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
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
	lab, err := newLab(root, scratch, chosen)
	if err != nil {
		return err
	}

	var group sync.WaitGroup
	var mu sync.Mutex // guards survivors and the output
	survivors := 0
	turns := make(chan int)
	for range max(parallel, 1) {
		group.Go(func() {
			for i := range turns {
				m, verdict := chosen[i], lab.verdict(i)
				mu.Lock()
				if verdict == "" {
					fmt.Printf("caught    %s %s\n", m.where, m.rule)
				} else {
					survivors++
					fmt.Printf("NOT       %s %s\n          %s %s: %s\n", m.where, m.rule, m.pkg, m.test, verdict)
				}
				mu.Unlock()
			}
		})
	}
	for i := range chosen {
		turns <- i
	}
	close(turns)
	group.Wait()
	fmt.Printf("%d rules, %d not proved\n", len(chosen), survivors)
	if survivors > 0 || len(chosen) == 0 {
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
