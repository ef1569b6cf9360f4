package filesystem

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store"

	"github.com/hatrac/hatrac/store/storetest"
)

// mountTmpfs mounts a small file system of its own, for the time of the test. See storetest.AsRoot.
func mountTmpfs(t *testing.T, options string) string {
	t.Helper()
	path := t.TempDir()
	if err := unix.Mount("tmpfs", path, "tmpfs", 0, options); err != nil {
		t.Fatalf("a small file system cannot be mounted: %v", err)
	}
	t.Cleanup(func() {
		if unix.Unmount(path, 0) == nil {
			return
		}
		if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
			t.Errorf("cannot unmount %s: %v", path, err)
		}
	})
	return path
}

func TestAFullDiskTakesNothingAndWorksAgainWhenSpaceIsFreed(t *testing.T) {
	if !storetest.AsRoot(t) {
		return
	}
	root := mountTmpfs(t, "size=2m")
	b := openBulk(t, root)
	kept := sample(1, 1<<20)
	a := put(t, b, kept)
	before, err := b.Capacity(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	_, err = b.Put(t.Context(), store.Placement{Size: 8 << 20}, bytes.NewReader(sample(2, 8<<20)))
	wantKind(t, err, store.NoSpace)
	wantFiles(t, root, fileOf(a))
	after, err := b.Capacity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if after.Free != before.Free || after.FreeFiles != before.FreeFiles {
		t.Errorf("%+v before the failure, %+v after it", before, after)
	}
	wantContent(t, b, a, kept)

	if err := b.Remove(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	content := sample(3, 3<<19)
	wantContent(t, b, put(t, b, content), content)
}

func TestADiskWithoutInodesIsFullToo(t *testing.T) {
	if !storetest.AsRoot(t) {
		return
	}
	root := mountTmpfs(t, "size=2m,nr_inodes=8")
	b := openBulk(t, root)
	var err error
	addresses := []store.Address{}
	for err == nil {
		var a store.Address
		if a, err = b.Put(t.Context(), store.Placement{}, bytes.NewReader([]byte("x"))); err == nil {
			addresses = append(addresses, a)
		}
	}
	wantKind(t, err, store.NoSpace)
	if len(addresses) == 0 {
		t.Fatal("not one file was stored")
	}
	if err := b.Remove(t.Context(), addresses[0]); err != nil {
		t.Fatal(err)
	}
	wantContent(t, b, put(t, b, []byte("y")), []byte("y"))
}
