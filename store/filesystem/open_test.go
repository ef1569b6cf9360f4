package filesystem

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/storetest"
)

func TestOpenMakesWhatIsMissingAndKeepsWhatIsThere(t *testing.T) {
	root := filepath.Join(t.TempDir(), "a", "b")
	content := sample(1, 100)
	a := put(t, openBulk(t, root), content)
	wantContent(t, openBulk(t, root), a, content)
}

func TestOpenRefusesWhatIsNoFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), Config{Root: path})
	wantKind(t, err, store.Internal)
	_, err = Open(t.Context(), Config{Root: filepath.Join(path, "below")})
	wantKind(t, err, store.Internal)
	_, err = Open(t.Context(), Config{})
	wantKind(t, err, store.Invalid)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Open(ctx, Config{Root: t.TempDir()})
	wantKind(t, err, store.Interrupted)
}

func TestOnlyRegularFilesAreContent(t *testing.T) {
	b := openBulk(t, t.TempDir())
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, plant := range map[string]func(path string) error{
		"link":   func(path string) error { return os.Symlink(secret, path) },
		"folder": func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			p, err := parseAddress(put(t, b, nil))
			if err != nil {
				t.Fatal(err)
			}
			p.number += 1000
			if err := plant(p.path(b.content)); err != nil {
				t.Fatal(err)
			}
			_, err = b.Open(t.Context(), p.address())
			wantKind(t, err, store.Internal)
			sweep(t, b, later(), none)
			if _, err := os.Lstat(p.path(b.content)); err != nil {
				t.Errorf("the sweep removed what is no content: %v", err)
			}
			if err := os.Remove(p.path(b.content)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestCapacityIsThatOfTheFileSystem(t *testing.T) {
	if !storetest.AsRoot(t) {
		return
	}
	root := mountTmpfs(t, "size=1m,nr_inodes=100")
	space, err := openBulk(t, root).Capacity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if space.Total != 1<<20 || space.Files != 100 {
		t.Errorf("%d bytes and %d files in total, want 1048576 and 100", space.Total, space.Files)
	}
	if space.Free == 0 || space.Free > space.Total || space.Available > space.Free || space.FreeFiles >= 100 {
		t.Errorf("capacity %+v does not add up", space)
	}
}
