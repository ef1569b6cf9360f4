package service_test

import (
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

func TestWouldTellsTheRightsThatAreToBe(t *testing.T) {
	b := newBench(t)
	set := func(path store.Path, list acl.Name, entries ...string) {
		t.Helper()
		b.must(b.SetACL(b.ctx, root, store.Ref{Path: path}, service.ACLChange{Op: service.ReplaceList, List: list, Entries: entries}))
	}
	maker := acl.Client{ID: "maker"}
	clients := []acl.Client{root, maker, {}, {ID: "reader"}, {ID: "updater"}, {ID: "owner"}, {ID: "other"}}
	operations := []acl.Operation{
		acl.ReadContent, acl.ChangeVersion, acl.AddVersion, acl.DeleteName, acl.ListVersions, acl.MoveAway, acl.MoveOnto, acl.ManageACL,
	}
	b.mkdir(root, "/d")
	b.put(root, "/d/old", "one")
	set("/d", acl.Create, "maker")
	set("/d", acl.SubtreeRead, "reader")
	set("/d", acl.SubtreeUpdate, "updater")
	set("/d/old", acl.Update, "maker")
	set("/d/old", acl.SubtreeOwner, "owner")
	for object, asked := range map[store.Path]store.Path{"/d/old": "/d/old", "/d/new": "/d"} {
		before, err := b.Look(b.ctx, root, store.Ref{Path: asked})
		b.must(err)
		b.put(maker, string(object), "two")
		after, err := b.Look(b.ctx, root, store.Ref{Path: object})
		b.must(err)
		for _, c := range clients {
			for _, op := range operations {
				if would, may := before.For(c).Would(op, maker), after.For(c).May(op); would != may {
					t.Errorf("%s: operation %d of %q: it would be %v and is %v", object, op, c.ID, would, may)
				}
			}
		}
	}
}
