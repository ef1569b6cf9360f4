package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/storetest"
)

func TestDirectoryKeepsTheContract(t *testing.T) {
	storetest.Directory(t, func(t *testing.T) storetest.Database {
		path := filepath.Join(t.TempDir(), "hatrac.db")
		return func(tb testing.TB) store.Directory {
			tb.Helper()
			d, err := Open(tb.Context(), Config{Path: path, Migrate: true})
			if err != nil {
				tb.Fatal(err)
			}
			return d
		}
	})
}
