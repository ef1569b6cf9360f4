package fusefs

import "testing"

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
