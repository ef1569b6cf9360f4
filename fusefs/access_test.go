package fusefs

import (
	"context"
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

var bob = acl.Client{ID: "bob"}

func asBob(c *Config) { c.Client = bob }

// grant replaces one list of a resource.
func (r *rig) grant(ref store.Ref, list acl.Name, entries ...string) {
	r.Helper()
	err := r.svc.SetACL(context.WithoutCancel(r.Context()), alice, ref, service.ACLChange{
		Op: service.ReplaceList, List: list, Entries: entries,
	})
	if err != nil {
		r.Fatal(err)
	}
}

func TestRightsDecideAndNotModes(t *testing.T) {
	r := newRig(t, asBob)
	r.put("/d/secret", "secret")
	v := r.put("/d/shared", "shared")
	r.grant(store.Ref{Path: "/d/shared", Version: v.Version}, acl.Read, "bob")
	r.refused("cat d/secret", "Permission denied")
	r.expect("cat d/shared", "shared")
	r.expect("stat -c '%a %s' d/secret d/shared", "0 0\n444 6\n")
	r.refused("ls d", "Permission denied")
	r.refused("echo x > d/new", "Permission denied")
	r.refused("echo x > d/shared", "Permission denied")
	r.refused("echo x >> d/shared", "Permission denied")
	r.refused("rm -f d/shared", "Permission denied")
	r.refused("rmdir d", "Permission denied")
	r.refused("mkdir d/new", "Permission denied")
	r.refused("mv d/shared d/other", "Permission denied")
	r.refused("touch d/shared", "Permission denied")
	r.expect("test -r d/secret || echo no; test -r d/shared && echo yes; test -w d/shared || echo no; test -w d || echo no", "no\nyes\nno\nno\n")
	r.count("/d/shared", 1)
}

func TestWhoMayCreateMayWriteWhatIsHis(t *testing.T) {
	r := newRig(t, asBob)
	r.put("/d/x", "x")
	r.grant(store.Ref{Path: "/d"}, acl.Create, "bob")
	r.sh("echo mine > d/mine; echo more >> d/mine; mkdir d/sub; echo deep > d/sub/f")
	r.settled()
	r.holds("/d/mine", "mine\nmore\n")
	r.sh("mv d/mine d/sub/mine; rm -r d/sub")
	r.refused("rm -f d/x", "Permission denied")
}

func TestAnUpdaterWithoutReadMayOverwriteButNotAppend(t *testing.T) {
	r := newRig(t, asBob)
	r.put("/f", "secret")
	r.grant(store.Ref{Path: "/f"}, acl.Update, "bob")
	r.refused("echo x >> f", "Permission denied")
	r.sh("echo over > f")
	r.settled()
	r.holds("/f", "over\n")
	r.count("/f", 2)
}

func TestAFailedCommitIsTheErrorOfTheCloseAndFinal(t *testing.T) {
	r := newRig(t, asBob)
	r.grant(store.Ref{Path: "/"}, acl.Create, "bob")
	s := r.open()
	s.must("exec 3> f; /bin/echo lost >&3")
	r.grant(store.Ref{Path: "/"}, acl.Create)
	out, _ := s.run(`python3 -c 'import os; os.write(3, b"x")'; true`)
	if out != "" {
		t.Errorf("writing says %q", out)
	}
	r.grant(store.Ref{Path: "/"}, acl.Create, "bob")
	r.sh(`python3 -c '
import os
fd = os.open("g", os.O_WRONLY | os.O_CREAT)
os.write(fd, b"lost")
open("ready", "w").close()
'`)
	r.grant(store.Ref{Path: "/"}, acl.Create)
	s.end()
}
