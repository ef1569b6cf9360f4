package storetest

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

func testMoves(t *testing.T, db Database) {
	w := begin(t, db)
	for name, test := range map[string]func(*world){
		"a tree moves whole and alone":            movesTrees,
		"what is left behind tells where it went": leavesTraces,
		"deleted names at the target become one":  movesOnto,
		"a deleted name of another kind stays":    movesKinds,
		"a tree comes back":                       movesBack,
		"only live namespaces move":               movesLive,
		"jobs move along":                         movesJobs,
	} {
		t.Run(name, func(t *testing.T) { test(w.in(t)) })
	}
}

func (w *world) move(from, to store.Path) {
	w.t.Helper()
	w.update(func(tx store.Tx) error {
		parent, err := tx.Resolve(w.t.Context(), to.Parent(), "")
		if err != nil {
			return err
		}
		return tx.MoveTree(w.t.Context(), from, to, parent.Name.ID, hour(1))
	})
}

func movesTrees(w *world) {
	w.namespace("/mt-to")
	for _, path := range []store.Path{"/mt", "/mt/a", "/mt/a/b", "/mt-b", "/mt0", "/mt%20"} {
		w.namespace(path)
	}
	v := w.bind(w.object("/mt/a/b/o").ID, "mt-o")
	w.bind(w.object("/mt-b/o").ID, "mt-b-o")
	gone := w.object("/mt/gone")
	w.bind(gone.ID, "mt-gone")
	w.deleteTree("/mt/gone")
	target, top, inner := w.name("/mt-to"), w.name("/mt"), w.name("/mt/a/b")
	w.changed(store.Root, true, "moving a tree away", func(ctx context.Context, tx store.Tx) error {
		return tx.MoveTree(ctx, "/mt", "/mt-to/new", target.ID, hour(1))
	})
	if now := w.name("/mt-to"); now.Changes <= target.Changes {
		w.t.Error("the new parent counts no change")
	}
	top.Path, top.Parent = "/mt-to/new", target.ID
	same(w.t, "the top", top, w.name("/mt-to/new"))
	inner.Path = "/mt-to/new/a/b"
	moved := w.resolve("/mt-to/new/a/b/o", "mt-o")
	same(w.t, "the version", &v, moved.Version)
	same(w.t, "the current version", &v, moved.Current)
	same(w.t, "what encloses it", 5, len(moved.Enclosing))
	if n := w.resolve("/mt-to/new/gone", "mt-gone"); n.Name == nil || n.Name.ID != gone.ID || !n.Name.Deleted || n.Version == nil {
		w.t.Errorf("the deleted object moved to %+v", n)
	}
	same(w.t, "the new listing", []string{"new"}, w.children(target.ID, "", 10))
	same(w.t, "the inner listing", []string{"a"}, w.children(top.ID, "", 10))
	for _, path := range []store.Path{"/mt/a", "/mt/a/b", "/mt/a/b/o", "/mt/gone"} {
		if n := w.resolve(path, "").Name; n != nil {
			w.t.Errorf("%s is still there: %+v", path, n)
		}
	}
	for _, path := range []store.Path{"/mt-b", "/mt-b/o", "/mt0", "/mt%20"} {
		if w.name(path).Deleted {
			w.t.Errorf("%s went with its neighbour", path)
		}
	}
}

func leavesTraces(w *world) {
	w.namespace("/lt")
	lists := w.name("/lt").ACLs
	w.move("/lt", "/lt-1")
	left := w.name("/lt")
	same(w.t, "where it went", []store.Path{"/lt-1"}, left.MovedTo)
	if !left.MovedAway() || !left.DeletedOn.Equal(hour(1)) {
		w.t.Errorf("what is left is %+v", left)
	}
	same(w.t, "its lists", lists, left.ACLs)
	if now := w.name("/lt-1"); now.MovedTo != nil || now.MovedAway() {
		w.t.Errorf("what went is %+v", now)
	}
	w.update(func(tx store.Tx) error { return tx.ReviveName(w.t.Context(), left.ID, time.Now()) })
	w.namespace("/lt/in")
	w.move("/lt", "/lt-2")
	same(w.t, "where both went", []store.Path{"/lt-2", "/lt-1"}, w.name("/lt").MovedTo)
	if now := w.name("/lt-2"); now.ID != left.ID || now.MovedTo != nil {
		w.t.Errorf("what went second is %+v", now)
	}
}

func movesOnto(w *world) {
	w.namespace("/mo-old")
	w.namespace("/mo-old/sub")
	old := w.object("/mo-old/sub/o")
	w.bind(old.ID, "mo-old")
	w.bind(old.ID, "mo-both")
	w.bind(w.object("/mo-old/sub/only").ID, "mo-only")
	w.deleteTree("/mo-old")
	w.namespace("/mo")
	w.namespace("/mo/sub")
	o := w.object("/mo/sub/o")
	w.bind(o.ID, "mo-both")
	current := w.bind(o.ID, "mo-new")
	w.move("/mo", "/mo-old")
	found := w.resolve("/mo-old/sub/o", "mo-old")
	if found.Name.ID != o.ID || found.Name.Deleted || found.Version == nil || !found.Version.Deleted {
		w.t.Errorf("the object is %+v with %+v", found.Name, found.Version)
	}
	same(w.t, "the current version", &current, found.Current)
	if both := w.resolve("/mo-old/sub/o", "mo-both").Version; both == nil || both.Deleted {
		w.t.Errorf("the version that came again is %+v", both)
	}
	only := w.resolve("/mo-old/sub/only", "mo-only")
	if only.Name == nil || !only.Name.Deleted || only.Version == nil || only.Name.Parent != w.name("/mo-old/sub").ID {
		w.t.Errorf("what was deleted alone is %+v", only.Name)
	}
	w.refused(store.Exists, "an id that was used", func(ctx context.Context, tx store.Tx) error {
		return tx.BindVersion(ctx, &store.Version{NameID: o.ID, Version: "mo-old", Address: "again"})
	})
}

func movesKinds(w *world) {
	w.namespace("/mk-old")
	w.object("/mk-old/x")
	w.deleteTree("/mk-old")
	parent := w.name(store.Root)
	w.namespace("/mk")
	w.namespace("/mk/x")
	w.refused(store.Exists, "another kind", func(ctx context.Context, tx store.Tx) error {
		return tx.MoveTree(ctx, "/mk", "/mk-old", parent.ID, begun)
	})
	if w.name("/mk/x").Deleted {
		w.t.Error("a refused move has changed something")
	}
}

func movesBack(w *world) {
	n := w.namespace("/mb")
	v := w.bind(w.object("/mb/o").ID, "mb-o")
	w.namespace("/mb/sub")
	w.move("/mb/sub", "/mb-sub")
	w.move("/mb", "/mb-away")
	w.move("/mb-away", "/mb")
	back := w.name("/mb")
	if back.ID != n.ID || back.Deleted {
		w.t.Errorf("what came back is %+v", back)
	}
	same(w.t, "its history", []store.Path{"/mb-away"}, back.MovedTo)
	same(w.t, "that of the other path", []store.Path{"/mb"}, w.name("/mb-away").MovedTo)
	same(w.t, "that of what moved before", []store.Path{"/mb-sub"}, w.name("/mb/sub").MovedTo)
	same(w.t, "the version", &v, w.resolve("/mb/o", "").Current)
}

func movesLive(w *world) {
	root := w.name(store.Root)
	w.object("/ml-object")
	w.namespace("/ml-deleted")
	w.deleteTree("/ml-deleted")
	for _, from := range []store.Path{"/ml-object", "/ml-deleted", "/ml-never"} {
		w.refused(store.NotFound, "moving "+string(from), func(ctx context.Context, tx store.Tx) error {
			return tx.MoveTree(ctx, from, "/ml-to", root.ID, begun)
		})
	}
	w.namespace("/ml")
	w.namespace("/ml-live")
	w.refused(store.Exists, "moving onto what lives", func(ctx context.Context, tx store.Tx) error {
		return tx.MoveTree(ctx, "/ml", "/ml-live", root.ID, begun)
	})
}

func movesJobs(w *world) {
	w.namespace("/mj")
	o := w.object("/mj/o")
	j := w.job(o.ID, "mj")
	w.move("/mj", "/mj-to")
	if found := w.found("/mj-to/o", "mj"); found == nil || found.ID != j.ID {
		w.t.Errorf("the job is %+v", found)
	}
}

// moveRival is the rival who moves, while all others create in the tree.
const moveRival = rivals / 2

// movesWhileCreating: what was created in a tree that moves is where the tree is then, or was
// refused.
func movesWhileCreating(w *world, handles []store.Directory) {
	n := w.fresh(acl.Namespace, "nomad", handles)
	to := n.Path + "-moved"
	errs := w.race(handles, func(ctx context.Context, i int, tx store.Tx) error {
		if i == moveRival {
			return moveOnce(ctx, tx, n.Path, to)
		}
		path := n.Path + store.Path("/"+strconv.Itoa(i))
		found, err := tx.Resolve(ctx, path, "")
		if err != nil {
			return err
		}
		if found.Parent().Deleted {
			return store.NewError(store.NotFound, string(n.Path), "It has moved.")
		}
		return makeOne(ctx, tx, found.Parent().ID, path)
	})
	if errs[moveRival] != nil {
		w.t.Fatalf("moving: %v", errs[moveRival])
	}
	listed := w.children(n.ID, "", rivals)
	for i, err := range errs {
		name := strconv.Itoa(i)
		if made := slices.Contains(listed, name); i != moveRival && made != (err == nil) {
			w.t.Errorf("%s: creating it gave %v, listed %v", name, err, made)
		}
		if left := w.resolve(n.Path+store.Path("/"+name), "").Name; left != nil {
			w.t.Errorf("%s was left behind", left.Path)
		}
	}
}

func moveOnce(ctx context.Context, tx store.Tx, from, to store.Path) error {
	found, err := tx.Resolve(ctx, from, "")
	if err != nil {
		return err
	}
	if _, err := tx.Resolve(ctx, to, ""); err != nil {
		return err
	}
	return tx.MoveTree(ctx, from, to, found.Name.Parent, hour(1))
}
