package service_test

import (
	"strings"
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

func (b *bench) tryMove(c acl.Client, source, target string, adjust ...func(*service.MoveNamespace)) (bool, error) {
	req := service.MoveNamespace{Source: store.Path(source), Target: store.Path(target)}
	for _, f := range adjust {
		f(&req)
	}
	return b.MoveNamespace(b.ctx, c, req)
}

func (b *bench) move(source, target string, adjust ...func(*service.MoveNamespace)) {
	b.t.Helper()
	moved, err := b.tryMove(root, source, target, adjust...)
	b.must(err)
	if !moved {
		b.t.Fatalf("%s was not moved to %s", source, target)
	}
}

// reads checks what references lead to.
func (b *bench) reads(want map[string]string) {
	b.t.Helper()
	for at, content := range want {
		if got, found, err := b.get(root, at); err != nil || got != content {
			b.t.Errorf("%s leads to %s with %.10q, %v; want %.10q", at, found, got, err, content)
		}
	}
}

func TestMovedNamespaceKeepsEveryReference(t *testing.T) {
	b := newBench(t)
	b.mkdir(root, "/a")
	b.mkdir(root, "/a/sub")
	one := b.put(root, "/a/sub/o", "one")
	two := b.put(root, "/a/sub/o", large("two"))
	gone := b.put(root, "/a/gone", "gone")
	b.must(b.Delete(b.ctx, root, service.Delete{Path: "/a/gone"}))
	b.mkdir(root, "/to")
	b.move("/a", "/to/b")
	b.reads(map[string]string{
		"/to/b/sub/o": large("two"), "/to/b/sub/o:" + one: "one",
		"/a/sub/o": large("two"), "/a/sub/o:" + one: "one", "/a/sub/o:" + two: large("two"),
	})
	for _, at := range []string{"/a/gone", "/a/gone:" + gone, "/a/never", "/a/sub/o:never"} {
		_, _, err := b.get(root, at)
		b.want(store.NotFound, err)
	}
	_, err := b.Look(b.ctx, root, ref("/a"))
	b.want(store.NotFound, err)
	info, err := b.Follow(b.ctx, root, ref("/a/sub"))
	b.must(err)
	if info.Ref.Path != "/to/b/sub" {
		t.Errorf("the namespace is followed to %s", info.Ref)
	}
	if moved, err := b.tryMove(root, "/a", "/to/b"); moved || err != nil {
		t.Errorf("the same again: %v, %v", moved, err)
	}
}

func TestMovedNamesAreFollowedThroughEveryMove(t *testing.T) {
	b := newBench(t)
	b.mkdir(root, "/a")
	b.mkdir(root, "/a/sub")
	first := b.put(root, "/a/sub/o", "first")
	b.move("/a", "/b")
	b.move("/b/sub", "/c")
	b.mkdir(root, "/a")
	b.mkdir(root, "/a/sub")
	second := b.put(root, "/a/sub/o", "second")
	b.move("/a", "/d")
	b.reads(map[string]string{
		"/a/sub/o:" + first: "first", "/b/sub/o:" + first: "first", "/c/o:" + first: "first",
		"/a/sub/o:" + second: "second", "/d/sub/o": "second", "/a/sub/o": "second",
	})
	b.mustRename("/d/sub/o", "/e")
	b.reads(map[string]string{"/a/sub/o:" + second: "second", "/a/sub/o": "second"})
	b.must(b.Delete(b.ctx, root, service.Delete{Path: "/e"}))
	_, _, err := b.get(root, "/a/sub/o:"+second)
	b.want(store.Conflict, err)
}

func TestMovedNamespaceComesBack(t *testing.T) {
	b := newBench(t)
	b.mkdir(root, "/a")
	v := b.put(root, "/a/o", "content")
	b.move("/a", "/b")
	b.move("/b", "/a")
	b.reads(map[string]string{"/a/o": "content", "/b/o": "content", "/a/o:" + v: "content", "/b/o:" + v: "content"})
	_, _, err := b.get(root, "/a/never")
	b.want(store.NotFound, err)
	b.move("/a", "/b")
	b.reads(map[string]string{"/a/o": "content", "/b/o:" + v: "content"})
}

func TestThePlaceOfAMovedNamespaceIsFree(t *testing.T) {
	b := newBench(t)
	b.home(alice, "/home")
	b.mkdir(alice, "/home/a")
	v := b.put(alice, "/home/a/o", "old")
	b.move("/home/a", "/home/b")
	b.grant(root, "/home", acl.Create, bob.ID)
	b.mkdir(bob, "/home/a")
	info, err := b.Look(b.ctx, bob, ref("/home/a"))
	b.must(err)
	if owner := info.Name.ACLs[acl.Owner]; len(owner) != 1 || owner[0] != bob.ID {
		t.Errorf("the new namespace is owned by %v", owner)
	}
	_, err = b.tryPut(root, "/home/b/new", "x")
	b.must(err)
	b.move("/home/a", "/home/c")
	_, err = b.PutObject(b.ctx, bob, service.PutObject{
		Path: "/home/a/deep/o", Parents: true, Content: strings.NewReader("x"), Size: 1,
	})
	b.must(err)
	b.reads(map[string]string{"/home/a/o:" + v: "old", "/home/a/deep/o": "x"})
	b.move("/home/a", "/home/d")
	_, err = b.tryPut(bob, "/home/a", "an object")
	b.want(store.Conflict, err)
}

func TestMoveNamespaceRights(t *testing.T) {
	b := newBench(t)
	b.home(alice, "/alice")
	b.home(bob, "/bob")
	b.mkdir(alice, "/alice/a")
	b.put(alice, "/alice/a/o", "x")
	for _, c := range []acl.Client{bob, mallory} {
		_, err := b.tryMove(c, "/alice/a", "/bob/a")
		b.want(store.Denied, err)
	}
	_, err := b.tryMove(nobody, "/alice/a", "/bob/a")
	b.want(store.Unauthenticated, err)
	_, err = b.tryMove(alice, "/alice/a", "/bob/a")
	b.want(store.Denied, err)
	b.grant(root, "/bob", acl.Create, alice.ID)
	if _, err = b.tryMove(alice, "/alice/a", "/bob/a"); err != nil {
		t.Fatal(err)
	}
	// What was owned through the old namespace alone is owned still: bob owns all beneath his.
	info, err := b.Look(b.ctx, bob, ref("/bob/a/o"))
	b.must(err)
	if !info.May(acl.DeleteName) {
		t.Error("who owns the new namespace does not own what came into it")
	}
}

func TestWhoMovesMustOwnEverythingBeneath(t *testing.T) {
	b := newBench(t)
	_, err := b.CreateNamespace(b.ctx, root, service.CreateNamespace{
		Path: "/a", ACLs: acl.Lists{acl.Owner: {alice.ID}, acl.Create: {bob.ID}},
	})
	b.must(err)
	b.put(bob, "/a/bobs", "x")
	b.grant(root, "/", acl.Create, alice.ID)
	_, err = b.tryMove(alice, "/a", "/b")
	b.want(store.Denied, err)
	b.grant(root, "/a/bobs", acl.Owner, alice.ID)
	if _, err = b.tryMove(alice, "/a", "/b"); err != nil {
		t.Error(err)
	}
}

func TestMovedNamespaceIsOwnedStill(t *testing.T) {
	b := newBench(t)
	_, err := b.CreateNamespace(b.ctx, root, service.CreateNamespace{
		Path: "/free", ACLs: acl.Lists{acl.Owner: {alice.ID}, acl.SubtreeOwner: {alice.ID}},
	})
	b.must(err)
	b.must(b.SetACL(b.ctx, root, ref("/"), service.ACLChange{Op: service.ReplaceList, List: acl.SubtreeOwner}))
	b.grant(root, "/", acl.Create, alice.ID)
	b.mkdir(alice, "/free/a")
	b.must(b.SetACL(b.ctx, alice, ref("/free/a"), service.ACLChange{Op: service.ReplaceList, List: acl.Owner}))
	b.put(alice, "/free/a/o", "x")
	b.must(b.SetACL(b.ctx, alice, ref("/free/a/o"), service.ACLChange{Op: service.ReplaceList, List: acl.Owner}))
	if _, err := b.tryMove(alice, "/free/a", "/a"); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{"/a", "/a/o"} {
		info, err := b.Look(b.ctx, alice, ref(at))
		b.must(err)
		if !info.May(acl.DeleteName) {
			t.Errorf("nobody owns %s any more", at)
		}
	}
}

func TestRefusedMovesOfNamespaces(t *testing.T) {
	b := newBench(t)
	b.mkdir(root, "/a")
	b.mkdir(root, "/full")
	b.put(root, "/full/o", "x")
	b.mkdir(root, "/empty")
	b.put(root, "/object", "x")
	b.mkdir(root, "/deleted")
	b.must(b.Delete(b.ctx, root, service.Delete{Path: "/deleted"}))
	over := func(m *service.MoveNamespace) { m.Replace, m.Revive = true, true }
	for _, c := range []struct {
		source, target string
		adjust         []func(*service.MoveNamespace)
		kind           store.ErrorKind
	}{
		{"/", "/b", nil, store.Conflict},
		{"/none", "/b", nil, store.Conflict},
		{"/object", "/b", nil, store.Conflict},
		{"/deleted", "/b", nil, store.Conflict},
		{"/a", "/a", nil, store.Conflict},
		{"/a", "/a/b", nil, store.Conflict},
		{"/a", "/empty", nil, store.Exists},
		{"/a", "/object", nil, store.Exists},
		{"/a", "/deleted", nil, store.Conflict},
		{"/a", "/none/b", nil, store.NotFound},
		{"/a", "/object/b", nil, store.WrongKind},
		{"/a", "/full", []func(*service.MoveNamespace){over}, store.NotEmpty},
		{"/a", "/object", []func(*service.MoveNamespace){over}, store.WrongKind},
	} {
		_, err := b.tryMove(root, c.source, c.target, c.adjust...)
		if err == nil || store.KindOf(err) != c.kind {
			t.Errorf("%s to %s: %v, want: %s", c.source, c.target, err, c.kind.Sentence())
		}
	}
	b.put(root, "/a/o", "moved")
	b.move("/a", "/empty", over)
	b.move("/empty", "/deleted", over)
	b.reads(map[string]string{"/a/o": "moved", "/empty/o": "moved", "/deleted/o": "moved"})
	b.move("/deleted", "/new/place", func(m *service.MoveNamespace) { m.Parents = true })
	b.reads(map[string]string{"/a/o": "moved", "/new/place/o": "moved"})
}

func TestMoveOfANamespaceIsAnnounced(t *testing.T) {
	b := newBench(t)
	b.mkdir(root, "/a")
	told := make(chan service.Change, 1)
	stop := b.Listen(func(c service.Change) { told <- c })
	defer stop()
	b.move("/a", "/b")
	want := service.Change{Action: service.Renamed, Path: "/b", From: "/a", Kind: acl.Namespace, Client: root.ID}
	if got := <-told; got != want {
		t.Errorf("told %+v", got)
	}
}
