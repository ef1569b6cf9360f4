package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"github.com/hatrac/hatrac/store"
)

func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	folder := t.TempDir()
	plant(t, openFile(t, filepath.Join(folder, "hatrac.db")), "a")
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
		if info, err := entry.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s has mode %v, %v", entry.Name(), info.Mode(), err)
		}
	}
	want := []string{"hatrac.db", "hatrac.db-lock", "hatrac.db-shm", "hatrac.db-wal"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestConnectionsAreSetUp(t *testing.T) {
	d := openFresh(t)
	type asker interface {
		QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	}
	for _, c := range []struct {
		on           asker
		pragma, want string
	}{
		{d.writer.conn, "journal_mode", "wal"},
		{d.writer.conn, "synchronous", "2"},
		{d.writer.conn, "foreign_keys", "1"},
		{d.pool, "query_only", "1"},
		{d.pool, "busy_timeout", "10000"},
	} {
		var got string
		if err := c.on.QueryRowContext(t.Context(), "PRAGMA "+c.pragma).Scan(&got); err != nil || got != c.want {
			t.Errorf("%s is %q, want %q (%v)", c.pragma, got, c.want, err)
		}
	}
	if _, err := d.pool.ExecContext(t.Context(), "DELETE FROM name"); store.KindOf(failed("", err)) != store.ReadOnly {
		t.Errorf("a reader may write: %v", err)
	}
}

func TestPathsMayHaveAnyCharacters(t *testing.T) {
	for _, name := range []string{"with space.db", "a?mode=memory", "50%25#x.db", "ü&_pragma=query_only(1)"} {
		path := filepath.Join(t.TempDir(), name)
		plant(t, openFile(t, path), "a")
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%q is not the database: %v", name, err)
		}
	}
}

// refusedOpen opens a database without migrating and expects a Conflict whose sentence has
// the words.
func refusedOpen(t *testing.T, cfg Config, words string) {
	t.Helper()
	d, err := Open(t.Context(), cfg)
	if err == nil {
		t.Fatal(errors.Join(errors.New("the database was opened"), d.Close()))
	}
	if said := store.Sentence(err); store.KindOf(err) != store.Conflict || !strings.Contains(said, words) {
		t.Errorf("Open says %q (%v), want something with %q", said, err, words)
	}
}

func TestMissingTablesAreMadeOnlyOnDemand(t *testing.T) {
	folder := t.TempDir()
	cfg := Config{Path: filepath.Join(folder, "hatrac.db")}
	refusedOpen(t, cfg, "hatrac init")
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 0 {
		t.Errorf("a refused Open left %v, %v", entries, err)
	}
	if err := os.WriteFile(cfg.Path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refusedOpen(t, cfg, "hatrac init")
	openFile(t, cfg.Path)
	d, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("tables that are there: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func TestTablesOfOtherVersionsAreRefused(t *testing.T) {
	for _, c := range []struct {
		change, words string
		migrate       bool
	}{
		{"INSERT INTO goose_db_version (version_id, is_applied) VALUES (900, 1)", "later version", false},
		{"INSERT INTO goose_db_version (version_id, is_applied) VALUES (900, 1)", "later version", true},
		{"DELETE FROM goose_db_version WHERE version_id > 0", "hatrac init", false},
	} {
		path := filepath.Join(t.TempDir(), "hatrac.db")
		d := openFile(t, path)
		if _, err := d.writer.conn.ExecContext(t.Context(), c.change); err != nil {
			t.Fatal(err)
		}
		refusedOpen(t, Config{Path: path, Migrate: c.migrate}, c.words)
	}
}

// openFirst makes a database as the first version of the program did, with an object that has
// one version and one whose content is queued for reclaim.
func openFirst(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `
INSERT INTO name (id, pid, name, subtype, acls, current) VALUES (1, NULL, '/', 0, '{}', NULL), (2, 1, '/o', 1, '{}', 2);
INSERT INTO version (id, nameid, version, nbytes, metadata, acls, is_deleted, address)
VALUES (1, 2, 'gone', 1, '{}', '{}', 1, 'at gone'), (2, 2, 'kept', 1, '{}', '{}', 0, 'at kept');
INSERT INTO reclaim (due, address) VALUES (5, 'at gone')`); err != nil {
		t.Fatal(err)
	}
}

func TestEarlierTablesAreBroughtUpToDateOnDemand(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hatrac.db")
	openFirst(t, path)
	refusedOpen(t, Config{Path: path}, "hatrac migrate")
	d, ctx := openFile(t, path), t.Context()
	if found, err := d.Resolve(ctx, "/o", ""); err != nil || found.Current == nil || found.Current.Version != "kept" {
		t.Errorf("the object is %+v, %v", found, err)
	}
	if err := d.Update(ctx, func(tx store.Tx) error {
		if err := tx.RestoreVersion(ctx, 1); err != nil {
			return err
		}
		return tx.CreateJob(ctx, &store.Job{NameID: 2, Job: "j", Size: 1, ChunkSize: 1})
	}); err != nil {
		t.Errorf("what came with the later tables: %v", err)
	}
}

func TestManyMayStartAtTheSameTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hatrac.db")
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			if out, err := child(t, path, "open").Output(); err != nil || string(out) != "opened\n" {
				t.Errorf("a process: %s, %v", out, err)
			}
		})
		wait.Go(func() {
			d, err := Open(t.Context(), Config{Path: path, Migrate: true})
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
	d := openFile(t, path)
	var applied, migrations int
	err := d.pool.QueryRowContext(t.Context(),
		"SELECT count(*), count(DISTINCT version_id) FROM goose_db_version WHERE version_id > 0").Scan(&applied, &migrations)
	if err != nil || applied != migrations || applied == 0 {
		t.Errorf("%d migrations were applied %d times, %v", migrations, applied, err)
	}
}

func TestStartingWaitsForOthersThatStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hatrac.db")
	unlock, err := lockStart(t.Context(), path+"-lock")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan error, 2)
	go func() {
		_, err := Open(ctx, Config{Path: path, Migrate: true})
		answer <- err
	}()
	cancel()
	if err := <-answer; store.KindOf(err) != store.Interrupted {
		t.Errorf("one who gave up waiting hears %v", err)
	}
	go func() {
		d, err := Open(t.Context(), Config{Path: path, Migrate: true})
		if err == nil {
			err = d.Close()
		}
		answer <- err
	}()
	if info, err := os.Stat(path); err != nil || info.Size() != 0 {
		t.Errorf("somebody started in spite of the lock: %v", err)
	}
	unlock()
	if err := <-answer; err != nil {
		t.Errorf("one who waited hears %v", err)
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	for _, cfg := range []Config{{}, {Path: filepath.Join(t.TempDir(), "none", "hatrac.db"), Migrate: true}} {
		if d, err := Open(t.Context(), cfg); err == nil {
			t.Error(fmt.Sprintf("%+v was accepted", cfg), d.Close())
		}
	}
	path := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if d, err := Open(t.Context(), Config{Path: path, Migrate: true}); err == nil {
		t.Error("a text was accepted", d.Close())
	}
}
