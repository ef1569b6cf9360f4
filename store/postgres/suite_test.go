package postgres

import (
	"testing"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/storetest"
)

func TestDirectoryKeepsTheContract(t *testing.T) {
	storetest.Directory(t, func(t *testing.T) storetest.Database {
		dsn := newDatabase(t, template)
		return func(tb testing.TB) store.Directory {
			tb.Helper()
			d, err := Open(tb.Context(), Config{DSN: dsn})
			if err != nil {
				tb.Fatal(err)
			}
			return d
		}
	})
}
