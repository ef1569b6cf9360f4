package sqlite

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// plant creates a chain of namespaces and returns the last one.
func plant(tb testing.TB, d *Directory, segments ...string) store.Name {
	tb.Helper()
	n := store.Name{Path: store.Root, Kind: acl.Namespace, ACLs: acl.Lists{acl.Owner: {"admin"}}}
	for i := -1; i < len(segments); i++ {
		if i >= 0 {
			path, err := n.Path.Child(segments[i])
			if err != nil {
				tb.Fatal(err)
			}
			n = store.Name{Parent: n.ID, Path: path, Kind: acl.Namespace, ACLs: acl.Lists{acl.Owner: {"ann"}, acl.SubtreeRead: {"*"}}}
		}
		if err := d.Update(tb.Context(), func(tx store.Tx) error { return tx.CreateName(tb.Context(), &n) }); err != nil {
			tb.Fatal(err)
		}
	}
	return n
}

// put is what a PUT of a new object does: look, create, bind.
func put(tb testing.TB, d *Directory, parent store.Name, segment, version string) error {
	path := parent.Path + store.Path("/"+segment)
	return d.Update(tb.Context(), func(tx store.Tx) error {
		found, err := tx.Resolve(tb.Context(), path, "")
		if err != nil {
			return err
		}
		object := found.Name
		if object == nil {
			object = &store.Name{Parent: parent.ID, Path: path, Kind: acl.Object, ACLs: acl.Lists{acl.Owner: {"ann"}}}
			if err := tx.CreateName(tb.Context(), object); err != nil {
				return err
			}
		}
		return tx.BindVersion(tb.Context(), &store.Version{
			NameID: object.ID, Version: version, Size: 4096, Address: store.Address(version), ACLs: acl.Lists{acl.Owner: {"ann"}},
		})
	})
}

func BenchmarkUpdate(b *testing.B) {
	for _, clients := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			d := openFresh(b)
			parent := plant(b, d, "a", "b")
			var next atomic.Int64
			var wait sync.WaitGroup
			for range clients {
				wait.Go(func() {
					for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
						if err := put(b, d, parent, strconv.FormatInt(i, 10), "v"+strconv.FormatInt(i, 10)); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wait.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
		})
	}
}

func BenchmarkResolve(b *testing.B) {
	d := openFresh(b)
	parent := plant(b, d, "a", "b", "c")
	for i := range 1000 {
		if err := put(b, d, parent, strconv.Itoa(i), "v"+strconv.Itoa(i)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			path := parent.Path + store.Path("/"+strconv.Itoa(i%1000))
			if found, err := d.Resolve(b.Context(), path, ""); err != nil || found.Current == nil {
				b.Fatal(found, err)
			}
		}
	})
}

func BenchmarkChildren(b *testing.B) {
	d := openFresh(b)
	parent := plant(b, d, "a")
	const many = 20_000
	for i := 0; i < many; i += 1000 {
		if err := d.Update(b.Context(), func(tx store.Tx) error {
			for j := range 1000 {
				path := parent.Path + store.Path(fmt.Sprintf("/%06d", i+j))
				n := store.Name{Parent: parent.ID, Path: path, Kind: acl.Object}
				if err := tx.CreateName(b.Context(), &n); err != nil {
					return err
				}
				if err := tx.BindVersion(b.Context(), &store.Version{NameID: n.ID, Version: "v", Inline: []byte("x"), HasInline: true}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		after := fmt.Sprintf("%06d", i*1000%(many-1000))
		page, err := d.Children(b.Context(), parent.ID, after, 1000)
		if err != nil || len(page) < 999 {
			b.Fatal(len(page), err)
		}
	}
}
