package storetest

import (
	"bytes"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/hatrac/hatrac/store"
)

func readPositions(t *testing.T, b *bulkTest) {
	want := content(1, 100_000)
	c := b.open(t, b.put(t, want))
	for _, r := range []struct {
		off  int64
		n    int
		read int
		eof  bool
	}{
		{off: 0, n: 0, read: 0},
		{off: 0, n: 10, read: 10},
		{off: 50_000, n: 4096, read: 4096},
		{off: 0, n: 99_999, read: 99_999},
		{off: 99_990, n: 11, read: 10, eof: true},
		{off: 0, n: 200_000, read: 100_000, eof: true},
		{off: 100_000, n: 1, read: 0, eof: true},
		{off: 1 << 40, n: 10, read: 0, eof: true},
	} {
		p := make([]byte, r.n)
		n, err := c.ReadAt(p, r.off)
		if n != r.read || (err == io.EOF) != r.eof || (err != nil && err != io.EOF) {
			t.Errorf("ReadAt of %d bytes from %d answers %d, %v; want %d and io.EOF %t", r.n, r.off, n, err, r.read, r.eof)
			continue
		}
		if n > 0 && !bytes.Equal(p[:n], want[r.off:r.off+int64(n)]) {
			t.Errorf("ReadAt of %d bytes from %d reads other bytes", r.n, r.off)
		}
	}
	// Up to the very end, io.EOF may come with the last bytes or not.
	p := make([]byte, len(want))
	if n, err := c.ReadAt(p, 0); n != len(want) || (err != nil && err != io.EOF) || !bytes.Equal(p, want) {
		t.Errorf("ReadAt of all answers %d, %v", n, err)
	}
	if n, err := c.ReadAt(p, -1); n != 0 || err == nil || err == io.EOF {
		t.Errorf("ReadAt from -1 answers %d, %v", n, err)
	}
	empty := b.open(t, b.put(t, nil))
	if n, err := empty.ReadAt(p, 0); n != 0 || err != io.EOF || empty.Size() != 0 {
		t.Errorf("ReadAt of empty content of size %d answers %d, %v", empty.Size(), n, err)
	}
	if file, ok := c.(store.FileContent); ok {
		if info, err := file.File().Stat(); err != nil || info.Size() != c.Size() {
			t.Errorf("the file answers %v, %v; want a size of %d", info, err, c.Size())
		}
	}
}

func readConcurrently(t *testing.T, b *bulkTest) {
	want := content(1, 300_000)
	c := b.open(t, b.put(t, want))
	var readers sync.WaitGroup
	for i := range 8 {
		readers.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			for range 50 {
				p := make([]byte, random.IntN(10_000)+1)
				off := random.IntN(len(want) - len(p))
				if n, err := c.ReadAt(p, int64(off)); n != len(p) || !bytes.Equal(p, want[off:off+n]) {
					t.Errorf("ReadAt of %d bytes from %d answers %d, %v", len(p), off, n, err)
				}
			}
		})
	}
	readers.Wait()
}

func readSections(t *testing.T, b *bulkTest) {
	want := content(1, 100_000)
	c := b.open(t, b.put(t, want))
	for _, r := range []struct{ off, n int64 }{
		{0, 0}, {0, 1}, {0, 100_000}, {1, 99_999}, {99_999, 1}, {100_000, 0}, {40_000, 20_000},
	} {
		section, err := c.Section(t.Context(), r.off, r.n)
		if err != nil {
			t.Errorf("section of %d bytes from %d: %v", r.n, r.off, err)
			continue
		}
		got, err := io.ReadAll(section)
		if err != nil || !bytes.Equal(got, want[r.off:r.off+r.n]) {
			t.Errorf("section of %d bytes from %d reads %d bytes, %v", r.n, r.off, len(got), err)
		}
		if err := section.Close(); err != nil {
			t.Errorf("section of %d bytes from %d: %v at its close", r.n, r.off, err)
		}
	}
	for _, r := range []struct{ off, n int64 }{{-1, 1}, {0, -1}, {0, 100_001}, {100_001, 0}, {1 << 62, 1 << 62}} {
		if section, err := c.Section(t.Context(), r.off, r.n); err == nil {
			_ = section.Close()
			t.Errorf("there is a section of %d bytes from %d", r.n, r.off)
		}
	}
	readTogether(t, c, want)
}

// readTogether reads two sections in turns: neither moves the other.
func readTogether(t *testing.T, c store.Content, want []byte) {
	half := int64(len(want) / 2)
	low, err := c.Section(t.Context(), 0, half)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = low.Close() }()
	high, err := c.Section(t.Context(), half, half)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = high.Close() }()
	p := make([]byte, 1000)
	for off := int64(0); off < half; off += int64(len(p)) {
		for start, section := range map[int64]io.Reader{off: low, half + off: high} {
			if _, err := io.ReadFull(section, p); err != nil || !bytes.Equal(p, want[start:start+int64(len(p))]) {
				t.Fatalf("two sections read in turns: other bytes at %d, %v", start, err)
			}
		}
	}
}

func readCancelled(t *testing.T, b *bulkTest) {
	a := b.put(t, content(1, 10))
	_, err := b.Open(cancelled(t), a)
	expectKind(t, "open with a context that has ended", store.Interrupted, err)
	b.holds(t, a, content(1, 10))
}

func readRemoved(t *testing.T, b *bulkTest) {
	if !b.factory.KeepsOpen {
		t.Skip("removed content cannot be read here")
	}
	want := content(1, 100_000)
	a := b.put(t, want)
	c := b.open(t, a)
	b.remove(t, a)
	got, err := io.ReadAll(io.NewSectionReader(c, 0, c.Size()))
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("open content that was removed reads %d bytes, %v", len(got), err)
	}
}

func removeTwice(t *testing.T, b *bulkTest) {
	kept, gone := b.put(t, content(1, 10)), b.put(t, content(2, 10))
	err := b.Remove(cancelled(t), gone)
	expectKind(t, "remove with a context that has ended", store.Interrupted, err)
	b.holds(t, gone, content(2, 10))
	b.remove(t, gone)
	b.holdsNothing(t, gone)
	b.remove(t, gone)
	b.holdsNothing(t, gone)
	b.holds(t, kept, content(1, 10))
}

func removeOneOfEqual(t *testing.T, b *bulkTest) {
	want := content(1, 1000)
	kept, gone := b.put(t, want), b.put(t, want)
	b.remove(t, gone)
	b.holdsNothing(t, gone)
	b.holds(t, kept, want)
}
