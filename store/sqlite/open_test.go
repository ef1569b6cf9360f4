package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

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
	var applied int
	err := d.pool.QueryRowContext(t.Context(), "SELECT count(*) FROM goose_db_version WHERE version_id > 0").Scan(&applied)
	if err != nil || applied != 1 {
		t.Errorf("the migration was applied %d times, %v", applied, err)
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
