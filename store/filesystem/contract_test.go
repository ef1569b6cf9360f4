package filesystem_test

import (
	"path/filepath"
	"testing"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/filesystem"
	"github.com/hatrac/hatrac/store/storetest"
)

func TestBulk(t *testing.T) {
	storetest.Bulk(t, storetest.BulkFactory{
		New:       func(t *testing.T) store.Bulk { return open(t, t.TempDir()) },
		KeepsOpen: true,
		Again: func(t *testing.T, b store.Bulk) store.Bulk {
			return open(t, filepath.Dir(b.(store.Spooler).SpoolDir()))
		},
	})
}

func open(t *testing.T, root string) store.Bulk {
	b, err := filesystem.Open(t.Context(), filesystem.Config{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}
