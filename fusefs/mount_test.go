package fusefs

import (
	"strings"
	"testing"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

func TestARedirectionIsOneVersion(t *testing.T) {
	r := newRig(t)
	r.sh("echo one > f")
	r.settled()
	r.count("/f", 1)
	r.holds("/f", "one\n")
	r.sh("echo two > f")
	r.settled()
	r.count("/f", 2)
	r.holds("/f", "two\n")
	r.expect("cat f", "two\n")
}

func TestALoopIntoOneRedirectIsOneVersion(t *testing.T) {
	r := newRig(t)
	r.sh("for i in 1 2 3; do echo $i; /bin/echo x; done > f")
	r.settled()
	r.count("/f", 1)
	r.holds("/f", "1\nx\n2\nx\n3\nx\n")
}

func TestFindExecIntoOneRedirectIsOneVersion(t *testing.T) {
	r := newRig(t)
	r.sh("mkdir d; touch d/a d/b d/c; find d -type f -exec echo {} \\; > f; sort f")
	r.settled()
	r.count("/f", 1)
	r.expect("wc -l < f", "3\n")
}

func TestAppendingIsOneVersionEach(t *testing.T) {
	r := newRig(t)
	r.sh("echo one > f; echo two >> f; echo three >> f")
	r.settled()
	r.count("/f", 3)
	r.holds("/f", "one\ntwo\nthree\n")
	r.holds(store.Path("/f"), r.sh("cat f"))
}

func TestParallelAppendsLoseNothing(t *testing.T) {
	r := newRig(t)
	r.sh(`: > f; for i in 1 2 3 4; do (for j in 1 2 3 4 5 6 7 8 9 10; do echo $i.$j >> f; done) & done; wait`)
	r.settled()
	r.expect("sort -u f | wc -l", "40\n")
	r.holds("/f", r.sh("cat f"))
}

func TestUnchangedContentMakesNoVersion(t *testing.T) {
	r := newRig(t)
	r.sh("echo same > f")
	r.settled()
	r.sh("echo same > f; cat f > /dev/null; touch f")
	r.settled()
	r.count("/f", 1)
}

func TestCreationAndTruncationAloneAreVersions(t *testing.T) {
	r := newRig(t)
	r.sh(": > f")
	r.settled()
	r.count("/f", 1)
	r.holds("/f", "")
	r.sh("echo long > f")
	r.settled()
	r.sh(": > f")
	r.settled()
	r.count("/f", 3)
	r.holds("/f", "")
}

func TestTruncateWithoutAHandleCommitsItself(t *testing.T) {
	r := newRig(t)
	r.sh("echo long > f")
	r.settled()
	r.sh(`perl -e 'truncate("f", 2) or die $!'`)
	r.settled()
	r.count("/f", 2)
	r.holds("/f", "lo")
	r.expect("stat -c %s f", "2\n")
}

func TestANameKeepsItsInodeThroughWrites(t *testing.T) {
	r := newRig(t)
	before := r.sh("echo one > f; stat -c %i f")
	r.settled()
	r.expect("echo two > f; stat -c %i f", before)
	r.settled()
	r.expect("echo three >> f; stat -c %i f", before)
	r.settled()
	r.expect("mv f g; stat -c %i g", before)
}

func TestAnOpenDraftIsSeenHereAndNowhereElse(t *testing.T) {
	r := newRig(t)
	s := r.open()
	s.must("exec 3> f; /bin/echo draft >&3")
	r.expect("cat f; ls", "draft\nf\n")
	r.count("/f", 0)
	s.must("exec 3>&-")
	r.settled()
	r.count("/f", 1)
	r.holds("/f", "draft\n")
}

func TestTwoHandlesSeeEachOthersWrites(t *testing.T) {
	r := newRig(t)
	r.sh("echo 0123456789 > f")
	a, b := r.open(), r.open()
	a.must("exec 3<> f")
	b.must("exec 3<> f")
	a.must("printf abc >&3")
	if got := b.must("head -c 5 <&3"); got != "abc34" {
		t.Errorf("the other handle reads %q", got)
	}
}

func TestAPinnedReaderReadsOnInItsVersion(t *testing.T) {
	r := newRig(t)
	r.sh("seq 1 100000 > f")
	r.settled()
	s := r.open()
	s.must("exec 3< f; read -r -N 4 x <&3")
	r.sh("seq 5 9 > f; echo more >> f")
	r.settled()
	r.expect("head -1 f", "5\n")
	if got := s.must("cat <&3 | tail -1"); got != "100000\n" {
		t.Errorf("the old reader ends in %q", got)
	}
	r.count("/f", 3)
}

func TestAnUnlinkedFileStaysReadableAndDoesNotComeBack(t *testing.T) {
	r := newRig(t)
	r.sh("echo old > f; echo read > g")
	r.settled()
	s := r.open()
	s.must("exec 3>> f; exec 4< g")
	r.sh("rm f g")
	s.must("echo new >&3")
	if got := s.must("cat <&4"); got != "read\n" {
		t.Errorf("the unlinked file reads %q", got)
	}
	s.must("exec 3>&-")
	r.refused("cat f", "No such file")
	r.expect("ls", "")
	r.count("/f", 0)
}

func TestSavingByRename(t *testing.T) {
	r := newRig(t)
	r.sh("echo one > f")
	r.settled()
	r.sh("echo two > .f.swp; mv .f.swp f")
	r.settled()
	r.count("/f", 2)
	r.count("/.f.swp", 0)
	r.expect("cat f; ls -A", "two\nf\n")
	r.sh("sed -i s/two/three/ f")
	r.settled()
	r.count("/f", 3)
	r.expect("cat f; ls -A", "three\nf\n")
}

func TestRenamingAnOpenDraftCommitsUnderTheNewName(t *testing.T) {
	r := newRig(t)
	s := r.open()
	s.must("exec 3> f; /bin/echo text >&3")
	r.sh("mv f g")
	s.must("exec 3>&-")
	r.settled()
	r.count("/f", 0)
	r.count("/g", 1)
	r.expect("ls; cat g", "g\ntext\n")
}

func TestMovingAnObject(t *testing.T) {
	r := newRig(t)
	r.sh("mkdir a b; echo text > a/f")
	r.settled()
	v := r.versions("/a/f")[0]
	r.sh("mv a/f b/g")
	r.expect("ls a b", "a:\n\nb:\ng\n")
	r.expect("cat b/g", "text\n")
	if got := r.content(store.Ref{Path: "/a/f", Version: v}); got != "text\n" {
		t.Errorf("the old reference reads %q", got)
	}
	r.expect("cat a/f:"+v+" 'a/f;versions/f:"+v+"'", "text\ntext\n")
	r.sh("mv b/g a/f")
	r.expect("ls a b; cat a/f", "a:\nf\n\nb:\ntext\n")
	r.sh("rmdir b")
	r.refused("rmdir a", "not empty")
	r.sh("echo other > a/f2; mv -n a/f2 a/f; cat a/f")
	r.expect("cat a/f", "text\n")
}

func TestVersionsAreSnapshots(t *testing.T) {
	r := newRig(t)
	r.sh("echo one > f; echo two > f")
	r.settled()
	ids := r.versions("/f")
	r.expect("cat f:"+ids[0]+" f:"+ids[1], "one\ntwo\n")
	r.expect("ls 'f;versions'", "f:"+ids[0]+"\nf:"+ids[1]+"\n")
	r.expect("cat 'f;versions/f:"+ids[0]+"' 'f;versions/"+ids[1]+"'", "one\ntwo\n")
	r.refused("echo x > f:"+ids[0], "Read-only")
	r.refused("rmdir 'f;versions'", "Read-only")
	r.refused("touch f:"+ids[0], "Read-only")
	r.refused("cat f:NONE", "No such file")
	r.expect("ls -A", "f\n")
	r.expect("test f -ef f:"+ids[1]+" || echo other", "other\n")
	r.sh("rm -f f:" + ids[1] + "; cat f")
	r.expect("cat f", "one\n")
}

func TestALiteralNameWinsOverAVirtualOne(t *testing.T) {
	r := newRig(t)
	r.sh("echo one > f")
	r.settled()
	v := r.versions("/f")[0]
	r.put(store.Path("/f%3A"+v), "literal\n")
	r.sh("mkdir 'g;versions'; echo in > 'g;versions/f'")
	r.expect("cat f:"+v+"; cat 'g;versions/f'", "literal\nin\n")
}

func TestStatfsGivesTheDisksNumbers(t *testing.T) {
	r := newRig(t)
	if got := r.sh("stat -f -c '%l %s' ."); got != "255 4096\n" {
		t.Errorf("statfs says %q", got)
	}
	r.expect("test $(stat -f -c %b .) -gt 1000 && echo x > f && test $(stat -f -c %b f) -gt 1000 && echo space", "space\n")
}

func TestAttributesAreKept(t *testing.T) {
	r := newRig(t)
	r.sh("echo x > f; chmod 640 f; chown 12:34 f; touch -d '2001-02-03 04:05:06.789012345 UTC' f; mkdir d; chmod 2750 d; touch -d @86400 d; ln -s f l")
	want := "100640 12 34 2001-02-03 04:05:06.789012345 +0000\n"
	r.expect("TZ=UTC stat -c '%f' f >/dev/null; TZ=UTC stat -c '%a %u %g %y' f", "640"+want[6:])
	r.settled()
	r.unmount()
	r.mount()
	r.expect("TZ=UTC stat -c '%a %u %g %y' f", "640"+want[6:])
	r.expect("TZ=UTC stat -c '%a %Y %F' d", "2750 86400 directory\n")
	r.expect("readlink l; cat l; stat -c %s l", "f\nx\n1\n")
	r.count("/f", 1)
}

func TestXattrsAreNotSupported(t *testing.T) {
	r := newRig(t)
	r.sh("echo x > f")
	r.refused(`python3 -c 'import os; os.getxattr("f", "user.a")'`, "not supported")
	r.refused(`python3 -c 'import os; os.setxattr("f", "user.a", b"1")'`, "not supported")
}

func TestLinksAndDevicesAreRefused(t *testing.T) {
	r := newRig(t)
	r.sh("echo x > f")
	r.refused("ln f g", "not permitted")
	r.refused("mkfifo p", "not permitted")
}

func TestNames(t *testing.T) {
	r := newRig(t)
	r.sh(`touch $'\xff\xfe' 'a b' 'ä' '100%' 'x%2Fy'`)
	r.settled()
	r.count("/%FF%FE", 1)
	r.count("/a%20b", 1)
	r.count("/%C3%A4", 1)
	r.count("/100%25", 1)
	r.count("/x%252Fy", 1)
	r.put("/s%2Ft", "slash")
	r.expect("cat s%2Ft; ls | wc -l", "slash6\n")
	long := r.sh("printf 'n%.0s' $(seq 256)")
	r.refused("touch "+long, "too long")
}

func TestMmap(t *testing.T) {
	r := newRig(t)
	r.sh("printf 0123456789 > f")
	r.settled()
	r.sh(`python3 -c '
import mmap, os
fd = os.open("f", os.O_RDWR)
m = mmap.mmap(fd, 10)
os.close(fd)
m[0:3] = b"abc"
assert open("f").read() == "abc3456789"
m.flush(); m.close()'`)
	r.settled()
	r.holds("/f", "abc3456789")
	r.count("/f", 2)
}

func TestAReadOnlyMountTakesNoChanges(t *testing.T) {
	r := newRig(t, func(c *Config) { c.ReadOnly = true })
	r.put("/f", "text")
	r.expect("cat f", "text")
	r.refused("echo x > f", "Read-only")
	r.refused("mkdir d", "Read-only")
}

func TestWritingOnAfterACommitLeavesTheVersionAsItIs(t *testing.T) {
	r := newRig(t)
	p := r.python()
	p.must(`fd = os.open("f", os.O_RDWR | os.O_CREAT); n = os.write(fd, b"a" * 100000); os.close(os.dup(fd))`)
	first := r.versions("/f")
	if len(first) != 1 {
		t.Fatalf("versions: %v", first)
	}
	p.must(`n = os.pwrite(fd, b"b" * 50000, 0); assert os.pread(fd, 3, 49998) == b"bba"`)
	for i, c := range r.content(store.Ref{Path: "/f", Version: first[0]}) {
		if c != 'a' {
			t.Fatalf("the version was changed at byte %d", i)
		}
	}
	p.must(`os.close(fd)`)
	r.settled()
	r.count("/f", 2)
}

func TestRenamingOverAnOpenFileDetachesIt(t *testing.T) {
	r := newRig(t)
	r.sh("echo old > f; echo new > g")
	r.settled()
	p := r.python()
	p.must(`fd = os.open("f", os.O_RDWR); n = os.pwrite(fd, b"OLD", 0)`)
	r.sh("mv g f")
	r.expect("cat f; ls", "new\nf\n")
	p.must(`assert os.pread(fd, 9, 0) == b"OLD\n"; os.close(fd)`)
	r.settled()
	r.holds("/f", "new\n")
	p.must(`fd = os.open("f", os.O_RDONLY)`)
	r.sh("echo newer > g; mv g f")
	p.must(`again = os.open("/proc/self/fd/%d" % fd, os.O_RDWR); n = os.write(again, b"x"); os.close(again); os.close(fd)`)
	r.settled()
	r.holds("/f", "newer\n")
}

func TestTheDirectoryOfVersionsGoesAndComesWithItsObject(t *testing.T) {
	r := newRig(t, slow)
	r.refused("ls 'f;versions'", "No such file")
	r.sh("echo x > f; ls 'f;versions'")
	r.settled()
	r.sh("ls 'f;versions'; mv f g")
	r.heardAll()
	r.sh("ls 'g;versions'")
	r.expect("ls 'g;versions' | wc -l", "1\n")
	r.sh("rm g")
	r.heardAll()
	r.refused("ls 'g;versions'", "No such file")
}

func TestADeletedNameCanBeCreatedAgainAsWhatItWas(t *testing.T) {
	r := newRig(t)
	r.sh("mkdir d; echo one > f; rm f; rmdir d; echo two > f; mkdir d; echo in > d/f; rm -r d f")
	r.settled()
	p := r.python()
	p.must(`fd = os.open("d", os.O_WRONLY | os.O_CREAT); n = os.write(fd, b"x")`)
	p.fails(`os.close(fd)`, "EEXIST")
	p.fails(`os.mkdir("f")`, "EEXIST")
	r.settled()
	r.expect("ls -A", "")
}

func TestSavingKeepsTheContentType(t *testing.T) {
	r := newRig(t)
	_, err := r.svc.PutObject(t.Context(), alice, service.PutObject{
		Path: "/f", Content: strings.NewReader("a,b"), Size: 3, Metadata: store.Metadata{ContentType: "text/csv"},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.sh("echo c,d >> f")
	r.settled()
	meta, err := r.svc.Metadata(t.Context(), alice, store.Ref{Path: "/f"})
	if err != nil || meta.Metadata.ContentType != "text/csv" {
		t.Errorf("the content type is %q, %v", meta.Metadata.ContentType, err)
	}
}

func TestAnObjectWithoutAVersionIsNotThere(t *testing.T) {
	r := newRig(t)
	v := r.put("/f", "text")
	if err := r.svc.DeleteVersion(t.Context(), alice, store.Ref{Path: "/f", Version: v.Version}, service.Conditions{}); err != nil {
		t.Fatal(err)
	}
	r.expect("ls -A", "")
	r.refused("cat f", "No such file")
	r.sh("echo new > f")
	r.settled()
	r.holds("/f", "new\n")
}
