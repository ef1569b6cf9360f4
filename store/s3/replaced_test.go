package s3

import (
	"bytes"
	"testing"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/storetest"
)

// Whoever finishes an upload says by their tags which chunks it is to have. One that was replaced by another
// process, before that one could record it, is never taken for the other.
func TestAChunkIsTheOneOfItsTag(t *testing.T) {
	for name, chunk := range map[string]int64{"parts": minPartSize, "pieces": 1000} {
		for _, method := range []Method{ByName, ByNameAndVersion} {
			t.Run(name, func(t *testing.T) {
				bucket := newBucket(t, server, method)
				here := openBulk(t, Config{Buckets: map[string]Bucket{"": bucket}})
				there := openBulk(t, Config{Buckets: map[string]Bucket{"": bucket}})
				place := store.Placement{Path: "/ns/o", Version: "JOB", Size: 2 * chunk}
				a, err := here.Begin(t.Context(), place, chunk)
				if err != nil {
					t.Fatal(err)
				}
				put := func(b *Bulk, n int64, letter string) store.Chunk {
					content := bytes.Repeat([]byte(letter), int(chunk))
					tag, err := storetest.PutChunk(t.Context(), b, a, n, n*chunk, chunk, bytes.NewReader(content))
					if err != nil {
						t.Fatal(err)
					}
					return store.Chunk{Number: n, Tag: tag}
				}
				first, older, newer := put(here, 0, "a"), put(here, 1, "b"), put(there, 1, "c")
				want := "b"
				at, err := here.Finish(t.Context(), a, place, []store.Chunk{first, older})
				if store.KindOf(err) == store.Conflict && err != nil {
					want = "c"
					at, err = here.Finish(t.Context(), a, place, []store.Chunk{first, newer})
				}
				if err != nil {
					t.Fatal(err)
				}
				whole := append(bytes.Repeat([]byte("a"), int(chunk)), bytes.Repeat([]byte(want), int(chunk))...)
				if here.digest(t, at, 2*chunk) != digestOf(t, bytes.NewReader(whole)) {
					t.Errorf("the content has not the chunk of the tag %q", want)
				}
			})
		}
	}
}
