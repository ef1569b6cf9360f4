package fusefs

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/hatrac/hatrac/store"
)

// tree makes a folder beside the mount that holds what programs trip over.
const tree = `
src=$(mktemp -d); trap 'rm -rf $src' EXIT
mkdir -p $src/sub/deep $src/empty; echo one > $src/a; printf '' > $src/zero; seq 1 50000 > $src/sub/big
echo x > "$src/sub/deep/ä b"; ln -s ../a $src/sub/l; chmod 640 $src/a; chmod 755 $src/zero; chmod 700 $src/empty
touch -d '2001-02-03 04:05:06.123456789' $src/a; touch -h -d @86400 $src/sub/l; touch -d @99999 $src/empty $src/sub
`

func TestRsync(t *testing.T) {
	r := newRig(t)
	r.sh(tree + `
rsync -a $src/ in/ &&
test -z "$(rsync -ai $src/ in/)" && test -z "$(rsync -aic $src/ in/)" || { echo "second run transfers:"; rsync -aic $src/ in/; exit 1; }
rsync -a in/ $src.out/ && test -z "$(rsync -aic $src/ $src.out/)" || { echo "out differs"; exit 1; }
rm -rf $src.out; diff -r $src in`)
	r.settled()
	r.count("/in/a", 1)
	r.count("/in/sub/big", 1)
	r.sh(tree + `
rsync -a $src/ in/; echo more >> $src/sub/big; rm $src/zero
rsync -a --delete --inplace $src/ in/ && diff -r $src in || exit 1
echo again >> $src/sub/big; rsync -a --backup $src/ in/ && test -s in/sub/big~ || exit 1
echo partial >> $src/sub/big; rsync -a --partial --delay-updates $src/ in/ && cmp $src/sub/big in/sub/big`)
	r.settled()
	r.expect("ls -A in/sub", "big\nbig~\ndeep\nl\n")
}

func TestCopyAndTar(t *testing.T) {
	r := newRig(t)
	r.sh(tree + `
cp -a $src c && diff -r $src c && test -z "$(rsync -ani $src/ c/)" || exit 1
tar -C $src -cf - . | (mkdir t; tar -C t -xf -) && diff -r $src t && test -z "$(rsync -ani $src/ t/)" || exit 1
tar -C c -cf - . | tar -df - -C $src && mv c moved && diff -r $src moved`)
	r.settled()
	r.count("/moved/a", 1)
	r.count("/t/a", 1)
}

func TestGit(t *testing.T) {
	r := newRig(t)
	r.sh(`
src=$(mktemp -d); trap 'rm -rf $src' EXIT; export GIT_CONFIG_GLOBAL=/dev/null
git -C $src init -q && (cd $src; for i in 1 2 3 4 5 6 7 8 9; do echo $i > f$i; mkdir d$i; seq $i 2000 > d$i/f; done) &&
git -C $src add . && git -C $src -c user.name=n -c user.email=e commit -qm first &&
git clone -q --no-local $src clone && git -C clone fsck --full && test -z "$(git -C clone status --porcelain)" || exit 1
cd clone && echo more >> f1 && git add f1 && git -c user.name=n -c user.email=e commit -qm second && git gc -q && git fsck --full &&
git log --oneline | wc -l`)
	r.settled()
	r.count("/clone/f1", 2)
}

func TestSQLite(t *testing.T) {
	r := newRig(t)
	r.sh(`
sqlite3 db 'create table t(a); begin; insert into t values(1),(2); commit;'
sqlite3 db 'insert into t select a+10 from t; update t set a = a * 2;'
sqlite3 db 'pragma integrity_check' | grep -q ok`)
	r.settled()
	r.expect("sqlite3 db 'select sum(a) from t'; ls -A", "52\ndb\n")
	r.unmount()
	r.mount()
	r.expect("sqlite3 db 'select sum(a) from t'", "52\n")
}

// TestVimSavesOneVersion: whatever vim does with the old file while it writes the new one, each save is
// one more version. By itself vim keeps no old files below /tmp.
func TestVimSavesOneVersion(t *testing.T) {
	for _, backup := range []string{"yes", "no", "auto", "auto,breaksymlink,breakhardlink"} {
		t.Run(backup, func(t *testing.T) {
			r := newRig(t)
			r.sh("echo one > f")
			r.settled()
			before := r.sh("stat -c %i f")
			r.sh("vim -u NONE -N -es -c 'set backupcopy=" + backup + " swapfile writebackup backupskip=' -c 'e f' -c '%s/one/two/' -c w -c '%s/two/three/' -c 'wq' </dev/null")
			r.settled()
			r.expect("cat f; ls -A", "three\nf\n")
			r.holdsAll("/f", "one\n", "two\n", "three\n")
			r.expect("cat f\\;versions/* | sort | tr '\n' ' '", "one three two ")
			if backup == "yes" {
				r.expect("stat -c %i f", before)
			}
		})
	}
}

// holdsAll checks the contents of an object's versions, oldest first, each by its reference.
func (r *rig) holdsAll(path store.Path, want ...string) {
	r.Helper()
	var got []string
	for _, version := range r.versions(path) {
		got = append(got, r.content(store.Ref{Path: path, Version: version}))
	}
	if !slices.Equal(got, want) {
		r.Errorf("the versions of %s hold %q, want %q", path, got, want)
	}
}

// TestABackupGivesItsVersionsBack: deleting the old file under its scratch name is no end of its history,
// as long as there is a new one.
func TestABackupGivesItsVersionsBack(t *testing.T) {
	r := newRig(t)
	r.sh("echo one > f; echo two > f; mv f f~; echo three > f; echo g > g; mv g f~; echo g2 > g; rm f~")
	r.settled()
	r.holdsAll("/f", "one\n", "two\n", "three\n")
	r.holdsAll("/g", "g\n", "g2\n")
	// Emacs keeps the old file, and replaces it when it saves again.
	r.sh("for i in 4 5 6; do mv f f~; echo $i > f; done")
	r.settled()
	r.expect("cat f f~; ls", "6\n5\nf\nf~\ng\n")
	old := r.versions("/f~")
	r.sh("rm f~")
	r.holdsAll("/f", "one\n", "two\n", "three\n", "4\n", "5\n", "6\n")
	if got := r.versions("/f"); !slices.Equal(got[:len(got)-1], old) {
		t.Errorf("the versions are %q, and were %q", got, old)
	}
	// An ordinary name, and one without a successor, are deleted with their versions.
	r.sh("mv f other; echo seven > f; rm other; mv g g~; rm g~")
	r.settled()
	r.holdsAll("/f", "seven\n")
	r.holdsAll("/g")
	r.expect("ls -A", "f\n")
}

func TestMake(t *testing.T) {
	r := newRig(t)
	r.sh(`printf 'out: in\n\tcp in out\n' > Makefile; echo 1 > in; make -s; echo 2 > in; make -s; make -q && cat out`)
	r.expect("cat out", "2\n")
}

func TestPythonFiles(t *testing.T) {
	r := newRig(t)
	r.sh(`python3 -c '
import os, shutil, tempfile, pathlib
p = pathlib.Path("d"); p.mkdir()
(p / "f").write_text("one")
with open("d/f", "a") as f: f.write(" two")
with open("d/f", "r+") as f:
    f.seek(0); f.write("ONE"); f.truncate(3)
assert (p / "f").read_text() == "ONE"
os.replace("d/f", "d/g"); shutil.copy2("d/g", "d/h")
assert os.stat("d/g").st_mtime_ns == os.stat("d/h").st_mtime_ns
with tempfile.NamedTemporaryFile(dir="d") as f: f.write(b"x"); f.flush()
assert sorted(os.listdir("d")) == ["g", "h"], os.listdir("d")
shutil.rmtree("d")'`)
	r.expect("ls -A", "")
}

func TestTailFollowsAWriterThatStaysOpen(t *testing.T) {
	r := newRig(t)
	w := r.python()
	w.must(`fd = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND); n = os.write(fd, b"one\n")`)
	follower := r.open()
	follower.must(`exec 3< <(tail -s 0.01 -n +1 -F log 2>&1); read -r a <&3; echo $a`)
	w.must(`n = os.write(fd, b"two\n")`)
	if got := follower.must(`read -r a <&3; echo $a`); got != "two\n" {
		t.Errorf("tail shows %q", got)
	}
	w.must(`os.close(fd); fd = os.open("log", os.O_WRONLY | os.O_APPEND); n = os.write(fd, b"three\n"); os.close(fd)`)
	if got := follower.must(`read -r a <&3; echo $a`); got != "three\n" {
		t.Errorf("tail shows %q", got)
	}
}

func TestWritersBesideAReaderNeverSeeAnError(t *testing.T) {
	r := newRig(t)
	r.sh("echo start > f")
	r.sh(`
(while test ! -e stop; do cat f > /dev/null || echo READ; done > r1) &
for w in 1 2 3; do (for i in $(seq 60); do echo $w.$i >> f || echo WRITE; done) > w$w 2>&1 & p="$p $!"; done
wait $p; touch stop; wait; cat r1 w1 w2 w3`)
	r.settled()
	r.expect("cat r1 w1 w2 w3", "")
	r.expect("wc -l < f; sort f | uniq -d", "181\n")
	r.holds("/f", r.sh("cat f"))
}

func TestWhatAKilledProgramHadWrittenIsCommitted(t *testing.T) {
	r := newRig(t)
	p := r.open()
	p.must(`bash -c 'exec 3> f; /bin/echo text >&3; kill -9 $$' 2>/dev/null; true`)
	r.settled()
	r.holds("/f", "text\n")
	r.count("/f", 1)
}

func TestAScratchFileBecomesAnObjectWhenItIsLeftAlone(t *testing.T) {
	r := newRig(t, func(c *Config) { c.ScratchGrace = time.Millisecond })
	r.sh("echo text > video.part; echo x > .DS_Store")
	for len(r.versions("/video.part")) == 0 {
		r.sh("stat . > /dev/null")
	}
	r.expect("cat video.part; ls -A", "text\n.DS_Store\nvideo.part\n")
	r.count("/.DS_Store", 0)
}

func TestScratchFilesBecomeObjectsAtUnmountButForThoseThatNeverDo(t *testing.T) {
	r := newRig(t)
	r.sh("mkdir d; echo text > d/f~; echo x > d/.DS_Store; echo y > d/._f")
	r.expect("ls -A d", ".DS_Store\n._f\nf~\n")
	r.refused("rm d/f~ && rmdir d", "not empty")
	r.sh("echo text > d/f~")
	r.count("/d/f~", 0)
	r.unmount()
	r.holds("/d/f~", "text\n")
	r.count("/d/.DS_Store", 0)
	r.count("/d/._f", 0)
}

func TestRenamingAnObjectToAScratchNameKeepsIt(t *testing.T) {
	r := newRig(t)
	r.sh("echo one > f; mv f f~; echo two > f")
	r.settled()
	r.holds("/f~", "one\n")
	r.holds("/f", "two\n")
	r.expect("ls", "f\nf~\n")
}

func TestRenameNoReplace(t *testing.T) {
	r := newRig(t)
	r.sh("echo a > a; echo b > b; echo s > s.part")
	r.settledButScratch()
	rename := func(from, to string, flags string) string {
		return `python3 -c '
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
if libc.renameat2(-100, b"` + from + `", -100, b"` + to + `", ` + flags + `): sys.exit(os.strerror(ctypes.get_errno()))'`
	}
	r.refused(rename("a", "b", "1"), "File exists")
	r.refused(rename("s.part", "b", "1"), "File exists")
	r.refused(rename("a", "b", "2"), "Invalid argument")
	r.sh(rename("a", "c", "1"))
	r.sh(rename("s.part", "t", "1"))
	r.expect("cat b c t", "b\na\ns\n")
}

// settledButScratch waits until drafts have ended but for scratch files.
func (r *rig) settledButScratch() {
	r.Helper()
	for range 1000 {
		busy := false
		for _, f := range r.m.overlay.all() {
			busy = busy || !f.delays()
		}
		if !busy {
			return
		}
		r.sh("stat . >/dev/null")
	}
	r.Fatal("a draft does not end")
}

func TestAFileThatIsSyncedAndStaysOpenBecomesAVersion(t *testing.T) {
	r := newRig(t, func(c *Config) { c.VersionInterval = time.Millisecond })
	p := r.python()
	p.must(`fd = os.open("f", os.O_WRONLY | os.O_CREAT); n = os.write(fd, b"one"); os.fsync(fd)`)
	for len(r.versions("/f")) == 0 {
		r.sh("stat . > /dev/null")
	}
	r.holds("/f", "one")
	p.must(`n = os.write(fd, b" two"); os.close(fd)`)
	r.holds("/f", "one two")
	r.count("/f", 2)
}

func TestFsyncAloneIsNoVersion(t *testing.T) {
	r := newRig(t)
	p := r.python()
	p.must(`fd = os.open("f", os.O_WRONLY | os.O_CREAT); n = os.write(fd, b"one"); os.fsync(fd); n = os.write(fd, b"two"); os.fsync(fd)`)
	r.count("/f", 0)
	p.must(`os.close(fd)`)
	r.count("/f", 1)
}

func TestABusyMountIsDetachedAndItsDraftsStay(t *testing.T) {
	r := newRig(t)
	p := r.python()
	p.must(`fd = os.open("f", os.O_WRONLY | os.O_CREAT); n = os.write(fd, b"text")`)
	m := r.m
	if err := m.Unmount(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	r.m = nil
	if got := r.sh("ls -A"); got != "" {
		t.Errorf("the folder still shows %q", got)
	}
	p.must(`os.close(fd)`)
	r.holds("/f", "text")
	p.end()
	m.Wait()
}

func TestUmountByHandCommitsWhatIsLeft(t *testing.T) {
	r := newRig(t)
	r.sh("echo text > f~; echo text > f; cd /; umount " + r.dir)
	r.m.Wait()
	r.m = nil
	r.holds("/f~", "text\n")
	r.holds("/f", "text\n")
}

func TestALongDirectoryIsListedWhole(t *testing.T) {
	r := newRig(t)
	r.m.pageSize = 7
	r.sh("mkdir d; touch d/f{1..100}; echo x > d/draft~")
	r.settledButScratch()
	r.expect("ls -U d | sort | uniq | wc -l; ls -l d | wc -l; find d -type f | wc -l", "101\n102\n101\n")
	r.expect(`python3 -c '
import os
n = 0
with os.scandir("d") as it:
    for e in it:
        os.unlink(e.path); n += 1
print(n)'`, "101\n")
	r.sh("rmdir d")
}

func TestADirectoryCanBeReadAgainFromAnyPlace(t *testing.T) {
	r := newRig(t)
	r.m.pageSize = 3
	r.sh("mkdir d; touch d/f{1..10}")
	r.settledButScratch()
	r.expect(`perl -e '
opendir(my $d, "d") or die; my @first; my $at;
for my $i (0..20) { $at = telldir($d) if $i == 5; my $e = readdir($d); last unless defined $e; push @first, $e; }
seekdir($d, $at); my @rest = readdir($d);
print "@rest" eq "@first[5..$#first]" ? scalar(@first) : "@first / @rest"; rewinddir($d); my @all = readdir($d); print " ", scalar(@all)'`, "12 12")
}
