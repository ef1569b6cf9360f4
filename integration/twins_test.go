package integration

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// twins runs a script that does the same random things in a folder of a mount and in one on a disk.
// The seeds are printed; HATRAC_TEST_SEED gives one to be tried again.
func twins(t *testing.T, script string, runs, steps int) {
	s := newSite(t)
	seed := rand.Uint32()
	if given := os.Getenv("HATRAC_TEST_SEED"); given != "" {
		n, err := strconv.ParseUint(given, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		seed = uint32(n)
	}
	for run := range runs {
		inside := filepath.Join(s.mount, fmt.Sprint("run", run))
		if err := os.Mkdir(inside, 0o755); err != nil {
			t.Fatal(err)
		}
		disk := t.TempDir()
		t.Logf("%s with seed %d", script, seed+uint32(run))
		output(t, "", "python3", script, inside, disk, fmt.Sprint(seed+uint32(run)), fmt.Sprint(steps))
		if text, err := try(t, "", "diff", "-r", "--no-dereference", disk, inside); err != nil {
			t.Errorf("afterwards they differ: %s", tail(text, 2000))
		}
	}
	before := sums(t, s.mount)
	s.stop()
	s.start()
	after := sums(t, s.mount)
	for name, digest := range before {
		if after[name] != digest {
			t.Errorf("%s is another after a restart", name)
		}
	}
	if len(before) != len(after) {
		t.Errorf("%d files became %d by a restart", len(before), len(after))
	}
	s.stop()
}

func TestAFileBehavesAsOnADisk(t *testing.T) { twins(t, "testdata/twinfile.py", 3, 200) }

func TestATreeBehavesAsOnADisk(t *testing.T) { twins(t, "testdata/twintree.py", 2, 100) }
