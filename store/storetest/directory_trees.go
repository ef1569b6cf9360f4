package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/hatrac/hatrac/store"
)

func testTrees(t *testing.T, db Database) {
	w := begin(t, db)
	for name, test := range map[string]func(*world){
		"a tree is deleted whole and alone":      deletesTrees,
		"what was deleted before keeps its time": deletesOnce,
		"an object is deleted with its versions": deletesObjects,
		"occupied by what can be seen only":      occupies,
	} {
		t.Run(name, func(t *testing.T) { test(w.in(t)) })
	}
}

// neighbours sort close to "/t" and "/t/…" without lying beneath it.
var neighbours = []store.Path{"/t%20", "/t-b", "/t.b", "/t0", "/tb", "/s", "/t~", "/T"}

func deletesTrees(w *world) {
	for _, path := range append([]store.Path{"/t", "/t/a", "/t/a/b", "/t/a-b", "/t/~"}, neighbours...) {
		w.namespace(path)
	}
	for _, path := range append([]store.Path{"/t/o", "/t/a/b/o"}, "/t-b/o", "/t0/o") {
		w.bind(w.object(path).ID, "v of "+string(path))
	}
	before := w.name("/t/a")
	w.changed(store.Root, true, "deleting a tree", func(ctx context.Context, tx store.Tx) error {
		return tx.DeleteTree(ctx, "/t", begun.Add(time.Minute), begun.Add(time.Hour))
	})
	for _, path := range []store.Path{"/t", "/t/a", "/t/a/b", "/t/a-b", "/t/~", "/t/o", "/t/a/b/o"} {
		n := w.name(path)
		if !n.Deleted || !n.DeletedOn.Equal(begun.Add(time.Minute)) {
			w.t.Errorf("%s: deleted %v on %v", path, n.Deleted, n.DeletedOn)
		}
	}
	for _, path := range append([]store.Path{"/t-b/o", "/t0/o", "/"}, neighbours...) {
		if n := w.name(path); n.Deleted || !n.DeletedOn.IsZero() {
			w.t.Errorf("%s went with its neighbour", path)
		}
	}
	if after := w.name("/t/a"); after.Changes <= before.Changes {
		w.t.Error("a namespace that lost its children counts no change")
	}
	for _, path := range []store.Path{"/t/o", "/t/a/b/o"} {
		found := w.resolve(path, "v of "+string(path))
		if found.Current != nil || found.Version == nil || !found.Version.Deleted || !found.Version.DeletedOn.Equal(begun.Add(time.Minute)) {
			w.t.Errorf("%s has the version %+v, current %+v", path, found.Version, found.Current)
		}
	}
	if found := w.resolve("/t-b/o", ""); found.Current == nil || found.Current.Deleted {
		w.t.Error("a neighbour's version went too")
	}
	w.refused(store.NotFound, "deleting a deleted tree", func(ctx context.Context, tx store.Tx) error {
		return tx.DeleteTree(ctx, "/t", begun, begun)
	})
	w.refused(store.NotFound, "deleting what never was", func(ctx context.Context, tx store.Tx) error {
		return tx.DeleteTree(ctx, "/t/never", begun, begun)
	})
}

func deletesOnce(w *world) {
	w.namespace("/d")
	o := w.object("/d/o")
	w.bind(o.ID, "d-1")
	w.object("/d/p")
	w.deleteTree("/d/o")
	w.update(func(tx store.Tx) error {
		return tx.DeleteTree(w.t.Context(), "/d", begun.Add(5*time.Hour), begun.Add(6*time.Hour))
	})
	if n := w.name("/d/o"); !n.DeletedOn.Equal(begun.Add(time.Hour)) {
		w.t.Errorf("the name's deletion moved to %v", n.DeletedOn)
	}
	if v := w.resolve("/d/o", "d-1").Version; !v.DeletedOn.Equal(begun.Add(time.Hour)) {
		w.t.Errorf("the version's deletion moved to %v", v.DeletedOn)
	}
	if n := w.name("/d/p"); !n.DeletedOn.Equal(begun.Add(5 * time.Hour)) {
		w.t.Errorf("/d/p was deleted on %v", n.DeletedOn)
	}
}

func deletesObjects(w *world) {
	o := w.object("/x")
	w.bind(o.ID, "x-1")
	w.bind(o.ID, "x-2")
	w.changed("/x", true, "deleting an object", func(ctx context.Context, tx store.Tx) error {
		return tx.DeleteTree(ctx, "/x", begun, begun.Add(time.Hour))
	})
	found := w.resolve("/x", "x-1")
	if !found.Name.Deleted || !found.Version.Deleted || found.Current != nil {
		w.t.Errorf("the deleted object resolves to %+v", found)
	}
	if rest, err := w.d.Versions(w.t.Context(), o.ID, 0, 10); err != nil || len(rest) != 0 {
		w.t.Errorf("the deleted object has the versions %v, %v", rest, err)
	}
}

func occupies(w *world) {
	n := w.namespace("/occupied")
	expect := func(want bool, when string) {
		w.t.Helper()
		w.update(func(tx store.Tx) error {
			got, err := tx.Occupied(w.t.Context(), n.ID)
			if got != want {
				w.t.Errorf("%s: Occupied = %v", when, got)
			}
			return err
		})
	}
	expect(false, "without children")
	o := w.object("/occupied/o")
	expect(false, "with an object without versions")
	v := w.bind(o.ID, "occupied-1")
	expect(true, "with an object that has a version")
	w.update(func(tx store.Tx) error {
		return tx.ForwardVersion(w.t.Context(), v.ID, store.Ref{Path: "/elsewhere", Version: "e"}, begun)
	})
	expect(false, "with an object whose current version forwards")
	second := w.bind(o.ID, "occupied-2")
	expect(true, "with a newer version above a record")
	w.deleteVersion(second.ID)
	expect(false, "with the record current again")
	w.namespace("/occupied/ns")
	expect(true, "with an empty namespace")
	w.deleteTree("/occupied/ns")
	expect(false, "with a deleted namespace")
	w.namespace("/occupied-not")
	expect(false, "with a neighbour")
}
