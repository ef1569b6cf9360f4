package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

func testNames(t *testing.T, db Database) {
	w := begin(t, db)
	for name, test := range map[string]func(*world){
		"all fields are kept":                       keepsNames,
		"the time that is told is the one kept":     tellsKeptTimes,
		"attributes are kept one by one":            keepsAttributes,
		"a bound path cannot be bound again":        bindsPathsOnce,
		"the rows above are resolved, root first":   resolvesEnclosing,
		"what is not bound resolves to nothing":     resolvesNothing,
		"lists and attributes are replaced":         replacesOnNames,
		"a revived name is live and empty":          revives,
		"changes of the children are counted":       countsChildren,
		"times follow changes of the children":      touches,
		"a transaction sees its own names":          seesOwnNames,
		"children of one parent have their own IDs": numbersNames,
	} {
		t.Run(name, func(t *testing.T) { test(w.in(t)) })
	}
}

// oddLists are lists whose entries have all that could upset a store.
func oddLists() acl.Lists {
	return acl.Lists{
		acl.Owner:       {"ann", `"quoted", {braced} and \escaped`, "https://example.org/group?a=b&c=%2F"},
		acl.Create:      {"*"},
		acl.Read:        {"", "é and 中 and 🙂", "with 'quotes' -- and ; more", "tab\tand\nline"},
		acl.SubtreeRead: {},
	}
}

func keepsNames(w *world) {
	want := store.Name{
		Parent: w.root.ID, Path: "/all-fields", Kind: acl.Object, ACLs: oddLists(), Created: begun,
		Attr: store.Attr{MTime: 1234567890123456789, HasMTime: true, ATime: 2, HasATime: true, CTime: 3, HasCTime: true, Mode: 0o7755, HasMode: true, UID: 4294967294, GID: 7, HasOwner: true, Ino: 1 << 62},
	}
	w.update(func(tx store.Tx) error {
		n := want
		err := tx.CreateName(w.t.Context(), &n)
		want.ID = n.ID
		return err
	})
	got := w.name(want.Path)
	if want.ID == 0 {
		w.t.Error("the name has no ID")
	}
	delete(want.ACLs, acl.SubtreeRead)
	delete(got.ACLs, acl.SubtreeRead)
	same(w.t, "the name", want, got)
}

func tellsKeptTimes(w *world) {
	n := store.Name{Parent: w.root.ID, Path: "/kept-times", Kind: acl.Object, Created: begun.Add(1234567)}
	v := store.Version{Version: "v", Created: begun.Add(2345678)}
	w.update(func(tx store.Tx) error {
		if err := tx.CreateName(w.t.Context(), &n); err != nil {
			return err
		}
		v.NameID = n.ID
		return tx.BindVersion(w.t.Context(), &v)
	})
	found := w.resolve(n.Path, "")
	same(w.t, "the time of the name", n.Created, found.Name.Created)
	same(w.t, "the time of the version", v.Created, found.Version.Created)
}

func keepsAttributes(w *world) {
	ctx := w.t.Context()
	n := w.namespace("/attributes")
	for _, attr := range []store.Attr{
		{},
		{HasMTime: true},
		{MTime: -1, HasMTime: true},
		{ATime: 5, HasATime: true},
		{CTime: 6, HasCTime: true},
		{HasMode: true},
		{HasOwner: true},
		{UID: 1, GID: 2, HasOwner: true, Mode: 0o644, HasMode: true},
		{Ino: 3},
	} {
		w.update(func(tx store.Tx) error { return tx.SetNameAttr(ctx, n.ID, attr) })
		same(w.t, "the attributes", attr, w.name(n.Path).Attr)
	}
}

func bindsPathsOnce(w *world) {
	n := w.namespace("/once")
	again := func(ctx context.Context, tx store.Tx) error {
		return tx.CreateName(ctx, &store.Name{Parent: w.root.ID, Path: "/once", Kind: acl.Object})
	}
	w.refused(store.Exists, "binding a bound path", again)
	w.deleteTree("/once")
	w.refused(store.Exists, "binding the path of a deleted name", again)
	if got := w.name("/once"); got.ID != n.ID || got.Kind != acl.Namespace || !got.Deleted {
		w.t.Errorf("the name has become %+v", got)
	}
	w.namespace("/Once") // another name
}

func resolvesEnclosing(w *world) {
	w.namespace("/above")
	w.namespace("/above/b")
	w.object("/above/b/c")
	w.deleteTree("/above/b")
	for path, want := range map[store.Path][]store.Path{
		"/":                nil,
		"/above":           {"/"},
		"/above/b/c":       {"/", "/above", "/above/b"},
		"/above/b/c/d":     {"/", "/above", "/above/b", "/above/b/c"},
		"/above/none/d/e":  {"/", "/above"},
		"/above-none/d":    {"/"},
		"/above/b%2Fc/d/e": {"/", "/above"},
	} {
		found := w.resolve(path, "")
		var got []store.Path
		for _, n := range found.Enclosing {
			got = append(got, n.Path)
			same(w.t, "the row of "+string(n.Path), w.name(n.Path), n)
		}
		same(w.t, "what encloses "+string(path), want, got)
	}
	if !w.name("/above/b/c").Deleted || !w.resolve("/above/b/c", "").Parent().Deleted || w.name("/above").Deleted {
		w.t.Error("deleted and live names are mixed up")
	}
}

func resolvesNothing(w *world) {
	found := w.resolve("/nothing/at/all", "v")
	same(w.t, "the resolution", &store.Resolution{Path: "/nothing/at/all", Enclosing: found.Enclosing}, found)
}

func replacesOnNames(w *world) {
	ctx := w.t.Context()
	n := w.namespace("/replaced")
	for _, lists := range []acl.Lists{oddLists(), {acl.Read: {"bob"}}, nil} {
		w.update(func(tx store.Tx) error { return tx.SetNameACLs(ctx, n.ID, lists) })
		got := w.name(n.Path).ACLs
		for _, name := range acl.Namespace.Names() {
			same(w.t, "list "+string(name), lists[name], got[name])
		}
	}
	for kind, fn := range map[string]func(ctx context.Context, tx store.Tx) error{
		"lists":      func(ctx context.Context, tx store.Tx) error { return tx.SetNameACLs(ctx, 1<<40, nil) },
		"attributes": func(ctx context.Context, tx store.Tx) error { return tx.SetNameAttr(ctx, 1<<40, store.Attr{}) },
		"life":       func(ctx context.Context, tx store.Tx) error { return tx.ReviveName(ctx, 1<<40, time.Now()) },
	} {
		w.refused(store.NotFound, kind+" of an unknown name", fn)
	}
}

func revives(w *world) {
	ctx := w.t.Context()
	w.namespace("/revived")
	o := w.object("/revived/object")
	w.bind(o.ID, "revived-1")
	w.deleteTree("/revived")
	w.changed(store.Root, true, "reviving", func(ctx context.Context, tx store.Tx) error {
		return tx.ReviveName(ctx, w.name("/revived").ID, time.Now())
	})
	n := w.name("/revived")
	if n.Deleted || !n.DeletedOn.IsZero() {
		w.t.Errorf("the revived name is still deleted: %+v", n)
	}
	if children, err := w.d.Children(ctx, n.ID, "", 10); err != nil || len(children) != 0 {
		w.t.Errorf("the revived namespace has the children %v, %v", children, err)
	}
	w.update(func(tx store.Tx) error { return tx.ReviveName(ctx, o.ID, time.Now()) })
	found := w.resolve("/revived/object", "revived-1")
	if found.Name.Deleted || found.Current != nil || found.Version == nil || !found.Version.Deleted {
		w.t.Errorf("the revived object resolves to %+v", found)
	}
	w.bind(o.ID, "revived-2")
	if found := w.resolve("/revived/object", ""); found.Current == nil || found.Current.Version != "revived-2" {
		w.t.Errorf("the revived object's new version is not current: %+v", found.Current)
	}
}

func countsChildren(w *world) {
	n := w.namespace("/counted")
	child := store.Name{Parent: n.ID, Path: "/counted/c", Kind: acl.Namespace}
	steps := []struct {
		what string
		grow bool
		fn   func(ctx context.Context, tx store.Tx) error
	}{
		{"creating a child", true, func(ctx context.Context, tx store.Tx) error { return tx.CreateName(ctx, &child) }},
		{"creating a grandchild", false, func(ctx context.Context, tx store.Tx) error {
			return tx.CreateName(ctx, &store.Name{Parent: child.ID, Path: "/counted/c/d", Kind: acl.Object})
		}},
		{"changing a child's lists", false, func(ctx context.Context, tx store.Tx) error { return tx.SetNameACLs(ctx, child.ID, oddLists()) }},
		{"deleting a child", true, func(ctx context.Context, tx store.Tx) error {
			return tx.DeleteTree(ctx, child.Path, begun, begun)
		}},
		{"reviving a child", true, func(ctx context.Context, tx store.Tx) error { return tx.ReviveName(ctx, child.ID, time.Now()) }},
	}
	for _, step := range steps {
		w.changed(n.Path, step.grow, step.what, step.fn)
	}
}

func touches(w *world) {
	n := w.namespace("/touched")
	child := store.Name{Parent: n.ID, Path: "/touched/c", Kind: acl.Namespace, Created: time.Unix(0, 10), Seen: time.Unix(0, 5)}
	other := store.Name{Parent: n.ID, Path: "/touched/o", Kind: acl.Namespace, Created: time.Unix(0, 100)}
	steps := []struct {
		what         string
		mtime, ctime int64
		fn           func(ctx context.Context, tx store.Tx) error
	}{
		{"creating a child that was seen before", 5, 5, func(ctx context.Context, tx store.Tx) error { return tx.CreateName(ctx, &child) }},
		{"deleting a child", 20, 20, func(ctx context.Context, tx store.Tx) error {
			return tx.DeleteTree(ctx, child.Path, time.Unix(0, 20), begun)
		}},
		{"reviving a child", 30, 30, func(ctx context.Context, tx store.Tx) error { return tx.ReviveName(ctx, child.ID, time.Unix(0, 30)) }},
		{"touching", 40, 40, func(ctx context.Context, tx store.Tx) error {
			return tx.Touch(ctx, time.Unix(0, 40), n.ID, child.ID, n.ID)
		}},
		{"setting the times", 7, 50, func(ctx context.Context, tx store.Tx) error {
			return tx.SetNameAttr(ctx, n.ID, store.Attr{MTime: 7, HasMTime: true, CTime: 50, HasCTime: true})
		}},
		{"what was seen before the times were set", 7, 50, func(ctx context.Context, tx store.Tx) error {
			return tx.Touch(ctx, time.Unix(0, 45), n.ID)
		}},
		{"creating at an unknown time", 7, 50, func(ctx context.Context, tx store.Tx) error {
			return tx.CreateName(ctx, &store.Name{Parent: n.ID, Path: "/touched/unknown", Kind: acl.Object})
		}},
		{"creating a child", 100, 100, func(ctx context.Context, tx store.Tx) error { return tx.CreateName(ctx, &other) }},
		{"moving children away", 110, 110, func(ctx context.Context, tx store.Tx) error {
			return tx.MoveTree(ctx, other.Path, "/touched/c/o", child.ID, time.Unix(0, 110))
		}},
		{"restoring a child", 130, 130, func(ctx context.Context, tx store.Tx) error {
			if err := tx.DeleteTree(ctx, child.Path, time.Unix(0, 120), begun); err != nil {
				return err
			}
			_, err := tx.Restore(ctx, child.Path, time.Unix(0, 130))
			return err
		}},
	}
	for _, step := range steps {
		w.update(func(tx store.Tx) error { return step.fn(w.t.Context(), tx) })
		want := store.Attr{MTime: step.mtime, CTime: step.ctime, HasMTime: true, HasCTime: true}
		same(w.t, "the times after "+step.what, want, w.name(n.Path).Attr)
	}
	w.refused(store.NotFound, "touching nothing", func(ctx context.Context, tx store.Tx) error {
		return tx.Touch(ctx, begun, 1<<40)
	})
}

func seesOwnNames(w *world) {
	ctx := w.t.Context()
	w.update(func(tx store.Tx) error {
		n := store.Name{Parent: w.root.ID, Path: "/own", Kind: acl.Object}
		if err := tx.CreateName(ctx, &n); err != nil {
			return err
		}
		if err := tx.BindVersion(ctx, &store.Version{NameID: n.ID, Version: "own-1", Size: 3, Inline: []byte("own"), HasInline: true}); err != nil {
			return err
		}
		found, err := tx.Resolve(ctx, "/own", "own-1")
		if err != nil {
			return err
		}
		if found.Name == nil || found.Version == nil || string(found.Version.Inline) != "own" || found.Current == nil {
			w.t.Errorf("the transaction sees %+v", found)
		}
		return tx.DeleteTree(ctx, "/own", begun, begun.Add(time.Hour))
	})
	if n := w.name("/own"); !n.Deleted {
		w.t.Error("the name outlives its deletion in the same transaction")
	}
}

func numbersNames(w *world) {
	w.namespace("/numbered")
	seen := map[int64]bool{w.root.ID: true}
	for _, path := range []store.Path{"/numbered/a", "/numbered/b", "/numbered/c"} {
		n := w.namespace(path)
		if n.ID == 0 || seen[n.ID] {
			w.t.Errorf("%s has the ID %d", path, n.ID)
		}
		seen[n.ID] = true
		same(w.t, "the parent", w.name("/numbered").ID, w.name(path).Parent)
	}
}
