package filesystem

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/disk"
)

func TestContentIsReadOnlyAndPrivateWhileItIsReceived(t *testing.T) {
	root := t.TempDir()
	b := openBulk(t, root)
	received := func(_ []byte) (int, error) {
		names, err := os.ReadDir(b.staging)
		if err != nil || len(names) != 1 {
			t.Fatalf("%d staged files (%v), want one", len(names), err)
		}
		info, err := names[0].Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("the staged file has mode %v (%v), want 0600", info.Mode(), err)
		}
		return 0, io.EOF
	}
	a, err := b.Put(t.Context(), store.Placement{Size: -1}, readerFunc(received))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(root, fileOf(a)))
	if err != nil || info.Mode().Perm() != contentMode {
		t.Fatalf("content has mode %v (%v), want 0444", info.Mode(), err)
	}
	for _, folder := range []string{contentFolder, stagingFolder, spoolFolder} {
		info, err := os.Stat(filepath.Join(root, folder))
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v (%v), want 0700", folder, info.Mode(), err)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestPutChecksTheContextBetweenReads(t *testing.T) {
	root := t.TempDir()
	b := openBulk(t, root)
	ctx, cancel := context.WithCancel(t.Context())
	reads := 0
	_, err := b.Put(ctx, store.Placement{Size: -1}, readerFunc(func(p []byte) (int, error) {
		if reads++; reads == 3 {
			cancel()
		}
		return len(p) / 2, nil
	}))
	wantKind(t, err, store.Interrupted)
	if reads != 3 {
		t.Errorf("%d reads, want none after the third, which cancelled", reads)
	}
	wantFiles(t, root)
}

func TestAReaderThatGivesNothingEndsPut(t *testing.T) {
	root := t.TempDir()
	b := openBulk(t, root)
	_, err := b.Put(t.Context(), store.Placement{}, readerFunc(func([]byte) (int, error) { return 0, nil }))
	if !errors.Is(err, io.ErrNoProgress) {
		t.Fatalf("error %v, want that there is no progress", err)
	}
	wantFiles(t, root)
}

func TestAFailedFsyncOfTheFolderEndsTheGeneration(t *testing.T) {
	root := t.TempDir()
	broken := ""
	b := openOn(t, root, disk.Disk{Around: func(s disk.Step, call func() error) error {
		if s.Op == disk.OpSyncFolder && s.Path == broken {
			return unix.EIO
		}
		return call()
	}})
	first := put(t, b, []byte("first"))
	broken = filepath.Join(b.content, generationOf(t, first).String())
	_, err := b.Put(t.Context(), store.Placement{}, strings.NewReader("lost"))
	wantKind(t, err, store.Internal)
	wantFiles(t, root, fileOf(first))

	broken = ""
	third := put(t, b, []byte("third"))
	if generationOf(t, third) == generationOf(t, first) {
		t.Error("the folder whose fsync failed is still used")
	}
	wantContent(t, b, first, []byte("first"))
	wantContent(t, b, third, []byte("third"))
}

func TestPutsThatArriveTogetherShareTheFsyncOfTheFolder(t *testing.T) {
	const writers = 16
	var (
		mu     sync.Mutex
		moved  sync.WaitGroup
		syncs  int
		folder string
	)
	b := openOn(t, t.TempDir(), disk.Disk{Around: func(s disk.Step, call func() error) error {
		mu.Lock()
		shared := s.Op == disk.OpSyncFolder && s.Path == folder
		if shared {
			syncs++
		}
		mu.Unlock()
		if shared {
			moved.Wait()
		}
		err := call()
		if s.Op == disk.OpMove && folder != "" {
			moved.Done()
		}
		return err
	}})
	folder = filepath.Join(b.content, generationOf(t, put(t, b, nil)).String())
	moved.Add(writers)
	var workers sync.WaitGroup
	for range writers {
		workers.Go(func() { put(t, b, []byte("together")) })
	}
	workers.Wait()
	if syncs > 2 {
		t.Errorf("%d fsyncs of the folder for %d puts at the same time, want 2 at most", syncs, writers)
	}
}

func TestErrorsOfTheSystemHaveTheirKinds(t *testing.T) {
	for errno, want := range map[unix.Errno]store.ErrorKind{
		unix.ENOSPC: store.NoSpace, unix.EDQUOT: store.NoSpace, unix.EFBIG: store.NoSpace,
		unix.ESTALE: store.Unavailable, unix.ETIMEDOUT: store.Unavailable, unix.EMFILE: store.Unavailable,
		unix.EIO: store.Internal, unix.EACCES: store.Internal, unix.ENOENT: store.Internal,
	} {
		for _, op := range []string{disk.OpCreate, disk.OpWrite, disk.OpSync, disk.OpClose, disk.OpMove, disk.OpMkdir} {
			root := t.TempDir()
			b := openOn(t, root, disk.Disk{Around: func(s disk.Step, call func() error) error {
				if s.Op == op && s.Path != root && !slices.Contains([]string{contentFolder, stagingFolder, spoolFolder}, filepath.Base(s.Path)) {
					return &os.PathError{Op: op, Path: s.Path, Err: errno}
				}
				return call()
			}})
			_, err := b.Put(t.Context(), store.Placement{}, bytes.NewReader([]byte("content")))
			if store.KindOf(err) != want || !errors.Is(err, errno) {
				t.Errorf("%v in %s: error %v of kind %d, want %d", errno, op, err, store.KindOf(err), want)
			}
			wantFiles(t, root)
		}
	}
}
