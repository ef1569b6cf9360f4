package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/hatrac/hatrac/store"
)

func putSizes(t *testing.T, b *bulkTest) {
	kib := 1 << 10
	for i, n := range []int{0, 1, 4*kib - 1, 4 * kib, 4*kib + 1, 256 * kib, 256*kib + 1, 5*kib*kib + 3, 11 * kib * kib} {
		want := content(uint64(i), n)
		known := b.put(t, want)
		unknown := b.putAt(t, placement(-1), bytes.NewReader(want))
		b.holds(t, known, want)
		b.holds(t, unknown, want)
	}
}

// habits are what readers may do, by what they give.
var habits = map[string]func(io.Reader) io.Reader{
	"one byte at a time":          iotest.OneByteReader,
	"half of what is asked for":   iotest.HalfReader,
	"the end with the last bytes": iotest.DataErrReader,
	"nothing now and then":        func(r io.Reader) io.Reader { return &hesitating{r: r} },
	"a pipe":                      piped,
}

func putReaders(t *testing.T, b *bulkTest) {
	want := content(1, 20_000)
	for name, habit := range habits {
		a, err := b.Put(t.Context(), placement(len(want)), habit(bytes.NewReader(want)))
		if err != nil {
			t.Errorf("a reader that gives %s: %v", name, err)
			continue
		}
		b.holds(t, a, want)
	}
}

// hesitating gives nothing every other time.
type hesitating struct {
	r    io.Reader
	gave bool
}

func (h *hesitating) Read(p []byte) (int, error) {
	h.gave = !h.gave
	if h.gave {
		return 0, nil
	}
	return h.r.Read(p)
}

func piped(r io.Reader) io.Reader {
	out, in := io.Pipe()
	go func() {
		_, err := io.Copy(in, r)
		_ = in.CloseWithError(err)
	}()
	return out
}

func putReaderFails(t *testing.T, b *bulkTest) {
	broken := errors.New("the client has gone")
	for _, n := range []int{0, 1, 100_000, 6 << 20} {
		for _, size := range []int{n, n + 1, -1} {
			r := io.MultiReader(bytes.NewReader(content(1, n)), iotest.ErrReader(broken))
			a, err := b.Put(t.Context(), placement(size), r)
			if err != broken {
				t.Errorf("after %d bytes: error %v, want the reader's own", n, err)
			}
			if a != "" {
				t.Errorf("after %d bytes: the address %s comes with the error", n, a)
			}
		}
	}
	sweepFinds(t, b, 0)
}

func putCancelled(t *testing.T, b *bulkTest) {
	_, err := b.Put(cancelled(t), placement(3), strings.NewReader("abc"))
	expectKind(t, "put with a context that has ended", store.Interrupted, err)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rest := content(1, 6<<20)
	_, err = b.Put(ctx, placement(len(rest)), &watched{r: bytes.NewReader(rest), at: 1 << 20, then: cancel})
	expectKind(t, "put whose context ends midway", store.Interrupted, err)
	sweepFinds(t, b, 0)
}

// watched calls then when at bytes have been read.
type watched struct {
	r    io.Reader
	at   int
	then func()
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p[:min(len(p), 32<<10)])
	if w.at > 0 && w.at <= n {
		w.then()
	}
	w.at -= n
	return n, err
}

func putNames(t *testing.T, b *bulkTest) {
	long := store.EncodeSegment(strings.Repeat("ä", 127) + "x") // 255 bytes, most encoded
	for i, ref := range []store.Ref{
		{Path: "/a", Version: "1"},
		{Path: "/%2F", Version: "1"},
		{Path: "/%25", Version: "%"},
		{Path: "/%3Acontent", Version: "V:W"},
		{Path: "/..a/...", Version: "1"},
		{Path: "/%20%09%0A%FF", Version: "1"},
		{Path: store.Path("/" + long), Version: "1"},
		{Path: store.Path("/" + strings.Repeat("%FF", store.MaxSegment)), Version: strings.Repeat("V", 64)},
		{Path: store.Path(strings.Repeat("/deep", 500)), Version: "1"},
		{Path: store.Path(strings.Repeat("/"+long, 20)), Version: "1"},
	} {
		want := content(uint64(i), 100)
		p := store.Placement{Path: ref.Path, Version: ref.Version, Size: 100}
		b.holds(t, b.putAt(t, p, bytes.NewReader(want)), want)
	}
}

func putAddresses(t *testing.T, b *bulkTest) {
	first, second := content(1, 1000), content(2, 1000)
	a1, a2, a3 := b.put(t, first), b.put(t, second), b.put(t, first)
	if a1 == a2 || a2 == a3 || a1 == a3 {
		t.Fatalf("the addresses %s, %s and %s of three contents are not distinct", a1, a2, a3)
	}
	b.holds(t, a1, first)
	b.holds(t, a2, second)
	b.holds(t, a3, first)
	b.remove(t, a3)
	if a4 := b.put(t, second); a4 == a1 || a4 == a2 || a4 == a3 {
		t.Fatalf("the address %s was used before", a4)
	}
}

func putConcurrently(t *testing.T, b *bulkTest) {
	var (
		mu      sync.Mutex
		seen    = make(map[store.Address]bool)
		workers sync.WaitGroup
	)
	once := func(seed uint64) error {
		want := content(seed, int(seed*997%50_000))
		a, err := b.Put(t.Context(), placement(len(want)), bytes.NewReader(want))
		if err != nil {
			return err
		}
		mu.Lock()
		again := seen[a]
		seen[a] = true
		mu.Unlock()
		if again {
			return fmt.Errorf("the address %s was given twice", a)
		}
		if err := b.compare(t.Context(), a, want); err != nil {
			return err
		}
		if seed%3 == 0 {
			return b.Remove(t.Context(), a)
		}
		return nil
	}
	for i := range 16 {
		workers.Go(func() {
			for j := range 10 {
				if err := once(uint64(i*10 + j)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
}
