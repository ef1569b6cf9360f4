package fusefs

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// otherProcess returns a service on the same store that tells the rig's one nothing.
func otherProcess(t *testing.T, change ...func(*Config)) (*rig, *rig) {
	t.Helper()
	root := t.TempDir()
	svc, dir := openService(t, root)
	other, err := service.New(service.Config{Directory: dir, Bulk: bulkOf(t, root), Firewall: acl.Open()})
	if err != nil {
		t.Fatal(err)
	}
	r := mountRig(t, svc, change...)
	return r, &rig{T: t, svc: other}
}

// soon gives the mount time-outs that pass quickly.
func soon(c *Config) {
	c.EntryTimeout, c.AttrTimeout, c.NegativeTimeout = 50*time.Millisecond, 50*time.Millisecond, 50*time.Millisecond
}

// revive makes a deleted object again.
func (r *rig) revive(path store.Path) {
	r.Helper()
	if _, err := r.svc.PutObject(r.Context(), alice, service.PutObject{
		Path: path, Content: strings.NewReader("again"), Size: 5, Revive: true,
	}); err != nil {
		r.Fatal(err)
	}
}

// until repeats a script until it succeeds.
func (r *rig) until(script string) {
	r.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if _, err := r.try(script); err == nil {
			return
		}
	}
	r.Errorf("%s: it never came true", script)
}

func TestWhatAnotherProcessDoesIsSeenWhenTheMemoryIsOld(t *testing.T) {
	r, other := otherProcess(t, soon)
	r.sh("mkdir d && echo x > d/mine")
	r.refused("stat d/theirs", "No such file")
	other.put("/d/theirs", "one")
	r.until("touch d/mine$RANDOM; grep one d/theirs") // while this mount keeps changing the folder
	other.put("/d/theirs", "another")
	r.until(`[ "$(stat -c %s d/theirs)" = 7 ]`)
	if err := other.svc.Delete(t.Context(), alice, service.Delete{Path: "/d/theirs"}); err != nil {
		t.Fatal(err)
	}
	r.until("! stat d/theirs")
	other.revive("/d/theirs")
	r.until("stat d/theirs")
	if _, err := other.svc.MoveNamespace(t.Context(), alice, service.MoveNamespace{Source: "/d", Target: "/e"}); err != nil {
		t.Fatal(err)
	}
	r.until("stat e/mine && ! stat d/mine && ! stat d")
}

func TestARightThatAnotherProcessRevokesIsGoneWhenTheMemoryIsOld(t *testing.T) {
	r, other := otherProcess(t, soon, asBob)
	other.put("/d/f", "text")
	other.grant(store.Ref{Path: "/d"}, acl.Create, "bob")
	r.until("touch d/new")
	other.grant(store.Ref{Path: "/d"}, acl.Create)
	r.until("! touch d/newer$RANDOM")
}

func TestTheMemoryFollowsChangesOfTheSameProcess(t *testing.T) {
	r := newRig(t, slow)
	r.sh("mkdir -p a/b && echo one > a/b/f && ls -R . && stat a/b/f")
	r.refused("stat a/b/g c c/b/f", "No such file")

	if _, err := r.svc.MoveNamespace(t.Context(), alice, service.MoveNamespace{Source: "/a", Target: "/c"}); err != nil {
		t.Fatal(err)
	}
	r.heardAll()
	r.expect("cat c/b/f", "one\n")
	r.refused("stat a", "No such file")
	r.refused("stat a/b/f", "No such file")

	r.put("/c/b/g", "two")
	r.heardAll()
	r.expect("cat c/b/g", "two")

	for range 2 { // deleted and made again
		if err := r.svc.Delete(t.Context(), alice, service.Delete{Path: "/c/b/g"}); err != nil {
			t.Fatal(err)
		}
		r.heardAll()
		r.refused("stat c/b/g", "No such file")
		r.revive("/c/b/g")
		r.heardAll()
		r.expect("cat c/b/g", "again")
	}
}

func TestARightOfAnAncestorDecidesAtOnce(t *testing.T) {
	r := newRig(t, slow, asBob)
	r.put("/d/e/f", "text")
	r.grant(store.Ref{Path: "/d"}, acl.SubtreeCreate, "bob")
	r.heardAll()
	r.sh("touch d/e/new1 && mkdir d/e/sub1")
	r.grant(store.Ref{Path: "/d"}, acl.SubtreeCreate)
	r.refused("touch d/e/new2", "Permission denied") // nobody waits until it was heard
	r.refused("mkdir d/e/sub2", "Permission denied")
	r.grant(store.Ref{Path: "/d"}, acl.SubtreeCreate, "bob")
	r.sh("touch d/e/new3")
}

func TestTheKernelRemembersNoLongerThanWhatItWasToldIsYoung(t *testing.T) {
	m := &Mount{cfg: Config{EntryTimeout: time.Hour, AttrTimeout: time.Minute, NegativeTimeout: time.Second}}
	seen := time.Now().Add(-40 * time.Second)
	var entry fuse.EntryOut
	m.keepEntry(&entry, seen)
	if e, a := entry.EntryTimeout(), entry.AttrTimeout(); e > time.Hour-40*time.Second || e < time.Minute || a > 20*time.Second || a < time.Second {
		t.Errorf("the name for %v, the attributes for %v", e, a)
	}
	var attr fuse.AttrOut
	if m.keepAttr(&attr, seen); attr.Timeout() > 20*time.Second || attr.Timeout() < time.Second {
		t.Errorf("attributes for %v", attr.Timeout())
	}
	var miss fuse.EntryOut
	if m.keepMiss(&miss, "name", seen); miss.EntryTimeout() != time.Nanosecond {
		t.Errorf("a miss for %v", miss.EntryTimeout())
	}
	m.users.ask = func(context.Context, uint32) (acl.Client, error) { return bob, nil }
	entry, attr = fuse.EntryOut{}, fuse.AttrOut{}
	m.keepEntry(&entry, time.Now())
	m.keepAttr(&attr, time.Now())
	if entry.EntryTimeout()+entry.AttrTimeout()+attr.Timeout() != 0 {
		t.Error("with several users the kernel remembers")
	}
}
