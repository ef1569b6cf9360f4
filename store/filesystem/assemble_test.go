package filesystem

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/disk"
)

func wantMode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != want {
		t.Errorf("mode %v, want %v", info.Mode().Perm(), want)
	}
}

func TestAnAssemblyIsPrivateAndSparseUntilItIsFinished(t *testing.T) {
	root := t.TempDir()
	b := openBulk(t, root)
	a := begin(t, b, 1<<30)
	path := filepath.Join(root, fileOf(a))
	var s unix.Stat_t
	if err := unix.Stat(path, &s); err != nil || s.Size != 1<<30 || s.Blocks > 1<<10 {
		t.Errorf("the file has %d bytes in %d blocks (%v), want 1 GiB in nearly none", s.Size, s.Blocks, err)
	}
	wantMode(t, path, assemblyMode)
	_, err := b.Open(t.Context(), a)
	wantKind(t, err, store.Conflict)
	finish(t, b, a)
	wantMode(t, path, contentMode)
	if err := b.Reopen(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	wantMode(t, path, assemblyMode)
	wantFiles(t, root, fileOf(a))
}

func TestFinishRefusesAFileOfAnotherSize(t *testing.T) {
	root := t.TempDir()
	b := openBulk(t, root)
	a := begin(t, b, 100)
	if err := os.Truncate(filepath.Join(root, fileOf(a)), 99); err != nil {
		t.Fatal(err)
	}
	_, err := b.Finish(t.Context(), a, store.Placement{Size: 100}, nil)
	wantKind(t, err, store.Conflict)
	_, err = b.Open(t.Context(), a)
	wantKind(t, err, store.Conflict)
}

// asUser lets nobody open a file for writing that is read-only, as root may.
func asUser(s disk.Step, call func() error) error {
	if s.Op == disk.OpOpenWritable {
		info, err := os.Stat(s.Path)
		if err == nil && finished(info) {
			return &os.PathError{Op: s.Op, Path: s.Path, Err: unix.EACCES}
		}
	}
	return call()
}

func TestWhoMayNotWriteWhatIsFinishedCanTellAndReopenIt(t *testing.T) {
	b := openOn(t, t.TempDir(), disk.Disk{Around: asUser})
	a := begin(t, b, 100)
	finish(t, b, a)
	wantKind(t, putChunk(t.Context(), b, a, 0, bytes.NewReader(sample(1, 100))), store.Conflict)
	finish(t, b, a)
	if err := b.Reopen(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	mustPutChunk(t, b, a, 0, sample(1, 100))
	finish(t, b, a)
	wantContent(t, b, a, sample(1, 100))
}

func TestWhatIsReopenedMeanwhileIsNotFinishedOnceMore(t *testing.T) {
	root := t.TempDir()
	reopen := func() {}
	b := openOn(t, root, disk.Disk{Around: func(s disk.Step, call func() error) error {
		err := asUser(s, call)
		if s.Op == disk.OpStat {
			now := reopen
			reopen = func() {}
			now()
		}
		return err
	}})
	a := begin(t, b, 100)
	finish(t, b, a)
	reopen = func() {
		if err := b.Reopen(t.Context(), a); err != nil {
			t.Error(err)
		}
	}
	finish(t, b, a)
	wantMode(t, filepath.Join(root, fileOf(a)), assemblyMode)
}

func TestWhatCannotBeMadeDurableKeepsItsMode(t *testing.T) {
	root := t.TempDir()
	lost := false
	b := openOn(t, root, disk.Disk{Around: func(s disk.Step, call func() error) error {
		if s.Op == disk.OpSync && lost {
			return unix.EIO
		}
		return call()
	}})
	a := begin(t, b, 100)
	lost = true
	_, err := b.Finish(t.Context(), a, store.Placement{Size: 100}, nil)
	wantKind(t, err, store.Internal)
	wantMode(t, filepath.Join(root, fileOf(a)), assemblyMode)
	lost = false
	finish(t, b, a)
	lost = true
	wantKind(t, b.Reopen(t.Context(), a), store.Internal)
	wantMode(t, filepath.Join(root, fileOf(a)), contentMode)
}

func TestWhatIsRemovedBeforeItIsLockedIsGone(t *testing.T) {
	b := openOn(t, t.TempDir(), disk.Disk{Around: func(s disk.Step, call func() error) error {
		if s.Op == disk.OpLock {
			if err := os.Remove(s.Path); err != nil {
				return err
			}
		}
		return call()
	}})
	wantKind(t, putChunk(t.Context(), b, begin(t, b, 100), 0, bytes.NewReader(sample(1, 100))), store.NotFound)
	_, err := b.Finish(t.Context(), begin(t, b, 100), store.Placement{Size: 100}, nil)
	wantKind(t, err, store.NotFound)
}

func TestAnAssemblyThatMayNotBeWrittenIsNotTakenForFinished(t *testing.T) {
	b := openOn(t, t.TempDir(), disk.Disk{Around: func(s disk.Step, call func() error) error {
		if s.Op == disk.OpOpenWritable {
			return &os.PathError{Op: s.Op, Path: s.Path, Err: unix.EACCES}
		}
		return call()
	}})
	a := begin(t, b, 100)
	_, err := b.Finish(t.Context(), a, store.Placement{Size: 100}, nil)
	if wantKind(t, err, store.Internal); !errors.Is(err, unix.EACCES) {
		t.Errorf("error %v, want that of the system", err)
	}
	wantKind(t, putChunk(t.Context(), b, a, 0, bytes.NewReader(nil)), store.Internal)
}

func TestAnAssemblyGetsAnotherPlaceIfItsFolderWasRemoved(t *testing.T) {
	root := t.TempDir()
	b := openBulk(t, root)
	first := put(t, b, nil)
	if err := b.Remove(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Dir(filepath.Join(root, fileOf(first)))); err != nil {
		t.Fatal(err)
	}
	a := begin(t, b, 100)
	mustPutChunk(t, b, a, 0, sample(1, 100))
	finish(t, b, a)
	wantContent(t, b, a, sample(1, 100))
}

func TestAddressesOfOthersAreNoAssemblies(t *testing.T) {
	b := openBulk(t, t.TempDir())
	wantKind(t, putChunk(t.Context(), b, "elsewhere", 0, bytes.NewReader(nil)), store.NotFound)
	_, err := b.Finish(t.Context(), "elsewhere", store.Placement{}, nil)
	wantKind(t, err, store.NotFound)
	wantKind(t, b.Reopen(t.Context(), "elsewhere"), store.NotFound)
	_, err = b.OpenPart(t.Context(), "elsewhere")
	wantKind(t, err, store.NotFound)
}
