package service_test

import (
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

func (b *bench) rename(c acl.Client, source, target string, adjust ...func(*service.Rename)) (*service.RenameResult, error) {
	req := service.Rename{Source: store.Path(source), Target: store.Path(target)}
	for _, f := range adjust {
		f(&req)
	}
	return b.Rename(b.ctx, c, req)
}

func (b *bench) mustRename(source, target string, adjust ...func(*service.Rename)) *service.RenameResult {
	b.t.Helper()
	result, err := b.rename(root, source, target, adjust...)
	b.must(err)
	return result
}

func replace(r *service.Rename) { r.Replace = true }

func TestRenameKeepsEveryReference(t *testing.T) {
	b := newBench(t)
	first := b.put(root, "/old", "one")
	second := b.put(root, "/old", large("two"))
	result := b.mustRename("/old", "/new")
	if len(result.Versions) != 2 || result.Unchanged {
		t.Fatalf("got %+v", result)
	}
	if got, want := b.versions(root, "/new"), second+" "+first; got != want {
		t.Errorf("versions are %s, want %s", got, want)
	}
	for at, content := range map[string]string{
		"/old": large("two"), "/new": large("two"),
		"/old:" + first: "one", "/new:" + first: "one", "/old:" + second: large("two"),
	} {
		got, found, err := b.get(root, at)
		b.must(err)
		if got != content || found.Path != "/new" {
			t.Errorf("%s leads to %s with %.10q", at, found, got)
		}
	}
	if b.files() != 1 {
		t.Errorf("there are %d files for one large version", b.files())
	}
}

func TestRepeatedRenameChangesNothing(t *testing.T) {
	b := newBench(t)
	b.put(root, "/old", "one")
	moved := b.mustRename("/old", "/new").Versions[0]
	again := b.mustRename("/old", "/new")
	if !again.Unchanged || len(again.Versions) != 1 || again.Versions[0].Version != moved.Version {
		t.Errorf("got %+v", again)
	}
}

func TestRenameIsFollowedThroughMany(t *testing.T) {
	b := newBench(t)
	v := b.put(root, "/a", "one")
	b.mustRename("/a", "/b")
	b.mustRename("/b", "/c")
	for _, at := range []string{"/a", "/b", "/c", "/a:" + v, "/b:" + v} {
		b.wantContent(root, at, "one")
	}
}

func TestRenameBackIsNoLoop(t *testing.T) {
	b := newBench(t)
	v := b.put(root, "/f", large("one"))
	for range 3 {
		b.mustRename("/f", "/f.bak", replace)
		b.mustRename("/f.bak", "/f.older", replace)
		b.mustRename("/f.older", "/f", replace)
	}
	_, found, err := b.get(root, "/f.bak:"+v)
	b.must(err)
	if found.Path != "/f" || b.versions(root, "/f") != v {
		t.Errorf("the version is at %s, /f has %s", found, b.versions(root, "/f"))
	}
	w := b.put(root, "/f", "two")
	if got, want := b.versions(root, "/f"), w+" "+v; got != want {
		t.Errorf("/f has %s, want %s", got, want)
	}
}

func TestMovedAwayNameCanBeUsedAgain(t *testing.T) {
	b := newBench(t)
	first := b.put(root, "/log", "one")
	b.mustRename("/log", "/log.1", replace)
	second := b.put(root, "/log", "two")
	b.wantContent(root, "/log", "two")
	b.wantContent(root, "/log:"+first, "one")
	b.mustRename("/log.1", "/log.2", replace)
	b.mustRename("/log", "/log.1", replace)
	b.wantContent(root, "/log.1", "two")
	b.wantContent(root, "/log.2", "one")
	b.wantContent(root, "/log:"+first, "one")
	b.wantContent(root, "/log:"+second, "two")
}

func TestCreatorMayUseAMovedAwayNameOfOthers(t *testing.T) {
	b := newBench(t)
	b.mkdir(root, "/p")
	b.grant(root, "/p", acl.Create, "staff")
	b.put(alice, "/p/o", "one")
	_, err := b.tryPut(bob, "/p/o", "two")
	b.want(store.Denied, err)
	_, err = b.rename(alice, "/p/o", "/p/q")
	b.must(err)
	b.put(bob, "/p/o", "two")
	_, err = b.tryPut(mallory, "/p/o", "three")
	b.want(store.Denied, err)
}

func TestDeletionOfEitherEnd(t *testing.T) {
	b := newBench(t)
	v := b.put(root, "/a", large("one"))
	b.mustRename("/a", "/b")
	b.must(b.Delete(b.ctx, root, service.Delete{Path: "/a"}))
	b.must(b.Reclaim(b.ctx))
	b.wantContent(root, "/b", large("one"))

	b.put(root, "/c", "two")
	b.mustRename("/c", "/d")
	b.must(b.Delete(b.ctx, root, service.Delete{Path: "/d"}))
	_, _, err := b.get(root, "/c")
	b.want(store.Conflict, err)
	b.must(b.Delete(b.ctx, root, service.Delete{Path: "/c"}))
	b.wantContent(root, "/b:"+v, large("one"))
}

func TestRenameOntoAnObjectAddsItsVersions(t *testing.T) {
	b := newBench(t)
	old := b.put(root, "/target", "old")
	b.put(root, "/tmp", "new")
	b.mustRename("/tmp", "/target", replace)
	b.wantContent(root, "/target", "new")
	b.wantContent(root, "/target:"+old, "old")
	_, err := b.rename(root, "/target", "/tmp", func(r *service.Rename) { r.NoReplace = true })
	b.must(err)
	b.put(root, "/other", "v")
	_, err = b.rename(root, "/tmp", "/other", func(r *service.Rename) { r.NoReplace = true })
	b.want(store.Exists, err)
}

func TestRenameKeepsInodeAndTimes(t *testing.T) {
	b := newBench(t)
	b.put(root, "/a", "one")
	before, err := b.Look(b.ctx, root, ref("/a"))
	b.must(err)
	b.mustRename("/a", "/b")
	after, err := b.Look(b.ctx, root, ref("/b"))
	b.must(err)
	if before.Version.Inode() != after.Version.Inode() {
		t.Error("the inode number changed")
	}
	if after.Version.Attr.MTime != before.Version.Created.UnixNano() {
		t.Error("the time of modification changed")
	}
}

func TestRenameOfChosenVersions(t *testing.T) {
	b := newBench(t)
	first, second := b.put(root, "/a", "one"), b.put(root, "/a", "two")
	chosen := func(ids ...string) func(*service.Rename) {
		return func(r *service.Rename) { r.Versions = ids }
	}
	b.mustRename("/a", "/b", chosen(first))
	b.wantContent(root, "/a", "two")
	b.wantContent(root, "/b", "one")
	_, err := b.rename(root, "/a", "/c", chosen(first))
	b.want(store.Conflict, err)
	_, err = b.rename(root, "/a", "/b", chosen(second, "none"))
	b.want(store.Conflict, err)
	if result := b.mustRename("/a", "/b", chosen(first)); !result.Unchanged {
		t.Error("a repeated rename of one version changed something")
	}
}

func TestRenameRefusesWhatIsNoRename(t *testing.T) {
	b := newBench(t)
	b.put(root, "/a", "one")
	b.mkdir(root, "/ns")
	only := b.put(root, "/empty", "v")
	b.must(b.DeleteVersion(b.ctx, root, ref("/empty:"+only), service.Conditions{}))
	b.put(root, "/deleted", "v")
	b.must(b.Delete(b.ctx, root, service.Delete{Path: "/deleted"}))
	for _, c := range []struct {
		source, target string
		kind           store.ErrorKind
	}{
		{"/a", "/a", store.Conflict},
		{"/none", "/b", store.Conflict},
		{"/ns", "/b", store.Conflict},
		{"/empty", "/b", store.Conflict},
		{"/a", "/ns", store.WrongKind},
		{"/a", "/none/b", store.NotFound},
		{"/a", "/a/b", store.WrongKind},
		{"/a", "/deleted", store.Conflict},
	} {
		_, err := b.rename(root, c.source, c.target)
		if err == nil || store.KindOf(err) != c.kind {
			t.Errorf("%s to %s: got %v, want: %s", c.source, c.target, err, c.kind.Sentence())
		}
	}
	b.mustRename("/a", "/deleted", replace)
	b.wantContent(root, "/deleted", "one")
}

func TestMoveToADeletedNameAndBack(t *testing.T) {
	b := newBench(t)
	v := b.put(root, "/f", "one")
	b.mustRename("/f", "/g", replace)
	b.must(b.Delete(b.ctx, root, service.Delete{Path: "/f"}))
	b.mustRename("/g", "/f", replace)
	b.wantContent(root, "/f:"+v, "one")
	b.wantContent(root, "/g:"+v, "one")
}

func TestRenameRights(t *testing.T) {
	b := newBench(t)
	b.mkdir(root, "/p")
	b.grant(root, "/p", acl.Create, "staff")
	b.put(alice, "/p/a", "one")
	b.put(alice, "/p/t", "target")
	b.put(bob, "/p/b", "two")

	_, err := b.rename(bob, "/p/a", "/p/x")
	b.want(store.Denied, err)
	_, err = b.rename(nobody, "/p/a", "/p/x")
	b.want(store.Unauthenticated, err)
	_, err = b.rename(alice, "/p/a", "/x")
	b.want(store.Denied, err)
	b.grant(alice, "/p/t", acl.Update, "bob")
	_, err = b.rename(bob, "/p/b", "/p/t")
	b.want(store.Denied, err)
	_, err = b.rename(bob, "/p/b", "/p/t", replace)
	b.must(err)
	b.wantContent(bob, "/p/t", "two")
}

func TestRenameCopiesListsOnRequest(t *testing.T) {
	b := newBench(t)
	b.home(alice, "/alice")
	v := b.put(alice, "/alice/a", "one")
	b.grant(alice, "/alice/a", acl.SubtreeRead, "bob")
	b.grant(alice, "/alice/a:"+v, acl.Read, "mallory")
	_, err := b.rename(alice, "/alice/a", "/alice/b", func(r *service.Rename) { r.CopyACLs = true })
	b.must(err)
	b.wantContent(bob, "/alice/b", "one")
	b.wantContent(mallory, "/alice/a", "one")
	_, err = b.rename(root, "/alice/b", "/alice/c")
	b.must(err)
	_, _, err = b.get(bob, "/alice/a")
	b.want(store.Denied, err)
}
