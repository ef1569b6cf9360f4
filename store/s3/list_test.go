package s3

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hatrac/hatrac/store"
)

// TestWhatOthersPutIsNotTakenForOurs: neither objects of other programs nor what is known by another
// address count as left behind, but uploads that were begun do.
func TestWhatOthersPutIsNotTakenForOurs(t *testing.T) {
	for _, method := range []Method{ByName, ByNameAndVersion} {
		t.Run(short(method), func(t *testing.T) {
			bucket := newBucket(t, server, method)
			b := openBulk(t, Config{Buckets: map[string]Bucket{"": bucket}})
			key := bucket.PathPrefix + "/foreign"
			if _, err := server.Client().PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: &bucket.Name, Key: &key, Body: strings.NewReader("foreign"),
			}); err != nil {
				t.Fatal(err)
			}
			long := store.Path("/" + strings.Repeat("long", 300))
			var own []store.Address
			for _, p := range []store.Placement{{Path: "/o", Version: "V", Size: 3}, {Path: long, Version: "V", Size: 3}} {
				a, err := b.Put(t.Context(), p, strings.NewReader("own"))
				if err != nil {
					t.Fatal(err)
				}
				own = append(own, a)
			}
			for _, chunk := range []int64{minPartSize, 2} {
				a, err := b.Begin(t.Context(), store.Placement{Path: "/u", Version: "J", Size: 2 * chunk}, chunk)
				if err != nil {
					t.Fatal(err)
				}
				own = append(own, a)
			}
			told, foreign := make(map[store.Address]bool), 0
			if err := b.List(t.Context(), func(a store.Address, _ int64, _ time.Time) error {
				aliases, err := b.Aliases(t.Context(), a)
				if len(aliases) == 0 {
					foreign++
				}
				for _, alias := range aliases {
					told[alias] = true
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			for _, a := range own {
				if !told[a] {
					t.Errorf("%s is not told", a)
				}
			}
			if foreign != 1 {
				t.Errorf("%d objects are of others, want 1", foreign)
			}
		})
	}
}
