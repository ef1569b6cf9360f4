package storetest

import (
	"testing"

	"github.com/hatrac/hatrac/store"
)

func testUnsynced(t *testing.T, db Database) {
	w := begin(t, db)
	for name, test := range map[string]func(*world){
		"what is to be durable soon is seen at once": seesSoon(db),
		"a failed change leaves nothing":             leavesNothingSoon,
		"the mark is kept and taken away":            marksUnsynced,
		"the list has live versions, in pages":       listsUnsynced,
		"a forwarding record is durable":             forwardsUnsynced,
	} {
		t.Run(name, func(t *testing.T) { test(w.in(t)) })
	}
}

// unsynced makes an object with a version that somebody has yet to make durable.
func (w *world) unsynced(path store.Path) store.Version {
	w.t.Helper()
	return w.bindAs(store.Version{
		NameID: w.object(path).ID, Version: "late", Size: 1, Address: store.Address("late " + path), Unsynced: "somebody",
	})
}

func (w *world) listUnsynced(after int64, limit int) []store.Entry {
	w.t.Helper()
	list, err := w.d.UnsyncedVersions(w.t.Context(), after, limit)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func (w *world) markSynced(ids ...int64) {
	w.t.Helper()
	w.update(func(tx store.Tx) error { return tx.MarkSynced(w.t.Context(), ids) })
}

func seesSoon(db Database) func(*world) {
	return func(w *world) {
		ctx := w.t.Context()
		err := w.d.UpdateSoon(ctx, func(tx store.Tx) error { return makeOne(ctx, tx, w.root.ID, "/soon") })
		if err != nil || !w.whole("/soon") {
			w.t.Errorf("the change is not there: %v", err)
		}
		other := begin(w.t, db)
		if !other.whole("/soon") {
			w.t.Error("another handle does not see the change")
		}
		if err := w.d.Sync(ctx); err != nil {
			w.t.Errorf("sync: %v", err)
		}
		if err := w.d.Sync(ctx); err != nil {
			w.t.Errorf("sync of nothing: %v", err)
		}
		if !w.whole("/soon") {
			w.t.Error("the change has gone")
		}
	}
}

func leavesNothingSoon(w *world) {
	ctx := w.t.Context()
	err := w.d.UpdateSoon(ctx, func(tx store.Tx) error {
		if err := makeOne(ctx, tx, w.root.ID, "/never"); err != nil {
			return err
		}
		return errStop
	})
	if err != errStop { //nolint:errorlint // it is returned as it is
		w.t.Errorf("the change failed with %v, not with its own error", err)
	}
	if w.whole("/never") {
		w.t.Error("the failed change is there")
	}
}

func marksUnsynced(w *world) {
	want := w.unsynced("/marked")
	same(w.t, "the version", &want, w.resolve("/marked", "").Current)
	list := w.listUnsynced(want.ID-1, 1)
	same(w.t, "the list", []store.Entry{{Name: w.name("/marked"), Current: &want}}, list)
	before := w.name("/marked").Changes
	w.markSynced(want.ID, want.ID+1000)
	want.Unsynced = ""
	same(w.t, "the version that is durable", &want, w.resolve("/marked", "").Current)
	same(w.t, "the list afterwards", 0, len(w.listUnsynced(want.ID-1, 10)))
	if after := w.name("/marked").Changes; after != before {
		w.t.Error("that a version became durable counts as a change of its object")
	}
	w.markSynced()
}

func listsUnsynced(w *world) {
	first, gone, last := w.unsynced("/list1"), w.unsynced("/list2"), w.unsynced("/list3")
	w.bind(w.object("/list4").ID, "durable")
	w.deleteVersion(gone.ID)
	var got []int64
	for after := first.ID - 1; ; {
		page := w.listUnsynced(after, 1)
		if len(page) == 0 {
			break
		}
		after = page[0].Current.ID
		got = append(got, after)
	}
	same(w.t, "the versions", []int64{first.ID, last.ID}, got)
	w.markSynced(first.ID, gone.ID, last.ID)
	if v := w.resolve("/list2", "late").Version; v == nil || v.Unsynced != "" {
		w.t.Errorf("a deleted version is not marked as durable: %+v", v)
	}
}

func forwardsUnsynced(w *world) {
	v := w.unsynced("/forward")
	w.update(func(tx store.Tx) error {
		return tx.ForwardVersion(w.t.Context(), v.ID, store.Ref{Path: "/to", Version: "late"}, begun)
	})
	if v := w.resolve("/forward", "late").Version; v.Unsynced != "" {
		w.t.Error("a record without content waits to become durable")
	}
}
