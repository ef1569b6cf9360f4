package postgres

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// trips counts what is sent to the database and waited for: statements alone, batches of them,
// and preparations.
type trips struct{ atomic.Int64 }

func (n *trips) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	n.Add(1)
	return ctx
}

func (n *trips) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (n *trips) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	n.Add(1)
	return ctx
}

func (n *trips) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (n *trips) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

func TestRequestsNeedFewRoundTrips(t *testing.T) {
	var n trips
	d := openAt(t, Config{DSN: newDatabase(t, template), tracer: &n})
	ctx := t.Context()
	root := store.Name{Path: store.Root, Kind: acl.Namespace}
	object := store.Name{Path: "/o", Kind: acl.Object}
	if err := d.Update(ctx, func(tx store.Tx) error {
		if err := tx.CreateName(ctx, &root); err != nil {
			return err
		}
		object.Parent = root.ID
		return tx.CreateName(ctx, &object)
	}); err != nil {
		t.Fatal(err)
	}
	bind := func(name, version string) error {
		return d.Update(ctx, func(tx store.Tx) error {
			found, err := tx.Resolve(ctx, store.Path(name), "")
			if err != nil {
				return err
			}
			if found.Name == nil {
				found.Name = &store.Name{Parent: root.ID, Path: found.Path, Kind: acl.Object}
				if err := tx.CreateName(ctx, found.Name); err != nil {
					return err
				}
			}
			return tx.BindVersion(ctx, &store.Version{NameID: found.Name.ID, Version: version, Inline: []byte(version), HasInline: true})
		})
	}
	for _, c := range []struct {
		what string
		most int64
		do   func() error
	}{
		{"a lookup", 1, func() error { _, err := d.Resolve(ctx, "/o", "v"); return err }},
		{"a lookup of a job", 1, func() error { _, _, err := d.ResolveJob(ctx, "/o", "j"); return err }},
		{"a list", 1, func() error { _, err := d.Children(ctx, root.ID, "", 100); return err }},
		{"a new version", 3, func() error { return bind("/o", "v") }},
		{"a new object", 4, func() error { return bind("/new", "v") }},
		{"a change of nothing", 0, func() error { return d.Update(ctx, func(store.Tx) error { return nil }) }},
	} {
		before := n.Load()
		if err := c.do(); err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		if used := n.Load() - before; used > c.most {
			t.Errorf("%s takes %d round trips", c.what, used)
		}
	}
}
