package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hatrac/hatrac/store"
)

// Adopted tells what tables of the original server hold, and what becomes of it.
type Adopted struct {
	// Names and Versions are what is live; DeletedNames and DeletedVersions what was deleted
	// and stays bound. Forwards and URLs are, of the live versions, those whose content is
	// that of another one, and those whose content lives elsewhere. Unstored are the versions
	// that were never received as a whole; they will never be seen.
	Names, DeletedNames       int64
	Versions, DeletedVersions int64
	Forwards, URLs, Unstored  int64
	// Jobs are the uploads that are under way.
	Jobs int64
	// Renamed are the names that get their canonical form.
	Renamed int64
	// Digests are those of live versions that are no digests; they are dropped.
	Digests int64
	// NoRoot is true if there is no root namespace, so that one is made.
	NoRoot bool
	// Problems says what keeps the tables from being taken over.
	Problems []string
}

// adoption is the taking over of the tables of the original server. All that is there is in
// one transaction.
type adoption struct {
	tx     pgx.Tx
	schema string
	opts   MigrateOptions
	found  *Adopted
	had    map[string]bool // the columns that were there, as table.column
}

const (
	// adoptBatch is how many rows one statement changes, so that there is progress to tell.
	adoptBatch = 20_000
	// lockPatience is how long the original server may take to let go of its tables.
	lockPatience = 10 * time.Second
	// maxProblems is how many problems of each kind are told.
	maxProblems = 1000

	problemsFound = "The database of the original server cannot be taken over as it is; nothing was changed."
	tablesInUse   = "The tables are in use: stop the original server first."
)

// run does everything but the commit. With DryRun it looks only.
func (a *adoption) run(ctx context.Context) error {
	if err := a.lock(ctx); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{a.functions, a.canonical, a.count, a.problems} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if len(a.found.Problems) > 0 {
		return store.NewError(store.Conflict, "", problemsFound)
	}
	if a.opts.DryRun {
		return nil
	}
	for _, step := range []func(context.Context) error{
		a.complete, a.extend, a.root, a.versions, a.forwards, a.jobs, a.rename, a.parents, a.current, a.sequences, a.analyze,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// exec executes a statement and returns how many rows it has changed.
func (a *adoption) exec(ctx context.Context, sql string, args ...any) (int64, error) {
	tag, err := a.tx.Exec(ctx, sql, args...)
	return tag.RowsAffected(), err
}

func (a *adoption) tell(doing string, done, total int64) {
	if a.opts.Progress != nil {
		a.opts.Progress(doing, done, total)
	}
}

// lock notes what is there, and keeps all others away from the tables, unless it is a dry run, which
// disturbs nobody.
func (a *adoption) lock(ctx context.Context) error {
	if a.opts.DryRun {
		if _, err := a.exec(ctx, `SET TRANSACTION ISOLATION LEVEL REPEATABLE READ`); err != nil {
			return err
		}
		return a.columns(ctx)
	}
	if err := a.columns(ctx); err != nil {
		return err
	}
	tables := "name, version"
	for _, table := range []string{"upload", "chunk"} {
		if a.has(table) {
			tables += ", " + table
		}
	}
	patience := cmp.Or(a.opts.patience, lockPatience)
	if _, err := a.exec(ctx, fmt.Sprintf(`SET LOCAL lock_timeout = %d`, patience.Milliseconds())); err != nil {
		return err
	}
	_, err := a.exec(ctx, `LOCK TABLE `+tables+` IN ACCESS EXCLUSIVE MODE`)
	var said *pgconn.PgError
	if errors.As(err, &said) && said.Code == "55P03" {
		return &store.Error{Kind: store.Unavailable, Message: tablesInUse, Err: err}
	}
	if err != nil {
		return err
	}
	var still bool
	if err := a.tx.QueryRow(ctx, originalTables, a.schema).Scan(&still); err != nil || still {
		return err
	}
	return store.NewError(store.Conflict, "", "Another process has taken the tables over meanwhile.")
}

// columns notes which columns there are.
func (a *adoption) columns(ctx context.Context) error {
	rows, err := a.tx.Query(ctx, `
SELECT table_name || '.' || column_name FROM information_schema.columns
WHERE table_schema = $1 AND table_name IN ('name', 'version', 'upload', 'chunk')`, a.schema)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	a.had = make(map[string]bool, len(names))
	for _, name := range names {
		a.had[name] = true
	}
	return err
}

// has reports whether there is a table of the name.
func (a *adoption) has(table string) bool {
	for column := range a.had {
		if strings.HasPrefix(column, table+".") {
			return true
		}
	}
	return false
}

// required are the columns that must have a value; all others may be null, so that rows can be
// added that have none.
var required = map[string][]string{
	"name":    {"id", "name", "subtype", "is_deleted"},
	"version": {"id", "nameid", "is_deleted"},
	"upload":  {"id", "nameid", "job", "nbytes", "chunksize"},
	"chunk":   {"uploadid", "position"},
}

// complete makes tables of whatever age those of the first migration. What is there stays.
func (a *adoption) complete(ctx context.Context) error {
	if _, err := a.exec(ctx, lackingTables); err != nil {
		return err
	}
	for table, columns := range required {
		rows, err := a.tx.Query(ctx, `
SELECT column_name FROM information_schema.columns
WHERE table_schema = $1 AND table_name = $2 AND is_nullable = 'NO' AND column_name <> ALL ($3)`, a.schema, table, columns)
		if err != nil {
			return err
		}
		strict, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, column := range strict {
			if _, err := a.exec(ctx, `ALTER TABLE `+table+` ALTER COLUMN `+pgx.Identifier{column}.Sanitize()+` DROP NOT NULL`); err != nil {
				return err
			}
		}
	}
	for _, key := range [][]string{{"name", "name"}, {"version", "nameid", "version"}, {"upload", "nameid", "job"}, {"chunk", "uploadid", "position"}} {
		if err := a.unique(ctx, key[0], key[1:]); err != nil {
			return err
		}
	}
	return nil
}

// unique makes columns unique together, if they are not.
func (a *adoption) unique(ctx context.Context, table string, columns []string) error {
	var is bool
	err := a.tx.QueryRow(ctx, `
SELECT EXISTS (
	SELECT 1 FROM pg_index AS i
	WHERE i.indrelid = $1::text::regclass AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AND (
		SELECT array_agg(c.attname::text ORDER BY c.attname) FROM pg_attribute AS c
		WHERE c.attrelid = i.indrelid AND c.attnum = ANY (i.indkey::int2[])
	) = $2
)`, table, slices.Sorted(slices.Values(columns))).Scan(&is)
	if err == nil && !is {
		_, err = a.exec(ctx, `CREATE UNIQUE INDEX ON `+table+` (`+strings.Join(columns, ", ")+`)`)
	}
	return err
}

// lackingTables adds what the oldest databases lack.
const lackingTables = `
ALTER TABLE name
	ADD COLUMN IF NOT EXISTS pid int8 REFERENCES name (id),
	ADD COLUMN IF NOT EXISTS ancestors int8[],
	ADD COLUMN IF NOT EXISTS owner text[],
	ADD COLUMN IF NOT EXISTS "create" text[],
	ADD COLUMN IF NOT EXISTS "update" text[],
	ADD COLUMN IF NOT EXISTS read text[],
	ADD COLUMN IF NOT EXISTS "subtree-owner" text[],
	ADD COLUMN IF NOT EXISTS "subtree-create" text[],
	ADD COLUMN IF NOT EXISTS "subtree-update" text[],
	ADD COLUMN IF NOT EXISTS "subtree-read" text[];
ALTER TABLE version
	ADD COLUMN IF NOT EXISTS nbytes int8,
	ADD COLUMN IF NOT EXISTS metadata jsonb,
	ADD COLUMN IF NOT EXISTS owner text[],
	ADD COLUMN IF NOT EXISTS read text[],
	ADD COLUMN IF NOT EXISTS aux json;
CREATE TABLE IF NOT EXISTS upload (
	id        bigserial PRIMARY KEY,
	nameid    int8 NOT NULL REFERENCES name (id),
	job       text NOT NULL,
	nbytes    int8 NOT NULL,
	chunksize int8 NOT NULL
);
ALTER TABLE upload
	ADD COLUMN IF NOT EXISTS metadata jsonb,
	ADD COLUMN IF NOT EXISTS owner text[],
	ADD COLUMN IF NOT EXISTS created_on timestamptz;
CREATE TABLE IF NOT EXISTS chunk (
	uploadid int8 NOT NULL REFERENCES upload (id),
	position int8 NOT NULL
);
ALTER TABLE chunk ADD COLUMN IF NOT EXISTS aux json`

// extend applies the further migrations, as goose would, which has a transaction of its own for
// each.
func (a *adoption) extend(ctx context.Context) error {
	if _, err := a.exec(ctx, `
CREATE TABLE goose_db_version (
	id         integer PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
	version_id bigint NOT NULL,
	is_applied boolean NOT NULL,
	tstamp     timestamp NOT NULL DEFAULT now()
);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, true)`); err != nil {
		return err
	}
	files, err := fs.Glob(migrations, "migrations/*.sql") // sorted
	if err != nil {
		return err
	}
	for _, file := range files {
		number, _, _ := strings.Cut(path.Base(file), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return err
		}
		if version > 1 { // the first one is that of the original tables
			text, err := migrations.ReadFile(file)
			if err != nil {
				return err
			}
			if _, err := a.exec(ctx, string(text)); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
		if _, err := a.exec(ctx, `INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, true)`, version); err != nil {
			return err
		}
	}
	return nil
}

// sequences moves those that number rows past the rows that are there.
func (a *adoption) sequences(ctx context.Context) error {
	for _, table := range []string{"name", "version", "upload"} {
		if _, err := a.exec(ctx, `
SELECT setval(s.sequence, m.id)
FROM (SELECT pg_get_serial_sequence('`+table+`', 'id')::regclass AS sequence) AS s,
	(SELECT max(id) AS id FROM `+table+`) AS m
WHERE s.sequence IS NOT NULL AND m.id > coalesce(pg_sequence_last_value(s.sequence), 0)`); err != nil {
			return err
		}
	}
	return nil
}

// analyze lets the database know what it holds now.
func (a *adoption) analyze(ctx context.Context) error {
	_, err := a.exec(ctx, `ANALYZE name, version, upload`)
	return err
}
