package check_test

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/check"
	"github.com/hatrac/hatrac/store/filesystem"
	"github.com/hatrac/hatrac/store/sqlite"
)

// bench is a store with an object /o.
type bench struct {
	t      *testing.T
	dir    store.Directory
	bulk   *filesystem.Bulk
	folder string
	object int64
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, folder: t.TempDir()}
	var err error
	b.dir, err = sqlite.Open(t.Context(), sqlite.Config{Path: b.database(), Migrate: true})
	b.must(err)
	t.Cleanup(func() { _ = b.dir.Close() })
	b.bulk, err = filesystem.Open(t.Context(), filesystem.Config{Root: filepath.Join(b.folder, "content")})
	b.must(err)
	t.Cleanup(func() { _ = b.bulk.Close() })
	b.update(func(tx store.Tx) error {
		root := store.Name{Path: store.Root, Kind: acl.Namespace}
		if err := tx.CreateName(t.Context(), &root); err != nil {
			return err
		}
		o := store.Name{Parent: root.ID, Path: "/o", Kind: acl.Object}
		err := tx.CreateName(t.Context(), &o)
		b.object = o.ID
		return err
	})
	return b
}

func (b *bench) database() string { return filepath.Join(b.folder, "hatrac.db") }

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) update(fn func(tx store.Tx) error) {
	b.t.Helper()
	b.must(b.dir.Update(b.t.Context(), fn))
}

func (b *bench) put(content string) store.Address {
	b.t.Helper()
	a, err := b.bulk.Put(b.t.Context(), store.Placement{Size: int64(len(content))}, strings.NewReader(content))
	b.must(err)
	return a
}

func (b *bench) file(a store.Address) string {
	return filepath.Join(b.folder, "content", ":content", string(a))
}

// bind adds a version with all digests of the content.
func (b *bench) bind(id, content string, adjust ...func(*store.Version)) store.Version {
	b.t.Helper()
	first, second := md5.Sum([]byte(content)), sha256.Sum256([]byte(content))
	v := store.Version{
		NameID: b.object, Version: id, Size: int64(len(content)), SHA256: second[:],
		Metadata: store.Metadata{MD5: first[:], SHA256: second[:]},
	}
	for _, f := range adjust {
		f(&v)
	}
	if v.Address == "" && v.Inline == nil && v.Forward == nil && v.URL == "" {
		v.Address = b.put(content)
	}
	b.update(func(tx store.Tx) error { return tx.BindVersion(b.t.Context(), &v) })
	return v
}

// run checks and returns what is reported.
func (b *bench) run(deep bool) (check.Result, []string) {
	b.t.Helper()
	var told []string
	result, err := check.Run(b.t.Context(), check.Config{
		Directory: b.dir, Bulk: b.bulk, Deep: deep, Grace: -time.Hour, // so that all counts as old
		Report: func(p check.Problem) { told = append(told, p.Subject+" "+p.Text) },
	})
	b.must(err)
	return result, told
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestAStoreInOrderHasNoProblems(t *testing.T) {
	b := newBench(t)
	b.bind("1", "content")
	b.bind("2", "small", func(v *store.Version) { v.Inline = []byte("small") })
	b.bind("3", "", func(v *store.Version) { v.Inline = []byte{} })
	b.bind("4", "1234", func(v *store.Version) { v.Forward = &store.Ref{Path: "/gone"} })
	b.bind("5", "12345", func(v *store.Version) { v.URL = "https://archive.example.org/5" })
	gone := b.bind("6", "123456")
	b.must(b.bulk.Remove(t.Context(), gone.Address))
	b.update(func(tx store.Tx) error {
		return tx.DeleteVersion(t.Context(), gone.ID, time.Now(), time.Now())
	})
	queued := b.bind("7", "1234567")
	b.update(func(tx store.Tx) error {
		return tx.DeleteVersion(t.Context(), queued.ID, time.Now(), time.Now())
	})
	place, err := b.bulk.Begin(t.Context(), store.Placement{Size: 10}, 5)
	b.must(err)
	b.update(func(tx store.Tx) error {
		return tx.CreateJob(t.Context(), &store.Job{NameID: b.object, Job: "J", Size: 10, ChunkSize: 5, Address: place})
	})
	for _, deep := range []bool{false, true} {
		result, told := b.run(deep)
		same(t, "the result", check.Result{Versions: 3, Bytes: 12, Uploads: 1, Listed: true}, result)
		same(t, "the problems", []string(nil), told)
	}
}

func TestDamageIsTold(t *testing.T) {
	b := newBench(t)
	missing, short, flipped := b.bind("missing", "content"), b.bind("short", "content"), b.bind("flipped", "content")
	wrong := sha256.Sum256([]byte("other"))
	b.bind("client", "content", func(v *store.Version) { v.Metadata.SHA256 = wrong[:] })
	b.bind("old", "content", func(v *store.Version) { v.SHA256, v.Metadata = nil, store.Metadata{MD5: wrong[:16]} })
	b.bind("inline", "small", func(v *store.Version) { v.Inline = []byte("smell") })
	b.bind("inline short", "small", func(v *store.Version) { v.Inline = []byte("sma") })
	lost := b.bind("lost", "lost", func(v *store.Version) { v.Inline = []byte("lost") })
	b.must(os.Remove(b.file(missing.Address)))
	b.must(os.Truncate(b.file(short.Address), 3))
	b.must(os.Chmod(b.file(flipped.Address), 0o600))
	b.must(os.WriteFile(b.file(flipped.Address), []byte("cantent"), 0o600))
	b.must(os.Chmod(b.file(flipped.Address), 0o444))
	place, err := b.bulk.Begin(t.Context(), store.Placement{Size: 10}, 5)
	b.must(err)
	b.must(b.bulk.Remove(t.Context(), place))
	b.update(func(tx store.Tx) error {
		j := store.Job{NameID: b.object, Job: "J/1", Size: 10, ChunkSize: 5, Address: place}
		if err := tx.CreateJob(t.Context(), &j); err != nil {
			return err
		}
		return tx.RecordChunk(t.Context(), j.ID, store.Chunk{}, time.Now())
	})
	db, err := sql.Open("sqlite", b.database())
	b.must(err)
	_, err = db.ExecContext(t.Context(), "DELETE FROM content WHERE versionid = ?", lost.ID)
	b.must(err)
	b.must(db.Close())

	want := []string{
		"/o:missing Its content is missing.",
		"/o:short Its content has 3 bytes instead of 7.",
		"/o:flipped Its content does not have its SHA-256.",
		"/o:client Its content does not have its SHA-256.",
		"/o:old Its content does not have its MD5.",
		"/o:inline Its content does not have its SHA-256.",
		"/o:inline%20short Its content has 3 bytes instead of 5.",
		"/o:lost Its content has 0 bytes instead of 4.",
		"/o;upload/J%2F1 What was received of this upload is missing.",
	}
	result, told := b.run(true)
	same(t, "deep", want, told)
	same(t, "the count", int64(len(want)), result.Damaged)
	deep := func(line string) bool { return strings.Contains(line, "does not have its") }
	_, told = b.run(false)
	same(t, "not deep", slices.DeleteFunc(want, deep), told)
}

func TestContentThatWasLeftIsTold(t *testing.T) {
	b := newBench(t)
	b.bind("1", "content")
	left := b.put("left")
	result, told := b.run(false)
	same(t, "the problems", []string{string(left) + " Nothing refers to this content."}, told)
	same(t, "the result", check.Result{Versions: 1, Bytes: 7, Listed: true, Left: 1, LeftBytes: 4}, result)
	result, err := check.Run(t.Context(), check.Config{
		Directory: b.dir, Bulk: b.bulk, Grace: time.Hour, Report: func(p check.Problem) { t.Errorf("it tells %v", p) },
	})
	if err != nil || result.Left != 0 {
		t.Errorf("of what is young it tells %+v, %v", result, err)
	}
}

// sharing is a storage that knows some of its content by other addresses.
type sharing struct {
	*filesystem.Bulk
	aliases map[store.Address][]store.Address
}

func (s sharing) Aliases(_ context.Context, a store.Address) ([]store.Address, error) {
	return s.aliases[a], nil
}

func TestWhatOthersKeepInTheStorageIsNotTold(t *testing.T) {
	b := newBench(t)
	v := b.bind("1", "content")
	foreign, known, left := b.put("foreign"), b.put("known"), b.put("left")
	s := sharing{b.bulk, map[store.Address][]store.Address{known: {known, v.Address}, left: {left, "elsewhere"}}}
	var told []string
	result, err := check.Run(t.Context(), check.Config{
		Directory: b.dir, Bulk: s, Grace: -time.Hour, Report: func(p check.Problem) { told = append(told, p.Subject) },
	})
	b.must(err)
	same(t, "the problems", []string{string(left)}, told)
	if result.Left != 1 || slices.Contains(told, string(foreign)) {
		t.Errorf("it answers %+v", result)
	}
}

// mover is a storage in which content goes while it is looked for.
type mover struct {
	store.Bulk
	move func()
}

func (m mover) Open(ctx context.Context, a store.Address) (store.Content, error) {
	m.move()
	return m.Bulk.Open(ctx, a)
}

func TestWhatIsDeletedMeanwhileIsNoDamage(t *testing.T) {
	b := newBench(t)
	v := b.bind("1", "content")
	m := mover{b.bulk, func() {
		b.update(func(tx store.Tx) error { return tx.DeleteVersion(t.Context(), v.ID, time.Now(), time.Now()) })
		b.must(b.bulk.Remove(t.Context(), v.Address))
	}}
	result, err := check.Run(t.Context(), check.Config{
		Directory: b.dir, Bulk: m, Report: func(p check.Problem) { t.Errorf("it tells %v", p) },
	})
	if err != nil || result.Damaged != 0 || result.Listed {
		t.Errorf("it answers %+v, %v", result, err)
	}
}

func TestWhoHasGoneIsToldNothing(t *testing.T) {
	b := newBench(t)
	b.bind("1", "content")
	ctx, cancel := context.WithCancel(t.Context())
	m := mover{b.bulk, cancel}
	_, err := check.Run(ctx, check.Config{Directory: b.dir, Bulk: m, Report: func(p check.Problem) { t.Errorf("it tells %v", p) }})
	if store.KindOf(err) != store.Interrupted {
		t.Errorf("it answers %v", err)
	}
}
