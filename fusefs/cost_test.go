package fusefs

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/sqlite"
)

// metered counts what the directory is asked, and the changes that may wait.
type metered struct {
	store.Directory
	looks, lists, changes atomic.Int64
}

func (d *metered) Resolve(ctx context.Context, path store.Path, version string) (*store.Resolution, error) {
	d.looks.Add(1)
	return d.Directory.Resolve(ctx, path, version)
}

func (d *metered) Children(ctx context.Context, namespace int64, after string, limit int) ([]store.Entry, error) {
	d.lists.Add(1)
	return d.Directory.Children(ctx, namespace, after, limit)
}

func (d *metered) UpdateSoon(ctx context.Context, fn func(store.Tx) error) error {
	d.changes.Add(1)
	return d.Directory.UpdateSoon(ctx, fn)
}

func newMeteredRig(t *testing.T) (*rig, *metered) {
	t.Helper()
	root := t.TempDir()
	dir, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(root, "db"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	if err := service.Init(t.Context(), dir, []string{"alice"}); err != nil {
		t.Fatal(err)
	}
	d := &metered{Directory: dir}
	svc, err := service.New(service.Config{Directory: d, Bulk: bulkOf(t, root), Firewall: acl.Open()})
	if err != nil {
		t.Fatal(err)
	}
	runService(t, svc)
	return mountRig(t, svc, slow), d
}

func TestWhatOperationsCostTheDirectory(t *testing.T) {
	r, d := newMeteredRig(t)
	p := r.python()
	p.must(`import shutil; n = 20`)
	for _, c := range []struct {
		what                  string
		do                    string
		looks, lists, changes int64
	}{
		{"making a folder", `os.mkdir("d")`, 1, 0, 1},
		{"small files", `for i in range(n):
    with open("d/s%d" % i, "wb") as f: f.write(b"x" * 4000)`, 0, 0, 20},
		{"larger files", `for i in range(n):
    with open("d/l%d" % i, "wb") as f: f.write(b"x" * 40000)`, 0, 0, 20},
		{"looking at them", `for i in range(n): os.stat("d/s%d" % i).st_size`, 0, 0, 0},
		{"files as rsync makes them", `for i in range(n):
    name, tmp = "d/r%d" % i, "d/.r%d.abcdef" % i
    os.path.lexists(name)
    with open(tmp, "xb") as f: f.write(b"x" * 9000)
    os.chmod(tmp, 0o600)
    os.utime(tmp, (i, i))
    os.rename(tmp, name)`, 0, 0, 20},
		{"attributes", `for i in range(n): os.utime("d/s%d" % i, (i, i))`, 0, 0, 20},
		{"links", `for i in range(n): os.symlink("target", "d/y%d" % i)`, 20, 0, 20},
		{"listing", `os.listdir("d")`, 1, 1, 0},
		{"what is not there", `for i in range(n): os.path.exists("d/none%d" % i)`, 0, 0, 0},
		{"removing", `for i in range(n): os.unlink("d/s%d" % i)`, 0, 0, 20},
		{"removing all", `shutil.rmtree("d")`, 2, 2, 61},
	} {
		looks, lists, changes := d.looks.Load(), d.lists.Load(), d.changes.Load()
		p.must(fmt.Sprintf("exec(%q)", c.do))
		looks, lists, changes = d.looks.Load()-looks, d.lists.Load()-lists, d.changes.Load()-changes
		if looks > c.looks || lists > c.lists || changes > c.changes {
			t.Errorf("%s: %d looks, %d listings, %d changes; want %d, %d, %d at most",
				c.what, looks, lists, changes, c.looks, c.lists, c.changes)
		}
	}
}
