package transfer_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/transfer"
)

// counting counts what is stored.
type counting struct {
	store.Bulk
	puts atomic.Int64
}

func (c *counting) Put(ctx context.Context, p store.Placement, r io.Reader) (store.Address, error) {
	c.puts.Add(1)
	return c.Bulk.Put(ctx, p, r)
}

func (k *killer) Put(ctx context.Context, p store.Placement, r io.Reader) (store.Address, error) {
	k.kill()
	return k.Bulk.Put(ctx, p, r)
}

// manyVersions and killedAt are the numbers of contents in the story of the killed copy, and of that
// at which it is killed.
const manyVersions, killedAt = 700, 600

// copyUntilKilled is what the child does.
func copyUntilKilled(from, to string) {
	ctx := context.Background()
	source, _, err := embedded(ctx, from)
	if err != nil {
		panic(err)
	}
	target, _, err := embedded(ctx, to)
	if err != nil {
		panic(err)
	}
	k := &killer{Bulk: target.Bulk}
	k.left.Store(killedAt)
	target.Bulk = k
	_, err = transfer.Run(ctx, transfer.Config{From: source, To: target})
	panic(err)
}

func TestAKilledCopyGoesOn(t *testing.T) {
	fromFolder, toFolder := t.TempDir(), t.TempDir()
	from := openEmbedded(t, fromFolder)
	s := serve(t, from)
	token := s.fill()
	found, err := from.Directory.Resolve(t.Context(), "/a/b/large", "")
	must(t, err)
	address, err := from.Bulk.Put(t.Context(), store.Placement{Size: 1}, strings.NewReader("m"))
	must(t, err)
	digest := sha256.Sum256([]byte("m"))
	must(t, from.Directory.Update(t.Context(), func(tx store.Tx) error {
		for i := range manyVersions {
			v := store.Version{NameID: found.Name.ID, Version: fmt.Sprint("many ", i), Size: 1, Address: address, SHA256: digest[:]}
			if err := tx.BindVersion(t.Context(), &v); err != nil {
				return err
			}
		}
		return nil
	}))

	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), killedFrom+"="+fromFolder, killedTo+"="+toFolder)
	out, err := child.CombinedOutput()
	if status, ok := child.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the child ended with %v: %s", err, out)
	}

	to := openEmbedded(t, toFolder)
	if m := mark(t, to); m.Source == 0 || m.Complete {
		t.Fatalf("the mark is %+v", mark(t, to))
	}
	there, err := to.Directory.VersionsAfter(t.Context(), 0, 10000)
	must(t, err)
	all, err := from.Directory.VersionsAfter(t.Context(), 0, 10000)
	must(t, err)
	if len(there) == 0 || len(there) == len(all) {
		t.Fatalf("the child copied %d of %d versions", len(there), len(all))
	}
	left := int64(0)
	for _, v := range all[len(there):] {
		if v.Version.Address != "" {
			left++
		}
	}
	c := &counting{Bulk: to.Bulk}
	r := run(t, from, transfer.Store{Directory: to.Directory, Bulk: c})
	if c.puts.Load() != left || r.Contents != left || !mark(t, to).Complete {
		t.Errorf("of %d contents that were left it copied %d, and tells %+v", left, c.puts.Load(), r)
	}
	wantRows(t, from, to)
	same(t, "the answers", s.answers(token), serve(t, to).answers(token))
}
