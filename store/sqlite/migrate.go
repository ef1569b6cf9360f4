package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/hatrac/hatrac/store"
)

// Migrate brings an existing file up to date and returns the numbers of the last migration before
// and after; with dryRun it looks only. Conflict: there is no store, or one of a later program.
func Migrate(ctx context.Context, cfg Config, dryRun bool) (from, to int64, err error) {
	cfg.Migrate = false
	if cfg, err = cfg.withDefaults(); err != nil {
		return 0, 0, err
	}
	if err := prepareFile(cfg); err != nil {
		return 0, 0, err
	}
	unlock, err := lockStart(ctx, cfg.Path+"-lock")
	if err != nil {
		return 0, 0, failed("lock the database for starting", err)
	}
	defer unlock()
	db, err := sql.Open("sqlite", writerDSN(cfg))
	if err != nil {
		return 0, 0, failed("open the database", err)
	}
	db.SetMaxOpenConns(1)
	from, to, err = migrate(ctx, db, dryRun)
	return from, to, errors.Join(err, failed("close the database", db.Close()))
}

func migrate(ctx context.Context, db *sql.DB, dryRun bool) (from, to int64, err error) {
	provider, err := newProvider(db)
	if err != nil {
		return 0, 0, err
	}
	to = wantedVersion(provider)
	from, err = schemaVersion(ctx, db)
	switch {
	case err != nil:
		return 0, 0, failed("read the version of the database", err)
	case from == 0:
		return 0, 0, store.NewError(store.Conflict, "", noTables)
	case from > to:
		return 0, 0, store.NewError(store.Conflict, "", newerThanI)
	case from < to && !dryRun:
		_, err = provider.Up(ctx)
	}
	return from, to, failed("bring the database up to date", err)
}
