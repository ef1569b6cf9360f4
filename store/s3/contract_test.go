package s3

import (
	"testing"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/storetest"
)

func TestBulkKeepsTheContract(t *testing.T) {
	for _, method := range []Method{ByName, ByNameAndVersion} {
		t.Run(short(method), func(t *testing.T) {
			storetest.Bulk(t, storetest.BulkFactory{
				New: func(t *testing.T) store.Bulk {
					return openBulk(t, Config{Buckets: map[string]Bucket{"": newBucket(t, server, method)}})
				},
				Trusting: true,
				Again:    func(t *testing.T, b store.Bulk) store.Bulk { return openBulk(t, b.(*Bulk).cfg) },
			})
		})
	}
}
