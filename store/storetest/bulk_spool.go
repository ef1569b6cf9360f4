package storetest

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/hatrac/hatrac/store"
)

// spooler returns the Bulk as a Spooler, or skips the test.
func (b *bulkTest) spooler(t *testing.T) store.Spooler {
	t.Helper()
	s, ok := b.Bulk.(store.Spooler)
	if !ok || s.SpoolDir() == "" {
		t.Skip("no Spooler")
	}
	return s
}

func spoolFile(t *testing.T, s store.Spooler, content []byte) *os.File {
	t.Helper()
	file, err := os.CreateTemp(s.SpoolDir(), "draft")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	if _, err := file.Write(content); err != nil {
		t.Fatal(err)
	}
	return file
}

func adopt(t *testing.T, s store.Spooler, file *os.File, size int) store.Address {
	t.Helper()
	a, err := s.Adopt(t.Context(), placement(size), file)
	if err != nil {
		t.Fatalf("adopt: %v", err)
	}
	return a
}

func adoptFile(t *testing.T, b *bulkTest) {
	s := b.spooler(t)
	for i, n := range []int{0, 1, 4096, 3 << 20} {
		want := content(uint64(i), n)
		a := adopt(t, s, spoolFile(t, s, want), n)
		b.holds(t, a, want)
		b.remove(t, a)
		b.holdsNothing(t, a)
	}
}

func adoptLeavesFile(t *testing.T, b *bulkTest) {
	s := b.spooler(t)
	want := content(1, 10_000)
	file := spoolFile(t, s, want)
	a := adopt(t, s, file, len(want))
	b.sweep(t, future(), a)
	info, err := os.Stat(file.Name())
	if err != nil {
		t.Fatalf("the spool file's name is gone: %v", err)
	}
	if info.Mode().Perm()&0o222 != 0 {
		t.Errorf("the spool file has mode %v, want that nobody may write", info.Mode())
	}
	if err := os.Remove(file.Name()); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(io.NewSectionReader(file, 0, int64(len(want))))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("the file that was open reads %d bytes, %v", len(got), err)
	}
	b.holds(t, a, want)
}

func adoptTwice(t *testing.T, b *bulkTest) {
	s := b.spooler(t)
	want := content(1, 1000)
	file := spoolFile(t, s, want)
	first, second := adopt(t, s, file, len(want)), adopt(t, s, file, len(want))
	if first == second {
		t.Fatalf("the address %s was given twice", first)
	}
	b.remove(t, first)
	b.holdsNothing(t, first)
	b.holds(t, second, want)
}

func adoptRefuses(t *testing.T, b *bulkTest) {
	s := b.spooler(t)
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("elsewhere"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if a, err := s.Adopt(t.Context(), placement(9), file); err == nil {
		t.Errorf("a file outside of the spool is adopted at %s", a)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("a file outside of the spool has mode %v, %v; want 0600 as before", info.Mode(), err)
	}
	sweepFinds(t, b, 0)
}

func adoptCancelled(t *testing.T, b *bulkTest) {
	s := b.spooler(t)
	file := spoolFile(t, s, content(1, 10))
	_, err := s.Adopt(cancelled(t), placement(10), file)
	expectKind(t, "adopt with a context that has ended", store.Interrupted, err)
	sweepFinds(t, b, 0)
	b.holds(t, adopt(t, s, file, 10), content(1, 10))
}

func capacity(t *testing.T, b *bulkTest) {
	c, ok := b.Bulk.(store.Capacity)
	if !ok {
		t.Skip("no Capacity")
	}
	space, err := c.Capacity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if space.Total == 0 || space.Free > space.Total || space.Available > space.Free || space.FreeFiles > space.Files {
		t.Errorf("%+v does not add up", space)
	}
	_, err = c.Capacity(cancelled(t))
	expectKind(t, "capacity with a context that has ended", store.Interrupted, err)
}
