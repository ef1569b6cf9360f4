package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hatrac/hatrac/store/postgres/pgtest"
)

const (
	// overrideDSN leads to the server that the tests are to use instead of one of their own.
	overrideDSN = "HATRAC_TEST_DSN"
	// childDSN leads to the database for this program started as a child of its tests, which
	// opens it.
	childDSN = "HATRAC_TEST_POSTGRES_CHILD"
	// killedDSN is the same for a child that kills itself while it migrates.
	killedDSN = "HATRAC_TEST_POSTGRES_KILLED"
)

// shared is the connection string of the server of all tests, template the name of a database
// there whose tables are up to date.
var shared, template string

func TestMain(m *testing.M) {
	if dsn := os.Getenv(killedDSN); dsn != "" {
		migrateUntilKilled(dsn)
	}
	if dsn := os.Getenv(childDSN); dsn != "" {
		d, err := Open(context.Background(), Config{DSN: dsn, Migrate: true})
		if err == nil {
			err = d.Close()
		}
		fmt.Println("opened:", err)
		return
	}
	code, err := runAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runAll(m *testing.M) (code int, err error) {
	shared = os.Getenv(overrideDSN)
	if shared == "" {
		s, err := pgtest.New("fsync=off", "max_connections=200")
		if err != nil {
			return 1, err
		}
		defer func() { err = errors.Join(err, s.Remove()) }()
		if err := s.Start(); err != nil {
			return 1, err
		}
		defer func() { err = errors.Join(err, s.Stop()) }()
		shared = s.DSN("postgres")
	}
	ctx := context.Background()
	template = fmt.Sprintf("hatrac_%d_template", os.Getpid())
	if err := execute(ctx, shared, "CREATE DATABASE "+template); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, execute(ctx, shared, "DROP DATABASE "+template)) }()
	d, err := Open(ctx, Config{DSN: inDatabase(shared, template), Migrate: true})
	if err != nil {
		return 1, err
	}
	if err := d.Close(); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

var databases atomic.Int64

// newDatabase makes a database like the template, or an empty one, and returns its connection
// string.
func newDatabase(t testing.TB, like string) string {
	t.Helper()
	name := fmt.Sprintf("hatrac_%d_%d", os.Getpid(), databases.Add(1))
	if err := execute(t.Context(), shared, "CREATE DATABASE "+name+" TEMPLATE "+like); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := execute(context.Background(), shared, "DROP DATABASE "+name); err != nil {
			t.Error(err)
		}
	})
	return inDatabase(shared, name)
}

func openAt(t testing.TB, cfg Config) *Directory {
	t.Helper()
	d, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// child lets another process open the database.
func child(t *testing.T, dsn string) error {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childDSN+"="+dsn)
	out, err := cmd.CombinedOutput()
	if err == nil && !strings.Contains(string(out), "opened: <nil>") {
		err = errors.New(string(out))
	}
	return err
}
