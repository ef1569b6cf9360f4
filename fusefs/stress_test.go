package fusefs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hatrac/hatrac/store"
)

// contention lets threads do everything to a few names at once. A name may be gone; any other
// error is one that a disk would not have.
const contention = `
import os, random, sys, threading
names = ["a", "b", "c", "d~", "e.part"]
def work(seed):
    rnd = random.Random(seed)
    for i in range(80):
        n, o = rnd.choice(names), rnd.random()
        try:
            if o < .3:
                with open(n, "w") as f: f.write(str(i) * rnd.randint(0, 3000))
            elif o < .5:
                with open(n, "a") as f: f.write("x")
            elif o < .65:
                with open(n) as f: f.read()
            elif o < .8: os.rename(n, rnd.choice(names))
            elif o < .9: os.unlink(n)
            elif o < .95: os.truncate(n, 5)
            else: os.utime(n)
        except FileNotFoundError: pass
        except OSError as e: print(o, n, e)
threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
`

func TestWhatManyDoToTheSameNamesAtOnceEndsInOneTruth(t *testing.T) {
	r := newRig(t)
	r.expect("python3 -c '"+contention+"'", "")
	r.settledButScratch()
	for name := range strings.FieldsSeq(r.sh("ls")) {
		r.sh("cat " + name + " > /dev/null; test $(wc -c < " + name + ") = $(stat -c %s " + name + ")")
	}
	seen := r.sh("for f in *; do cksum $f; done")
	r.unmount()
	r.mount()
	r.expect("for f in *; do cksum $f; done", seen)
	for name := range strings.FieldsSeq(r.sh("ls")) {
		path, err := store.Root.Child(name)
		if err != nil {
			t.Fatal(err)
		}
		r.holds(path, r.sh("cat "+name))
	}
	r.unmount()
	if left, err := filepath.Glob(filepath.Join(r.svc.SpoolDir(), "[^a]*")); err != nil || len(left) != 0 { // but for the service's own
		t.Errorf("the spool holds %v, %v", left, err)
	}
	if _, err := os.Stat(r.svc.SpoolDir()); err != nil {
		t.Error(err)
	}
}
