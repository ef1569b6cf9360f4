package filesystem

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/disk"
)

// TestContentWhoseSyncFailedIsWrittenAnew because another fsync would prove nothing.
func TestContentWhoseSyncFailedIsWrittenAnew(t *testing.T) {
	root := t.TempDir()
	var broken bool
	var synced []string
	b := openOn(t, root, disk.Disk{Around: func(s disk.Step, call func() error) error {
		if s.Op != disk.OpSync {
			return call()
		}
		if broken {
			return unix.EIO
		}
		synced = append(synced, s.Path)
		return call()
	}})
	content := sample(1, 10_000)
	a, err := b.AdoptSoon(t.Context(), store.Placement{}, spoolFile(t, b, content))
	if err != nil {
		t.Fatal(err)
	}
	if len(synced) > 0 {
		t.Errorf("content that may wait was synced: %v", synced)
	}
	inode := func() uint64 {
		var s unix.Stat_t
		if err := unix.Lstat(filepath.Join(root, fileOf(a)), &s); err != nil {
			t.Fatal(err)
		}
		return s.Ino
	}
	before := inode()
	for range 2 {
		broken = true
		if errs := b.SyncContent(t.Context(), []store.Address{a}); errs[0] == nil {
			t.Fatal("content is durable whose fsync failed")
		}
		wantContent(t, b, a, content)
	}
	broken = false
	if err := errors.Join(b.SyncContent(t.Context(), []store.Address{a})...); err != nil {
		t.Fatal(err)
	}
	wantContent(t, b, a, content)
	if inode() == before {
		t.Error("the file whose fsync failed is kept")
	}
	if info, err := os.Stat(filepath.Join(root, fileOf(a))); err != nil || info.Mode().Perm() != contentMode {
		t.Errorf("the new file has mode %v, %v", info.Mode(), err)
	}
}
