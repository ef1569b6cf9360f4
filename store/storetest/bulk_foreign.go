package storetest

import (
	"bytes"
	"testing"

	"github.com/hatrac/hatrac/store"
)

// foreign are addresses in the forms of all storages, and in none, of content that no storage
// has.
var foreign = []store.Address{
	"01JDCZ3V9Q8T5S4R2P1N0M7K6H/1",
	store.Origin{Name: "/nowhere/at%2Fall", Version: "01JDCZ3V9Q8T5S4R2P1N0M7K6H"}.Address(),
	"elsewhere:bucket/key/upload",
	"elsewhere",
	"../elsewhere",
	"",
}

func foreignAddresses(t *testing.T, b *bulkTest) {
	kept := b.put(t, content(1, 10))
	for _, a := range foreign {
		b.holdsNothing(t, a)
		if err := b.Remove(t.Context(), a); err != nil {
			expectKind(t, "remove "+string(a), store.NotFound, err)
		}
	}
	b.holds(t, kept, content(1, 10))
}

func foreignAssemblies(t *testing.T, b *bulkTest) {
	a := b.begin(t, content(1, 10), 10)
	for _, other := range foreign {
		_, err := PutChunk(t.Context(), a.Assembler, other, 0, 0, 10, bytes.NewReader(a.want))
		expectKind(t, "put a chunk at "+string(other), store.NotFound, err)
		_, err = a.Finish(t.Context(), other, placement(10), []store.Chunk{{Number: 0}})
		expectKind(t, "finish "+string(other), store.NotFound, err)
		_, err = a.OpenPart(t.Context(), other)
		expectNone(t, "open a part at "+string(other), err)
		expectNone(t, "reopen "+string(other), a.Reopen(t.Context(), other))
	}
	a.put(t, 0)
	a.ends(t, b)
}

// expectNone checks that an assembly was not found, or not looked for by a Bulk that cannot do this
// to any.
func expectNone(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil || store.KindOf(err) != store.ReadOnly {
		expectKind(t, what, store.NotFound, err)
	}
}
