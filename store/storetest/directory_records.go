package storetest

import (
	"context"
	"testing"

	"github.com/hatrac/hatrac/store"
)

func testRecords(t *testing.T, db Database) {
	w := begin(t, db)
	for name, test := range map[string]func(*world){
		"a record refers to another version only": forwards,
		"a record gives up inline content":        forwardsInline,
		"a dropped record frees its id":           dropsRecords,
		"content can live elsewhere":              livesElsewhere,
		"unknown versions are not found":          knowsNoStrangers,
	} {
		t.Run(name, func(t *testing.T) { test(w.in(t)) })
	}
}

func forwards(w *world) {
	o := w.object("/record")
	v := w.bindAs(fullVersion(o.ID))
	to := store.Ref{Path: "/else/where%20", Version: "x:y"}
	w.update(func(tx store.Tx) error { return tx.ForwardVersion(w.t.Context(), v.ID, to, begun) })
	v.Address, v.Forward, v.ForwardedOn, v.Unsynced = "", &to, begun, ""
	found := w.resolve("/record", "full")
	same(w.t, "the record", &v, found.Version)
	same(w.t, "the current version", &v, found.Current)
	entries, err := w.d.Children(w.t.Context(), w.root.ID, "recor", 1)
	if err != nil || len(entries) != 1 {
		w.t.Fatalf("children: %v, %v", entries, err)
	}
	same(w.t, "the record in a listing", &v, entries[0].Current)
}

func forwardsInline(w *world) {
	ctx := w.t.Context()
	from, to := w.object("/record-inline"), w.object("/record-inline-to")
	v := w.bindAs(store.Version{NameID: from.ID, Version: "i", Size: 3, Inline: []byte("abc"), HasInline: true})
	w.update(func(tx store.Tx) error {
		moved := v
		moved.NameID = to.ID
		if err := tx.BindVersion(ctx, &moved); err != nil {
			return err
		}
		return tx.ForwardVersion(ctx, v.ID, store.Ref{Path: to.Path, Version: "i"}, begun)
	})
	if record := w.resolve(from.Path, "i").Version; record.HasInline || record.Inline != nil {
		w.t.Errorf("the record still has content: %+v", record)
	}
	if moved := w.resolve(to.Path, "i").Version; string(moved.Inline) != "abc" {
		w.t.Errorf("the moved version has %q", moved.Inline)
	}
}

func livesElsewhere(w *world) {
	o := w.object("/elsewhere")
	v := w.bindAs(store.Version{NameID: o.ID, Version: "e", Size: 3, URL: "https://example.org/a%20b?c=d"})
	same(w.t, "the version", &v, w.resolve("/elsewhere", "").Current)
	w.deleteVersionAt(v.ID, hour(1))
	w.drain()
	w.restoreVersion(v.ID)
	same(w.t, "the restored version", &v, w.resolve("/elsewhere", "e").Version)
	to := store.Ref{Path: "/else", Version: "e"}
	w.update(func(tx store.Tx) error { return tx.ForwardVersion(w.t.Context(), v.ID, to, begun) })
	v.URL, v.Forward, v.ForwardedOn = "", &to, begun
	same(w.t, "the record", &v, w.resolve("/elsewhere", "e").Version)
}

func dropsRecords(w *world) {
	ctx := w.t.Context()
	o := w.object("/dropped")
	kept, record := w.bind(o.ID, "dropped-1"), w.bind(o.ID, "dropped-2")
	w.refused(store.NotFound, "dropping what is no record", func(ctx context.Context, tx store.Tx) error {
		return tx.DropRecord(ctx, record.ID)
	})
	w.update(func(tx store.Tx) error {
		if err := tx.ForwardVersion(ctx, record.ID, store.Ref{Path: "/to", Version: "to"}, begun); err != nil {
			return err
		}
		return tx.DropRecord(ctx, record.ID)
	})
	found := w.resolve("/dropped", "dropped-2")
	same(w.t, "the dropped record", (*store.Version)(nil), found.Version)
	same(w.t, "the current version", &kept, found.Current)
	again := w.bind(o.ID, "dropped-2")
	if again.ID <= record.ID {
		w.t.Errorf("the id bound again has the ID %d after %d", again.ID, record.ID)
	}
	same(w.t, "the id bound again", &again, w.resolve("/dropped", "").Current)
}

func knowsNoStrangers(w *world) {
	const unknown = 1 << 40
	v := w.bind(w.object("/stranger").ID, "stranger-1")
	w.deleteVersion(v.ID)
	for what, fn := range map[string]func(ctx context.Context, tx store.Tx) error{
		"forwarding": func(ctx context.Context, tx store.Tx) error {
			return tx.ForwardVersion(ctx, unknown, store.Ref{Path: "/a", Version: "b"}, begun)
		},
		"dropping":       func(ctx context.Context, tx store.Tx) error { return tx.DropRecord(ctx, unknown) },
		"deleting":       func(ctx context.Context, tx store.Tx) error { return tx.DeleteVersion(ctx, unknown, begun, begun) },
		"deleting twice": func(ctx context.Context, tx store.Tx) error { return tx.DeleteVersion(ctx, v.ID, begun, begun) },
		"setting lists":  func(ctx context.Context, tx store.Tx) error { return tx.SetVersionACLs(ctx, unknown, nil) },
		"setting metadata": func(ctx context.Context, tx store.Tx) error {
			return tx.SetVersionMetadata(ctx, unknown, store.Metadata{})
		},
		"setting attributes": func(ctx context.Context, tx store.Tx) error {
			return tx.SetVersionAttr(ctx, unknown, store.Attr{})
		},
	} {
		w.refused(store.NotFound, what, fn)
	}
}
