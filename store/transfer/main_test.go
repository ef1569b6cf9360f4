package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/filesystem"
	"github.com/hatrac/hatrac/store/overlay"
	"github.com/hatrac/hatrac/store/postgres"
	"github.com/hatrac/hatrac/store/postgres/pgtest"
	"github.com/hatrac/hatrac/store/s3"
	"github.com/hatrac/hatrac/store/s3/s3test"
	"github.com/hatrac/hatrac/store/sqlite"
	"github.com/hatrac/hatrac/store/transfer"
)

// killedFrom and killedTo name the folders for this program started as a child of its tests, which
// kills itself while it copies from one to the other.
const (
	killedFrom = "HATRAC_TEST_COPY_FROM"
	killedTo   = "HATRAC_TEST_COPY_TO"
)

var (
	database *pgtest.Server
	objects  *s3test.Server
)

func TestMain(m *testing.M) {
	if from := os.Getenv(killedFrom); from != "" {
		copyUntilKilled(from, os.Getenv(killedTo))
	}
	code, err := runAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runAll(m *testing.M) (code int, err error) {
	if database, err = pgtest.New("fsync=off"); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, database.Remove()) }()
	if err := database.Start(); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, database.Stop()) }()
	if objects, err = s3test.New(); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, objects.Remove()) }()
	if err := objects.Start(context.Background()); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, objects.Stop()) }()
	return m.Run(), nil
}

var made atomic.Int64

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// embedded returns the store in a folder.
func embedded(ctx context.Context, folder string) (transfer.Store, func() error, error) {
	dir, err := sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(folder, "hatrac.db"), Migrate: true})
	if err != nil {
		return transfer.Store{}, nil, err
	}
	bulk, err := filesystem.Open(ctx, filesystem.Config{Root: filepath.Join(folder, "content")})
	if err != nil {
		return transfer.Store{}, nil, errors.Join(err, dir.Close())
	}
	return transfer.Store{Directory: dir, Bulk: bulk}, func() error { return errors.Join(bulk.Close(), dir.Close()) }, nil
}

func openEmbedded(t *testing.T, folder string) transfer.Store {
	t.Helper()
	s, end, err := embedded(t.Context(), folder)
	must(t, err)
	t.Cleanup(func() { must(t, end()) })
	return s
}

func newSQLite(t *testing.T) transfer.Directory {
	t.Helper()
	d, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "hatrac.db"), Migrate: true})
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

func newPostgres(t *testing.T) transfer.Directory {
	t.Helper()
	d, err := postgres.Open(t.Context(), postgres.Config{
		DSN: database.DSN("postgres"), Schema: fmt.Sprintf("copy_%d", made.Add(1)), Migrate: true,
	})
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

func newFiles(t *testing.T) store.Assembler {
	t.Helper()
	b, err := filesystem.Open(t.Context(), filesystem.Config{Root: t.TempDir()})
	must(t, err)
	t.Cleanup(func() { must(t, b.Close()) })
	return b
}

func newS3(method s3.Method) func(t *testing.T) store.Assembler {
	return func(t *testing.T) store.Assembler {
		t.Helper()
		name := fmt.Sprintf("bucket-%d", made.Add(1))
		must(t, objects.MakeBucket(t.Context(), name, method == s3.ByName))
		b, err := s3.Open(t.Context(), s3.Config{Buckets: map[string]s3.Bucket{"": {
			Name: name, PathPrefix: s3.DefaultPathPrefix, Method: method, Client: s3.Client{
				Endpoint: objects.URL(), PathStyle: true, Region: s3test.Region,
				AccessKeyID: s3test.AccessKey, SecretAccessKey: s3test.SecretKey,
			},
		}}})
		must(t, err)
		t.Cleanup(func() { must(t, b.Close()) })
		return b
	}
}

func newOverlay(t *testing.T) store.Assembler {
	t.Helper()
	return overlay.New(newFiles(t), newS3(s3.ByNameAndVersion)(t))
}

// killer is a storage that kills the process in the midst of storing.
type killer struct {
	store.Bulk
	left atomic.Int64
}

func (k *killer) kill() {
	if k.left.Add(-1) <= 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}
