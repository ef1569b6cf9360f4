package fusefs

import (
	"strings"
	"testing"

	"github.com/hatrac/hatrac/service"
)

// times has what tells of times that changed.
const timesOf = `
def times(*paths):
    return [(s.st_atime_ns, s.st_mtime_ns, s.st_ctime_ns) for s in map(os.lstat, paths)]
`

func TestTimesOutliveTheMount(t *testing.T) {
	r := newRig(t)
	p := r.python()
	p.must("exec(" + quoted(timesOf) + ")")
	p.must(`os.mkdir("d"); os.mkdir("e"); os.mkdir("d/sub")`)
	p.must(`fd = os.open("d/f", os.O_WRONLY | os.O_CREAT); n = os.write(fd, b"text"); os.close(fd)`)
	p.must(`os.close(os.open("d/empty", os.O_WRONLY | os.O_CREAT)); os.symlink("f", "d/l"); os.rename("d/f", "e/f")`)
	p.must(`os.utime("d/empty", ns=(111, 222)); os.chmod("e/f", 0o600); os.chown("e", 1, 1); os.rename("d/sub", "e/sub")`)
	p.must(`fd = os.open("e/f", os.O_WRONLY | os.O_APPEND); n = os.write(fd, b"more"); os.close(fd)`)
	p.must(`os.utime("d", ns=(333, 444))`)
	const names = `times("d", "e", "d/empty", "d/l", "e/f", "e/sub")`
	r.settled()
	before := p.must(`print(` + names + `, end="")`)
	if !strings.Contains(before, "(333, 444, ") || !strings.Contains(before, "(111, 222, ") {
		t.Errorf("the times that were set are not shown: %s", before)
	}
	p.must(`os.chdir("/")`)
	r.unmount()
	r.mount()
	q := r.python()
	q.must("exec(" + quoted(timesOf) + ")")
	if after := q.must(`print(` + names + `, end="")`); after != before {
		t.Errorf("the times were\n%s\nand after another mount are\n%s", before, after)
	}
}

// TestACommitTouchesNoFolder: who sets the times of a folder after filling it, as all who copy trees,
// must not find them changed by commits that come later.
func TestACommitTouchesNoFolder(t *testing.T) {
	r := newRig(t)
	p := r.python()
	p.must(`os.mkdir("d"); fd = os.open("d/f", os.O_WRONLY | os.O_CREAT); n = os.write(fd, b"text")`)
	p.must(`os.utime("d", ns=(333, 444)); os.close(fd)`)
	p.must(`fd = os.open("d/part~", os.O_WRONLY | os.O_CREAT); n = os.write(fd, b"text"); os.close(fd); seen = os.stat("d").st_mtime_ns`)
	p.must(`assert seen > 444`)
	p.must(`os.utime("d", ns=(555, 666)); os.chdir("/")`)
	r.unmount()
	r.mount()
	r.expect("stat -c %y d | cut -c1-29; ls d", "1970-01-01 00:00:00.000000666\nf\npart~\n")
}

func TestARenameIsAChangeAlsoOfADraft(t *testing.T) {
	r := newRig(t)
	p := r.python()
	p.must(`fd = os.open("f", os.O_WRONLY | os.O_CREAT); n = os.write(fd, b"text"); before = os.fstat(fd)`)
	p.must(`os.rename("f", "g"); after = os.fstat(fd)`)
	p.must(`assert after.st_ctime_ns > before.st_ctime_ns and after.st_mtime_ns == before.st_mtime_ns`)
	p.must(`os.close(fd); stored = os.stat("g"); assert stored.st_ctime_ns == after.st_ctime_ns`)
	p.must(`fd = os.open("g", os.O_RDWR); os.rename("g", "h"); later = os.fstat(fd); os.close(fd)`)
	p.must(`assert later.st_ctime_ns > after.st_ctime_ns and later.st_mtime_ns == after.st_mtime_ns`)
}

func TestTheTimesOfAFolderFollowChangesOfTheSameProcessAtOnce(t *testing.T) {
	r := newRig(t, slow)
	r.put("/d/f", "one")
	r.heardAll()
	last := r.sh("stat -c '%y %z' d")
	changed := func(what string, want bool) {
		t.Helper()
		r.heardAll()
		now := r.sh("stat -c '%y %z' d")
		if (now != last) != want {
			t.Errorf("after %s the times are %s, and were %s", what, now, last)
		}
		last = now
	}
	r.put("/d/f", "two")
	changed("another version", false)
	r.put("/d/g", "new")
	changed("another object", true)
	if _, err := r.svc.Rename(t.Context(), alice, service.Rename{Source: "/d/f", Target: "/f"}); err != nil {
		t.Fatal(err)
	}
	changed("a rename", true)
	if err := r.svc.Delete(t.Context(), alice, service.Delete{Path: "/d/g"}); err != nil {
		t.Fatal(err)
	}
	changed("a deletion", true)
}
