package service_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

func TestNamespaceIsCreatedOnce(t *testing.T) {
	b := newBench(t)
	b.mkdir(root, "/a")
	_, err := b.CreateNamespace(b.ctx, root, service.CreateNamespace{Path: "/a"})
	b.want(store.Exists, err)
	_, err = b.CreateNamespace(b.ctx, root, service.CreateNamespace{Path: "/"})
	b.want(store.Exists, err)
	_, err = b.CreateNamespace(b.ctx, nobody, service.CreateNamespace{Path: "/"})
	b.want(store.Unauthenticated, err)
}

func TestMissingParentsAreMadeOnlyOnRequest(t *testing.T) {
	b := newBench(t)
	_, err := b.CreateNamespace(b.ctx, root, service.CreateNamespace{Path: "/x/y/z"})
	b.want(store.NotFound, err)
	_, err = b.CreateNamespace(b.ctx, root, service.CreateNamespace{Path: "/x/y/z", Parents: true})
	b.must(err)
	if got := b.children(root, "/x/y"); got != "z" {
		t.Errorf("the namespace has %q", got)
	}
	_, err = b.PutObject(b.ctx, root, service.PutObject{
		Path: "/x/p/q/o", Parents: true, Content: strings.NewReader("v"), Size: 1,
	})
	b.must(err)
	b.wantContent(root, "/x/p/q/o", "v")
}

func TestObjectCannotContainNames(t *testing.T) {
	b := newBench(t)
	b.put(root, "/o", "v")
	_, err := b.CreateNamespace(b.ctx, root, service.CreateNamespace{Path: "/o/a"})
	b.want(store.WrongKind, err)
	_, err = b.tryPut(root, "/o/a", "v")
	b.want(store.WrongKind, err)
}

func TestLongSegmentIsNotCreated(t *testing.T) {
	b := newBench(t)
	b.mkdir(root, "/"+strings.Repeat("a", store.MaxSegment))
	long := store.Path("/" + strings.Repeat("a", store.MaxSegment+1))
	_, err := b.CreateNamespace(b.ctx, root, service.CreateNamespace{Path: long})
	b.want(store.TooLong, err)
	_, err = b.CreateNamespace(b.ctx, root, service.CreateNamespace{Path: long + "/a", Parents: true})
	b.want(store.TooLong, err)
	_, err = b.tryPut(root, string(long), "v")
	b.want(store.TooLong, err)
	if got := b.children(root, "/"); strings.Contains(got, " ") {
		t.Errorf("something was left behind: %q", got)
	}
}

func TestOnlyThoseGrantedCreate(t *testing.T) {
	b := newBench(t)
	b.home(alice, "/alice")
	create := func(c acl.Client, path string) error {
		_, err := b.CreateNamespace(b.ctx, c, service.CreateNamespace{Path: store.Path(path)})
		return err
	}
	b.want(store.Denied, create(bob, "/alice/x"))
	b.want(store.Unauthenticated, create(nobody, "/alice/x"))
	b.grant(alice, "/alice", acl.Create, "staff")
	b.must(create(bob, "/alice/x"))
	b.must(create(bob, "/alice/x/y"))
	b.want(store.Denied, create(mallory, "/alice/z"))
	b.want(store.Unauthenticated, create(nobody, "/alice/z"))
}

func TestCreatorOwnsUnlessAnOwnerIsGiven(t *testing.T) {
	b := newBench(t)
	b.home(alice, "/alice")
	b.mkdir(alice, "/alice/mine")
	lists, err := b.ACLs(b.ctx, alice, ref("/alice/mine"))
	b.must(err)
	if diff := cmp.Diff(acl.List{"alice"}, lists.Lists[acl.Owner]); diff != "" {
		t.Error(diff)
	}
	_, err = b.CreateNamespace(b.ctx, alice, service.CreateNamespace{
		Path: "/alice/given", ACLs: acl.Lists{acl.Owner: {"bob"}, acl.Read: {"*"}},
	})
	b.must(err)
	b.mkdir(bob, "/alice/given/x")
	if got := b.children(nobody, "/alice/given"); got != "x" {
		t.Errorf("the world sees %q", got)
	}
	_, err = b.CreateNamespace(b.ctx, alice, service.CreateNamespace{
		Path: "/alice/wrong", ACLs: acl.Lists{acl.Update: {"bob"}},
	})
	b.want(store.Invalid, err)
}

func TestDeletedNameStaysTakenUnlessItsOwnerRevivesIt(t *testing.T) {
	b := newBench(t)
	b.home(alice, "/alice")
	b.grant(alice, "/alice", acl.Create, "bob")
	b.mkdir(alice, "/alice/a")
	b.put(alice, "/alice/a/o", "v")
	b.must(b.Delete(b.ctx, alice, service.Delete{Path: "/alice/a"}))

	_, err := b.CreateNamespace(b.ctx, alice, service.CreateNamespace{Path: "/alice/a"})
	b.want(store.Conflict, err)
	_, err = b.tryPut(alice, "/alice/a/o", "v")
	b.want(store.NotFound, err)
	_, err = b.CreateNamespace(b.ctx, alice, service.CreateNamespace{Path: "/alice/a/b", Parents: true})
	b.want(store.Conflict, err)
	_, err = b.CreateNamespace(b.ctx, bob, service.CreateNamespace{Path: "/alice/a", Revive: true})
	b.want(store.Denied, err)
	_, err = b.PutObject(b.ctx, alice, service.PutObject{
		Path: "/alice/a", Revive: true, Content: strings.NewReader(""), Size: 0,
	})
	b.want(store.Exists, err)
	_, err = b.CreateNamespace(b.ctx, alice, service.CreateNamespace{Path: "/alice/a", Revive: true})
	b.must(err)
	if got := b.children(alice, "/alice/a"); got != "" {
		t.Errorf("a revived namespace has %q", got)
	}
}

func TestListingPagesInOrder(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"b", "a-x", "a", "%C3%A9", "B"} {
		b.mkdir(root, "/"+name)
	}
	if got, want := b.children(root, "/"), "é B a a-x b"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	page, err := b.List(b.ctx, root, "/", service.ListPage{Limit: 2, After: "B"})
	b.must(err)
	if len(page.Children) != 2 || page.Children[1].Ref.Path != "/a-x" || !page.More {
		t.Fatalf("the second page is %v, more %v", page.Children, page.More)
	}
	page, err = b.List(b.ctx, root, "/", service.ListPage{Limit: 2, After: "a-x"})
	b.must(err)
	if len(page.Children) != 1 || page.More {
		t.Fatalf("the last page is %v, more %v", page.Children, page.More)
	}
}

func TestListingTagFollowsTheList(t *testing.T) {
	b := newBench(t)
	tag := func() string {
		t.Helper()
		listing, err := b.List(b.ctx, root, "/", service.ListPage{})
		b.must(err)
		return listing.Tag
	}
	empty := tag()
	b.mkdir(root, "/a")
	one := tag()
	b.mkdir(root, "/a/b")
	if one == empty || one != tag() {
		t.Error("the tag does not follow the list of direct children")
	}
	b.must(b.Delete(b.ctx, root, service.Delete{Path: "/a"}))
	if gone := tag(); gone == one {
		t.Error("the tag is the same after a deletion")
	}
}

func TestListingNeedsTheRight(t *testing.T) {
	b := newBench(t)
	b.home(alice, "/alice")
	_, err := b.List(b.ctx, bob, "/alice", service.ListPage{})
	b.want(store.Denied, err)
	_, err = b.Fetch(b.ctx, nobody, ref("/alice"))
	b.want(store.Unauthenticated, err)
	_, err = b.List(b.ctx, alice, "/alice/none", service.ListPage{})
	b.want(store.NotFound, err)
	b.put(alice, "/alice/o", "v")
	_, err = b.List(b.ctx, alice, "/alice/o", service.ListPage{})
	b.want(store.WrongKind, err)
}
