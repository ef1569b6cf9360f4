package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// loses deletes versions together with the tree around them, at hour 2, but with content
// that is due at once.
func (w *world) loses(tree store.Path, versions ...store.Version) {
	w.t.Helper()
	ctx := w.t.Context()
	w.update(func(tx store.Tx) error {
		for _, v := range versions {
			if err := tx.DeleteVersion(ctx, v.ID, hour(2), hour(2)); err != nil {
				return err
			}
		}
		return tx.DeleteTree(ctx, tree, hour(2), hour(2).Add(retention))
	})
}

// reclaim does what a reclaimer does at that time.
func (w *world) reclaim(now time.Time) {
	w.t.Helper()
	if err := w.d.Reclaimed(w.t.Context(), w.due(now, 1000)); err != nil {
		w.t.Fatal(err)
	}
}

func losesReclaimed(w *world) {
	w.drain()
	w.namespace("/lost")
	w.namespace("/lost/ns")
	some, all, small := w.object("/lost/some"), w.object("/lost/ns/all"), w.object("/lost/small")
	earlier, one, two, three := w.bind(some.ID, "lost-0"), w.bind(some.ID, "lost-1"), w.bind(some.ID, "lost-2"), w.bind(some.ID, "lost-3")
	four := w.bind(all.ID, "lost-4")
	inline := store.Version{NameID: small.ID, Version: "kept", Inline: []byte("kept"), HasInline: true}
	kept := w.bindAs(inline)
	inline.Version = "dropped"
	dropped := w.bindAs(inline)
	w.deleteVersionAt(earlier.ID, hour(1).Add(-retention))
	w.loses("/lost", one, three, four, dropped)
	w.reclaim(hour(2))

	w.restore("/lost", 4)
	same(w.t, "what is beneath", []string{"/lost/ns", "/lost/ns/all", "/lost/small:kept", "/lost/some:lost-2"}, w.beneath("/lost"))
	same(w.t, "the current version", two.Version, w.current("/lost/some"))
	same(w.t, "the current version of an object that lost all", "", w.current("/lost/ns/all"))
	same(w.t, "the small version", &kept, w.resolve("/lost/small", "").Current)
	for path, v := range map[store.Path]store.Version{"/lost/some": three, "/lost/ns/all": four, "/lost/small": dropped} {
		if got := w.resolve(path, v.Version).Version; !got.Deleted || !got.DeletedOn.Equal(hour(2)) {
			w.t.Errorf("the lost version %s is %+v", v.Version, got)
		}
	}
	w.expectDue("after restoring", long, 10)
	w.expectBound(map[store.Address]bool{two.Address: true, one.Address: false})
}

// losesTaken restores what somebody was told to remove, but has not reported yet.
func losesTaken(w *world) {
	w.drain()
	o, p := w.object("/taken"), w.object("/taken-alone")
	told, kept, alone := w.bind(o.ID, "told"), w.bind(o.ID, "kept"), w.bind(p.ID, "alone")
	w.deleteVersionAt(alone.ID, hour(2).Add(-retention))
	w.loses("/taken", told)
	entries := w.due(hour(2), 10)
	w.expectDue("as long as it is not reported", hour(2), 10, alone.Address, told.Address)
	w.restore("/taken", 1)
	same(w.t, "the current version", kept.Version, w.current("/taken"))
	w.refused(store.NotFound, "restoring a version that is being removed", func(ctx context.Context, tx store.Tx) error {
		return tx.RestoreVersion(ctx, alone.ID)
	})
	w.expectDue("after restoring", hour(2), 10, alone.Address, told.Address)
	if err := w.d.Reclaimed(w.t.Context(), entries); err != nil {
		w.t.Fatal(err)
	}
	w.expectBound(map[store.Address]bool{told.Address: false, kept.Address: true})
}

// restoresShared restores one by one versions whose content is the same.
func restoresShared(w *world) {
	w.drain()
	one := w.bindAs(store.Version{NameID: w.object("/shared").ID, Version: "one", Address: "shared"})
	two := w.bindAs(store.Version{NameID: w.object("/shared-too").ID, Version: "two", Address: "shared"})
	w.deleteTreeAt("/shared", hour(1))
	w.deleteTreeAt("/shared-too", hour(2))
	w.restore("/shared", 0)
	same(w.t, "the first version", one.Version, w.current("/shared"))
	w.expectDue("as long as one lives", long, 10)
	w.restore("/shared-too", 0)
	same(w.t, "the second version", two.Version, w.current("/shared-too"))
	w.deleteVersionAt(one.ID, hour(3))
	w.deleteVersionAt(two.ID, hour(3))
	w.reclaim(hour(3).Add(retention))
	w.expectBound(map[store.Address]bool{"shared": false})
}

func deletesRestored(w *world) {
	w.drain()
	o := w.object("/twice")
	v := w.bind(o.ID, "twice")
	for round := 1; round < 3; round++ {
		w.deleteTreeAt("/twice", hour(round))
		w.expectDue("too early for the tree", hour(round).Add(retention-time.Microsecond), 10)
		w.restore("/twice", 0)
		same(w.t, "the restored version", &v, w.resolve("/twice", "").Current)
	}
	for round := 3; round < 5; round++ {
		w.deleteVersionAt(v.ID, hour(round))
		w.expectDue("too early for the version", hour(round).Add(retention-time.Microsecond), 10)
		w.restoreVersion(v.ID)
		same(w.t, "the version restored alone", &v, w.resolve("/twice", "").Current)
	}
	w.deleteTreeAt("/twice", hour(5))
	w.expectDue("in the end, once", hour(5).Add(retention), 10, v.Address)
	w.drain()
	w.restore("/twice", 1)
}

func restoresNoJobs(w *world) {
	w.drain()
	job := w.job(w.object("/no-jobs").ID, "over")
	w.deleteTreeAt("/no-jobs", hour(1))
	w.restore("/no-jobs", 0)
	same(w.t, "the job", (*store.Job)(nil), w.found("/no-jobs", "over"))
	w.expectDue("after restoring", time.Unix(1, 0), 10, job.Address)
}

func restoresDeletedOnly(w *world) {
	w.object("/alive")
	for what, path := range map[string]store.Path{"a live name": "/alive", "the root": "/", "what never was": "/never/was"} {
		w.refused(store.NotFound, "restoring "+what, func(ctx context.Context, tx store.Tx) error {
			_, err := tx.Restore(ctx, path, time.Now())
			return err
		})
	}
}

func restoresVersions(w *world) {
	w.drain()
	o := w.object("/place")
	one, two, three := w.bind(o.ID, "place-1"), w.bind(o.ID, "place-2"), w.bind(o.ID, "place-3")
	for _, v := range []store.Version{one, two, three} {
		w.deleteVersionAt(v.ID, hour(1))
	}
	for _, step := range []struct {
		v       store.Version
		current string
	}{{two, "place-2"}, {one, "place-2"}, {three, "place-3"}} {
		w.changed("/place", true, "restoring a version", func(ctx context.Context, tx store.Tx) error {
			return tx.RestoreVersion(ctx, step.v.ID)
		})
		same(w.t, "the restored version", &step.v, w.resolve("/place", step.v.Version).Version)
		same(w.t, "the current version", step.current, w.current("/place"))
	}
	w.expectDue("after restoring", long, 10)
	w.refused(store.NotFound, "restoring a live version", func(ctx context.Context, tx store.Tx) error {
		return tx.RestoreVersion(ctx, one.ID)
	})
	w.refused(store.NotFound, "restoring an unknown version", func(ctx context.Context, tx store.Tx) error {
		return tx.RestoreVersion(ctx, 1<<40)
	})
}

func restoresNoReclaimed(w *world) {
	o := w.object("/gone")
	v := w.bind(o.ID, "gone")
	small := w.bindAs(store.Version{NameID: o.ID, Version: "small", Inline: []byte("x"), HasInline: true})
	w.deleteVersionAt(v.ID, hour(1))
	w.deleteVersionAt(small.ID, hour(1))
	w.drain()
	for _, id := range []int64{v.ID, small.ID} {
		w.refused(store.NotFound, "restoring a version whose content is gone", func(ctx context.Context, tx store.Tx) error {
			return tx.RestoreVersion(ctx, id)
		})
	}
	same(w.t, "the current version", "", w.current("/gone"))
}

func restoresNothing(w *world) {
	w.drain()
	v := w.bind(w.object("/not-restored").ID, "not-restored")
	w.deleteTreeAt("/not-restored", hour(1))
	before := w.name("/not-restored")
	w.refused(store.NotFound, "a change that fails in the end", func(ctx context.Context, tx store.Tx) error {
		if _, err := tx.Restore(ctx, "/not-restored", time.Now()); err != nil {
			return errStop
		}
		return tx.RestoreVersion(ctx, v.ID)
	})
	same(w.t, "the name", before, w.name("/not-restored"))
	w.expectDue("after a failed change", long, 10, v.Address)
}

func testRivalsOfRestore(t *testing.T, w *world, second store.Directory) {
	for name, test := range map[string]func(*world, []store.Directory){
		"of many who restore a name one wins":         restoresOnce,
		"what is restored is not given to be removed": restoresOrReclaims,
	} {
		t.Run(name+", one handle", func(t *testing.T) { test(w.in(t), []store.Directory{w.d, w.d}) })
		t.Run(name+", two handles", func(t *testing.T) { test(w.in(t), []store.Directory{w.d, second}) })
	}
}

func restoresOnce(w *world, handles []store.Directory) {
	n := w.fresh(acl.Object, fmt.Sprintf("restore-once-%x", w.t.Name()), handles)
	w.bind(n.ID, "once")
	w.deleteTreeAt(n.Path, hour(1))
	before := w.name(n.Path).Changes
	w.oneWins(w.race(handles, func(ctx context.Context, _ int, tx store.Tx) error {
		_, err := tx.Restore(ctx, n.Path, time.Now())
		return err
	}), store.NotFound)
	same(w.t, "the current version", "once", w.current(n.Path))
	if grown := w.name(n.Path).Changes - before; grown != 1 {
		w.t.Errorf("restoring once counts as %d changes", grown)
	}
}

// restoresOrReclaims restores a version while a reclaimer asks what to remove.
func restoresOrReclaims(w *world, handles []store.Directory) {
	w.drain()
	o := w.object(store.Path(fmt.Sprintf("/either-%x", w.t.Name())))
	for round := range 20 {
		v := w.bind(o.ID, fmt.Sprint(w.t.Name(), round))
		w.update(func(tx store.Tx) error { return tx.DeleteVersion(w.t.Context(), v.ID, hour(1), hour(1)) })
		var restored, asked error
		var told []store.Reclaim
		var wait sync.WaitGroup
		wait.Go(func() { told, asked = handles[0].Reclaimable(w.t.Context(), hour(1), 10) })
		wait.Go(func() {
			restored = handles[1].Update(w.t.Context(), func(tx store.Tx) error {
				return tx.RestoreVersion(w.t.Context(), v.ID)
			})
		})
		wait.Wait()
		switch {
		case asked != nil || restored != nil && store.KindOf(restored) != store.NotFound:
			w.t.Fatalf("asking answers %v, restoring %v", asked, restored)
		case (restored == nil) != (len(told) == 0):
			w.t.Errorf("round %d: restoring answers %v, to be removed are %v", round, restored, told)
		}
		w.drain()
	}
}
