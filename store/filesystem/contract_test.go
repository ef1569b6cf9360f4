package filesystem_test

import (
	"testing"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/filesystem"
	"github.com/hatrac/hatrac/store/storetest"
)

func TestBulk(t *testing.T) {
	storetest.Bulk(t, storetest.BulkFactory{
		New: func(t *testing.T) store.Bulk {
			b, err := filesystem.Open(t.Context(), filesystem.Config{Root: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			})
			return b
		},
		KeepsOpen: true,
	})
}
