package postgres

import (
	"context"
	"database/sql"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/hatrac/hatrac/store"
)

// MigrateOptions say how Migrate works.
type MigrateOptions struct {
	// DryRun looks only: nothing is changed.
	DryRun bool
	// Owners own the root if a database of the original server has none.
	Owners []string
	// UploadAddress is that of store.Heir; nil makes an upload a store.Origin with the job as
	// version.
	UploadAddress func(name, job string) (store.Address, error)
	// Progress, if not nil, hears what is being done and how much of it is: done of total
	// rows.
	Progress func(doing string, done, total int64)

	// patience is how long to wait for those who use the tables of the original server; 0 means
	// 10 seconds.
	patience time.Duration
}

// Migrated tells what Migrate has done, or would do in a dry run.
type Migrated struct {
	// From and To are the numbers of the last migration before and after. They are equal if
	// there was nothing to do; From is 0 for tables of the original server.
	From, To int64
	// Adopted tells of the tables of the original server; nil if they were tables of this one.
	Adopted *Adopted
}

// Migrate brings the tables up to date: those of an earlier version of this program, and those
// of the original server, which stay readable for it. All is done in one transaction, or, from
// one version of this program to the next, in one for each step; who is interrupted begins
// again and gets the same. It waits for others who do the same.
//
// Conflict: there are no tables, or tables of others or of a later version, or the original
// tables hold what cannot be taken over; Adopted.Problems says what, and nothing was changed.
func Migrate(ctx context.Context, cfg Config, opts MigrateOptions) (done *Migrated, err error) {
	cfg = cfg.withDefaults()
	pool, err := cfg.pool()
	if err != nil {
		return nil, err
	}
	config := pool.ConnConfig
	db := stdlib.OpenDB(*config)
	defer func() {
		if e := db.Close(); err == nil {
			err = failed("close the database", e)
		}
	}()
	provider, err := newProvider(db)
	if err != nil {
		return nil, err
	}
	sources := provider.ListSources()
	done = &Migrated{To: sources[len(sources)-1].Version}
	if done.From, err = schemaVersion(ctx, db, cfg.Schema); err != nil {
		return nil, failed("read the version of the database", err)
	}
	switch {
	case done.From > done.To:
		return nil, store.NewError(store.Conflict, "", newerThanI)
	case done.From > 0 && (done.From == done.To || opts.DryRun):
		return done, nil
	case done.From > 0:
		_, err = provider.Up(ctx)
		return done, failed("bring the database up to date", err)
	}
	original, err := isOriginal(ctx, db, cfg.Schema)
	if err != nil {
		return nil, failed("look for tables", err)
	}
	if !original {
		if err := checkEmpty(ctx, db, cfg.Schema); err != nil {
			return nil, err
		}
		return nil, store.NewError(store.Conflict, "", noTables)
	}
	done.Adopted, err = adopt(ctx, config, cfg.Schema, opts)
	return done, err
}

// isOriginal reports whether the schema holds the tables of the original server and nothing
// that this program has added to them.
func isOriginal(ctx context.Context, db *sql.DB, schema string) (is bool, err error) {
	err = db.QueryRowContext(ctx, originalTables, schema).Scan(&is)
	return is, err
}

const originalTables = `
SELECT (count(*) FILTER (WHERE table_name = 'name' AND column_name IN ('id', 'name', 'subtype', 'is_deleted'))
	+ count(*) FILTER (WHERE table_name = 'version' AND column_name IN ('id', 'nameid', 'version', 'is_deleted')) = 8)
	AND NOT coalesce(bool_or(column_name = 'current_version'), false)
FROM information_schema.columns WHERE table_schema = $1 AND table_name IN ('name', 'version')`

// adopt takes over the tables of the original server in one transaction.
func adopt(ctx context.Context, config *pgx.ConnConfig, schema string, opts MigrateOptions) (_ *Adopted, err error) {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, failed("connect to the database", lostError{gone(ctx, err)})
	}
	defer func() {
		if e := conn.Close(context.WithoutCancel(ctx)); err == nil {
			err = failed("close the database", e)
		}
	}()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return nil, failed("begin a transaction", gone(ctx, err))
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // no more than that after a commit
	a := &adoption{tx: tx, schema: schema, opts: opts, found: new(Adopted)}
	if err := a.run(ctx); err != nil {
		return a.found, failed("take over the tables of the original server", gone(ctx, err))
	}
	if opts.DryRun {
		return a.found, nil
	}
	return a.found, failed("commit", gone(ctx, tx.Commit(ctx)))
}
