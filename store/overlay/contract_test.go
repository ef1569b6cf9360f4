package overlay_test

import (
	"path/filepath"
	"testing"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/filesystem"
	"github.com/hatrac/hatrac/store/overlay"
	"github.com/hatrac/hatrac/store/s3"
	"github.com/hatrac/hatrac/store/storetest"
)

func TestFilesOverFiles(t *testing.T) {
	storetest.Bulk(t, storetest.BulkFactory{
		New:       func(t *testing.T) store.Bulk { return filesIn(t, t.TempDir()) },
		KeepsOpen: true,
		Again: func(t *testing.T, b store.Bulk) store.Bulk {
			return filesIn(t, filepath.Dir(filepath.Dir(b.(store.Spooler).SpoolDir())))
		},
	})
}

// TestLayersWithoutExtras has a first layer that is no more than a store.Assembler.
func TestLayersWithoutExtras(t *testing.T) {
	roots := make(map[store.Bulk]string)
	open := func(t *testing.T, folder string) store.Bulk {
		b := overlay.New(plain{files(t, filepath.Join(folder, "first"))})
		roots[b] = folder
		return b
	}
	storetest.Bulk(t, storetest.BulkFactory{
		New:       func(t *testing.T) store.Bulk { return open(t, t.TempDir()) },
		KeepsOpen: true,
		Again:     func(t *testing.T, b store.Bulk) store.Bulk { return open(t, roots[b]) },
	})
}

func TestFilesOverS3(t *testing.T) {
	storetest.Bulk(t, storetest.BulkFactory{
		New: func(t *testing.T) store.Bulk {
			return overlay.New(files(t, t.TempDir()), objects(t, newBucket(t, s3.ByName)))
		},
		KeepsOpen: true,
		Again: func(t *testing.T, b store.Bulk) store.Bulk {
			root := filepath.Dir(b.(store.Spooler).SpoolDir())
			return overlay.New(files(t, root), objects(t, newBucket(t, s3.ByName)))
		},
	})
}

func TestS3OverFiles(t *testing.T) {
	for name, method := range methods {
		buckets := make(map[store.Bulk]s3.Bucket)
		open := func(t *testing.T, bucket s3.Bucket) store.Bulk {
			b := overlay.New(objects(t, bucket), files(t, t.TempDir()))
			buckets[b] = bucket
			return b
		}
		t.Run(name, func(t *testing.T) {
			storetest.Bulk(t, storetest.BulkFactory{
				New:      func(t *testing.T) store.Bulk { return open(t, newBucket(t, method)) },
				Trusting: true,
				Again:    func(t *testing.T, b store.Bulk) store.Bulk { return open(t, buckets[b]) },
			})
		})
	}
}

// filesIn returns two layers of files in a folder.
func filesIn(t *testing.T, folder string) overlay.Storage {
	return overlay.New(files(t, filepath.Join(folder, "first")), files(t, filepath.Join(folder, "second")))
}

func files(t *testing.T, root string) *filesystem.Bulk {
	t.Helper()
	b, err := filesystem.Open(t.Context(), filesystem.Config{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// plain hides all that a storage can do besides.
type plain struct{ store.Assembler }
