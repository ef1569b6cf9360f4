package storetest

import (
	"bytes"
	"context"
	cryptorand "crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/hatrac/hatrac/store"
)

// BulkFactory makes what Bulk tests.
type BulkFactory struct {
	// New returns a Bulk without content. It goes, with all it holds, when the test ends.
	New func(t *testing.T) store.Bulk
	// KeepsOpen is true if content that is open stays readable after it was removed.
	KeepsOpen bool
	// Again returns a Bulk on what another one keeps, as after a restart. It goes when the
	// test ends. It is needed for a store.Assembler alone.
	Again func(t *testing.T, b store.Bulk) store.Bulk
	// Trusting is true of a store.Assembler that takes its caller's word for which chunks there
	// are: it does not know how long each has to be, nor which are being stored.
	Trusting bool
}

// Bulk is the contract of store.Bulk, and of store.SoonSpooler, store.Assembler, store.Lister and
// store.Capacity where the Bulk has them.
func Bulk(t *testing.T, f BulkFactory) {
	for _, c := range []struct {
		rule string
		test func(*testing.T, *bulkTest)
	}{
		{"put/returns what was put whatever its size", putSizes},
		{"put/takes readers of all habits", putReaders},
		{"put/returns an error of the reader as it is", putReaderFails},
		{"put/ends with the context", putCancelled},
		{"put/takes every name", putNames},
		{"put/gives each content an address of its own", putAddresses},
		{"put/serves many at once", putConcurrently},
		{"read/at positions as io.ReaderAt says", readPositions},
		{"read/at many positions at once", readConcurrently},
		{"read/in sections", readSections},
		{"read/ends with the context", readCancelled},
		{"read/after it was removed", readRemoved},
		{"remove/is for good and may come twice", removeTwice},
		{"remove/leaves equal content alone", removeOneOfEqual},
		{"addresses/of other storages hold nothing", foreignAddresses},
		{"addresses/of other storages are no assemblies", foreignAssemblies},
		{"sweep/removes old unbound content alone", sweepUnbound},
		{"sweep/again takes what became unbound later", sweepAgain},
		{"sweep/ends with an error of the directory", sweepDirectoryFails},
		{"sweep/ends with the context", sweepCancelled},
		{"sweep/leaves those who put alone", sweepWhilePutting},
		{"list/tells what is kept", listKept},
		{"list/ends with an error of who asks", listFails},
		{"list/ends with the context", listCancelled},
		{"adopt/makes a file content", adoptFile},
		{"adopt/leaves the file to its owner", adoptLeavesFile},
		{"adopt/takes one file twice", adoptTwice},
		{"adopt/refuses other files", adoptRefuses},
		{"adopt/ends with the context", adoptCancelled},
		{"soon/makes a file content", adoptSoon},
		{"soon/says of each content whether it is durable", syncsEach},
		{"soon/syncs while others store", syncTogether},
		{"soon/ends with the context", soonCancelled},
		{"soon/knows who is there", attends},
		{"assemble/makes content of chunks in any order", assembleSizes},
		{"assemble/takes chunks that come together", assembleTogether},
		{"assemble/takes readers of all habits", assembleReaders},
		{"assemble/replaces chunks", assembleReplaces},
		{"assemble/returns an error of the reader as it is", assembleReaderFails},
		{"assemble/refuses what is no such chunk", assembleRefuses},
		{"assemble/ends with the context", assembleCancelled},
		{"assemble/shows what is there so far", assembleShows},
		{"assemble/finishes for good and may twice", assembleFinished},
		{"assemble/lets finished content be corrected", assembleReopened},
		{"assemble/is removed for good", assembleRemoved},
		{"assemble/is swept like content", assembleSwept},
		{"assemble/survives a restart", assembleAgain},
		{"assemble/lets a newer request take a chunk over", assembleEvicts},
		{"assemble/finishes after those who store chunks", assembleWaits},
		{"capacity/adds up", capacity},
	} {
		t.Run(c.rule, func(t *testing.T) {
			c.test(t, &bulkTest{Bulk: f.New(t), factory: f})
		})
	}
}

// bulkTest is a Bulk with checks.
type bulkTest struct {
	store.Bulk
	factory BulkFactory
}

// content returns n random bytes that depend on the seed alone.
func content(seed uint64, n int) []byte {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	bytes := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(bytes)
	return bytes
}

// placement is for an object of its own, each time it is called.
func placement(size int) store.Placement {
	path := store.Path("/namespace/object-" + cryptorand.Text())
	return store.Placement{Path: path, Version: cryptorand.Text(), Size: int64(size)}
}

func (b *bulkTest) put(t *testing.T, content []byte) store.Address {
	t.Helper()
	return b.putAt(t, placement(len(content)), bytes.NewReader(content))
}

func (b *bulkTest) putAt(t *testing.T, p store.Placement, r io.Reader) store.Address {
	t.Helper()
	a, err := b.Put(t.Context(), p, r)
	if err != nil {
		t.Fatalf("put: %v", err)
	}
	if a == "" {
		t.Fatal("put: the address is empty")
	}
	return a
}

func (b *bulkTest) open(t *testing.T, a store.Address) store.Content {
	t.Helper()
	c, err := b.Open(t.Context(), a)
	if err != nil {
		t.Fatalf("open %s: %v", a, err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func (b *bulkTest) remove(t *testing.T, a store.Address) {
	t.Helper()
	if err := b.Remove(t.Context(), a); err != nil {
		t.Fatalf("remove %s: %v", a, err)
	}
}

// holds checks that the address leads to that content, and closes it.
func (b *bulkTest) holds(t *testing.T, a store.Address, want []byte) {
	t.Helper()
	if err := b.compare(t.Context(), a, want); err != nil {
		t.Fatal(err)
	}
}

// compare is holds for goroutines.
func (b *bulkTest) compare(ctx context.Context, a store.Address, want []byte) error {
	c, err := b.Open(ctx, a)
	if err != nil {
		return fmt.Errorf("open %s: %w", a, err)
	}
	defer func() { _ = c.Close() }()
	if c.Size() != int64(len(want)) {
		return fmt.Errorf("%s has %d bytes, want %d", a, c.Size(), len(want))
	}
	section, err := c.Section(ctx, 0, c.Size())
	if err != nil {
		return fmt.Errorf("section of %s: %w", a, err)
	}
	got, err := io.ReadAll(section)
	if err != nil {
		return fmt.Errorf("read %s: %w", a, err)
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%s holds other bytes than were put", a)
	}
	if err := section.Close(); err != nil {
		return fmt.Errorf("close section of %s: %w", a, err)
	}
	return nil
}

// holdsNothing checks that there is no content at the address.
func (b *bulkTest) holdsNothing(t *testing.T, a store.Address) {
	t.Helper()
	c, err := b.Open(t.Context(), a)
	if err == nil {
		_ = c.Close()
	}
	expectKind(t, "open "+string(a), store.NotFound, err)
}

// cancelled returns a context that has ended.
func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
