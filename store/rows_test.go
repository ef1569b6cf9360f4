package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

func TestMergePutsWhatIsKnownOverTheRest(t *testing.T) {
	full := store.Attr{
		MTime: 1, Mode: 0o640, UID: 2, GID: 3, Ino: 4,
		HasMTime: true, HasMode: true, HasOwner: true,
	}
	for _, c := range []struct {
		name       string
		a, b, want store.Attr
	}{
		{"nothing over nothing", store.Attr{}, store.Attr{}, store.Attr{}},
		{"nothing", full, store.Attr{}, full},
		{"everything over nothing", store.Attr{}, full, full},
		{
			"values that are not known", full, store.Attr{MTime: 9, Mode: 9, UID: 9, GID: 9}, full,
		},
		{
			"a time, even the epoch", full,
			store.Attr{HasMTime: true},
			store.Attr{Mode: 0o640, UID: 2, GID: 3, Ino: 4, HasMTime: true, HasMode: true, HasOwner: true},
		},
		{
			"a mode", full,
			store.Attr{Mode: 0o600, HasMode: true},
			store.Attr{MTime: 1, Mode: 0o600, UID: 2, GID: 3, Ino: 4, HasMTime: true, HasMode: true, HasOwner: true},
		},
		{
			"an owner", full,
			store.Attr{GID: 7, HasOwner: true},
			store.Attr{MTime: 1, Mode: 0o640, GID: 7, Ino: 4, HasMTime: true, HasMode: true, HasOwner: true},
		},
		{
			"an inode number", full,
			store.Attr{Ino: 8},
			store.Attr{MTime: 1, Mode: 0o640, UID: 2, GID: 3, Ino: 8, HasMTime: true, HasMode: true, HasOwner: true},
		},
	} {
		if diff := cmp.Diff(c.want, c.a.Merge(c.b)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestRefsEncodeTheirVersions(t *testing.T) {
	for ref, want := range map[store.Ref]string{
		{Path: "/a%2Fb"}:                  "/a%2Fb",
		{Path: "/a", Version: "ABC123"}:   "/a:ABC123",
		{Path: "/a%3Ab", Version: "V:W/"}: "/a%3Ab:V%3AW%2F",
	} {
		if got := ref.String(); got != want {
			t.Errorf("%#v is written %q, want %q", ref, got, want)
		}
	}
}

func TestTheParentIsTheNameDirectlyAbove(t *testing.T) {
	root, a := store.Name{ID: 1, Path: "/"}, store.Name{ID: 2, Path: "/a"}
	for _, c := range []struct {
		name string
		r    store.Resolution
		want int64
	}{
		{"of the root", store.Resolution{Path: "/"}, 0},
		{"in the root", store.Resolution{Path: "/a", Enclosing: []store.Name{root}}, 1},
		{"further down", store.Resolution{Path: "/a/b", Enclosing: []store.Name{root, a}}, 2},
		{"never bound", store.Resolution{Path: "/a/b/c", Enclosing: []store.Name{root, a}}, 0},
	} {
		var got int64
		if parent := c.r.Parent(); parent != nil {
			got = parent.ID
		}
		if got != c.want {
			t.Errorf("%s: the parent is row %d, want %d", c.name, got, c.want)
		}
	}
}

func TestEnclosingListsAreInOrder(t *testing.T) {
	first, second := acl.Lists{acl.Owner: {"a"}}, acl.Lists{acl.Owner: {"b"}}
	r := store.Resolution{Enclosing: []store.Name{{ACLs: first}, {ACLs: second}}}
	if diff := cmp.Diff([]acl.Lists{first, second}, r.EnclosingLists()); diff != "" {
		t.Errorf("lists (-want +got):\n%s", diff)
	}
}
