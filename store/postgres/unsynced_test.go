package postgres

import (
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

func TestOnlyAChangeThatMayWaitDoesNotWaitForTheDisk(t *testing.T) {
	var n trips
	d := openAt(t, Config{DSN: newDatabase(t, template), tracer: &n, Connections: 1})
	ctx := t.Context()
	root := store.Name{Path: store.Root, Kind: acl.Namespace}
	if err := d.Update(ctx, func(tx store.Tx) error { return tx.CreateName(ctx, &root) }); err != nil {
		t.Fatal(err)
	}
	show := statement{"read a setting", `SELECT current_setting('synchronous_commit')`}
	for _, c := range []struct {
		name   string
		update func(func(store.Tx) error) error
		want   string
	}{
		{"soon", func(fn func(store.Tx) error) error { return d.UpdateSoon(ctx, fn) }, "off"},
		{"durable", func(fn func(store.Tx) error) error { return d.Update(ctx, fn) }, "on"},
		{"soon again", func(fn func(store.Tx) error) error { return d.UpdateSoon(ctx, fn) }, "off"},
	} {
		var got string
		err := c.update(func(x store.Tx) (err error) {
			if err := x.SetNameAttr(ctx, root.ID, store.Attr{Ino: 7}); err != nil {
				return err
			}
			got, _, err = first(ctx, x.(*tx), show, one[string])
			return err
		})
		if err != nil || got != c.want {
			t.Errorf("%s: synchronous_commit is %q, want %q (%v)", c.name, got, c.want, err)
		}
	}
	n.Store(0)
	change := func(x store.Tx) error { return x.SetNameAttr(ctx, root.ID, store.Attr{Ino: 7}) }
	if err := d.UpdateSoon(ctx, change); err != nil || n.Load() != 2 {
		t.Errorf("a change that may wait takes %d round trips, want 2 (%v)", n.Load(), err)
	}
}
