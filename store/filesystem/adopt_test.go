package filesystem

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/storetest"
)

func spoolFile(t *testing.T, b *Bulk, content []byte) *os.File {
	t.Helper()
	file, err := os.CreateTemp(b.SpoolDir(), "draft")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	if _, err := file.Write(content); err != nil {
		t.Fatal(err)
	}
	return file
}

func adopt(t *testing.T, b *Bulk, file *os.File) store.Address {
	t.Helper()
	a, err := b.Adopt(t.Context(), store.Placement{}, file)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAdoptCopiesNothing(t *testing.T) {
	root := t.TempDir()
	b := openBulk(t, root)
	file := spoolFile(t, b, sample(1, 10_000))
	a := adopt(t, b, file)
	spooled, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	adopted, err := os.Stat(filepath.Join(root, fileOf(a)))
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(spooled, adopted) {
		t.Error("the content is another file than that in the spool")
	}
	if adopted.Mode().Perm() != contentMode {
		t.Errorf("adopted content has mode %v, want 0444", adopted.Mode())
	}
}

func TestAdoptTakesAFileByWhatItIsNotByItsFormerName(t *testing.T) {
	b := openBulk(t, t.TempDir())
	content := sample(1, 100)
	file := spoolFile(t, b, content)
	if err := os.Rename(file.Name(), file.Name()+"-moved"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file.Name(), []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantContent(t, b, adopt(t, b, file), content)
}

func TestAdoptTakesAFileThatNeverHadAName(t *testing.T) {
	if !storetest.AsRoot(t) {
		return
	}
	b := openBulk(t, mountTmpfs(t, "size=1m"))
	file, err := os.OpenFile(b.SpoolDir(), os.O_RDWR|unix.O_TMPFILE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	content := sample(1, 100)
	if _, err := file.Write(content); err != nil {
		t.Fatal(err)
	}
	wantContent(t, b, adopt(t, b, file), content)
}

func TestAdoptFindsASpoolBehindSymbolicLinks(t *testing.T) {
	root := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(root, link); err != nil {
		t.Fatal(err)
	}
	b := openBulk(t, link)
	path := filepath.Join(link, spoolFolder, "draft")
	if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	wantContent(t, b, adopt(t, b, file), []byte("content"))
}

func TestAdoptRefusesFilesFromElsewhere(t *testing.T) {
	if !storetest.AsRoot(t) {
		return
	}
	b := openBulk(t, t.TempDir())
	folder, err := os.Open(b.SpoolDir())
	if err != nil {
		t.Fatal(err)
	}
	beside, err := os.Create(b.SpoolDir() + "-beside")
	if err != nil {
		t.Fatal(err)
	}
	removed := spoolFile(t, b, []byte("removed"))
	if err := os.Remove(removed.Name()); err != nil {
		t.Fatal(err)
	}
	closed := spoolFile(t, b, []byte("closed"))
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	foreign, err := os.Create(filepath.Join(mountTmpfs(t, "size=1m"), "file"))
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]*os.File{
		"the folder itself": folder, "beside the spool": beside, "removed": removed,
		"closed": closed, "another file system": foreign,
	} {
		info, _ := file.Stat()
		_, err := b.Adopt(t.Context(), store.Placement{}, file)
		if err == nil || store.KindOf(err) != store.Internal {
			t.Errorf("%s: error %v, want one of kind Internal", name, err)
		}
		if after, _ := file.Stat(); info != nil && after.Mode() != info.Mode() {
			t.Errorf("%s: the mode changed from %v to %v", name, info.Mode(), after.Mode())
		}
		if file != closed {
			_ = file.Close()
		}
	}
	if names, err := os.ReadDir(b.content); err != nil || len(names) > 1 {
		t.Errorf("%d generations (%v)", len(names), err)
	}
}

func TestAnAdoptedFileCountsFromItsAdoption(t *testing.T) {
	b := openBulk(t, t.TempDir())
	file := spoolFile(t, b, []byte("old draft"))
	day := unix.Timeval{Sec: 86400}
	if err := unix.Futimes(int(file.Fd()), []unix.Timeval{day, day}); err != nil {
		t.Fatal(err)
	}
	a := adopt(t, b, file)
	sweep(t, b, time.Now().Add(-time.Hour), none)
	wantContent(t, b, a, []byte("old draft"))
}

func TestTheSpoolFileStaysReadableAndTheCallers(t *testing.T) {
	b := openBulk(t, t.TempDir())
	file := spoolFile(t, b, []byte("content"))
	a := adopt(t, b, file)
	if err := os.Remove(file.Name()); err != nil {
		t.Fatalf("the name in the spool is gone: %v", err)
	}
	wantContent(t, b, a, []byte("content"))
	if err := b.Remove(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(io.NewSectionReader(file, 0, 100))
	if err != nil || string(got) != "content" {
		t.Fatalf("the open file reads %q (%v)", got, err)
	}
}
