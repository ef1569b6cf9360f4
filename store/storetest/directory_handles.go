package storetest

import (
	"context"
	"testing"

	"github.com/hatrac/hatrac/store"
)

func testHandles(t *testing.T, db Database) {
	t.Run("what was acknowledged is there after reopening", func(t *testing.T) { reopens(t, db) })
	t.Run("other handles see what was acknowledged", func(t *testing.T) { seesOthers(t, db) })
	t.Run("a closed directory is unavailable", func(t *testing.T) { closes(t, db) })
}

func reopens(t *testing.T, db Database) {
	d := db(t)
	w := &world{t: t, d: d}
	w.update(func(tx store.Tx) error { return tx.CreateName(t.Context(), &store.Name{Path: store.Root, Kind: 1}) })
	w.root = w.name(store.Root)
	o := w.object("/kept")
	whole := w.bindAs(fullVersion(o.ID))
	small := w.bindAs(store.Version{NameID: o.ID, Version: "small", Size: 5, Inline: []byte("small"), HasInline: true})
	name := w.name("/kept")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}

	w = begin(t, db)
	same(t, "the name", name, w.name("/kept"))
	same(t, "the version", &whole, w.resolve("/kept", "full").Version)
	same(t, "the small version", &small, w.resolve("/kept", "").Current)
	if next := w.bind(o.ID, "next"); next.ID <= small.ID {
		t.Errorf("after reopening the next version has the ID %d, after %d", next.ID, small.ID)
	}
}

func seesOthers(t *testing.T, db Database) {
	one, two := begin(t, db), begin(t, db)
	if one.root.ID != two.root.ID {
		t.Fatal("the handles are not to the same data")
	}
	n := one.namespace("/seen")
	same(t, "the name", one.name("/seen"), two.name("/seen"))
	o := two.object("/seen/o")
	v := two.bind(o.ID, "seen")
	same(t, "the version", &v, one.resolve("/seen/o", "").Current)
	same(t, "the children", []string{"o"}, one.children(n.ID, "", 10))
	one.deleteTree("/seen")
	if !two.name("/seen/o").Deleted {
		t.Error("the other handle does not see a deletion")
	}
}

func closes(t *testing.T, db Database) {
	d := db(t)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for what, call := range map[string]func(ctx context.Context) error{
		"resolving": func(ctx context.Context) error { _, err := d.Resolve(ctx, "/", ""); return err },
		"listing":   func(ctx context.Context) error { _, err := d.Children(ctx, 1, "", 1); return err },
		"changing": func(ctx context.Context) error {
			return d.Update(ctx, func(store.Tx) error { t.Error("a change runs"); return nil })
		},
	} {
		if err := call(t.Context()); store.KindOf(err) != store.Unavailable {
			t.Errorf("%s after closing: %v", what, err)
		}
	}
}
