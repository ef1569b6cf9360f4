package storetest

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/hatrac/hatrac/store"
)

// assembly is content that a test assembles.
type assembly struct {
	store.Assembler
	place store.Placement
	job   store.Job // its address, size and size of chunks
	want  []byte    // what is to be there in the end

	mu     sync.Mutex // guards chunks
	chunks []store.Chunk
}

// begin begins an assembly, or skips the test.
func (b *bulkTest) begin(t *testing.T, want []byte, chunkSize int64) *assembly {
	t.Helper()
	s, ok := b.Bulk.(store.Assembler)
	if !ok {
		t.Skip("no Assembler")
	}
	place := placement(len(want))
	a, err := s.Begin(t.Context(), place, chunkSize)
	if err != nil || a == "" {
		t.Fatalf("begin: address %q, error %v", a, err)
	}
	job := store.Job{Size: int64(len(want)), ChunkSize: chunkSize, Address: a}
	return &assembly{Assembler: s, place: place, job: job, want: want}
}

// PutChunk claims a chunk, stores what r gives there, and releases it.
func PutChunk(ctx context.Context, s store.Assembler, a store.Address, number, offset, length int64, r io.Reader) (tag string, err error) {
	claim, err := s.ClaimChunk(ctx, a, number)
	if err != nil {
		return "", err
	}
	defer claim.Release()
	return claim.Put(ctx, offset, length, r)
}

// bytesOf returns what chunk n is to hold.
func (a *assembly) bytesOf(n int64) []byte {
	off, length := a.job.Span(n)
	return a.want[off : off+length]
}

// send stores what r gives as chunk n, and keeps its tag. What was stored before counts no more.
func (a *assembly) send(ctx context.Context, n int64, r io.Reader) error {
	a.keep(n)
	off, length := a.job.Span(n)
	tag, err := PutChunk(ctx, a.Assembler, a.job.Address, n, off, length, r)
	if err == nil {
		a.keep(n, store.Chunk{Number: n, Tag: tag})
	}
	return err
}

// keep replaces what is known of chunk n.
func (a *assembly) keep(n int64, known ...store.Chunk) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.chunks = slices.DeleteFunc(a.chunks, func(c store.Chunk) bool { return c.Number == n })
	a.chunks = append(a.chunks, known...)
}

// put stores chunks as they are to be.
func (a *assembly) put(t *testing.T, numbers ...int64) {
	t.Helper()
	for _, n := range numbers {
		if err := a.send(t.Context(), n, bytes.NewReader(a.bytesOf(n))); err != nil {
			t.Fatalf("put chunk %d of %s: %v", n, a.job.Address, err)
		}
	}
}

// all returns the numbers of all chunks, the last one first.
func (a *assembly) all() []int64 {
	numbers := make([]int64, a.job.Chunks())
	for i := range numbers {
		numbers[i] = a.job.Chunks() - 1 - int64(i)
	}
	return numbers
}

// end finishes the content with the chunks that were stored.
func (a *assembly) end(ctx context.Context) (store.Address, error) {
	a.mu.Lock()
	chunks := slices.SortedFunc(slices.Values(a.chunks), func(a, b store.Chunk) int { return int(a.Number - b.Number) })
	a.mu.Unlock()
	return a.Finish(ctx, a.job.Address, a.place, chunks)
}

// ends finishes the content and checks that it is as it is to be.
func (a *assembly) ends(t *testing.T, b *bulkTest) store.Address {
	t.Helper()
	at, err := a.end(t.Context())
	if err != nil {
		t.Fatalf("finish %s: %v", a.job.Address, err)
	}
	b.holds(t, at, a.want)
	return at
}

// part returns what is there so far, or skips the test.
func (a *assembly) part(t *testing.T) store.Content {
	t.Helper()
	c, err := a.OpenPart(t.Context(), a.job.Address)
	if store.KindOf(err) == store.ReadOnly && err != nil {
		t.Skip("parts cannot be read here")
	}
	if err != nil {
		t.Fatalf("open part of %s: %v", a.job.Address, err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// reopen undoes finish, or skips the test.
func (a *assembly) reopen(t *testing.T) {
	t.Helper()
	err := a.Reopen(t.Context(), a.job.Address)
	if store.KindOf(err) == store.ReadOnly && err != nil {
		t.Skip("content cannot be reopened here")
	}
	if err != nil {
		t.Fatalf("reopen %s: %v", a.job.Address, err)
	}
}

// stall begins to store a chunk and stops after half of it. The caller gives the rest or
// breaks it off, and then receives what came of it.
func (a *assembly) stall(t *testing.T, n int64) (*io.PipeWriter, <-chan error) {
	t.Helper()
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := a.send(t.Context(), n, out)
		_ = out.CloseWithError(io.ErrClosedPipe)
		done <- err
	}()
	if _, err := in.Write(a.bytesOf(n)[:len(a.bytesOf(n))/2]); err != nil {
		t.Fatalf("chunk %d is not read: %v, %v", n, err, <-done)
	}
	return in, done
}
