package postgres

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

const emptyDatabase = "template0"

// refusedOpen opens a database and expects an error of the kind whose sentence has the words.
func refusedOpen(t *testing.T, cfg Config, kind store.ErrorKind, words string) {
	t.Helper()
	d, err := Open(t.Context(), cfg)
	if err == nil {
		t.Fatal(errors.Join(errors.New("the database was opened"), d.Close()))
	}
	if said := store.Sentence(err); store.KindOf(err) != kind || !strings.Contains(said, words) {
		t.Errorf("Open says %q (%v), want something with %q", said, err, words)
	}
}

func TestMissingTablesAreMadeOnlyOnDemand(t *testing.T) {
	dsn := newDatabase(t, emptyDatabase)
	refusedOpen(t, Config{DSN: dsn}, store.NotFound, "hatrac init")
	openAt(t, Config{DSN: dsn, Migrate: true})
	openAt(t, Config{DSN: dsn})
	openAt(t, Config{DSN: dsn, Migrate: true})
}

func TestTablesOfOtherVersionsAreRefused(t *testing.T) {
	for _, c := range []struct {
		change, words string
		migrate       bool
	}{
		{"INSERT INTO hatrac.goose_db_version (version_id, is_applied) VALUES (900, true)", "later version", false},
		{"INSERT INTO hatrac.goose_db_version (version_id, is_applied) VALUES (900, true)", "later version", true},
		{"DELETE FROM hatrac.goose_db_version WHERE version_id > 1", "hatrac migrate", false},
		{"DROP TABLE hatrac.goose_db_version", "has not made", false},
		{"DROP TABLE hatrac.goose_db_version", "has not made", true},
	} {
		dsn := newDatabase(t, template)
		if err := execute(t.Context(), dsn, c.change); err != nil {
			t.Fatal(err)
		}
		refusedOpen(t, Config{DSN: dsn, Migrate: c.migrate}, store.Conflict, c.words)
	}
}

func TestEarlierTablesAreBroughtUpToDateOnDemand(t *testing.T) {
	dsn, ctx := newDatabase(t, emptyDatabase), t.Context()
	config, err := Config{DSN: dsn}.withDefaults().pool()
	if err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDB(*config.ConnConfig)
	if err := createSchema(ctx, db, defaultSchema); err != nil {
		t.Fatal(err)
	}
	provider, err := newProvider(db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(ctx, `
INSERT INTO name (id, pid, name, subtype, is_deleted, owner) VALUES (1, NULL, '/', 0, false, ARRAY['ann', NULL])`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	refusedOpen(t, Config{DSN: dsn}, store.Conflict, "hatrac migrate")
	found, err := openAt(t, Config{DSN: dsn, Migrate: true}).Resolve(ctx, store.Root, "")
	if err != nil || found.Name == nil {
		t.Fatalf("the root is %+v, %v", found, err)
	}
	if got := found.Name; len(got.ACLs[acl.Owner]) != 1 || !got.Created.IsZero() || got.Attr != (store.Attr{}) || got.Changes != 0 {
		t.Errorf("what is unknown reads as %+v", got)
	}
}

func TestTheConfiguredSchemaIsUsed(t *testing.T) {
	dsn := newDatabase(t, emptyDatabase)
	openAt(t, Config{DSN: dsn, Schema: `Odd "schema"`, Migrate: true})
	openAt(t, Config{DSN: dsn, Schema: `Odd "schema"`})
	refusedOpen(t, Config{DSN: dsn}, store.NotFound, "hatrac init")
	refusedOpen(t, Config{DSN: newDatabase(t, template), Schema: "another", Migrate: true}, store.Conflict, `"hatrac"`)
}

func TestManyMayStartAtTheSameTime(t *testing.T) {
	dsn := newDatabase(t, emptyDatabase)
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() {
			if err := child(t, dsn); err != nil {
				t.Errorf("a process: %v", err)
			}
		})
		wait.Go(func() {
			d, err := Open(t.Context(), Config{DSN: dsn, Migrate: true})
			if err != nil {
				t.Errorf("a handle: %v", err)
				return
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	var applied, distinct int
	err := openAt(t, Config{DSN: dsn}).pool.QueryRow(t.Context(),
		"SELECT count(*), count(DISTINCT version_id) FROM goose_db_version WHERE version_id > 0").Scan(&applied, &distinct)
	if err != nil || applied != distinct || applied == 0 {
		t.Errorf("%d migrations were applied %d times, %v", distinct, applied, err)
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	refusedOpen(t, Config{DSN: "host=/nowhere port=none"}, store.Invalid, "connection string")
	refusedOpen(t, Config{DSN: "host=/nowhere pool_max_conns=none"}, store.Invalid, "connection string")
	refusedOpen(t, Config{DSN: "host=/nowhere dbname=hatrac"}, store.Unavailable, "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, Config{DSN: shared}); store.KindOf(err) != store.Interrupted {
		t.Errorf("one who has gone hears %v", err)
	}
}

func TestTheConnectionStringMayLimitConnections(t *testing.T) {
	dsn := newDatabase(t, template)
	for _, c := range []struct {
		cfg  Config
		want int32
	}{
		{Config{DSN: dsn}, defaultConnections},
		{Config{DSN: dsn, Connections: 3}, 3},
		{Config{DSN: dsn + " pool_max_conns=2"}, 2},
		{Config{DSN: dsn + " pool_max_conns=2", Connections: 3}, 2},
	} {
		if got := openAt(t, c.cfg).pool.Config().MaxConns; got != c.want {
			t.Errorf("%+v opens %d connections at most, want %d", c.cfg, got, c.want)
		}
	}
}
