package fusefs

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// heardAll waits until the mount has worked off all changes that were announced before. Changes
// come in order, so one more of which the mount takes note tells.
func (r *rig) heardAll() {
	r.Helper()
	before := r.rooted.Load()
	r.grant(store.Ref{Path: "/"}, acl.Owner, "alice")
	for r.rooted.Load() == before {
		r.sh("stat . > /dev/null")
	}
}

// slow makes the kernel remember what it was told, so that only pushes can tell it otherwise.
func slow(c *Config) {
	c.EntryTimeout, c.AttrTimeout, c.NegativeTimeout = time.Hour, time.Hour, time.Hour
}

func TestChangesOfTheSameProcessAreSeenAtOnce(t *testing.T) {
	r := newRig(t, slow)
	r.refused("cat d/f", "No such file")
	r.put("/d/f", "one")
	r.heardAll()
	r.expect("cat d/f; ls d", "onef\n")
	ino := r.sh("stat -c %i d/f")
	r.put("/d/f", "longer")
	r.heardAll()
	r.expect("cat d/f; stat -c %s d/f", "longer6\n")
	if r.sh("stat -c %i d/f") == ino {
		t.Error("a version from outside has the inode of the one before")
	}
	if _, err := r.svc.Rename(t.Context(), alice, service.Rename{Source: "/d/f", Target: "/d/g"}); err != nil {
		t.Fatal(err)
	}
	r.heardAll()
	r.expect("cat d/g; ls d", "longerg\n")
	r.refused("cat d/f", "No such file")
	if err := r.svc.Delete(t.Context(), alice, service.Delete{Path: "/d"}); err != nil {
		t.Fatal(err)
	}
	r.heardAll()
	r.refused("ls d", "No such file")
	r.refused("cat d/g", "No such file")
}

func TestARevokedRightIsSeenAtOnce(t *testing.T) {
	r := newRig(t, slow, asBob)
	r.put("/d/f", "text")
	r.grant(store.Ref{Path: "/d"}, acl.SubtreeRead, "bob")
	r.heardAll()
	r.expect("cat d/f; stat -c %a d/f", "text444\n")
	r.grant(store.Ref{Path: "/d"}, acl.SubtreeRead)
	r.heardAll()
	r.refused("cat d/f", "Permission denied")
}

func TestAttributesSetByOthersAreSeen(t *testing.T) {
	r := newRig(t, slow)
	r.put("/f", "text")
	r.heardAll()
	r.sh("stat f")
	if err := r.svc.SetAttr(t.Context(), alice, store.Ref{Path: "/f"}, store.Attr{MTime: 5e9, HasMTime: true}); err != nil {
		t.Fatal(err)
	}
	r.heardAll()
	r.expect("stat -c %Y f", "5\n")
}

func TestAnOutdatedInodeIsNotOpenedForReading(t *testing.T) {
	r := newRig(t, slow)
	other := mountRig(t, r.svc, slow)
	r.put("/f", "one")
	r.heardAll()
	other.heardAll()
	r.expect("cat f", "one")
	other.expect("cat f; echo two > f", "one")
	other.settled()
	for range 100 { // as long as the version before may still be opened
		if r.sh("cat f") == "two\n" {
			return
		}
	}
	t.Error("the old version is still opened")
}

func TestOwnChangesDoNotMakeTheKernelForget(t *testing.T) {
	r := newRig(t)
	s := r.open()
	s.must("mkdir -p a/b && cd a/b && echo x > f")
	r.heardAll()
	if got := s.must("/bin/pwd"); got != r.dir+"/a/b\n" {
		t.Errorf("the working directory is %q", got)
	}
	s.must("echo y > g; ls")
}

func TestAVersionFromOutsideStaysOneBesideADraft(t *testing.T) {
	r := newRig(t)
	r.put("/f", "one")
	p := r.python()
	p.must(`fd = os.open("f", os.O_RDWR); n = os.pwrite(fd, b"ONE", 0)`)
	r.put("/f", "two")
	r.heardAll()
	r.expect("cat f", "ONE")
	p.must(`os.close(fd)`)
	r.settled()
	r.expect("cat f", "ONE")
	if ids := r.versions("/f"); len(ids) != 3 || r.content(store.Ref{Path: "/f", Version: ids[1]}) != "two" {
		t.Errorf("versions: %v", ids)
	}
}

func TestALostChangeMakesTheKernelLookAgain(t *testing.T) {
	r := newRig(t, slow)
	r.put("/d/f", "one")
	r.heardAll()
	r.expect("cat d/f", "one")
	r.m.heard(service.Change{Lost: true})
	r.put("/d/f", "two")
	r.heardAll()
	r.expect("cat d/f", "two")
}

// attrCount counts how often the kernel asks for attributes.
type attrCount struct {
	fuse.RawFileSystem
	attrs *atomic.Int64
}

func (a attrCount) GetAttr(cancel <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	a.attrs.Add(1)
	return a.RawFileSystem.GetAttr(cancel, in, out)
}

func TestAChangeFromElsewhereIsNotTakenForAnOwnOne(t *testing.T) {
	attrs := new(atomic.Int64)
	r := newRig(t, slow, func(c *Config) {
		c.watch = func(tree fuse.RawFileSystem) fuse.RawFileSystem { return attrCount{tree, attrs} }
	})
	r.sh("mkdir d && stat d")
	asksAfter := func(c service.Change) int64 {
		r.m.heard(c)
		before := attrs.Load()
		r.sh("stat d")
		return attrs.Load() - before
	}
	r.m.own.end(r.m.own.begin("/d", service.Described), "", nil)
	change := service.Change{Action: service.Described, Path: "/d", Kind: acl.Namespace}
	if asksAfter(change) != 0 {
		t.Error("the mount forgets what it did itself")
	}
	change.Elsewhere = true
	if asksAfter(change) == 0 {
		t.Error("the mount does not forget what others changed")
	}
}
