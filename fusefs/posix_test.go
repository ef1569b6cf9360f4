package fusefs

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hanwen/go-fuse/v2/posixtest"
)

// inapplicable are the tests of go-fuse's suite that cannot pass here, and why.
var inapplicable = map[string]string{
	"Link":                "an object has one name",
	"LinkUnlinkRename":    "an object has one name",
	"Tmpfile":             "an object has a name",
	"XAttr":               "attributes are those of the store",
	"XAttrLarge":          "attributes are those of the store",
	"OpenSymlinkRace":     "it takes long, and asks whether a link can lead to files behind the file system",
	"FcntlFlockLocksFile": "it expects a lock to be refused to the process that holds it",
}

// posixDir is the variable that tells a child of the test which folder to try the suite in.
const posixDir = "FUSEFS_TEST_POSIX"

// TestPosixSuite runs the suite that comes with go-fuse, in a process other than that which serves
// the mount.
func TestPosixSuite(t *testing.T) {
	if dir := os.Getenv(posixDir); dir != "" {
		posixSuite(t, dir)
		return
	}
	r := newRig(t)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPosixSuite$", "-test.v")
	child.Env = append(child.Environ(), posixDir+"="+r.dir)
	out, err := child.CombinedOutput()
	passed := strings.Count(string(out), "--- PASS: TestPosixSuite/")
	if want := len(posixtest.All) - len(inapplicable); err != nil || passed != want {
		t.Errorf("%v; of %d tests %d passed\n%s", err, want, passed, out)
	}
}

func posixSuite(t *testing.T, dir string) {
	for _, name := range slices.Sorted(maps.Keys(posixtest.All)) {
		if inapplicable[name] != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			sub := filepath.Join(dir, name)
			if err := os.Mkdir(sub, 0o755); err != nil {
				t.Fatal(err)
			}
			posixtest.All[name](t, sub)
		})
	}
}
