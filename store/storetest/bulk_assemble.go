package storetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hatrac/hatrac/store"
)

func assembleSizes(t *testing.T, b *bulkTest) {
	seen := make(map[store.Address]bool)
	for _, c := range []struct {
		size  int
		chunk int64
	}{
		{0, 1},
		{0, 1000},
		{1, 1},
		{20, 1},
		{10, 3},
		{10, 10},
		{10, 1 << 40},
		{100_000, 30_000},
		{1 << 20, 1 << 18},
		{2<<20 + 1, 1<<19 + 1},
	} {
		a := b.begin(t, content(uint64(c.size), c.size), c.chunk)
		if seen[a.job.Address] {
			t.Fatalf("the address %s is given twice", a.job.Address)
		}
		seen[a.job.Address] = true
		if open, err := b.Open(t.Context(), a.job.Address); err == nil {
			_ = open.Close()
			t.Errorf("%d bytes in chunks of %d: content that is not finished can be opened", c.size, c.chunk)
		}
		a.put(t, a.all()...)
		a.ends(t, b)
	}
}

func assembleTogether(t *testing.T, b *bulkTest) {
	assemblies := []*assembly{}
	for seed := range 3 {
		assemblies = append(assemblies, b.begin(t, content(uint64(seed), 200_001), 10_000))
	}
	var workers sync.WaitGroup
	for _, a := range assemblies {
		for _, n := range a.all() {
			workers.Go(func() {
				if err := a.send(t.Context(), n, bytes.NewReader(a.bytesOf(n))); err != nil {
					t.Errorf("put chunk %d: %v", n, err)
				}
			})
		}
	}
	workers.Wait()
	for _, a := range assemblies {
		a.ends(t, b)
	}
}

func assembleReaders(t *testing.T, b *bulkTest) {
	for name, habit := range habits {
		a := b.begin(t, content(1, 50_000), 20_000)
		for _, n := range a.all() {
			if err := a.send(t.Context(), n, habit(bytes.NewReader(a.bytesOf(n)))); err != nil {
				t.Fatalf("a reader that gives %s: %v", name, err)
			}
		}
		a.ends(t, b)
	}
}

func assembleReplaces(t *testing.T, b *bulkTest) {
	a := b.begin(t, content(1, 100_000), 30_000)
	for _, seed := range []uint64{2, 3} {
		for _, n := range a.all() {
			if err := a.send(t.Context(), n, bytes.NewReader(content(seed, len(a.bytesOf(n))))); err != nil {
				t.Fatal(err)
			}
		}
	}
	a.put(t, a.all()...)
	a.ends(t, b)
}

func assembleReaderFails(t *testing.T, b *bulkTest) {
	broken := errors.New("the client has gone")
	a := b.begin(t, content(1, 2<<20), 1<<20)
	a.put(t, a.all()...)
	for _, n := range []int{0, 1, 300_000, 1 << 20} {
		r := io.MultiReader(bytes.NewReader(content(2, n)), iotest.ErrReader(broken))
		if err := a.send(t.Context(), 0, r); err != broken {
			t.Errorf("after %d bytes: error %v, want the reader's own", n, err)
		}
	}
	a.put(t, 0)
	a.ends(t, b)
}

func assembleRefuses(t *testing.T, b *bulkTest) {
	a := b.begin(t, content(1, 300), 100)
	for _, size := range []int64{-1, -100} {
		_, err := a.Begin(t.Context(), placement(int(size)), 100)
		expectKind(t, "begin with an unknown size", store.Invalid, err)
	}
	_, err := a.Begin(t.Context(), placement(100), 0)
	expectKind(t, "begin with empty chunks", store.Invalid, err)
	a.put(t, a.all()...)
	if b.factory.Trusting {
		a.ends(t, b)
		return
	}
	for _, n := range []int{0, 99, 101, 1000} {
		expectKind(t, "a chunk of another length", store.Invalid, a.send(t.Context(), 1, bytes.NewReader(content(2, n))))
	}
	for _, c := range []struct{ number, off, length int64 }{{3, 300, 1}, {2, 250, 51}, {1, 1 << 62, 1 << 62}, {0, -1, 100}, {-1, 0, 100}, {0, 100, -1}} {
		_, err := PutChunk(t.Context(), a.Assembler, a.job.Address, c.number, c.off, c.length, bytes.NewReader(nil))
		expectKind(t, "a chunk outside of the content", store.Invalid, err)
	}
	a.put(t, 1)
	a.ends(t, b)
}

func assembleCancelled(t *testing.T, b *bulkTest) {
	a := b.begin(t, content(1, 6<<20), 3<<20)
	_, err := a.Begin(cancelled(t), placement(1), 1)
	expectKind(t, "begin with a context that has ended", store.Interrupted, err)
	err = a.send(cancelled(t), 0, bytes.NewReader(a.bytesOf(0)))
	expectKind(t, "put a chunk with a context that has ended", store.Interrupted, err)
	_, err = a.end(cancelled(t))
	expectKind(t, "finish with a context that has ended", store.Interrupted, err)
	expectKind(t, "reopen with a context that has ended", store.Interrupted, a.Reopen(cancelled(t), a.job.Address))
	_, err = a.OpenPart(cancelled(t), a.job.Address)
	expectKind(t, "open a part with a context that has ended", store.Interrupted, err)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err = a.send(ctx, 0, &watched{r: bytes.NewReader(a.bytesOf(0)), at: 1 << 20, then: cancel})
	expectKind(t, "put a chunk whose context ends midway", store.Interrupted, err)
	a.put(t, a.all()...)
	at := a.ends(t, b)
	if swept := b.sweep(t, future(), at); swept.Removed != 0 {
		t.Errorf("%d files are left besides the content", swept.Removed)
	}
}

func assembleShows(t *testing.T, b *bulkTest) {
	a := b.begin(t, content(1, 1000), 300)
	c := a.part(t)
	if c.Size() != 1000 {
		t.Errorf("the part has size %d, want that of the content", c.Size())
	}
	for _, n := range []int64{3, 0, 2} {
		a.put(t, n)
		off, length := a.job.Span(n)
		for _, part := range []store.Content{c, a.part(t)} {
			got := make([]byte, length)
			if _, err := part.ReadAt(got, off); (err != nil && err != io.EOF) || !bytes.Equal(got, a.bytesOf(n)) {
				t.Errorf("chunk %d reads as other bytes, %v", n, err)
			}
		}
	}
	_, err := a.OpenPart(t.Context(), b.gone(t))
	expectKind(t, "open a part of what is gone", store.NotFound, err)
}

// gone returns an address from which content was removed.
func (b *bulkTest) gone(t *testing.T) store.Address {
	t.Helper()
	a := b.put(t, content(9, 10))
	b.remove(t, a)
	return a
}

func assembleFinished(t *testing.T, b *bulkTest) {
	a := b.begin(t, content(1, 1000), 300)
	a.put(t, a.all()...)
	first := a.ends(t, b)
	for _, n := range a.all() {
		err := a.send(t.Context(), n, bytes.NewReader(content(2, len(a.bytesOf(n)))))
		expectKind(t, "put a chunk of what is finished", store.Conflict, err)
	}
	b.holds(t, first, a.want)
	second := a.ends(t, b)
	if first != second {
		t.Errorf("finish answers %s, then %s", first, second)
	}
	b.holds(t, first, a.want)
}

func assembleReopened(t *testing.T, b *bulkTest) {
	a := b.begin(t, content(1, 1000), 300)
	a.put(t, a.all()...)
	a.reopen(t)
	if err := a.send(t.Context(), 2, bytes.NewReader(content(2, 300))); err != nil {
		t.Fatal(err)
	}
	if _, err := a.end(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.reopen(t)
	a.reopen(t)
	a.put(t, 2)
	a.ends(t, b)
	expectKind(t, "put a chunk of what is finished again", store.Conflict, a.send(t.Context(), 2, bytes.NewReader(a.bytesOf(2))))
}

func assembleRemoved(t *testing.T, b *bulkTest) {
	left := b.begin(t, content(2, 100), 100)
	for _, finish := range []bool{false, true} {
		a := b.begin(t, content(1, 1000), 300)
		a.put(t, a.all()...)
		at := a.job.Address
		if finish {
			at = a.ends(t, b)
		}
		for range 2 {
			b.remove(t, at)
			expectKind(t, "put a chunk of what is gone", store.NotFound, a.send(t.Context(), 0, bytes.NewReader(a.bytesOf(0))))
			_, err := a.end(t.Context())
			expectKind(t, "finish what is gone", store.NotFound, err)
			b.holdsNothing(t, at)
		}
	}
	left.put(t, 0)
	left.ends(t, b)
}

func assembleSwept(t *testing.T, b *bulkTest) {
	bound, garbage, finished := b.begin(t, content(1, 1000), 300), b.begin(t, content(2, 50), 20), b.begin(t, content(3, 7), 7)
	for _, a := range []*assembly{bound, garbage} {
		a.put(t, 0)
	}
	finished.put(t, 0)
	at := finished.ends(t, b)
	if diff := cmp.Diff(store.Swept{}, b.sweep(t, past())); diff != "" {
		t.Errorf("swept of what is younger (-want +got):\n%s", diff)
	}
	garbage.put(t, 1)
	if swept := b.sweep(t, future(), bound.job.Address, at); swept.Removed != 1 {
		t.Errorf("%d files are swept, want the unbound assembly", swept.Removed)
	}
	expectKind(t, "put a chunk of what was swept", store.NotFound, garbage.send(t.Context(), 2, bytes.NewReader(garbage.bytesOf(2))))
	bound.put(t, 1, 2, 3)
	bound.ends(t, b)
	b.holds(t, at, finished.want)
}

func assembleAgain(t *testing.T, b *bulkTest) {
	a := b.begin(t, content(1, 1000), 300)
	a.put(t, 3, 1)
	again := &bulkTest{Bulk: b.factory.Again(t, b.Bulk), factory: b.factory}
	a.Assembler = again.Bulk.(store.Assembler)
	a.put(t, 0, 2)
	at := a.ends(t, again)
	b.holds(t, at, a.want)

	again = &bulkTest{Bulk: b.factory.Again(t, b.Bulk), factory: b.factory}
	a.Assembler = again.Bulk.(store.Assembler)
	expectKind(t, "put a chunk of what is finished", store.Conflict, a.send(t.Context(), 0, bytes.NewReader(a.bytesOf(0))))
	a.ends(t, again)
}

func assembleEvicts(t *testing.T, b *bulkTest) {
	a := b.begin(t, content(1, 1000), 300)
	in, done := a.stall(t, 1)
	other, otherDone := a.stall(t, 1)
	a.put(t, 1)
	for _, old := range []*io.PipeWriter{in, other} {
		_ = old.CloseWithError(errors.New("the client has gone"))
	}
	for _, end := range []<-chan error{done, otherDone} {
		if err := <-end; err == nil {
			t.Error("a request for half a chunk is a success")
		}
	}
	a.put(t, 0, 2, 3)
	a.ends(t, b)
}

func assembleWaits(t *testing.T, b *bulkTest) {
	if b.factory.Trusting {
		t.Skip("the caller says which chunks there are")
	}
	a := b.begin(t, content(1, 1000), 300)
	a.put(t, 3, 1, 0)
	in, done := a.stall(t, 2)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := a.end(ctx)
	expectKind(t, "finish while a chunk is stored for longer than one waits", store.Unavailable, err)
	if _, err := in.Write(a.bytesOf(2)[150:]); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	if err := <-done; err != nil {
		t.Fatalf("the chunk that was stored meanwhile: %v", err)
	}
	a.ends(t, b)
}
