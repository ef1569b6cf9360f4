package fusefs

import (
	"strconv"
	"testing"
)

// TestAListingDoesNotBringBackWhatWasRenamedMeanwhile: what was read when the directory was opened
// says nothing of what its names lead to later.
func TestAListingDoesNotBringBackWhatWasRenamedMeanwhile(t *testing.T) {
	r := newRig(t, slow)
	r.sh("echo old > a; mkdir d; echo x > d/x; echo y > gone")
	r.settled()
	p := r.python()
	p.must(`fd = os.open(".", os.O_RDONLY)`)
	p.must(`os.rename("a", "b"); os.rename("d", "e"); os.unlink("gone")`)
	p.must(`os.listdir(fd)`)
	p.fails(`os.stat("a")`, "ENOENT")
	p.fails(`os.stat("gone")`, "ENOENT")
	p.fails(`os.stat("d")`, "ENOENT")
	r.sh("echo new > a; mkdir d")
	r.expect("cat a b; ls d e", "new\nold\nd:\n\ne:\nx\n")
	p.must(`fd = os.open("e", os.O_RDONLY)`)
	p.must(`os.rename("e", "f"); os.listdir(fd)`)
	r.sh("echo new > f/x")
	r.settled()
	r.holds("/f/x", "new\n")
}

// entries lets a Python read an open directory from an offset on: names with the offsets behind them.
const entries = `
import ctypes, struct
libc = ctypes.CDLL(None, use_errno=True)
def entries(fd, off):
    os.lseek(fd, off, os.SEEK_SET)
    found, buf = [], ctypes.create_string_buffer(1 << 12)
    while True:
        n = libc.syscall(217, fd, buf, len(buf))
        if n <= 0: return found
        at = 0
        while at < n:
            ino, off, size, kind = struct.unpack_from("QqHB", buf, at)
            found.append((buf[at + 19:at + size].split(b"\0")[0].decode(), off))
            at += size
`

// quoted is a program as an expression of Python.
func quoted(program string) string { return strconv.Quote(program) }

func TestAPlaceInADirectoryOutlivesACommit(t *testing.T) {
	r := newRig(t)
	r.sh("for i in $(seq 100 150); do echo $i > $i; done")
	r.settled()
	r.m.pageSize = 7
	p := r.python()
	p.must("exec(" + quoted(entries) + ")")
	p.must(`open_ = [os.open("%d.x" % i, os.O_WRONLY | os.O_CREAT) for i in range(90, 170, 4)]`)
	p.must(`fd = os.open(".", os.O_RDONLY); before = entries(fd, 0)`)
	p.must(`assert len(before) == 73 and [e[0] for e in before[2:]] == sorted(e[0] for e in before[2:]), before`)
	p.must(`for f in open_[::2]: os.close(f)`)
	p.must(`os.stat("90.x")`)
	p.must(`for i, e in enumerate(before): assert entries(fd, e[1]) == before[i + 1:], (e, entries(fd, e[1]))`)
	p.must(`assert entries(fd, 0) == before`)
}
