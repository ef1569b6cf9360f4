package postgres

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/postgres/pgtest"
)

// openDurable opens a directory on a server that makes its commits durable.
func openDurable(b *testing.B) *Directory {
	b.Helper()
	s, err := pgtest.New()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Remove() })
	if err := s.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Stop() })
	return openAt(b, Config{DSN: s.DSN("postgres"), Migrate: true})
}

// plant creates a chain of namespaces and returns the last one.
func plant(b *testing.B, d *Directory, segments ...string) store.Name {
	b.Helper()
	n := store.Name{Path: store.Root, Kind: acl.Namespace, ACLs: acl.Lists{acl.Owner: {"admin"}}}
	for i := -1; i < len(segments); i++ {
		if i >= 0 {
			path, err := n.Path.Child(segments[i])
			if err != nil {
				b.Fatal(err)
			}
			n = store.Name{Parent: n.ID, Path: path, Kind: acl.Namespace, ACLs: acl.Lists{acl.Owner: {"ann"}, acl.SubtreeRead: {"*"}}}
		}
		if err := d.Update(b.Context(), func(tx store.Tx) error { return tx.CreateName(b.Context(), &n) }); err != nil {
			b.Fatal(err)
		}
	}
	return n
}

// put is what a PUT does: look, create what is missing, bind.
func put(b *testing.B, d *Directory, parent store.Name, segment, version string) error {
	ctx, path := b.Context(), parent.Path+store.Path("/"+segment)
	return d.Update(ctx, func(tx store.Tx) error {
		found, err := tx.Resolve(ctx, path, "")
		if err != nil {
			return err
		}
		object := found.Name
		if object == nil {
			object = &store.Name{Parent: parent.ID, Path: path, Kind: acl.Object, ACLs: acl.Lists{acl.Owner: {"ann"}}}
			if err := tx.CreateName(ctx, object); err != nil {
				return err
			}
		}
		return tx.BindVersion(ctx, &store.Version{
			NameID: object.ID, Version: version, Size: 4096, Address: store.Address(version), ACLs: acl.Lists{acl.Owner: {"ann"}},
		})
	})
}

// byClients lets so many clients do something b.N times in all.
func byClients(b *testing.B, clients int, do func(i int64) error) {
	b.Helper()
	var next atomic.Int64
	var wait sync.WaitGroup
	b.ResetTimer()
	for range clients {
		wait.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := do(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

// BenchmarkUpdate creates objects, in as many namespaces as there are clients: those who create in
// one take turns.
func BenchmarkUpdate(b *testing.B) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			d := openDurable(b)
			top := plant(b, d, "a")
			parents := make([]store.Name, clients)
			for i := range parents {
				path := top.Path + store.Path("/"+strconv.Itoa(i))
				parents[i] = store.Name{Parent: top.ID, Path: path, Kind: acl.Namespace}
				if err := d.Update(b.Context(), func(tx store.Tx) error { return tx.CreateName(b.Context(), &parents[i]) }); err != nil {
					b.Fatal(err)
				}
			}
			byClients(b, clients, func(i int64) error {
				return put(b, d, parents[i%int64(clients)], strconv.FormatInt(i, 10), "v"+strconv.FormatInt(i, 10))
			})
		})
	}
}

// BenchmarkBind adds versions to objects that are there.
func BenchmarkBind(b *testing.B) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			d := openDurable(b)
			parent := plant(b, d, "a", "b")
			const objects = 256
			for i := range objects {
				if err := put(b, d, parent, strconv.Itoa(i), "first"); err != nil {
					b.Fatal(err)
				}
			}
			byClients(b, clients, func(i int64) error {
				return put(b, d, parent, strconv.FormatInt(i%objects, 10), "v"+strconv.FormatInt(i, 10))
			})
		})
	}
}

func BenchmarkResolve(b *testing.B) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			d := openDurable(b)
			parent := plant(b, d, "a", "b", "c")
			const objects = 1000
			for i := range objects {
				if err := put(b, d, parent, strconv.Itoa(i), "v"); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			byClients(b, clients, func(i int64) error {
				found, err := d.Resolve(b.Context(), parent.Path+store.Path("/"+strconv.FormatInt(i%objects, 10)), "")
				if err == nil && found.Current == nil {
					err = fmt.Errorf("there is no %d", i)
				}
				return err
			})
		})
	}
}
