package postgres

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/postgres/pgtest"

	"github.com/hatrac/hatrac/store/storetest"
)

// tight is a server on a small disk.
type tight struct {
	*pgtest.Server
	t    *testing.T
	d    *Directory
	disk string
	root store.Name
	kept map[store.Path][]byte // what was acknowledged
	next int
}

func newTight(t *testing.T) *tight {
	t.Helper()
	disk, err := os.MkdirTemp("", "disk") // where the server's user may go, unlike t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(disk) })
	if err := os.Chmod(disk, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=160m,mode=755"); err != nil {
		t.Fatalf("a small file system cannot be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, unix.MNT_DETACH); err != nil {
			t.Errorf("cannot unmount %s: %v", disk, err)
		}
	})
	s, err := pgtest.NewIn(disk, "max_wal_size=32MB", "min_wal_size=32MB")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.Ended() {
			return
		}
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	d := openAt(t, Config{DSN: s.DSN("postgres"), Migrate: true, MaxRetries: 2})
	return &tight{Server: s, t: t, d: d, disk: disk, root: makeRoot(t, d), kept: map[store.Path][]byte{}}
}

// fill leaves no space on the disk, free gives it back.
func (s *tight) fill() {
	s.t.Helper()
	f, err := os.Create(s.ballast())
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4 << 10} {
		for block := make([]byte, size); ; {
			if _, err := f.Write(block); err != nil {
				break
			}
		}
	}
}

func (s *tight) free() {
	s.t.Helper()
	if err := os.Remove(s.ballast()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *tight) ballast() string { return filepath.Join(s.disk, "ballast") }

// put creates an object with content that cannot be compressed.
func (s *tight) put() error {
	ctx, content := s.t.Context(), make([]byte, 4<<10)
	if _, err := rand.Read(content); err != nil {
		return err
	}
	n := store.Name{Parent: s.root.ID, Path: store.Path(fmt.Sprint("/o", s.next)), Kind: acl.Object}
	s.next++
	err := s.d.Update(ctx, func(tx store.Tx) error {
		if err := tx.CreateName(ctx, &n); err != nil {
			return err
		}
		return tx.BindVersion(ctx, &store.Version{NameID: n.ID, Version: "v", Inline: content, HasInline: true})
	})
	if err == nil {
		s.kept[n.Path] = content
	}
	return err
}

// expectKept expects all that was acknowledged.
func (s *tight) expectKept() {
	s.t.Helper()
	for path, content := range s.kept {
		found, err := s.d.Resolve(s.t.Context(), path, "")
		if err != nil || found.Current == nil || !bytes.Equal(found.Current.Inline, content) {
			s.t.Errorf("%s was acknowledged and is %+v, %v", path, found, err)
		}
	}
}

func TestFullDiskOfTheTablesIsTold(t *testing.T) {
	if !storetest.AsRoot(t) {
		return
	}
	s := newTight(t)
	s.fill()
	var err error
	for err == nil {
		err = s.put()
	}
	if store.KindOf(err) != store.NoSpace {
		t.Errorf("without space a change answers %v", err)
	}
	s.expectKept()
	s.free()
	if err := s.put(); err != nil {
		t.Errorf("with space again a change answers %v", err)
	}
	s.expectKept()
}

// A server whose log cannot be written falls, and does not get up before there is space.
func TestFullDiskOfTheLogIsSurvived(t *testing.T) {
	if !storetest.AsRoot(t) {
		return
	}
	s, ctx := newTight(t), t.Context()
	if err := s.put(); err != nil {
		t.Fatal(err)
	}
	s.fill()
	const burn = `SELECT pg_logical_emit_message(true, '', repeat('x', 1000000))`
	for execute(ctx, s.DSN("postgres"), burn) == nil {
		continue
	}
	for range 3 {
		if err := s.put(); err != nil && store.KindOf(err) != store.Unavailable && store.KindOf(err) != store.NoSpace {
			t.Errorf("a change answers %v", err)
		}
	}
	s.free()
	for s.again(ctx) != nil {
		if ctx.Err() != nil {
			t.Fatal("the server does not come back")
		}
	}
	s.expectKept()
}

// again tries a change, and does for the server what an operator does.
func (s *tight) again(ctx context.Context) error {
	if s.Ended() {
		if err := s.Start(); err != nil {
			s.t.Fatal(err)
		}
	}
	err := s.put()
	if err != nil && store.KindOf(err) != store.Unavailable {
		s.t.Fatalf("on its way back the server answers %v", err)
	}
	return err
}
