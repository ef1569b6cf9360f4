package overlay_test

import (
	"context"
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/filesystem"
	"github.com/hatrac/hatrac/store/overlay"
	"github.com/hatrac/hatrac/store/s3"
)

// adoptSoon makes a file content that is not durable yet.
func adoptSoon(t *testing.T, b store.SoonSpooler, content string) store.Address {
	t.Helper()
	file, err := os.CreateTemp(b.SpoolDir(), "draft")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if _, err := file.WriteString(content); err != nil {
		t.Fatal(err)
	}
	a, err := b.AdoptSoon(t.Context(), store.Placement{Size: int64(len(content))}, file)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestContentOfEveryLayerBecomesDurable(t *testing.T) {
	l, last := newLayers(t), objects(t, newBucket(t, s3.ByName))
	b := overlay.New(l.files[0], l.files[1], plain{l.files[2]}, last)
	gone := adoptSoon(t, l.files[1], "gone")
	if err := l.files[1].Remove(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	unreadable := adoptSoon(t, l.files[1], "unreadable")
	if err := os.Remove(l.file(1, unreadable)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(l.roots[1], l.file(1, unreadable)); err != nil {
		t.Fatal(err)
	}
	errs := b.SyncContent(t.Context(), []store.Address{
		adoptSoon(t, l.files[1], "lower"), gone, adoptSoon(t, l, "first"), put(t, last, "object"), "elsewhere",
		adoptSoon(t, l.files[2], "plain"), unreadable,
	})
	if len(errs) != 7 {
		t.Fatalf("%d answers to 7 addresses", len(errs))
	}
	for i, what := range map[int]string{0: "lower", 2: "first", 3: "object", 5: "plain"} {
		if errs[i] != nil {
			t.Errorf("%s: %v", what, errs[i])
		}
	}
	wantKind(t, errs[1], store.NotFound)
	wantKind(t, errs[4], store.NotFound)
	wantKind(t, errs[6], store.Internal)
}

func TestWhoAttendsToALowerLayerIsThere(t *testing.T) {
	l := newLayers(t)
	for i, attended := range []store.SoonSpooler{l, l.files[0], l.files[2]} {
		id, leave, err := attended.Attend(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []bool{true, false} {
			if there, err := l.Attended(t.Context(), id); there != want || err != nil {
				t.Errorf("%d: attended is %t, %v; want %t", i, there, err, want)
			}
			if want {
				if err := leave(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := l.Attended(ctx, "nobody")
	wantKind(t, err, store.Interrupted)
}

func TestNothingIsAddedWithoutASpool(t *testing.T) {
	l := newLayers(t)
	b := overlay.New(plain{l.files[0]}, l.files[1])
	_, _, err := b.Attend(t.Context())
	wantKind(t, err, store.Internal)
	file, err := os.CreateTemp(l.files[1].SpoolDir(), "draft")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	_, err = b.AdoptSoon(t.Context(), store.Placement{}, file)
	wantKind(t, err, store.Internal)
	_, err = b.Adopt(t.Context(), store.Placement{}, file)
	wantKind(t, err, store.Internal)
}

// TestWhatACrashLeftInALowerLayerIsSettled: a machine loses its power, and then another storage is
// laid over its files.
func TestWhatACrashLeftInALowerLayerIsSettled(t *testing.T) {
	for name, first := range map[string]func(*testing.T) store.Assembler{
		"files": func(t *testing.T) store.Assembler { return files(t, t.TempDir()) },
		"S3":    func(t *testing.T) store.Assembler { return objects(t, newBucket(t, s3.ByName)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, root := newDirectory(t), t.TempDir()
			older := files(t, root)
			s := serve(t, dir, older)
			s.put("/whole", "before")
			s.put("/damaged", "before")
			whole, damaged := s.bindSoon(dir, older, "/whole", "after"), s.bindSoon(dir, older, "/damaged", "after")
			if err := os.Remove(filepath.Join(root, ":content", string(damaged))); err != nil {
				t.Fatal(err)
			}
			b := overlay.New(first(t), older)
			s = serve(t, dir, b)
			if err := s.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.wantContent(store.Ref{Path: "/whole"}, "after")
			s.wantContent(store.Ref{Path: "/damaged"}, "before")
			if left, err := dir.UnsyncedVersions(t.Context(), 0, 10); err != nil || len(left) != 0 {
				t.Errorf("in doubt are %v, %v", left, err)
			}
			wantContent(t, b, whole, "after")
		})
	}
}

// bindSoon gives an object a version that is not durable, as a process that is gone has left it.
func (s *site) bindSoon(dir store.Directory, bulk *filesystem.Bulk, path store.Path, content string) store.Address {
	s.t.Helper()
	sum := sha256.Sum256([]byte(content))
	v := store.Version{
		Version: "soon", Size: int64(len(content)), SHA256: sum[:], Created: time.Now(), ACLs: acl.Lists{acl.Owner: {owner.ID}},
		Address: adoptSoon(s.t, bulk, content), Unsynced: "01JDCZ3V9Q8T5S4R2P1N0M7K6H",
	}
	err := dir.Update(s.t.Context(), func(tx store.Tx) error {
		found, err := tx.Resolve(s.t.Context(), path, "")
		if err != nil {
			return err
		}
		v.NameID = found.Name.ID
		return tx.BindVersion(s.t.Context(), &v)
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return v.Address
}
