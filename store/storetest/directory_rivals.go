package storetest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

func testRivals(t *testing.T, db Database) {
	w := begin(t, db)
	second := open(t, db)
	for name, test := range map[string]func(*world, []store.Directory){
		"of many who create a name one wins":          createsOnce,
		"of many who bind an id one wins":             bindsOnce,
		"parallel versions are all kept, in order":    bindsAll,
		"no change of a row is lost":                  losesNoChange,
		"creating in a namespace and deleting it":     excludesDeleting,
		"creating in a namespace and moving it":       movesWhileCreating,
		"readers see whole changes":                   readsWhole,
		"a row that was resolved stays as it was":     locksResolved,
		"changes of many rows exclude each other too": transfers,
	} {
		t.Run(name+", one handle", func(t *testing.T) { test(w.in(t), []store.Directory{w.d}) })
		t.Run(name+", two handles", func(t *testing.T) { test(w.in(t), []store.Directory{w.d, second}) })
	}
}

const rivals = 32

// race runs fn for many rivals, who are spread over the handles, and returns their errors.
func (w *world) race(handles []store.Directory, fn func(ctx context.Context, i int, tx store.Tx) error) []error {
	errs := make([]error, rivals)
	var wait sync.WaitGroup
	for i := range rivals {
		wait.Go(func() {
			ctx := w.t.Context()
			errs[i] = handles[i%len(handles)].Update(ctx, func(tx store.Tx) error { return fn(ctx, i, tx) })
		})
	}
	wait.Wait()
	return errs
}

// oneWins expects that all but one of the errors are of the kind.
func (w *world) oneWins(errs []error, kind store.ErrorKind) {
	w.t.Helper()
	winners := 0
	for i, err := range errs {
		switch {
		case err == nil:
			winners++
		case store.KindOf(err) != kind:
			w.t.Errorf("rival %d: %v", i, err)
		}
	}
	if winners != 1 {
		w.t.Errorf("%d rivals have won", winners)
	}
}

func (w *world) fresh(kind acl.Kind, name string, handles []store.Directory) store.Name {
	w.t.Helper()
	return w.create(kind, store.Path(fmt.Sprint("/", name, "-", len(handles))))
}

func createsOnce(w *world, handles []store.Directory) {
	n := w.fresh(acl.Namespace, "contest", handles)
	w.oneWins(w.race(handles, func(ctx context.Context, _ int, tx store.Tx) error {
		return makeOne(ctx, tx, n.ID, n.Path+"/prize")
	}), store.Exists)
	if !w.whole(n.Path + "/prize") {
		w.t.Error("nobody has the prize")
	}
	if grown := w.name(n.Path).Changes - n.Changes; grown != 1 {
		w.t.Errorf("one creation counts as %d changes", grown)
	}
}

func bindsOnce(w *world, handles []store.Directory) {
	o := w.fresh(acl.Object, "bind-once", handles)
	w.oneWins(w.race(handles, func(ctx context.Context, i int, tx store.Tx) error {
		return tx.BindVersion(ctx, &store.Version{NameID: o.ID, Version: "prize", Address: store.Address(strconv.Itoa(i))})
	}), store.Exists)
}

func bindsAll(w *world, handles []store.Directory) {
	o := w.fresh(acl.Object, "bind-all", handles)
	ids := make([]int64, rivals)
	for i, err := range w.race(handles, func(ctx context.Context, i int, tx store.Tx) error {
		if _, err := tx.Resolve(ctx, o.Path, ""); err != nil {
			return err
		}
		v := store.Version{NameID: o.ID, Version: strconv.Itoa(i), Address: store.Address(strconv.Itoa(i))}
		err := tx.BindVersion(ctx, &v)
		ids[i] = v.ID
		return err
	}) {
		if err != nil {
			w.t.Errorf("rival %d: %v", i, err)
		}
	}
	versions, err := w.d.Versions(w.t.Context(), o.ID, 0, 2*rivals)
	if err != nil {
		w.t.Fatal(err)
	}
	var got []int64
	for _, v := range slices.Backward(versions) {
		got = append(got, v.ID)
	}
	slices.Sort(ids)
	same(w.t, "the IDs in order", ids, got)
	same(w.t, "the IDs without twins", slices.Compact(slices.Clone(ids)), ids)
	same(w.t, "the current version", ids[rivals-1], w.resolve(o.Path, "").Current.ID)
}

// losesNoChange lets all rivals count in one list.
func losesNoChange(w *world, handles []store.Directory) {
	n := w.fresh(acl.Namespace, "count", handles)
	for i, err := range w.race(handles, func(ctx context.Context, _ int, tx store.Tx) error {
		found, err := tx.Resolve(ctx, n.Path, "")
		if err != nil {
			return err
		}
		list := append(found.Name.ACLs[acl.Read], strconv.Itoa(len(found.Name.ACLs[acl.Read])))
		return tx.SetNameACLs(ctx, n.ID, acl.Lists{acl.Read: list})
	}) {
		if err != nil {
			w.t.Errorf("rival %d: %v", i, err)
		}
	}
	if got := len(w.name(n.Path).ACLs[acl.Read]); got != rivals {
		w.t.Errorf("%d of %d changes are there", got, rivals)
	}
}

// excludesDeleting lets half of the rivals create in a namespace if it is live, and one of
// the others delete it: nothing live may be left beneath what is deleted.
func excludesDeleting(w *world, handles []store.Directory) {
	for round := range 10 {
		n := w.fresh(acl.Namespace, fmt.Sprint("doomed-", round), handles)
		deleter := round * 3
		errs := w.race(handles, func(ctx context.Context, i int, tx store.Tx) error {
			if i == deleter {
				return tx.DeleteTree(ctx, n.Path, begun, begun)
			}
			path := n.Path + store.Path("/"+strconv.Itoa(i))
			found, err := tx.Resolve(ctx, path, "")
			if err != nil {
				return err
			}
			if found.Parent().Deleted {
				return errStop
			}
			return makeOne(ctx, tx, n.ID, path)
		})
		if errs[deleter] != nil {
			w.t.Fatalf("deleting: %v", errs[deleter])
		}
		for i, err := range errs {
			if i == deleter {
				continue
			}
			found := w.resolve(n.Path+store.Path("/"+strconv.Itoa(i)), "one")
			switch {
			case err == nil && (found.Name == nil || !found.Name.Deleted || !found.Version.Deleted):
				w.t.Errorf("round %d: child %d lives in a deleted namespace", round, i)
			case err != nil && found.Name != nil:
				w.t.Errorf("round %d: child %d is there in spite of %v", round, i, err)
			}
		}
	}
}

// readsWhole looks at an object while it gets version after version, whose number stands also
// in its lists.
func readsWhole(w *world, handles []store.Directory) {
	o := w.fresh(acl.Object, "whole", handles)
	ctx, cancel := context.WithCancel(w.t.Context())
	var wait sync.WaitGroup
	for _, d := range handles {
		wait.Go(func() {
			for ctx.Err() == nil {
				found, err := d.Resolve(w.t.Context(), o.Path, "")
				if err != nil {
					w.t.Errorf("resolve: %v", err)
					return
				}
				listed := found.Name.ACLs[acl.Read]
				if found.Current == nil && len(listed) == 0 {
					continue
				}
				if found.Current == nil || len(listed) != 1 || found.Current.Version != listed[0] {
					w.t.Errorf("the current version is %+v, the list %v", found.Current, listed)
				}
			}
		})
	}
	for i := range 50 {
		err := handles[i%len(handles)].Update(w.t.Context(), func(tx store.Tx) error {
			text := strconv.Itoa(i)
			if err := tx.SetNameACLs(w.t.Context(), o.ID, acl.Lists{acl.Read: {text}}); err != nil {
				return err
			}
			return tx.BindVersion(w.t.Context(), &store.Version{NameID: o.ID, Version: text, Inline: []byte(text), HasInline: true})
		})
		if err != nil {
			w.t.Errorf("update: %v", err)
		}
	}
	cancel()
	wait.Wait()
}

// locksResolved looks at the same name twice in a change, while others change it.
func locksResolved(w *world, handles []store.Directory) {
	o := w.fresh(acl.Object, "locked", handles)
	for i, err := range w.race(handles, func(ctx context.Context, i int, tx store.Tx) error {
		first, err := tx.Resolve(ctx, o.Path, "")
		if err != nil {
			return err
		}
		again, err := tx.Resolve(ctx, o.Path, "")
		if err != nil {
			return err
		}
		same(w.t, "the second look", first, again)
		return tx.BindVersion(ctx, &store.Version{NameID: o.ID, Version: strconv.Itoa(i), Address: store.Address(strconv.Itoa(i))})
	}) {
		if err != nil {
			w.t.Errorf("rival %d: %v", i, err)
		}
	}
}

// transfers moves tokens between two lists, always under both names: none appears or is lost.
func transfers(w *world, handles []store.Directory) {
	a := w.fresh(acl.Namespace, "from", handles)
	b := w.fresh(acl.Namespace, "to", handles)
	w.update(func(tx store.Tx) error {
		return tx.SetNameACLs(w.t.Context(), a.ID, acl.Lists{acl.Read: slices.Repeat(acl.List{"x"}, rivals)})
	})
	for i, err := range w.race(handles, func(ctx context.Context, _ int, tx store.Tx) error {
		from, err := tx.Resolve(ctx, a.Path, "")
		if err != nil {
			return err
		}
		to, err := tx.Resolve(ctx, b.Path, "")
		if err != nil {
			return err
		}
		if err := tx.SetNameACLs(ctx, a.ID, acl.Lists{acl.Read: from.Name.ACLs[acl.Read][1:]}); err != nil {
			return err
		}
		return tx.SetNameACLs(ctx, b.ID, acl.Lists{acl.Read: append(to.Name.ACLs[acl.Read], "x")})
	}) {
		if err != nil {
			w.t.Errorf("rival %d: %v", i, err)
		}
	}
	if left, right := len(w.name(a.Path).ACLs[acl.Read]), len(w.name(b.Path).ACLs[acl.Read]); left != 0 || right != rivals {
		w.t.Errorf("%d tokens are left and %d have arrived", left, right)
	}
}
