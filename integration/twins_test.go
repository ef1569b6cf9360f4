package integration

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// seedOf returns the seed of random things to do. Seeds are printed; HATRAC_TEST_SEED gives one to be
// tried again.
func seedOf(t *testing.T) uint32 {
	t.Helper()
	given := os.Getenv("HATRAC_TEST_SEED")
	if given == "" {
		return rand.Uint32() >> 1 // with room for those that follow
	}
	n, err := strconv.ParseUint(given, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}

// twins runs a script that does the same random things in a folder of a mount and in one on a disk.
func twins(t *testing.T, script string, runs, steps int) {
	s := newSite(t)
	seed := seedOf(t)
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

// TestWhatRivalsDoHasAnOrder lets processes do random things to the same names at once: each must have
// come out as if all had been done one after the other.
func TestWhatRivalsDoHasAnOrder(t *testing.T) {
	s := newSite(t)
	seed := seedOf(t)
	t.Logf("with seed %d", seed)
	output(t, "", "python3", "testdata/rivals.py", s.mount, fmt.Sprint(seed), "60")
	s.stop()
}
