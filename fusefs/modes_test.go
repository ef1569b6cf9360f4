package fusefs

import (
	"testing"
	"time"
)

func TestAFolderHandsItsGroupDown(t *testing.T) {
	r := newRig(t)
	r.sh("mkdir plain g; chown 0:7 plain g; chmod 2775 g; chmod 775 plain; umask 022")
	r.sh("for d in plain g; do touch $d/f; mkdir -p $d/d/e; ln -s x $d/l; done")
	r.expect("stat -c '%n %g %a' plain/* plain/d/e g/* g/d/e",
		"plain/d 0 755\nplain/f 0 644\nplain/l 0 777\nplain/d/e 0 755\n"+
			"g/d 7 2755\ng/f 7 644\ng/l 7 777\ng/d/e 7 2755\n")
	r.settled()
	r.unmount()
	r.mount()
	r.expect("stat -c '%g %a' g/f g/d; touch g/d/late; stat -c %g g/d/late", "7 644\n7 2755\n7\n")
}

func TestARemovedFolderStaysForThoseInIt(t *testing.T) {
	r := newRig(t, func(c *Config) { c.AttrTimeout = time.Nanosecond })
	p := r.python()
	p.must(`os.mkdir("d"); fd = os.open("d", os.O_RDONLY); os.rmdir("d"); os.fchdir(fd)`)
	p.must(`assert os.listdir(fd) == [] and os.listdir(".") == []`)
	p.must(`os.fchmod(fd, 0o700); assert os.stat(".").st_mode & 0o777 == 0o700 and os.fstat(fd).st_nlink == 0`)
	p.fails(`os.mkdir("x")`, "ENOENT")
	p.fails(`os.open("x", os.O_WRONLY | os.O_CREAT)`, "ENOENT")
	p.must(`os.chdir("/"); os.close(fd)`)
}
