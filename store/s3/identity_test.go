package s3

import (
	"testing"

	"github.com/hatrac/hatrac/store"
)

func TestContentIsIdentifiedByWhereNothingElseCanBe(t *testing.T) {
	known := make(map[string]store.Address)
	for _, method := range []Method{ByName, ByNameAndVersion} {
		for range 2 { // two buckets
			b := openBulk(t, Config{Buckets: map[string]Bucket{"": newBucket(t, server, method)}})
			for _, version := range []string{"V1", "V2"} {
				a, err := b.Put(t.Context(), store.Placement{Path: "/o", Version: version, Size: 10}, noise(1, 10))
				if err != nil {
					t.Fatal(err)
				}
				var again string
				for range 2 {
					c, err := b.OpenSized(t.Context(), a, 10)
					if err != nil {
						t.Fatal(err)
					}
					identity := c.(store.Identified).Identity()
					if again == "" {
						again = identity
						if other, twice := known[identity]; twice || identity == "" {
							t.Errorf("%s and %s are both %q", a, other, identity)
						}
						known[identity] = a
					} else if identity != again {
						t.Errorf("%s is %q and %q", a, again, identity)
					}
					_ = c.Close()
				}
			}
		}
	}
}

func TestAnObjectThatCanBeReplacedHasNoIdentity(t *testing.T) {
	c := &content{object: object{place: &place{Bucket: Bucket{Name: "b", Method: ByName}}, key: "k"}}
	if got := c.Identity(); got != "" {
		t.Errorf("it is %q", got)
	}
}
