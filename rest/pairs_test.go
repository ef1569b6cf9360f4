package rest

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/filesystem"
	"github.com/hatrac/hatrac/store/overlay"
	"github.com/hatrac/hatrac/store/postgres"
	"github.com/hatrac/hatrac/store/postgres/pgtest"
	"github.com/hatrac/hatrac/store/s3"
	"github.com/hatrac/hatrac/store/s3/s3test"
	"github.com/hatrac/hatrac/store/sqlite"
)

// pair is a directory and a storage, on which all tests of this package are run.
type pair struct {
	name      string
	directory func(*testing.T) store.Directory
	storage   func(*testing.T) store.Assembler
	// direct keeps also the smallest content out of the directory.
	direct bool
	// files is true if what is stored becomes files of this machine.
	files bool
}

// pairs are all combinations. The first is what a store begins with; all others keep no content
// in the directory, so that every object tries the storage.
var pairs = []pair{
	{"SQLite and files", onSQLite, onFiles, false, true},
	{"SQLite and S3", onSQLite, onS3(s3.ByName), true, false},
	{"SQLite and files over files", onSQLite, onLayers(onFiles), true, true},
	{"PostgreSQL and files", onPostgres, onFiles, true, true},
	{"PostgreSQL and S3", onPostgres, onS3(s3.ByNameAndVersion), true, false},
	{"PostgreSQL and files over S3", onPostgres, onLayers(onS3(s3.ByName)), true, true},
}

// on is the pair that tests run on now.
var on = pairs[0]

// The servers of all tests.
var (
	database *pgtest.Server
	objects  *s3test.Server
)

// storyCount is the flag that says how many random stories a property is tried on; fewStories is
// how many on all pairs but the first.
const (
	storyCount = "rapid.checks"
	fewStories = "3"
)

// onFirst are the tests that run on the first pair alone: those about clients, sessions, pages, logs
// and limits, which no back end has to do with, and long lists, whose pages the contract of directories covers.
const onFirst = "Login|LogIn|Cookie|Session|Origin|Preflight|Health|Tokens|WhoKnow|Sister|TheLog|Audit|" +
	"Template|PageForPeople|Documents|Stalled|DoesNotRead|LongListings|MemoryOf|AllVersionsOf|" +
	"EachListOfTheFirewall|OrderOfChecksOfCommands|EveryOperationAsks|RoundTrips|LostCommit|Description|Described|Parse|Fuzz|" +
	"IdOfItsOwn|HowMuchContent"

// TestMain runs everything on one pair after the other. What is asked for by name alone,
// benchmarks and fuzzing, runs on the first.
func TestMain(m *testing.M) {
	flag.Parse()
	code, err := runOnPairs(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// runOnPairs starts the servers when the tests went well on the first pair, which needs none.
func runOnPairs(m *testing.M) (code int, err error) {
	for i, next := range pairs {
		if i == 1 {
			stop, unable := startServers()
			defer func() { err = errors.Join(err, stop()) }()
			unable = errors.Join(unable, flag.Set(storyCount, fewStories), flag.Set("test.skip", onFirst))
			if unable != nil {
				return 1, errors.Join(err, unable)
			}
		}
		on = next
		if failed := m.Run(); failed != 0 {
			code = failed
			err = errors.Join(err, fmt.Errorf("these tests failed on %s", on.name))
		}
		if code != 0 && set("test.failfast") || set("test.bench") || set("test.fuzz") || set("test.list") {
			return code, err
		}
	}
	return code, err
}

// startServers starts what the other pairs need. What it returns ends them, also after an error.
func startServers() (stop func() error, err error) {
	var ends []func() error
	stop = func() (err error) {
		for _, end := range slices.Backward(ends) {
			err = errors.Join(err, end())
		}
		return err
	}
	if database, err = pgtest.New("fsync=off", "max_connections=300"); err != nil {
		return stop, err
	}
	ends = append(ends, database.Remove)
	if err := database.Start(); err != nil {
		return stop, err
	}
	ends = append(ends, database.Stop)
	if objects, err = s3test.New(); err != nil {
		return stop, err
	}
	ends = append(ends, objects.Remove)
	if err := objects.Start(context.Background()); err != nil {
		return stop, err
	}
	ends = append(ends, objects.Stop)
	return stop, nil
}

func set(name string) bool {
	f := flag.Lookup(name)
	return f != nil && f.Value.String() != f.DefValue
}

func onSQLite(t *testing.T) store.Directory {
	t.Helper()
	d, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "hatrac.db"), Migrate: true})
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

// made counts what tests have made on the servers.
var made atomic.Int64

// emptyDatabase is the name of a database with all tables and no rows.
const emptyDatabase = "template_of_rest"

func onPostgres(t *testing.T) store.Directory {
	t.Helper()
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, database.DSN("postgres"))
	must(t, err)
	defer conn.Close(context.WithoutCancel(ctx))
	var there bool
	must(t, conn.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)", emptyDatabase).Scan(&there))
	if !there {
		_, err = conn.Exec(ctx, "CREATE DATABASE "+emptyDatabase)
		must(t, err)
		d, err := postgres.Open(ctx, postgres.Config{DSN: database.DSN(emptyDatabase), Migrate: true, NoNotes: true})
		must(t, err)
		must(t, d.Close())
	}
	name := fmt.Sprint("rest_", made.Add(1))
	_, err = conn.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE "+emptyDatabase)
	must(t, err)
	d, err := postgres.Open(ctx, postgres.Config{DSN: database.DSN(name) + " pool_max_conns=8", MaxRetries: 20})
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

func onFiles(t *testing.T) store.Assembler {
	t.Helper()
	b, err := filesystem.Open(t.Context(), filesystem.Config{Root: filepath.Join(t.TempDir(), "content")})
	must(t, err)
	t.Cleanup(func() { must(t, b.Close()) })
	return b
}

func onS3(method s3.Method) func(*testing.T) store.Assembler {
	return func(t *testing.T) store.Assembler {
		t.Helper()
		name := fmt.Sprint("rest-", made.Add(1))
		must(t, objects.MakeBucket(t.Context(), name, method == s3.ByName))
		b, err := s3.Open(t.Context(), s3.Config{Buckets: map[string]s3.Bucket{"": {
			Name: name, PathPrefix: s3.DefaultPathPrefix, Method: method,
			Client: s3.Client{
				Endpoint: objects.URL(), PathStyle: true, Region: s3test.Region,
				AccessKeyID: s3test.AccessKey, SecretAccessKey: s3test.SecretKey,
			},
		}}})
		must(t, err)
		t.Cleanup(func() { must(t, b.Close()) })
		if method == s3.ByName {
			return &serial{Bulk: b}
		}
		return b
	}
}

// serial makes and removes one version after the other. The server of the tests loses versions when
// others of the same key come or go at the same time, which S3 does not.
type serial struct {
	*s3.Bulk
	one sync.Mutex
}

func (s *serial) Put(ctx context.Context, p store.Placement, r io.Reader) (store.Address, error) {
	content, err := io.ReadAll(r) // it must not be waited for with the lock held
	if err != nil {
		return "", err
	}
	s.one.Lock()
	defer s.one.Unlock()
	return s.Bulk.Put(ctx, p, bytes.NewReader(content))
}

func (s *serial) Finish(ctx context.Context, a store.Address, p store.Placement, chunks []store.Chunk) (store.Address, error) {
	s.one.Lock()
	defer s.one.Unlock()
	return s.Bulk.Finish(ctx, a, p, chunks)
}

func (s *serial) Remove(ctx context.Context, a store.Address) error {
	s.one.Lock()
	defer s.one.Unlock()
	return s.Bulk.Remove(ctx, a)
}

func onLayers(lower func(*testing.T) store.Assembler) func(*testing.T) store.Assembler {
	return func(t *testing.T) store.Assembler {
		t.Helper()
		return overlay.New(onFiles(t), lower(t))
	}
}
