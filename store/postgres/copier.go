package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/hatrac/hatrac/store"
)

// The rows of sync_mark besides the one that commits write to: the source of a copy, and whether
// that is complete.
var (
	getCopyMark = statement{"read the mark of a copy", `
SELECT coalesce(max(m.number) FILTER (WHERE m.id = 1), 0), coalesce(max(m.number) FILTER (WHERE m.id = 2), 0)
FROM sync_mark AS m WHERE m.id IN (1, 2)`}
	dropCopyMark = statement{"take away the mark of a copy", `DELETE FROM sync_mark WHERE id IN (1, 2)`}
	setCopyMark  = statement{"keep the mark of a copy", `INSERT INTO sync_mark (id, number) VALUES (1, $1), (2, $2)`}
)

// CopyMark implements store.Copier.
func (d *Directory) CopyMark(ctx context.Context) (store.CopyMark, error) {
	m, _, err := first(ctx, reads{d}, getCopyMark, func(rows pgx.Rows) (m store.CopyMark, err error) {
		var complete int64
		err = rows.Scan(&m.Source, &complete)
		m.Complete = complete != 0
		return m, err
	})
	return m, err
}

// SetCopyMark implements store.Copier.
func (d *Directory) SetCopyMark(ctx context.Context, m store.CopyMark) error {
	steps := []*step{dropCopyMark.with()}
	if m != (store.CopyMark{}) {
		complete := int64(0)
		if m.Complete {
			complete = 1
		}
		steps = append(steps, setCopyMark.with(m.Source, complete))
	}
	return d.change(ctx, func(t *tx) error { return t.do(ctx, steps...) })
}

// The counter of a table, 0 before it was used.
const (
	counterOf   = `pg_get_serial_sequence($1::text, 'id')::regclass`
	lastCounted = `coalesce(pg_sequence_last_value(` + counterOf + `), 0)`
)

var (
	getCounter   = statement{"read a counter", `SELECT ` + lastCounted}
	raiseCounter = statement{"raise a counter", `
SELECT setval(` + counterOf + `, $2::int8) WHERE ` + lastCounted + ` < $2`}
)

// raiseMoves lets the next move have an ID above all that were imported.
var raiseMoves = statement{"raise the counter of moves", `
SELECT setval(pg_get_serial_sequence('moved', 'id'), m.id) FROM moved AS m ORDER BY m.id DESC LIMIT 1`}

// Counters implements store.Copier.
func (d *Directory) Counters(ctx context.Context) (c store.Counters, err error) {
	if c.Names, _, err = first(ctx, reads{d}, getCounter, one[int64], "name"); err != nil {
		return c, err
	}
	c.Versions, _, err = first(ctx, reads{d}, getCounter, one[int64], "version")
	return c, err
}

var keptUntil = statement{"look how long content is kept", `
SELECT CASE WHEN NOT v.is_deleted THEN NULL WHEN v.inline THEN c.due
	ELSE (SELECT CASE WHEN NOT bool_or(r.taken) THEN max(r.due) END FROM reclaim AS r WHERE r.address = v.address) END
FROM unnest($1::int8[]) WITH ORDINALITY AS p (id, place) LEFT JOIN version AS v ON v.id = p.id
LEFT JOIN content AS c ON c.versionid = v.id ORDER BY p.place`}

// KeptUntil implements store.Copier.
func (d *Directory) KeptUntil(ctx context.Context, ids []int64) ([]time.Time, error) {
	return all(ctx, reads{d}, keptUntil, func(rows pgx.Rows) (time.Time, error) {
		at, err := one[pgtype.Timestamptz](rows)
		return moment(at), err
	}, ids)
}

var formersAfter = statement{"walk former versions", `
SELECT f.id, f.nameid, f.version, f.created_on, f.until, f.deleted_on
FROM former AS f WHERE (f.id, f.until) > ($1, $2) ORDER BY f.id, f.until LIMIT $3`}

// FormersAfter implements store.Copier.
func (d *Directory) FormersAfter(ctx context.Context, after store.Former, limit int) ([]store.Former, error) {
	return all(ctx, reads{d}, formersAfter, func(rows pgx.Rows) (f store.Former, err error) {
		var created, until, deleted pgtype.Timestamptz
		err = rows.Scan(&f.ID, &f.NameID, &f.Version, &created, &until, &deleted)
		f.Created, f.Until, f.DeletedOn = moment(created), moment(until), moment(deleted)
		return f, err
	}, after.ID, due(after.Until), max(0, limit))
}

var movesAfter = statement{"walk moves", `
SELECT m.id, m.nameid, m.pid, m.segment, m.until FROM moved AS m WHERE m.id > $1 ORDER BY m.id LIMIT $2`}

// MovesAfter implements store.Copier.
func (d *Directory) MovesAfter(ctx context.Context, after int64, limit int) ([]store.Moved, error) {
	return all(ctx, reads{d}, movesAfter, func(rows pgx.Rows) (m store.Moved, err error) {
		var until pgtype.Timestamptz
		err = rows.Scan(&m.ID, &m.NameID, &m.Parent, &m.Segment, &until)
		m.Until = moment(until)
		return m, err
	}, after, max(0, limit))
}

// Import implements store.Copier.
func (d *Directory) Import(ctx context.Context, fn func(tx store.ImportTx) error) error {
	return d.change(ctx, func(t *tx) error { return fn(t) })
}

var (
	findCurrent = statement{"find out which versions are current", `
UPDATE name AS n SET current_version = ` + currentOf + ` WHERE n.current_version IS DISTINCT FROM ` + currentOf}
	findAncestors = statement{"find out what encloses names", `
WITH RECURSIVE below (id, ancestors) AS (
	SELECT n.id, '{}'::int8[] FROM name AS n WHERE n.pid IS NULL
	UNION ALL
	SELECT n.id, b.ancestors || b.id FROM below AS b JOIN name AS n ON n.pid = b.id
)
UPDATE name AS n SET ancestors = b.ancestors FROM below AS b
WHERE n.id = b.id AND n.ancestors IS DISTINCT FROM b.ancestors`}
)

// EndImport implements store.Copier.
func (d *Directory) EndImport(ctx context.Context, c store.Counters) error {
	return d.change(ctx, func(t *tx) error {
		return t.do(ctx, findCurrent.with(), findAncestors.with(),
			raiseCounter.with("name", c.Names), raiseCounter.with("version", c.Versions), raiseMoves.with())
	})
}
