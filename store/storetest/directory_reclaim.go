package storetest

import (
	"testing"
	"time"

	"github.com/hatrac/hatrac/store"
)

func testReclaim(t *testing.T, db Database) {
	w := begin(t, db)
	ctx := t.Context()
	o := w.object("/o")
	at := func(hours int) time.Time { return begun.Add(time.Duration(hours) * time.Hour) }
	deleted := func(id int64, due time.Time) {
		w.update(func(tx store.Tx) error { return tx.DeleteVersion(ctx, id, begun, due) })
	}
	late, soon := w.bind(o.ID, "late"), w.bind(o.ID, "soon")
	inline := w.bindAs(store.Version{NameID: o.ID, Version: "inline", Size: 1, Inline: []byte("i"), HasInline: true})
	live := w.bind(o.ID, "live")

	w.expectDue("before anything is deleted", at(100), 10)
	w.expectBound(map[store.Address]bool{late.Address: true, live.Address: true, "unknown": false, "": false})
	deleted(late.ID, at(5))
	deleted(soon.ID, at(3))
	deleted(inline.ID, at(2))
	w.expectDue("before it is due", at(3).Add(-time.Microsecond), 10)
	w.expectDue("at the due time", at(3), 10, soon.Address)
	w.expectDue("the oldest first", at(100), 10, soon.Address, late.Address)
	w.expectDue("no more than asked for", at(100), 1, soon.Address)
	w.expectDue("none asked for", at(100), 0)
	w.expectBound(map[store.Address]bool{late.Address: true, soon.Address: true, live.Address: true})

	entries := w.due(at(4), 10)
	for range 2 { // the second time there is nothing left to remove
		if err := w.d.Reclaimed(ctx, entries); err != nil {
			t.Fatal(err)
		}
	}
	w.expectBound(map[store.Address]bool{late.Address: true, soon.Address: false})
	w.expectDue("after reclaiming", at(100), 10, late.Address)
	if err := w.d.Reclaimed(ctx, nil); err != nil {
		t.Errorf("reclaiming nothing: %v", err)
	}
	if v := w.resolve("/o", "inline").Version; !v.Deleted {
		t.Errorf("the inline version is %+v", v)
	}

	t.Run("moved content is not reclaimed", func(t *testing.T) { reclaimsNoMoved(w.in(t)) })
	t.Run("a tree's content is reclaimed", func(t *testing.T) { reclaimsTrees(w.in(t)) })
	t.Run("of a change that failed nothing is", func(t *testing.T) { reclaimsNoFailed(w.in(t)) })
}

func (w *world) due(now time.Time, limit int) []store.Reclaim {
	w.t.Helper()
	entries, err := w.d.Reclaimable(w.t.Context(), now, limit)
	if err != nil {
		w.t.Fatal(err)
	}
	return entries
}

func (w *world) expectDue(when string, now time.Time, limit int, want ...store.Address) {
	w.t.Helper()
	var got []store.Address
	for _, entry := range w.due(now, limit) {
		got = append(got, entry.Address)
	}
	same(w.t, "reclaimable "+when, want, got)
}

func (w *world) expectBound(want map[store.Address]bool) {
	w.t.Helper()
	var addresses []store.Address
	for address := range want {
		addresses = append(addresses, address)
	}
	answers, err := w.d.Bound(w.t.Context(), addresses)
	if err != nil {
		w.t.Fatal(err)
	}
	got := make(map[store.Address]bool)
	for i, address := range addresses {
		got[address] = answers[i]
	}
	same(w.t, "bound", want, got)
	if none, err := w.d.Bound(w.t.Context(), nil); err != nil || len(none) != 0 {
		w.t.Errorf("of no addresses are bound: %v, %v", none, err)
	}
}

// drain empties the queue.
func (w *world) drain() {
	w.t.Helper()
	if err := w.d.Reclaimed(w.t.Context(), w.due(begun.AddDate(1, 0, 0), 1000)); err != nil {
		w.t.Fatal(err)
	}
}

func reclaimsNoMoved(w *world) {
	ctx := w.t.Context()
	w.drain()
	from, to := w.object("/from"), w.object("/to")
	v := w.bind(from.ID, "moved")
	holder := v
	w.update(func(tx store.Tx) error {
		holder.NameID = to.ID
		if err := tx.BindVersion(ctx, &holder); err != nil {
			return err
		}
		return tx.ForwardVersion(ctx, v.ID, store.Ref{Path: to.Path, Version: v.Version}, begun)
	})
	w.expectDue("after a move", begun.AddDate(1, 0, 0), 10)
	w.deleteVersion(v.ID)
	w.expectDue("after the record's deletion", begun.AddDate(1, 0, 0), 10)
	w.expectBound(map[store.Address]bool{v.Address: true})
	w.deleteVersion(holder.ID)
	w.expectDue("after the holder's deletion", begun.AddDate(1, 0, 0), 10, v.Address)
	w.expectBound(map[store.Address]bool{v.Address: true})
	w.drain()
	w.expectBound(map[store.Address]bool{v.Address: false})
}

func reclaimsTrees(w *world) {
	w.drain()
	w.namespace("/tree")
	w.namespace("/tree/ns")
	o := w.object("/tree/ns/o")
	dead := w.bind(o.ID, "tree-dead")
	w.deleteVersion(dead.ID)
	w.drain()
	one := w.bind(o.ID, "tree-1")
	two := w.bind(w.object("/tree/p").ID, "tree-2")
	outside := w.bind(w.object("/tree-outside").ID, "tree-3")
	w.bindAs(store.Version{NameID: o.ID, Version: "tree-inline", Inline: []byte("x"), HasInline: true})
	w.deleteTree("/tree")
	w.expectDue("too early", begun.Add(2*time.Hour-time.Microsecond), 10)
	got := map[store.Address]bool{}
	for _, entry := range w.due(begun.Add(2*time.Hour), 10) {
		got[entry.Address] = true
	}
	same(w.t, "reclaimable of the tree", map[store.Address]bool{one.Address: true, two.Address: true}, got)
	w.expectBound(map[store.Address]bool{one.Address: true, outside.Address: true, dead.Address: false})
}

func reclaimsNoFailed(w *world) {
	ctx := w.t.Context()
	w.drain()
	v := w.bind(w.object("/kept").ID, "kept")
	err := w.d.Update(ctx, func(tx store.Tx) error {
		if err := tx.DeleteVersion(ctx, v.ID, begun, begun); err != nil {
			return err
		}
		return errStop
	})
	if err == nil {
		w.t.Error("the change did not fail")
	}
	w.expectDue("after a failed deletion", begun.AddDate(1, 0, 0), 10)
}
