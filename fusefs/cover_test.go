package fusefs

import "testing"

// TestWhatADraftWasRenamedOverNeverComesBack: a draft hides what the store has at its name, which is
// gone as soon as the name is.
func TestWhatADraftWasRenamedOverNeverComesBack(t *testing.T) {
	r := newRig(t)
	r.sh("for f in one two .x.Ab3dEf; do echo old > $f; done; ln -s zz link~; ln -s zz z~")
	r.settledButScratch()
	r.sh("mv .x.Ab3dEf a; mv a .x.Ab3dEf") // an object, by now
	r.sh("echo new > s~; mv s~ .x.Ab3dEf; mv .x.Ab3dEf b")
	r.expect("cat b; ls -A", "new\nb\nlink~\none\ntwo\nz~\n")
	r.sh("echo new > s~; mv s~ link~; rm link~; echo new > s~; mv s~ z~; mv z~ y~")
	r.expect("ls -A", "b\none\ntwo\ny~\n")
	p := r.python()
	p.must(`fd = os.open("new", os.O_WRONLY | os.O_CREAT); n = os.write(fd, b"new"); os.rename("new", "one"); os.rename("one", "three")`)
	p.must(`g = os.open("new", os.O_WRONLY | os.O_CREAT); n = os.write(g, b"new"); os.rename("new", "two"); os.unlink("two")`)
	r.expect("ls -A", "b\nthree\ny~\n")
	p.must(`os.close(fd); os.close(g)`)
	r.settledButScratch()
	r.expect("ls -A; cat three", "b\nthree\ny~\nnew")
	r.unmount()
	r.mount()
	r.expect("ls -A", "b\nthree\ny~\n")
}

func TestALinkMayTakeANameThatWasMovedAway(t *testing.T) {
	r := newRig(t)
	r.sh("echo text > f; mv f g; ln -s g f")
	r.expect("cat f; readlink f", "text\ng\n")
	r.refused("ln -s x f", "File exists")
	r.refused("ln -s x g", "File exists")
	r.sh("mv f h; echo s > s~; mv -n s~ f")
	r.expect("cat f; ls -A", "s\nf\ng\nh\n")
}

func TestAFileThatReplacesALinkIsNone(t *testing.T) {
	r := newRig(t)
	r.sh("for f in a b c; do ln -s target $f; done; echo text > s~; mv s~ a; printf target > s~; mv s~ b; exec 5> d; echo text >&5; mv d c; exec 5>&-")
	r.settled()
	r.unmount()
	r.mount()
	r.refused("readlink a b c", "")
	r.expect("cat a b c; stat -c %F a b c", "text\ntargettext\nregular file\nregular file\nregular file\n")
}
