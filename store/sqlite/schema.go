package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/hatrac/hatrac/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// What an operator is told who starts a program on a database that does not fit it.
const (
	noTables   = "The database has no tables yet: run hatrac init."
	oldTables  = "The database is of an earlier version: run hatrac migrate."
	newerThanI = "The database was written by a later version of hatrac: use that version or a later one."
)

// prepareSchema makes the tables fit this program or says why they do not. The caller holds
// the start lock.
func prepareSchema(ctx context.Context, db *sql.DB, migrate bool) error {
	provider, err := newProvider(db)
	if err != nil {
		return err
	}
	wanted := wantedVersion(provider)
	found, err := schemaVersion(ctx, db)
	switch {
	case err != nil:
		return failed("read the version of the database", err)
	case found == wanted:
		return nil
	case found > wanted:
		return store.NewError(store.Conflict, "", newerThanI)
	case !migrate && found == 0:
		return store.NewError(store.Conflict, "", noTables)
	case !migrate:
		return store.NewError(store.Conflict, "", oldTables)
	}
	_, err = provider.Up(ctx)
	return failed("bring the database up to date", err)
}

func newProvider(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, failed("read the migrations", err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	return provider, failed("read the migrations", err)
}

// wantedVersion is the number of the last migration that there is.
func wantedVersion(provider *goose.Provider) int64 {
	sources := provider.ListSources()
	return sources[len(sources)-1].Version
}

// schemaVersion returns the number of the last migration that the database has seen, 0 if
// none.
func schemaVersion(ctx context.Context, db *sql.DB) (version int64, err error) {
	var tables int
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = 'goose_db_version'`).Scan(&tables)
	if err != nil || tables == 0 {
		return 0, err
	}
	err = db.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&version)
	return version, err
}

const lockInterval = 10 * time.Millisecond

// lockStart takes the lock that keeps other processes from starting on the same database and
// returns what releases it. The lock file stays, because removing it would let two in.
func lockStart(ctx context.Context, path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	retry := time.NewTicker(lockInterval)
	defer retry.Stop()
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return func() { _ = file.Close() }, nil
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			return nil, errors.Join(err, file.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), file.Close())
		case <-retry.C:
		}
	}
}
