package service_test

import (
	"testing"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

func TestAMovedNamespaceIsWhereItWasThen(t *testing.T) {
	b := newBench(t)
	b.mkdir(root, "/a")
	b.mkdir(root, "/a/sub")
	b.mkdir(root, "/to")
	b.put(root, "/a/sub/f", "one")
	b.put(root, "/a/g", "g")
	first := time.Now()
	b.move("/a", "/to/b")
	b.put(root, "/to/b/sub/f", "two")
	second := time.Now()
	b.mkdir(root, "/a")
	b.put(root, "/a/other", "other")
	b.mustRename("/to/b/g", "/a/g")
	third := time.Now()
	b.move("/to/b/sub", "/a/sub")
	b.must(b.Delete(b.ctx, root, service.Delete{Path: "/to"}))
	missing := store.NotFound.Sentence()
	for _, c := range []struct {
		at         time.Time
		path, want string
	}{
		{first, "/a/sub/f", "one"},
		{first, "/a/g", "g"},
		{first, "/a/other", missing},
		{first, "/to/b/sub/f", missing},
		{second, "/a/sub/f", missing},
		{second, "/to/b/sub/f", "two"},
		{second, "/to/b/g", "g"},
		{third, "/a/other", "other"},
		{third, "/a/g", "g"},
		{third, "/to/b/g", missing},
		{third, "/to/b/sub/f", "two"},
		{time.Now(), "/a/sub/f", "two"},
		{time.Now(), "/to/b/sub/f", missing},
	} {
		if got := b.contentAt(root, c.path, c.at); got != c.want {
			t.Errorf("%s was %q, want %q", c.path, got, c.want)
		}
	}
	for _, c := range []struct {
		at         time.Time
		path, want string
	}{
		{first, "/", "a to"},
		{first, "/a", "g sub"},
		{first, "/a/sub", "f"},
		{first, "/to", ""},
		{second, "/", "to"},
		{second, "/to", "b"},
		{second, "/to/b", "g sub"},
		{third, "/", "a to"},
		{third, "/a", "g other"},
		{third, "/to/b", "sub"},
		{third, "/to/b/sub", "f"},
		{time.Now(), "/", "a"},
		{time.Now(), "/a", "g other sub"},
	} {
		if got := b.childrenAt(c.path, c.at); got != c.want {
			t.Errorf("in %s was %q, want %q", c.path, got, c.want)
		}
	}
}

// The rights of today decide about what was, and those are where it is today.
func TestThePastOfWhatWasMovedHasTheRightsOfItsPlace(t *testing.T) {
	b := newBench(t)
	b.home(alice, "/hers")
	b.home(bob, "/his")
	b.mkdir(root, "/d")
	b.mkdir(root, "/d/sub")
	b.put(root, "/d/sub/f", "f")
	then := time.Now()
	b.move("/d/sub", "/hers/sub")
	b.grant(root, "/d", acl.Read, "bob")
	b.grant(root, "/d", acl.SubtreeRead, "bob")
	if got := b.contentAt(bob, "/d/sub/f", then); got != store.Denied.Sentence() {
		t.Errorf("bob reads %q", got)
	}
	if got := b.contentAt(alice, "/d/sub/f", then); got != "f" {
		t.Errorf("alice reads %q", got)
	}
	listing, err := b.ListAt(b.ctx, bob, "/d", then, service.ListPage{})
	b.must(err)
	if len(listing.Children) != 1 || listing.Children[0].Path != "/d/sub" || listing.Children[0].May(acl.ListNamespace) {
		t.Errorf("bob is told %+v", listing.Children)
	}
	_, err = b.ListAt(b.ctx, bob, "/d/sub", then, service.ListPage{})
	b.want(store.Denied, err)
}
