package filesystem

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/disk"
	"github.com/hatrac/hatrac/store/storetest"
)

func begin(t testing.TB, b *Bulk, size int) store.Address {
	t.Helper()
	a, err := b.Begin(t.Context(), store.Placement{Size: int64(size)}, 100)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// putChunk stores 100 bytes as chunk n.
func putChunk(ctx context.Context, b *Bulk, a store.Address, n int64, r io.Reader) error {
	_, err := storetest.PutChunk(ctx, b, a, n, n*100, 100, r)
	return err
}

func mustPutChunk(t testing.TB, b *Bulk, a store.Address, n int64, content []byte) {
	t.Helper()
	if err := putChunk(t.Context(), b, a, n, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
}

func finish(t testing.TB, b *Bulk, a store.Address) {
	t.Helper()
	at, err := b.Finish(t.Context(), a, store.Placement{Size: -1}, nil)
	if err != nil || at != a {
		t.Fatalf("finish of %s: %s, %v", a, at, err)
	}
}

// sender stores chunk 0 out of a pipe, half of which was read.
type sender struct {
	in     *io.PipeWriter
	cancel context.CancelFunc
	done   chan error
}

func startChunk(t *testing.T, b *Bulk, a store.Address, half []byte) *sender {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	out, in := io.Pipe()
	s := &sender{in: in, cancel: cancel, done: make(chan error, 1)}
	go func() {
		err := putChunk(ctx, b, a, 0, out)
		_ = out.CloseWithError(io.ErrClosedPipe)
		s.done <- err
	}()
	if _, err := in.Write(half); err != nil {
		t.Fatalf("the chunk is not read: %v, %v", err, <-s.done)
	}
	return s
}

// end gives the rest and returns what became of the chunk.
func (s *sender) end(rest []byte) error {
	_, _ = s.in.Write(rest)
	_ = s.in.Close()
	return <-s.done
}

func TestAnEvictedWriterWritesNothingAnyMore(t *testing.T) {
	b := openBulk(t, t.TempDir())
	a := begin(t, b, 100)
	older, newer := sample(1, 100), sample(2, 100)
	first := startChunk(t, b, a, older[:50])
	second := startChunk(t, b, a, older[:50])
	mustPutChunk(t, b, a, 0, newer)
	finish(t, b, a)
	wantKind(t, first.end(older[50:]), store.Conflict)
	wantKind(t, second.end(older[50:]), store.Conflict)
	wantContent(t, b, a, newer)
}

// Between the decision to write and the write a newer writer may come and go.
func TestAnEvictedWriterCannotWriteLate(t *testing.T) {
	root := t.TempDir()
	older, newer := sample(1, 100), sample(2, 100)
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		here := openOn(t, root, disk.Disk{Around: func(s disk.Step, call func() error) error {
			if s.Op == disk.OpWrite {
				<-gate
			}
			return call()
		}})
		there := openBulk(t, root)
		a := begin(t, here, 100)
		late := make(chan error, 1)
		go func() { late <- putChunk(t.Context(), here, a, 0, bytes.NewReader(older)) }()
		synctest.Wait()
		mustPutChunk(t, there, a, 0, newer)
		close(gate)
		wantKind(t, <-late, store.Conflict)
		finish(t, there, a)
		wantContent(t, there, a, newer)
	})
}

// While a chunk is claimed the content is not finished, and who has claimed it may be waiting for who
// reopens.
func TestReopenWaitsForNoClaim(t *testing.T) {
	root := t.TempDir()
	here, there := openBulk(t, root), openBulk(t, root)
	a := begin(t, here, 100)
	claim, err := there.ClaimChunk(t.Context(), a, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer claim.Release()
	if err := here.Reopen(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if _, err := claim.Put(t.Context(), 0, 100, bytes.NewReader(sample(1, 100))); err != nil {
		t.Error(err)
	}
}

// What is done before and after Put belongs to the claim: the record of a chunk, above all.
func TestAClaimLastsUntilItIsReleased(t *testing.T) {
	root := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		here, there := openBulk(t, root), openBulk(t, root)
		a := begin(t, here, 200)
		claim, err := here.ClaimChunk(t.Context(), a, 0)
		if err != nil {
			t.Fatal(err)
		}
		stored := make(chan error, 1)
		go func() { stored <- putChunk(t.Context(), there, a, 0, bytes.NewReader(sample(2, 100))) }()
		waits := func(when string) {
			t.Helper()
			time.Sleep(10 * yieldPause)
			synctest.Wait()
			select {
			case err := <-stored:
				t.Fatalf("another one stored the chunk %s: %v", when, err)
			default:
			}
		}
		waits("before it was stored")
		mustPutChunk(t, there, a, 1, sample(3, 100))
		if _, err := claim.Put(t.Context(), 0, 100, bytes.NewReader(sample(1, 100))); err != nil {
			t.Fatal(err)
		}
		waits("before it was released")
		claim.Release()
		if err := <-stored; err != nil {
			t.Error(err)
		}
	})
}

func TestOfManyWhoSendOneChunkTheLastOneWins(t *testing.T) {
	b := openBulk(t, t.TempDir())
	const size = 2*bufferSize + 1
	a := begin(t, b, size)
	var (
		writers sync.WaitGroup
		mu      sync.Mutex
		stored  [][]byte
	)
	for i := range 16 {
		writers.Go(func() {
			content := bytes.Repeat([]byte{byte(i + 1)}, size)
			_, err := storetest.PutChunk(t.Context(), b, a, 0, 0, size, bytes.NewReader(content))
			if err != nil {
				if store.KindOf(err) != store.Conflict {
					t.Error(err)
				}
				return
			}
			mu.Lock()
			defer mu.Unlock()
			stored = append(stored, content)
		})
	}
	writers.Wait()
	finish(t, b, a)
	got, err := contentAt(t.Context(), b, a)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != size || !bytes.Equal(got, bytes.Repeat(got[:1], size)) {
		t.Error("the bytes of several requests are mixed")
	}
	known := false
	for _, s := range stored {
		known = known || bytes.Equal(s, got)
	}
	if !known {
		t.Errorf("the content is not that of one of the %d requests that succeeded", len(stored))
	}
}

func TestARequestThatHasEndedHoldsUpNobodyThoughItsReaderIsStuck(t *testing.T) {
	b := openBulk(t, t.TempDir())
	a := begin(t, b, 100)
	stuck := startChunk(t, b, a, sample(1, 50))
	stuck.cancel()
	finish(t, b, a)
	wantKind(t, stuck.end(sample(1, 50)), store.Interrupted)
	wantContent(t, b, a, make([]byte, 100))
}

func TestFinishAndChunksOfOtherProcessesWaitForEachOther(t *testing.T) {
	root, content := t.TempDir(), sample(1, 100)
	synctest.Test(t, func(t *testing.T) {
		here, there := openBulk(t, root), openBulk(t, root)
		a := begin(t, here, 100)
		writer := startChunk(t, there, a, content[:50])
		finished := make(chan error, 1)
		go func() {
			_, err := here.Finish(t.Context(), a, store.Placement{Size: 100}, nil)
			finished <- err
		}()
		synctest.Wait()
		select {
		case err := <-finished:
			t.Errorf("finish answers %v while a chunk is stored", err)
		default:
		}
		if err := writer.end(content[50:]); err != nil {
			t.Error(err)
		}
		if err := <-finished; err != nil {
			t.Error(err)
		}
		wantKind(t, putChunk(t.Context(), there, a, 0, bytes.NewReader(content)), store.Conflict)
		wantContent(t, there, a, content)
	})
}

func TestAChunkThatWaitedForFinishIsRefused(t *testing.T) {
	root := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		here := openOn(t, root, disk.Disk{Around: func(s disk.Step, call func() error) error {
			if s.Op == disk.OpMode {
				<-gate
			}
			return call()
		}})
		there := openBulk(t, root)
		a := begin(t, here, 100)
		go func() { finish(t, here, a) }()
		synctest.Wait()
		refused := make(chan error, 1)
		go func() { refused <- putChunk(t.Context(), there, a, 0, bytes.NewReader(sample(1, 100))) }()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		go func() { synctest.Wait(); cancel() }()
		wantKind(t, putChunk(ctx, there, a, 1, bytes.NewReader(nil)), store.Interrupted)
		close(gate)
		wantKind(t, <-refused, store.Conflict)
		wantContent(t, here, a, make([]byte, 100))
	})
}

func TestAChunkIsDurableWhenItIsStored(t *testing.T) {
	lost := false
	b := openOn(t, t.TempDir(), disk.Disk{Around: func(s disk.Step, call func() error) error {
		if s.Op == disk.OpSyncData && lost {
			return unix.EIO
		}
		return call()
	}})
	a := begin(t, b, 100)
	lost = true
	err := putChunk(t.Context(), b, a, 0, bytes.NewReader(sample(1, 100)))
	if wantKind(t, err, store.Internal); !errors.Is(err, unix.EIO) {
		t.Errorf("error %v, want that of the system", err)
	}
}

func TestAFullDiskTakesNoChunkAndWorksAgainWhenSpaceIsFreed(t *testing.T) {
	if !storetest.AsRoot(t) {
		return
	}
	root := mountTmpfs(t, "size=2m")
	b := openBulk(t, root)
	other := put(t, b, sample(1, 1<<20))
	content := sample(2, 3<<19)
	a, err := b.Begin(t.Context(), store.Placement{Size: 3 << 19}, 3<<19)
	if err != nil {
		t.Fatalf("an assembly takes space before its chunks come: %v", err)
	}
	_, err = storetest.PutChunk(t.Context(), b, a, 0, 0, 3<<19, bytes.NewReader(content))
	wantKind(t, err, store.NoSpace)
	if err := b.Remove(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if _, err := storetest.PutChunk(t.Context(), b, a, 0, 0, 3<<19, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	finish(t, b, a)
	wantContent(t, b, a, content)
}

func TestChunksGoToRegularFilesAlone(t *testing.T) {
	root := t.TempDir()
	b := openBulk(t, root)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, sample(1, 100), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, plant := range map[string]func(path string) error{
		"link":   func(path string) error { return os.Symlink(secret, path) },
		"folder": func(path string) error { return os.Mkdir(path, 0o700) },
		"pipe":   func(path string) error { return unix.Mkfifo(path, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			a := begin(t, b, 100)
			path := filepath.Join(root, fileOf(a))
			if err := errors.Join(os.Remove(path), plant(path)); err != nil {
				t.Fatal(err)
			}
			wantKind(t, putChunk(t.Context(), b, a, 0, bytes.NewReader(make([]byte, 100))), store.Internal)
			_, err := b.Finish(t.Context(), a, store.Placement{Size: 100}, nil)
			wantKind(t, err, store.Internal)
			wantKind(t, b.Reopen(t.Context(), a), store.Internal)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		})
	}
	if got, err := os.ReadFile(secret); err != nil || !bytes.Equal(got, sample(1, 100)) {
		t.Errorf("what a link leads to was changed: %v", err)
	}
}
