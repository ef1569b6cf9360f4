package fusefs

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// The users of the machine in tests of mounts with many.
const (
	aliceUID = 71001
	bobUID   = 71002
	carolUID = 71003
	noUID    = 71099 // nobody whom the store knows
	lostUID  = 71666 // about whom nobody can tell
)

// asUsers lets the caller decide who asks.
func asUsers(c *Config) {
	c.Client = acl.Client{}
	c.Users = func(_ context.Context, uid uint32) (acl.Client, error) {
		switch uid {
		case aliceUID:
			return alice, nil
		case bobUID:
			return bob, nil
		case carolUID:
			return acl.Client{ID: "carol", Roles: []string{"staff"}}, nil
		case lostUID:
			return acl.Client{}, errors.New("the accounts cannot be asked")
		}
		return acl.Client{}, nil
	}
}

func usersRig(t *testing.T) *rig {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("only root can act as other users")
	}
	// Others have no way to the folders of a test.
	dir, err := os.MkdirTemp("", "hatrac-users-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return newRig(t, asUsers, func(c *Config) { c.Dir = dir })
}

func credential(uid uint32) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
}

// tryAs runs a shell script in the mount as a user.
func (r *rig) tryAs(uid uint32, script string) (string, error) {
	cmd := exec.CommandContext(r.Context(), "bash", "-c", `cd "$1" && eval "$2"`, "-", r.dir, script)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"}
	cmd.Dir = "/"
	cmd.SysProcAttr = credential(uid)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// as runs a script that must succeed with that output.
func (r *rig) as(uid uint32, script, want string) {
	r.Helper()
	if out, err := r.tryAs(uid, script); err != nil || out != want {
		r.Errorf("user %d: %s: %v\n%q, want %q", uid, script, err, out, want)
	}
}

// denied runs a script that must be refused.
func (r *rig) denied(uid uint32, script string) {
	r.Helper()
	if out, err := r.tryAs(uid, script); err == nil || !strings.Contains(out, "Permission denied") {
		r.Errorf("user %d: %s: %v, want a refusal\n%s", uid, script, err, out)
	}
}

// pythonAs starts a Python of a user.
func (r *rig) pythonAs(uid uint32) *shell {
	r.Helper()
	return r.interpreterAs(credential(uid), "/usr/bin/python3", "-c", pythonLoop, r.dir)
}

// owner returns the owner of the current version.
func (r *rig) owner(path store.Path) string {
	r.Helper()
	info, err := r.svc.Look(r.Context(), alice, store.Ref{Path: path})
	if err != nil {
		r.Fatal(err)
	}
	return strings.Join(info.Version.ACLs[acl.Owner], " ")
}

func TestTheCallerDecidesWhoAsks(t *testing.T) {
	r := usersRig(t)
	v := r.put("/d/f", "alice's\n")
	r.grant(store.Ref{Path: "/d"}, acl.Create, "bob", "staff")
	r.as(aliceUID, "cat d/f; ls d", "alice's\nf\n")
	for _, uid := range []uint32{bobUID, carolUID, noUID} {
		r.denied(uid, "cat d/f")
		r.denied(uid, "ls d")
		r.denied(uid, "echo x >> d/f")
		r.denied(uid, "rm -f d/f")
		r.denied(uid, "mv d/f d/g")
		r.denied(uid, "touch d/f")
		r.denied(uid, "cat d/f:"+v.Version)
		r.denied(uid, "cat 'd/f;versions'/"+v.Version)
		r.denied(uid, "ls 'd/f;versions'")
		r.denied(uid, "ls d/.versions")
		r.denied(uid, "cd .snapshots/$(date -u +%FT%T.%NZ) && cat d/f")
		r.as(uid, "test -r d/f || test -w d/f || echo neither", "neither\n")
	}
	r.as(bobUID, "echo bob > d/b; mkdir d/sub; cat d/b", "bob\n")
	r.as(carolUID, "echo carol > d/c", "")
	r.denied(noUID, "echo x > d/n")
	r.settled()
	if got := r.owner("/d/b") + " " + r.owner("/d/c"); got != "bob carol" {
		t.Errorf("owners are %q", got)
	}
	r.denied(carolUID, "cat d/b")
	r.as(aliceUID, "cat d/b d/c", "bob\ncarol\n")
	r.as(bobUID, "stat -c %u:%g d/b d/sub", "71002:71002\n71002:71002\n")
}

func TestWhoCannotBeIdentifiedDoesNothing(t *testing.T) {
	r := usersRig(t)
	r.put("/open", "text")
	r.grant(store.Ref{Path: "/"}, acl.SubtreeRead, acl.Everybody)
	r.as(noUID, "cat open", "text")
	if out, err := r.tryAs(lostUID, "cat open"); err == nil || !strings.Contains(out, "Input/output error") {
		t.Errorf("%q, %v; want an error", out, err)
	}
}

func TestAllUsersSeeTheSameAttributes(t *testing.T) {
	r := usersRig(t)
	r.put("/d/f", "secret")
	want, err := r.tryAs(aliceUID, "stat -c '%n %a %s %u %Y %i' d d/f d/.versions 'd/f;versions'")
	if err != nil {
		t.Fatal(err, want)
	}
	r.as(bobUID, "stat -c '%n %a %s %u %Y %i' d d/f d/.versions 'd/f;versions'", want)
}

func TestWhatTheKernelHoldsIsNotShownToOthers(t *testing.T) {
	r := usersRig(t)
	v := r.put("/d/f", "secret")
	r.grant(store.Ref{Path: "/d/f", Version: v.Version}, acl.Read, "bob")
	r.as(aliceUID, "ln -s hidden d/l; cat d/f; readlink d/l; ls d", "secrethidden\nf\nl\n")
	r.as(bobUID, "cat d/f", "secret")
	if out, err := r.tryAs(bobUID, "readlink d/l"); err == nil || out != "" {
		t.Errorf("readlink says %q", out)
	}
	r.denied(bobUID, "ls d")
	r.denied(carolUID, "cat d/f")
	r.grant(store.Ref{Path: "/d/f", Version: v.Version}, acl.Read)
	r.denied(bobUID, "cat d/f")
	r.as(aliceUID, "cat d/f", "secret")
}

func TestADraftIsReadByThoseWhoMayReadWhatItBecomes(t *testing.T) {
	r := usersRig(t)
	v := r.put("/d/f", "first")
	r.grant(store.Ref{Path: "/d/f", Version: v.Version}, acl.Read, "bob")
	r.grant(store.Ref{Path: "/d/f"}, acl.Update, "bob")
	r.grant(store.Ref{Path: "/d"}, acl.Create, "bob", "carol")
	p := r.pythonAs(aliceUID)
	p.must(`f = os.open("d/f", os.O_WRONLY | os.O_TRUNC); n = os.write(f, b"second")`)
	r.as(aliceUID, "cat d/f", "second")
	r.denied(bobUID, "cat d/f")
	r.denied(bobUID, "echo x >> d/f")
	p.must(`g = os.open("d/new", os.O_WRONLY | os.O_CREAT); n = os.write(g, b"new")`)
	for _, uid := range []uint32{bobUID, carolUID, noUID} {
		r.denied(uid, "cat d/new")
		r.denied(uid, "echo x > d/new")
		r.denied(uid, "truncate -s 0 d/new")
		r.denied(uid, "chmod 777 d/new")
		r.denied(uid, "rm -f d/new")
		r.denied(uid, "mv d/new d/mine")
		r.denied(uid, "python3 -c 'import os; os.setxattr(\"d/new\", \"user.hatrac.content-type\", b\"text/html\")' 2>&1")
		r.as(uid, "test -r d/new || test -w d/new || echo neither", "neither\n")
	}
	r.denied(bobUID, "echo mine > d/mine; mv d/mine d/new")
	p.must(`os.close(f); os.close(g)`)
	r.settled()
	r.holds("/d/f", "second")
	r.holds("/d/new", "new")
	if got := r.owner("/d/new"); got != "alice" {
		t.Errorf("d/new belongs to %q", got)
	}
}

func TestAScratchFileIsCommittedByWhoWroteIt(t *testing.T) {
	r := usersRig(t)
	r.grant(store.Ref{Path: "/"}, acl.Create, "bob", "carol")
	r.as(bobUID, "echo bob > .f.AAAAAA", "")
	r.denied(carolUID, "cat .f.AAAAAA")
	r.denied(carolUID, "mv .f.AAAAAA f")
	r.as(bobUID, "mv .f.AAAAAA f; echo left > .g.BBBBBB", "")
	r.unmount()
	r.holds("/f", "bob\n")
	r.holds("/.g.BBBBBB", "left\n")
	if got := r.owner("/f") + " " + r.owner("/.g.BBBBBB"); got != "bob bob" {
		t.Errorf("owners are %q", got)
	}
}

func TestUsersAppendToOneFile(t *testing.T) {
	r := usersRig(t)
	r.put("/d/log", "")
	for _, list := range []acl.Name{acl.SubtreeUpdate, acl.SubtreeRead} {
		r.grant(store.Ref{Path: "/d"}, list, "bob", "carol")
	}
	const lines = 40
	done := make(chan error)
	all := []uint32{aliceUID, bobUID, carolUID}
	for _, uid := range all {
		go func() {
			out, err := r.tryAs(uid, "set -e; for i in $(seq 40); do echo $(id -u) $i >> d/log; done")
			if err != nil {
				err = errors.Join(err, errors.New(out))
			}
			done <- err
		}()
	}
	for range all {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	r.settled()
	got := r.content(store.Ref{Path: "/d/log"})
	if n := strings.Count(got, "\n"); n != lines*len(all) || strings.Contains(got, "\x00") {
		t.Errorf("the log has %d lines of %d:\n%s", n, lines*len(all), got)
	}
}

func TestRightsThatEndWhileAFileIsOpen(t *testing.T) {
	r := usersRig(t)
	r.grant(store.Ref{Path: "/"}, acl.Create, "bob")
	p := r.pythonAs(bobUID)
	p.must(`fd = os.open("f", os.O_WRONLY | os.O_CREAT); n = os.write(fd, b"lost")`)
	r.grant(store.Ref{Path: "/"}, acl.Create)
	p.fails(`os.close(fd)`, "EACCES")
	r.unmount()
	if kept := r.kept(); len(kept) != 1 || kept[0].Client != "bob" {
		t.Errorf("kept: %+v", kept)
	}
}
