package fusefs

import "testing"

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
