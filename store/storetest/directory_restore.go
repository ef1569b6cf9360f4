package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/hatrac/hatrac/store"
)

func testRestore(t *testing.T, db Database) {
	w := begin(t, db)
	for name, test := range map[string]func(*world){
		"a tree comes back whole and alone":             restoresTrees,
		"what was deleted before stays deleted":         restoresTogether,
		"a name whose time is unknown comes back":       restoresUnknown,
		"small content comes back and stays":            restoresInline,
		"records come back":                             restoresRecords,
		"versions whose content is gone are lost":       losesReclaimed,
		"content that is being removed is lost":         losesTaken,
		"content that was queued twice comes back":      restoresShared,
		"what is restored can be deleted again":         deletesRestored,
		"jobs do not come back":                         restoresNoJobs,
		"only a deleted name can be restored":           restoresDeletedOnly,
		"a version comes back in its place":             restoresVersions,
		"a version whose content is gone stays deleted": restoresNoReclaimed,
		"a failed change restores nothing":              restoresNothing,
	} {
		t.Run(name, func(t *testing.T) { test(w.in(t)) })
	}
	testRivalsOfRestore(t, w, open(t, db))
}

// hour is a moment in the stories of deleting and restoring.
func hour(n int) time.Time { return begun.Add(time.Duration(n) * time.Hour) }

// retention is how long after its deletion content is due here.
const retention = 100 * 24 * time.Hour

func (w *world) deleteTreeAt(path store.Path, at time.Time) {
	w.t.Helper()
	w.update(func(tx store.Tx) error { return tx.DeleteTree(w.t.Context(), path, at, at.Add(retention)) })
}

func (w *world) deleteVersionAt(id int64, at time.Time) {
	w.t.Helper()
	w.update(func(tx store.Tx) error { return tx.DeleteVersion(w.t.Context(), id, at, at.Add(retention)) })
}

// restore restores a name and expects that so many versions are lost.
func (w *world) restore(path store.Path, wantLost int) {
	w.t.Helper()
	w.update(func(tx store.Tx) error {
		lost, err := tx.Restore(w.t.Context(), path, time.Now())
		if err == nil && lost != wantLost {
			w.t.Errorf("restoring %s loses %d versions, want %d", path, lost, wantLost)
		}
		return err
	})
}

func (w *world) restoreVersion(id int64) {
	w.t.Helper()
	w.update(func(tx store.Tx) error { return tx.RestoreVersion(w.t.Context(), id) })
}

// current returns the current version's id of the live object at path; "" if it has none.
func (w *world) current(path store.Path) string {
	w.t.Helper()
	found := w.resolve(path, "")
	if found.Name == nil || found.Name.Deleted {
		w.t.Errorf("%s is not live", path)
	}
	if found.Current == nil {
		return ""
	}
	return found.Current.Version
}

// expectDead expects that the name is still deleted, at that time.
func (w *world) expectDead(path store.Path, at time.Time) {
	w.t.Helper()
	if n := w.name(path); !n.Deleted || !n.DeletedOn.Equal(at) {
		w.t.Errorf("%s: deleted %v on %v", path, n.Deleted, n.DeletedOn)
	}
}

func restoresTrees(w *world) {
	w.drain()
	for _, path := range append([]store.Path{"/t", "/t/a", "/t/a/b", "/t/a-b", "/t/~"}, neighbours...) {
		w.namespace(path)
	}
	o := w.object("/t/a/b/o")
	old, now := w.bind(o.ID, "tree-old"), w.bind(o.ID, "tree-now")
	w.bindAs(func() store.Version { v := fullVersion(w.object("/t/full").ID); v.Address = "tree-full"; return v }())
	w.bind(w.object("/t-b/o").ID, "neighbour")
	before := w.beneath("/t")
	full := w.resolve("/t/full", "").Version
	for _, path := range append([]store.Path{"/t"}, neighbours...) {
		w.deleteTreeAt(path, hour(1))
	}
	changes := w.name("/t/a/b").Changes

	w.changed(store.Root, true, "restoring a tree", func(ctx context.Context, tx store.Tx) error {
		lost, err := tx.Restore(ctx, "/t", time.Now())
		if lost != 0 {
			w.t.Errorf("%d versions are lost", lost)
		}
		return err
	})
	same(w.t, "what is beneath", before, w.beneath("/t"))
	same(w.t, "a version", full, w.resolve("/t/full", "").Version)
	same(w.t, "the versions", "tree-now", w.current("/t/a/b/o"))
	same(w.t, "the children", []string{"a", "a-b", "full", "~"}, w.children(w.name("/t").ID, "", 10))
	for _, path := range []store.Path{"/t", "/t/a", "/t/a/b/o"} {
		if n := w.name(path); n.Deleted || !n.DeletedOn.IsZero() {
			w.t.Errorf("%s: deleted %v on %v", path, n.Deleted, n.DeletedOn)
		}
	}
	if after := w.name("/t/a/b").Changes; after <= changes {
		w.t.Error("a namespace that has its children again counts no change")
	}
	for _, path := range neighbours {
		w.expectDead(path, hour(1))
	}
	w.expectDue("after restoring", long, 10, "at neighbour")
	w.expectBound(map[store.Address]bool{old.Address: true, now.Address: true, "tree-full": true})
}

func restoresTogether(w *world) {
	w.namespace("/p")
	w.namespace("/p/before")
	before, o, empty := w.object("/p/before/o"), w.object("/p/o"), w.object("/p/empty")
	w.bind(before.ID, "before")
	earlier := w.bind(empty.ID, "all deleted earlier")
	one, two, three := w.bind(o.ID, "p-1"), w.bind(o.ID, "p-2"), w.bind(o.ID, "p-3")
	w.deleteVersionAt(three.ID, hour(1))
	w.deleteVersionAt(earlier.ID, hour(1))
	w.deleteTreeAt("/p/before", hour(2))
	w.deleteTreeAt("/p", hour(3))
	w.restore("/p", 0)
	same(w.t, "what is beneath", []string{"/p/empty", "/p/o:p-1:p-2"}, w.beneath("/p"))
	same(w.t, "the current version", two.Version, w.current("/p/o"))
	same(w.t, "the current version of an object without", "", w.current("/p/empty"))
	w.expectDead("/p/before", hour(2))
	w.expectDead("/p/before/o", hour(2))
	if v := w.resolve("/p/o", "p-3").Version; !v.Deleted || !v.DeletedOn.Equal(hour(1)) {
		w.t.Errorf("the version that was deleted before is %+v", v)
	}
	w.restore("/p/before", 0)
	same(w.t, "the current version", "before", w.current("/p/before/o"))
	w.expectBound(map[store.Address]bool{one.Address: true, three.Address: true})
}

func restoresUnknown(w *world) {
	w.namespace("/unknown")
	w.bind(w.object("/unknown/o").ID, "unknown")
	w.bind(w.object("/unknown/known").ID, "known")
	w.deleteTreeAt("/unknown/known", hour(1))
	w.update(func(tx store.Tx) error {
		return tx.DeleteTree(w.t.Context(), "/unknown", time.Time{}, hour(1).Add(retention))
	})
	w.restore("/unknown", 0)
	same(w.t, "what is beneath", []string{"/unknown/o:unknown"}, w.beneath("/unknown"))
}

func restoresInline(w *world) {
	o, p := w.object("/small"), w.object("/small-alone")
	v := w.bindAs(store.Version{NameID: o.ID, Version: "small", Size: 5, Inline: []byte("small"), HasInline: true})
	alone := w.bindAs(store.Version{NameID: p.ID, Version: "empty", Inline: []byte{}, HasInline: true})
	w.deleteTreeAt("/small", hour(1))
	w.deleteVersionAt(alone.ID, hour(1))
	w.restore("/small", 0)
	w.restoreVersion(alone.ID)
	w.drain()
	same(w.t, "the version of a tree", &v, w.resolve("/small", "").Current)
	same(w.t, "the version alone", &alone, w.resolve("/small-alone", "").Current)
}

func restoresRecords(w *world) {
	ctx := w.t.Context()
	o := w.object("/recorded")
	to := store.Ref{Path: "/else", Version: "where"}
	v, alone := w.bind(o.ID, "recorded"), w.bind(o.ID, "recorded-alone")
	w.update(func(tx store.Tx) error {
		if err := tx.ForwardVersion(ctx, v.ID, to, begun); err != nil {
			return err
		}
		return tx.ForwardVersion(ctx, alone.ID, to, begun)
	})
	w.deleteVersionAt(alone.ID, hour(1))
	w.deleteTreeAt("/recorded", hour(2))
	w.drain()
	w.restore("/recorded", 0)
	v.Address, v.Forward, v.ForwardedOn = "", &to, begun
	same(w.t, "the record", &v, w.resolve("/recorded", "").Current)
	w.restoreVersion(alone.ID)
	alone.Address, alone.Forward, alone.ForwardedOn = "", &to, begun
	same(w.t, "the record restored alone", &alone, w.resolve("/recorded", "").Current)
}
