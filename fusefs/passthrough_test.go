package fusefs

import (
	"bytes"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/rs/zerolog"

	"github.com/hatrac/hatrac/store"
)

// counted counts the reads that come to this process.
type counted struct {
	fuse.RawFileSystem
	reads *atomic.Int64
}

func (c counted) Read(cancel <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	c.reads.Add(1)
	return c.RawFileSystem.Read(cancel, in, buf)
}

// readRig is a rig that counts reads, with a folder of content.
type readRig struct {
	*rig
	reads *atomic.Int64
}

func newReadRig(t *testing.T, change ...func(*Config)) *readRig {
	t.Helper()
	reads := new(atomic.Int64)
	count := func(c *Config) {
		c.watch = func(tree fuse.RawFileSystem) fuse.RawFileSystem { return counted{tree, reads} }
	}
	return &readRig{rig: newRig(t, append(change, count)...), reads: reads}
}

// passed runs a script and checks that the kernel did its reads by itself.
func (r *readRig) passed(script string) {
	r.Helper()
	before := r.reads.Load()
	r.sh(script)
	if n := r.reads.Load() - before; n != 0 {
		r.Errorf("%s: %d reads came to the process", script, n)
	}
}

// contentFiles returns a digest of every file that holds committed content, by its name.
func (r *readRig) contentFiles() map[string]string {
	r.Helper()
	root := filepath.Join(filepath.Dir(r.svc.SpoolDir()), ":content")
	files := make(map[string]string)
	for line := range strings.Lines(r.sh("find '" + root + "' -type f -exec sha256sum {} +")) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		files[name] = sum
	}
	return files
}

// unchanged checks that what was committed then is as it was.
func (r *readRig) unchanged(before map[string]string) {
	r.Helper()
	if len(before) == 0 {
		r.Error("no content was found")
	}
	after := r.contentFiles()
	for name, sum := range before {
		if after[name] != sum {
			r.Errorf("committed content was changed: %s", name)
		}
	}
}

func letters(c byte, n int) string { return string(bytes.Repeat([]byte{c}, n)) }

const readMapped = `python3 -c '
import mmap
with open("f") as f:
    m = mmap.mmap(f.fileno(), 0, mmap.MAP_SHARED, mmap.PROT_READ)
    assert m[:] == b"a" * 300000'`

func TestTheKernelReadsLocalContentByItself(t *testing.T) {
	r := newReadRig(t)
	v := r.put("/f", letters('a', 300000))
	for _, script := range []string{
		"cmp f <(head -c 300000 /dev/zero | tr '\\0' a)",
		"cp --reflink=auto f " + t.TempDir(),
		"dd if=f of=/dev/null bs=64k iflag=direct status=none",
		readMapped,
		"test $(wc -c < f:" + v.Version + ") = 300000; cksum f:" + v.Version + " 'f;versions'/*",
		"sh -c 'cat f f < f > /dev/null & cat f > /dev/null; wait'",
	} {
		r.passed(script)
	}
	r.put("/inline", "short")
	r.expect("cat inline", "short")
	if r.reads.Load() == 0 {
		t.Error("reads are not counted")
	}
}

func TestPassthroughCanBeSwitchedOffAndIsReportedOnce(t *testing.T) {
	for off, want := range map[bool]string{false: `"passthrough":true`, true: `"passthrough":false`} {
		var log bytes.Buffer
		r := newReadRig(t, func(c *Config) { c.NoPassthrough, c.Logger = off, zerolog.New(&log) })
		r.put("/f", letters('a', 300000))
		r.sh("cat f > /dev/null; cat f > /dev/null")
		if came := r.reads.Load() > 0; came != off {
			t.Errorf("off %v: reads came to the process: %v", off, came)
		}
		r.unmount()
		if strings.Count(log.String(), `"passthrough"`) != 1 || !strings.Contains(log.String(), want) {
			t.Errorf("off %v: the log says %s", off, &log)
		}
	}
}

func TestAFileThatWasWrittenPassesThroughWhenItsHandlesAreGone(t *testing.T) {
	r := newReadRig(t)
	r.sh("head -c 300000 /dev/zero | tr '\\0' b > f")
	r.settled()
	r.passed("cat f > /dev/null")
	r.sh("printf a | dd of=f conv=notrunc status=none")
	r.settled()
	r.passed("test $(head -c 2 f) = ab; cat f > /dev/null")
	for range 50 { // the kernel does not wait for releases
		r.sh("printf c | dd of=f conv=notrunc status=none; cat f > /dev/null; printf a >> f; head -c 1 f; cat f f > /dev/null")
	}
	r.settled()
	r.passed("tail -c 50 f | tr -d a | wc -c; cat f > /dev/null")
}

func TestAWriterBesideAReaderGetsAnInodeOfItsOwn(t *testing.T) {
	r := newReadRig(t)
	r.put("/f", letters('a', 300000))
	r.put("/other", letters('o', 300000))
	before := r.contentFiles()
	reader := r.python()
	reader.must(`import mmap; fd = os.open("f", os.O_RDONLY); m = mmap.mmap(fd, 0, mmap.MAP_SHARED, mmap.PROT_READ)`)
	versions := 1
	for _, change := range []string{
		`fd = os.open("f", os.O_RDWR); n = os.pwrite(fd, b"b" * 100000, 50000); assert os.pread(fd, 2, 149999) == b"ba"; os.close(fd)`,
		`import mmap; fd = os.open("f", os.O_RDWR); m = mmap.mmap(fd, 0); os.close(fd); m[0:5] = b"ccccc"; m.flush(); m.close()`,
		`fd = os.open("f", os.O_WRONLY); os.ftruncate(fd, 200000); os.close(fd)`,
		`os.truncate("f", 100000)`,
		`fd = os.open("f", os.O_WRONLY | os.O_APPEND); n = os.write(fd, b"d"); os.close(fd)`,
		`x = os.system("printf e | dd of=f conv=notrunc seek=7 bs=1 status=none"); assert x == 0`,
		`x = os.system("cp --reflink=auto other f"); assert x == 0`,
		`x = os.system("cp --reflink=auto f copy && cmp f copy"); assert x == 0`,
		`fd = os.open("f", os.O_RDWR | os.O_TRUNC); n = os.write(fd, b"f" * 9000); os.close(fd)`,
	} {
		t.Run(change, func(t *testing.T) {
			// One reader holds the first version, another the one that is changed.
			second := r.python()
			second.must(`fd = os.open("f", os.O_RDONLY); was = os.pread(fd, 400000, 0)`)
			r.python().must(change)
			second.must(`assert os.pread(fd, 400000, 0) == was; os.close(fd)`)
			reader.must(`assert m[:] == b"a" * 300000; assert os.pread(fd, 400000, 0) == b"a" * 300000`)
			r.settled()
			r.unchanged(before)
			if !strings.Contains(change, "copy") {
				versions++
			}
			r.count("/f", versions)
		})
	}
	r.expect("head -c 9 f", "fffffffff")
	was := r.reads.Load()
	reader.must(`assert os.pread(fd, 400000, 0) == b"a" * 300000`)
	if r.reads.Load() != was {
		t.Error("a reader that was open before does not pass through any more")
	}
}

func TestCommittedContentCannotBeReopenedForWriting(t *testing.T) {
	r := newReadRig(t)
	r.put("/f", letters('a', 300000))
	before := r.contentFiles()
	p := r.python()
	p.must(`import mmap; fd = os.open("f", os.O_RDONLY)`)
	p.fails(`mmap.mmap(fd, 0, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)`, "EACCES")
	p.fails(`os.write(fd, b"x")`, "EBADF")
	r.unchanged(before)
	r.sh("rm f") // the content stays with the reader
	p.fails(`os.open("/proc/self/fd/%d" % fd, os.O_RDWR)`, "ESTALE")
	p.must(`assert os.pread(fd, 400000, 0) == b"a" * 300000; os.close(fd)`)
}

func TestAllHandlesOnAnInodeAreOfOneKind(t *testing.T) {
	r := newReadRig(t)
	r.put("/f", letters('a', 300000))
	r.m.passthrough.on.Store(false) // as before the mount knows whether it works
	first := r.python()
	first.must(`fd = os.open("f", os.O_RDONLY)`)
	r.m.passthrough.on.Store(true)
	r.sh("cat f > /dev/null")
	r.passed("cat 'f;versions'/* > /dev/null")
	first.must(`os.close(fd)`)
	for range 100 { // the kernel does not wait for the release
		before := r.reads.Load()
		r.sh("cp --reflink=auto f " + t.TempDir())
		if r.reads.Load() == before {
			break
		}
	}
	second := r.python()
	second.must(`fd = os.open("f", os.O_RDONLY)`)
	r.m.passthrough.on.Store(false)
	r.passed("cat f > /dev/null")
	second.must(`os.close(fd)`)
}

func TestAReaderIsOfTheVersionThatWasLookedUp(t *testing.T) {
	f := &file{version: "two"}
	if f.pin("one") {
		t.Error("a file that stands for another version by now was opened")
	}
	if !f.pin("two") {
		t.Error("the version that it stands for was not")
	}
}

// storm lets threads save files in all ways while others read them. A file that is saved by rename is
// all of one letter, and a file that was opened for reading while nobody wrote it in place stays what
// it is. A name may be gone; any other error is one that a disk would not have.
const storm = `
import mmap, os, random, threading
names = ["a", "b", "c"]
def save(rnd, n): # by rename
    letter, size = rnd.choice(b"abcdefghijklmnopqrstuvwxyz"), rnd.randint(5000, 200000)
    own = "tmp%d.%d" % (threading.get_native_id(), rnd.getrandbits(40))
    with open(own, "wb") as f: f.write(bytes([letter]) * size)
    if rnd.random() < .5: # once more in place, before it gets the name
        with open(own, "rb") as old:
            with open(own, "r+b") as f: f.write(bytes([letter]) * size)
            check(old.read(), size)
    os.rename(own, n)
def check(text, size=0):
    if text.count(text[:1]) != len(text) or size and len(text) != size: print("mixed", len(text), size)
def read(rnd, n):
    with open(n, "rb", buffering=0) as f:
        size = os.fstat(f.fileno()).st_size
        first = f.read(1 << 20)
        check(first)
        if rnd.random() < .3:
            with mmap.mmap(f.fileno(), len(first), mmap.MAP_SHARED, mmap.PROT_READ) as m:
                if m[:] != first: print("mapped otherwise")
        if os.pread(f.fileno(), 1 << 20, 0) != first: print("changed under a reader")
def write(n): # so that it stays of one letter
    with open(n, "r+b", buffering=0) as f: os.pwrite(f.fileno(), f.read(1), 0)
def work(seed):
    rnd = random.Random(seed)
    for i in range(60):
        n, o = rnd.choice(names), rnd.random()
        try:
            if o < .3: save(rnd, n)
            elif o < .8: read(rnd, n)
            elif o < .9: write(n)
            elif o < .95: os.rename(n, rnd.choice(names))
            else: os.unlink(n)
        except FileNotFoundError: pass
        except OSError as e: print(o, n, e)
threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
`

func TestNoReaderSeesAnotherVersionInAStorm(t *testing.T) {
	r := newReadRig(t)
	r.put("/kept", letters('k', 300000))
	before := r.contentFiles()
	r.expect("python3 -c '"+storm+"'", "")
	r.settledButScratch()
	r.unchanged(before)
}

// saving lets writers change one file in place while readers hold it, each of them in the version that
// it opened.
const saving = `
import os, random, threading
def work(seed):
    rnd = random.Random(seed)
    for i in range(40):
        try:
            if seed < 2:
                with open("f", "r+b", buffering=0) as f: os.pwrite(f.fileno(), bytes([97 + i % 26]), rnd.randrange(100000))
            elif seed < 3: os.truncate("f", rnd.randint(90000, 110000))
            elif seed < 4:
                with open("f", "ab") as f: f.write(b"z")
            else:
                with open("f", "rb", buffering=0) as f: os.pread(f.fileno(), 200000, 0)
        except OSError as e: print(seed, e)
threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
`

func TestVersionsStayAsTheyAreWhileTheirFileIsWrittenInPlace(t *testing.T) {
	r := newReadRig(t)
	r.put("/f", letters('a', 100000))
	reader := r.python()
	reader.must(`fd = os.open("f", os.O_RDONLY)`)
	before := r.contentFiles()
	r.expect("python3 -c '"+saving+"'", "")
	r.settled()
	reader.must(`assert os.pread(fd, 200000, 0) == b"a" * 100000`)
	r.unchanged(before)
	for _, id := range r.versions("/f") {
		text := r.content(store.Ref{Path: "/f", Version: id})
		if r.sh("cat f:"+id) != text {
			t.Errorf("version %s is shown otherwise than it is", id)
		}
	}
}
