package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/hatrac/hatrac/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// What an operator is told who starts a program on a database that does not fit it.
const (
	noTables      = "The database has no tables yet: run hatrac init."
	oldTables     = "The database is of an earlier version: run hatrac migrate."
	notAdopted    = "The tables are those of the original server, which have to be taken over first: run hatrac migrate."
	newerThanI    = "The database was written by a later version of hatrac: use that version or a later one."
	foreignTables = "The schema of the database holds tables that this program has not made."
	otherSchema   = `The tables are in the schema "hatrac", but the configuration names another one, which is empty.`
)

// prepareSchema makes the tables fit this program or says why they do not.
func prepareSchema(ctx context.Context, config *pgx.ConnConfig, cfg Config) (err error) {
	db := stdlib.OpenDB(*config)
	defer func() {
		if e := db.Close(); err == nil {
			err = failed("close the database", e)
		}
	}()
	provider, err := newProvider(db)
	if err != nil {
		return err
	}
	sources := provider.ListSources()
	wanted := sources[len(sources)-1].Version
	found, err := schemaVersion(ctx, db, cfg.Schema)
	switch {
	case err != nil:
		return failed("read the version of the database", err)
	case found == wanted:
		return nil
	case found > wanted:
		return store.NewError(store.Conflict, "", newerThanI)
	case found == 0:
		if err := checkEmpty(ctx, db, cfg.Schema); err != nil {
			return err
		}
	}
	if !cfg.Migrate {
		if found == 0 {
			return store.NewError(store.NotFound, "", noTables)
		}
		return store.NewError(store.Conflict, "", oldTables)
	}
	if err := createSchema(ctx, db, cfg.Schema); err != nil {
		return failed("create the schema", err)
	}
	_, err = provider.Up(ctx)
	return failed("bring the database up to date", err)
}

// How often one who starts asks whether another one has finished migrating, and how many times.
const (
	lockInterval = 100 * time.Millisecond
	lockAttempts = 3000
)

func newProvider(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, failed("read the migrations", err)
	}
	locker, err := lock.NewPostgresTableLocker(lock.WithTableLockTimeout(lockInterval, lockAttempts))
	if err != nil {
		return nil, failed("read the migrations", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithDisableGlobalRegistry(true), goose.WithLocker(locker))
	return provider, failed("read the migrations", err)
}

// hasTable reports whether there is such a table.
func hasTable(ctx context.Context, db *sql.DB, schema, table string) (has bool, err error) {
	err = db.QueryRowContext(ctx, `SELECT EXISTS (
	SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = $1 AND tablename = $2
)`, schema, table).Scan(&has)
	return has, err
}

// schemaVersion returns the number of the last migration that the database has seen, 0 if
// none.
func schemaVersion(ctx context.Context, db *sql.DB, schema string) (version int64, err error) {
	has, err := hasTable(ctx, db, schema, "goose_db_version")
	if err != nil || !has {
		return 0, err
	}
	err = db.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&version)
	return version, err
}

// checkEmpty refuses to begin where the original server or others have tables of the same
// names, and beside the tables of the default schema.
func checkEmpty(ctx context.Context, db *sql.DB, schema string) error {
	for _, place := range []struct{ schema, sentence string }{{schema, foreignTables}, {defaultSchema, otherSchema}} {
		has, err := hasTable(ctx, db, place.schema, "name")
		if err != nil {
			return failed("look for tables", err)
		}
		if !has {
			continue
		}
		// Another process may have made them meanwhile.
		if version, err := schemaVersion(ctx, db, schema); err != nil || version > 0 {
			return failed("read the version of the database", err)
		}
		sentence := place.sentence
		if original, err := isOriginal(ctx, db, schema); err != nil {
			return failed("look for tables", err)
		} else if original {
			sentence = notAdopted
		}
		return store.NewError(store.Conflict, "", sentence)
	}
	return nil
}

// createSchema makes sure that there is the schema. Of two who do at the same time, one may
// fail although it is there then.
func createSchema(ctx context.Context, db *sql.DB, schema string) error {
	create := `CREATE SCHEMA IF NOT EXISTS ` + pgx.Identifier{schema}.Sanitize()
	_, err := db.ExecContext(ctx, create)
	if err != nil {
		_, again := db.ExecContext(ctx, create)
		if again != nil {
			return errors.Join(err, again)
		}
	}
	return nil
}
