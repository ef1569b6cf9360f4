package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

func testUpdates(t *testing.T, db Database) {
	w := begin(t, db)
	for name, test := range map[string]func(*world){
		"a failed change leaves nothing":           leavesNothing,
		"a panic leaves nothing and breaks none":   survivesPanics,
		"a failed change does not touch others":    keepsNeighbours,
		"a change of one who has gone is not made": heedsCancelling,
		"the outcome is told to one who has gone":  tellsOutcome,
	} {
		t.Run(name, func(t *testing.T) { test(w.in(t)) })
	}
}

var errStop = errors.New("stop")

// makeOne creates an object with a version: a change of several rows.
func makeOne(ctx context.Context, tx store.Tx, parent int64, path store.Path) error {
	n := store.Name{Parent: parent, Path: path, Kind: acl.Object}
	if err := tx.CreateName(ctx, &n); err != nil {
		return err
	}
	return tx.BindVersion(ctx, &store.Version{NameID: n.ID, Version: "one", Inline: []byte("1"), HasInline: true})
}

// whole reports whether makeOne has happened at path; half of it is an error.
func (w *world) whole(path store.Path) bool {
	w.t.Helper()
	found := w.resolve(path, "one")
	if (found.Name == nil) != (found.Version == nil) {
		w.t.Errorf("%s was made by half", path)
	}
	return found.Version != nil
}

func leavesNothing(w *world) {
	ctx := w.t.Context()
	before := w.name(store.Root)
	err := w.d.Update(ctx, func(tx store.Tx) error {
		if err := makeOne(ctx, tx, w.root.ID, "/left"); err != nil {
			return err
		}
		return errStop
	})
	if err != errStop { //nolint:errorlint // it is returned as it is
		w.t.Errorf("the change failed with %v, not with its own error", err)
	}
	if w.whole("/left") {
		w.t.Error("the failed change is there")
	}
	same(w.t, "the root", before, w.name(store.Root))
	w.update(func(tx store.Tx) error { return makeOne(ctx, tx, w.root.ID, "/left") })
}

func survivesPanics(w *world) {
	ctx := w.t.Context()
	func() {
		defer func() {
			if said := recover(); said != "in the change" {
				w.t.Errorf("the panic has become %v", said)
			}
		}()
		_ = w.d.Update(ctx, func(tx store.Tx) error {
			if err := makeOne(ctx, tx, w.root.ID, "/panic"); err != nil {
				return err
			}
			panic("in the change")
		})
	}()
	if w.whole("/panic") {
		w.t.Error("the change that panicked is there")
	}
	w.update(func(tx store.Tx) error { return makeOne(ctx, tx, w.root.ID, "/panic") })
}

// keepsNeighbours makes many changes at the same time, of which every third fails and every
// seventh panics.
func keepsNeighbours(w *world) {
	const many = 84
	ctx := w.t.Context()
	n := w.namespace("/crowd")
	path := func(i int) store.Path { return store.Path(fmt.Sprint("/crowd/", i)) }
	fails := func(i int) bool { return i%3 == 0 || i%7 == 0 }
	var wait sync.WaitGroup
	for i := range many {
		wait.Go(func() {
			defer func() {
				if said := recover(); (said != nil) != (i%7 == 0) {
					w.t.Errorf("change %d panics with %v", i, said)
				}
			}()
			err := w.d.Update(ctx, func(tx store.Tx) error {
				if err := makeOne(ctx, tx, n.ID, path(i)); err != nil {
					return err
				}
				switch {
				case i%7 == 0:
					panic("in the crowd")
				case i%3 == 0:
					return errStop
				}
				return nil
			})
			if fails(i) != errors.Is(err, errStop) || (err != nil && !fails(i)) {
				w.t.Errorf("change %d answers %v", i, err)
			}
		})
	}
	wait.Wait()
	made := 0
	for i := range many {
		if w.whole(path(i)) == fails(i) {
			w.t.Errorf("change %d: there is %v", i, !fails(i))
		}
		if !fails(i) {
			made++
		}
	}
	if got := w.name("/crowd").Changes - n.Changes; got != int64(made) {
		w.t.Errorf("%d children were made and %d changes counted", made, got)
	}
}

func heedsCancelling(w *world) {
	ctx, cancel := context.WithCancel(w.t.Context())
	cancel()
	ran := false
	err := w.d.Update(ctx, func(store.Tx) error {
		ran = true
		return nil
	})
	if ran || store.KindOf(err) != store.Interrupted {
		w.t.Errorf("the change ran: %v, and answers %v", ran, err)
	}
	if _, err := w.d.Resolve(ctx, "/", ""); store.KindOf(err) != store.Interrupted {
		w.t.Errorf("a lookup by one who has gone answers %v", err)
	}
}

// tellsOutcome lets the one who asked go at every moment of a change.
func tellsOutcome(w *world) {
	w.namespace("/gone")
	for step := range 4 {
		path := store.Path(fmt.Sprint("/gone/", step))
		ctx, cancel := context.WithCancel(w.t.Context())
		err := w.d.Update(ctx, func(tx store.Tx) error {
			leave := func(at int) {
				if at == step {
					cancel()
				}
			}
			leave(0)
			found, err := tx.Resolve(ctx, "/gone", "")
			if err != nil {
				return err
			}
			leave(1)
			n := store.Name{Parent: found.Name.ID, Path: path, Kind: acl.Object}
			if err := tx.CreateName(ctx, &n); err != nil {
				return err
			}
			leave(2)
			err = tx.BindVersion(ctx, &store.Version{NameID: n.ID, Version: "one", Address: "one"})
			leave(3)
			return err
		})
		cancel()
		if there := w.whole(path); there != (err == nil) {
			w.t.Errorf("left at step %d: the answer is %v and the change there: %v", step, err, there)
		}
	}
}
