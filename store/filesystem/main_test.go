package filesystem

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/disk"
)

func TestMain(m *testing.M) {
	if root := os.Getenv(childRoot); root != "" {
		putForever(root)
	}
	os.Exit(m.Run())
}

// sample returns n random bytes that depend on the seed alone.
func sample(seed uint64, n int) []byte {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	content := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(content)
	return content
}

func openBulk(t testing.TB, root string) *Bulk {
	t.Helper()
	return openOn(t, root, disk.Disk{})
}

func openOn(t testing.TB, root string, d disk.Disk) *Bulk {
	t.Helper()
	b, err := Open(t.Context(), Config{Root: root, Disk: d})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func put(t testing.TB, b *Bulk, content []byte) store.Address {
	t.Helper()
	a, err := b.Put(t.Context(), store.Placement{Size: int64(len(content))}, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func contentAt(ctx context.Context, b *Bulk, a store.Address) ([]byte, error) {
	c, err := b.Open(ctx, a)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	return io.ReadAll(io.NewSectionReader(c, 0, c.Size()))
}

func wantContent(t testing.TB, b *Bulk, a store.Address, want []byte) {
	t.Helper()
	got, err := contentAt(t.Context(), b, a)
	if err != nil {
		t.Fatalf("content of %s: %v", a, err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("content of %s is not what was put: %d bytes, want %d", a, len(got), len(want))
	}
}

func wantKind(t testing.TB, err error, want store.ErrorKind) {
	t.Helper()
	if err == nil || store.KindOf(err) != want {
		t.Fatalf("error %v, want one of kind %d", err, want)
	}
}

// files returns the names of all files below the root, without folders.
func files(t testing.TB, root string) []string {
	t.Helper()
	names := []string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, strings.TrimPrefix(path, root+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func wantFiles(t testing.TB, root string, want ...string) {
	t.Helper()
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, files(t, root)); diff != "" {
		t.Fatalf("files below the root (-want +got):\n%s", diff)
	}
}

func fileOf(a store.Address) string { return contentFolder + "/" + string(a) }

// all and none are answers of a Directory.
func all(_ context.Context, addresses []store.Address) ([]bool, error) {
	bound := make([]bool, len(addresses))
	for i := range bound {
		bound[i] = true
	}
	return bound, nil
}

func none(_ context.Context, addresses []store.Address) ([]bool, error) {
	return make([]bool, len(addresses)), nil
}

func only(kept ...store.Address) Bound {
	return func(_ context.Context, addresses []store.Address) ([]bool, error) {
		bound := make([]bool, len(addresses))
		for i, a := range addresses {
			for _, k := range kept {
				bound[i] = bound[i] || a == k
			}
		}
		return bound, nil
	}
}

func sweep(t testing.TB, b *Bulk, before time.Time, bound Bound) store.Swept {
	t.Helper()
	swept, err := b.Sweep(t.Context(), before, bound)
	if err != nil {
		t.Fatal(err)
	}
	return swept
}

func later() time.Time { return time.Now().Add(time.Hour) }
