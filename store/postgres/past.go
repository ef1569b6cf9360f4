package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hatrac/hatrac/store"
)

// boundOn is the time from which on a version a was there: always, if it is unknown.
const boundOn = `coalesce(a.created_on, '-infinity'::timestamptz)`

// formerOn is the same for a version that was renamed away and came back.
const formerOn = `coalesce(f.created_on, '-infinity'::timestamptz)`

// shownAt is the condition that the version v of the object n is the one which was current at
// the time $3, and is there still: it was not deleted since, and was no forwarding record then.
// One that was renamed away and came back after that time is the one of its id, or nothing while
// it was away. One that was returned has kept its own id.
const shownAt = `
	v.id = coalesce((
		SELECT CASE WHEN f.until > $3 THEN b.id ELSE 0 END
		FROM former AS f JOIN version AS b ON b.nameid = f.nameid AND b.version = f.version
		WHERE f.nameid = n.id AND ` + formerOn + ` <= $3 AND (coalesce(b.created_on, '-infinity'::timestamptz) > $3 OR b.id = f.id)
			AND coalesce(f.deleted_on > $3, true) AND NOT EXISTS (
				SELECT 1 FROM version AS a
				WHERE a.nameid = n.id AND ` + boundOn + ` <= $3 AND (NOT a.is_deleted OR a.deleted_on > $3)
					AND (` + boundOn + `, a.id) > (` + formerOn + `, f.id) AND a.id <> f.id
			)
		ORDER BY ` + formerOn + ` DESC, f.id DESC, f.until LIMIT 1
	), (
		SELECT a.id FROM version AS a
		WHERE a.nameid = n.id AND ` + boundOn + ` <= $3 AND (NOT a.is_deleted OR a.deleted_on > $3)
		ORDER BY ` + boundOn + ` DESC, a.id DESC LIMIT 1
	))
	AND CASE WHEN v.aux ->> 'rename_to' IS NULL THEN NOT v.is_deleted ELSE v.forwarded_on > $3 END`

var resolvePast = statement{"resolve a path as it was", `
SELECT ` + resolvedColumns + `
FROM name AS n
LEFT JOIN LATERAL (SELECT * FROM version AS v WHERE n.name = $2 AND ` + shownAt + ` OFFSET 0) AS v ON true
WHERE n.name = ANY ($1)`}

// ResolveAt implements store.Directory, with one round trip, or two for what is elsewhere now.
func (d *Directory) ResolveAt(ctx context.Context, path store.Path, at time.Time) (*store.Resolution, error) {
	now, place := placeStep(path, at)
	found, ask := resolvePastStep(path, at)
	if err := (reads{d}).do(ctx, place, ask); err != nil {
		return nil, err
	}
	switch *now {
	case path:
	case "":
		return &store.Resolution{Path: path}, nil
	default:
		found, ask = resolvePastStep(*now, at)
		if err := (reads{d}).do(ctx, ask); err != nil {
			return nil, err
		}
	}
	(*found).Path, (*found).Current = path, nil
	return *found, nil
}

// resolvePastStep returns a step and where it leaves what it finds.
func resolvePastStep(path store.Path, at time.Time) (**store.Resolution, *step) {
	found := new(*store.Resolution)
	ask := resolvePast.with(append(pathStrings(path), string(path)), string(path), at)
	ask.rows = func(rows pgx.Rows) error {
		*found = &store.Resolution{Path: path}
		return addRows(*found, rows, "", nil, func() error { return nil })
	}
	return found, ask
}

// listPast walks all children that there ever were and that were not elsewhere, in the order of
// listChildren. The offset makes
// the database look for the version of one child after the other, and not for those of all at once.
var listPast = statement{"list children as they were", `
SELECT ` + nameColumns + `, ` + versionColumns + `
FROM name AS n
LEFT JOIN LATERAL (SELECT * FROM version AS v WHERE n.subtype = 1 AND ` + shownAt + ` OFFSET 0) AS v ON true
WHERE n.pid = $1 AND NOT EXISTS (SELECT 1 FROM moved AS e WHERE e.nameid = n.id AND e.until > $3)
	AND n.name COLLATE "C" > (SELECT CASE p.name WHEN '/' THEN '/' ELSE p.name || '/' END || $2::text FROM name AS p WHERE p.id = $1)
	AND CASE n.subtype
		WHEN 0 THEN coalesce(n.created_on <= $3, true) AND (NOT n.is_deleted OR n.deleted_on > $3)
		ELSE v.id IS NOT NULL
	END
ORDER BY n.name COLLATE "C" LIMIT $4`}

// ChildrenAt implements store.Directory.
func (d *Directory) ChildrenAt(ctx context.Context, namespace int64, at time.Time, after string, limit int) ([]store.Entry, error) {
	limit = max(0, limit)
	var stayed, left []store.Entry
	err := reads{d}.do(ctx,
		into(&stayed, listPast, func(rows pgx.Rows) (store.Entry, error) {
			e, err := scanEntry(rows)
			e.Segment = e.Name.Path.Base()
			return e, err
		}, namespace, after, at, limit),
		into(&left, listLeft, scanLeft, namespace, at, after, limit))
	return store.MergeEntries(stayed, left, limit), err
}
