// Package sqlite keeps the directory in one SQLite file: no server to install, for one
// machine. Several processes may use the same file at the same time. Changes are durable
// when they are acknowledged (write-ahead log, full synchronisation), but for those that may
// wait; changes that arrive together share one commit.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/hatrac/hatrac/store"
)

// Config says which file to use and how.
type Config struct {
	// Path is the database file. Two more files stand beside it while it is in use, and
	// a lock file for starting. Its folder must exist.
	Path string
	// Migrate creates the file, readable for its owner only, and its tables if they are
	// missing, and brings older tables up to date. Without it that is an error.
	Migrate bool
	// Patience is how long a change waits for other processes that write to the file
	// before it is Unavailable; 0 means 10 seconds.
	Patience time.Duration
	// Readers is how many reads run at the same time; 0 means twice the number of
	// processors, at least 4.
	Readers int
}

const defaultPatience = 10 * time.Second

func (c Config) withDefaults() (Config, error) {
	if c.Path == "" {
		return c, store.NewError(store.Invalid, "", "The path of the database file is missing.")
	}
	path, err := filepath.Abs(c.Path)
	if err != nil {
		return c, failed("find the database file", err)
	}
	c.Path = path
	if c.Patience <= 0 {
		c.Patience = defaultPatience
	}
	if c.Readers <= 0 {
		c.Readers = max(4, 2*runtime.NumCPU())
	}
	return c, nil
}

// Directory is a store.Directory in an SQLite file.
type Directory struct {
	writer *writer
	// pool holds the connections that only read.
	pool  *sql.DB
	reads *reads
}

var _ store.Directory = (*Directory)(nil)

// Open opens the database file. A file whose tables are missing or older is brought up to
// date if the configuration says so, under a lock that other processes starting on the same
// file wait for; else it is a Conflict, as are always tables of a newer program.
func Open(ctx context.Context, cfg Config) (*Directory, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := prepareFile(cfg); err != nil {
		return nil, err
	}
	unlock, err := lockStart(ctx, cfg.Path+"-lock")
	if err != nil {
		return nil, failed("lock the database for starting", err)
	}
	defer unlock()
	return open(ctx, cfg)
}

// prepareFile makes sure that there is a file, which nobody but its owner may read.
func prepareFile(cfg Config) error {
	if !cfg.Migrate {
		if _, err := os.Stat(cfg.Path); errors.Is(err, os.ErrNotExist) {
			return store.NewError(store.Conflict, "", noTables)
		}
		return nil
	}
	file, err := os.OpenFile(cfg.Path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return failed("create the database file", err)
	}
	return failed("create the database file", file.Close())
}

func open(ctx context.Context, cfg Config) (_ *Directory, err error) {
	db, err := sql.Open("sqlite", writerDSN(cfg))
	if err != nil {
		return nil, failed("open the database", err)
	}
	db.SetMaxOpenConns(1)
	if err := prepareSchema(ctx, db, cfg.Migrate); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	w, err := newWriter(ctx, db, cfg.Patience)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	pool, err := sql.Open("sqlite", dsn(cfg.Path,
		pragma("busy_timeout", cfg.Patience.Milliseconds()), "query_only(1)", "cache_size(-4096)"))
	if err != nil {
		return nil, errors.Join(failed("open the database", err), w.close())
	}
	pool.SetMaxOpenConns(cfg.Readers)
	pool.SetMaxIdleConns(cfg.Readers)
	return &Directory{writer: w, pool: pool, reads: &reads{newStatements(pool)}}, nil
}

// checkpointPages is how many pages the log has when they are brought into the file, which is synced
// then: many changes touch the same few pages. 32 MiB are read within a moment after a crash.
const checkpointPages = 8192

// writerDSN is for the connection that writes.
func writerDSN(cfg Config) string {
	return dsn(cfg.Path, pragma("busy_timeout", cfg.Patience.Milliseconds()),
		"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
		"journal_size_limit(67108864)", "cache_size(-16384)", pragma("wal_autocheckpoint", checkpointPages))
}

func pragma(name string, value int64) string { return fmt.Sprintf("%s(%d)", name, value) }

// dsn names an existing file, of whatever characters, with pragmas for every connection.
func dsn(path string, pragmas ...string) string {
	query := url.Values{"mode": {"rw"}, "_pragma": pragmas}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String()
}

// Update implements store.Directory. Changes that arrive while another one is being
// committed are committed together, each of them by itself whole or not at all.
func (d *Directory) Update(ctx context.Context, fn func(tx store.Tx) error) error {
	return d.writer.update(ctx, func(t *tx) error { return fn(t) })
}

// UpdateSoon implements store.Directory.
func (d *Directory) UpdateSoon(ctx context.Context, fn func(tx store.Tx) error) error {
	return d.writer.updateTo(ctx, soon, func(t *tx) error { return fn(t) })
}

// Accounts implements store.Directory.
func (d *Directory) Accounts() store.Accounts { return accounts{d} }

// Close implements store.Directory.
func (d *Directory) Close() error {
	return errors.Join(d.writer.close(), failed("close the database", d.pool.Close()))
}
