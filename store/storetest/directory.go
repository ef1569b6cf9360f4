package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// Database opens the directory in one database; each call opens one more handle to the same
// data, as another process or a later one would. The suite closes what it opens.
type Database func(tb testing.TB) store.Directory

// Directory checks that a back end keeps the contract of store.Directory, store.Tx and
// store.Accounts. Each call of fresh gives another database, which is empty.
func Directory(t *testing.T, fresh func(t *testing.T) Database) {
	for name, test := range map[string]func(t *testing.T, db Database){
		"names":    testNames,
		"trees":    testTrees,
		"moves":    testMoves,
		"versions": testVersions,
		"records":  testRecords,
		"returns":  testReturns,
		"listings": testListings,
		"walks":    testWalks,
		"pages":    testPages,
		"updates":  testUpdates,
		"unsynced": testUnsynced,
		"rivals":   testRivals,
		"reclaim":  testReclaim,
		"restore":  testRestore,
		"jobs":     testJobs,
		"handles":  testHandles,
		"model":    testModel,
		"past":     testPast,
		"accounts": testAccounts,
		"logins":   testLogins,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
	t.Run("copies", func(t *testing.T) { testCopies(t, fresh(t), fresh(t)) })
}

// begun is the time at which stories begin. Stored times may be cut to microseconds.
var begun = time.Date(2026, 3, 4, 5, 6, 7, 891000, time.UTC)

// same compares rows: a list that is missing is one that is empty.
func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// world is a directory with a root, and short words for what tests do with it. Its methods
// end the test when the directory fails where it must not.
type world struct {
	t    *testing.T
	d    store.Directory
	root store.Name
}

// open opens a handle that is closed when the test ends.
func open(t *testing.T, db Database) store.Directory {
	t.Helper()
	d := db(t)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return d
}

// begin opens the database and makes the root, unless there is one.
func begin(t *testing.T, db Database) *world {
	t.Helper()
	w := &world{t: t, d: open(t, db)}
	if found := w.resolve(store.Root, "").Name; found != nil {
		w.root = *found
		return w
	}
	w.root = store.Name{Path: store.Root, Kind: acl.Namespace}
	w.update(func(tx store.Tx) error { return tx.CreateName(t.Context(), &w.root) })
	return w
}

// in returns the world for a subtest.
func (w *world) in(t *testing.T) *world { return &world{t: t, d: w.d, root: w.root} }

func (w *world) update(fn func(tx store.Tx) error) {
	w.t.Helper()
	if err := w.d.Update(w.t.Context(), fn); err != nil {
		w.t.Fatalf("update: %v", err)
	}
}

// refused expects that fn fails with an error of the kind.
func (w *world) refused(kind store.ErrorKind, what string, fn func(ctx context.Context, tx store.Tx) error) {
	w.t.Helper()
	err := w.d.Update(w.t.Context(), func(tx store.Tx) error { return fn(w.t.Context(), tx) })
	if err == nil || store.KindOf(err) != kind {
		w.t.Errorf("%s: %v (kind %d), want kind %d", what, err, store.KindOf(err), kind)
	}
}

func (w *world) resolve(path store.Path, version string) *store.Resolution {
	w.t.Helper()
	found, err := w.d.Resolve(w.t.Context(), path, version)
	if err != nil {
		w.t.Fatalf("resolve %s: %v", path, err)
	}
	return found
}

// name returns the row of a bound path.
func (w *world) name(path store.Path) store.Name {
	w.t.Helper()
	found := w.resolve(path, "").Name
	if found == nil {
		w.t.Fatalf("%s is not bound", path)
	}
	return *found
}

// create binds a path whose parent is bound already.
func (w *world) create(kind acl.Kind, path store.Path) store.Name {
	w.t.Helper()
	n := store.Name{Parent: w.name(path.Parent()).ID, Path: path, Kind: kind, Created: begun}
	w.update(func(tx store.Tx) error { return tx.CreateName(w.t.Context(), &n) })
	return n
}

func (w *world) namespace(path store.Path) store.Name {
	w.t.Helper()
	return w.create(acl.Namespace, path)
}

func (w *world) object(path store.Path) store.Name {
	w.t.Helper()
	return w.create(acl.Object, path)
}

// bind gives an object a version with an address of its own.
func (w *world) bind(object int64, version string) store.Version {
	w.t.Helper()
	return w.bindAs(store.Version{NameID: object, Version: version, Size: 1, Address: store.Address("at " + version), Created: begun})
}

func (w *world) bindAs(v store.Version) store.Version {
	w.t.Helper()
	w.update(func(tx store.Tx) error {
		one := v
		err := tx.BindVersion(w.t.Context(), &one)
		v.ID = one.ID
		return err
	})
	return v
}

func (w *world) deleteTree(path store.Path) {
	w.t.Helper()
	w.update(func(tx store.Tx) error {
		return tx.DeleteTree(w.t.Context(), path, begun.Add(time.Hour), begun.Add(2*time.Hour))
	})
}

func (w *world) deleteVersion(id int64) {
	w.t.Helper()
	w.update(func(tx store.Tx) error {
		return tx.DeleteVersion(w.t.Context(), id, begun.Add(time.Hour), begun.Add(2*time.Hour))
	})
}

// changed expects that fn makes the Changes of the name at path grow, or leaves them.
func (w *world) changed(path store.Path, grow bool, what string, fn func(ctx context.Context, tx store.Tx) error) {
	w.t.Helper()
	before := w.name(path).Changes
	w.update(func(tx store.Tx) error { return fn(w.t.Context(), tx) })
	if after := w.name(path).Changes; (after > before) != grow || after < before {
		w.t.Errorf("%s: the Changes of %s went from %d to %d", what, path, before, after)
	}
}
