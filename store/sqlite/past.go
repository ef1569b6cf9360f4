package sqlite

import (
	"context"
	"time"

	"github.com/hatrac/hatrac/store"
)

// boundOn is the time from which on a version a was there: always, if it is unknown.
const boundOn = `coalesce(a.created_on, 0x8000000000000000)`

// formerOn is the same for a version that was renamed away and came back.
const formerOn = `coalesce(f.created_on, 0x8000000000000000)`

// shownAt is the condition that the version v of the object n is the one which was current at
// the time ?3, and is there still: it was not deleted since, and was no forwarding record then.
// One that was renamed away and came back after that time is the one of its id, or nothing while
// it was away. One that was returned has kept its own id.
const shownAt = `
	v.id = coalesce((
		SELECT CASE WHEN f.until > ?3 THEN b.id ELSE 0 END
		FROM former AS f JOIN version AS b ON b.nameid = f.nameid AND b.version = f.version
		WHERE f.nameid = n.id AND ` + formerOn + ` <= ?3 AND (coalesce(b.created_on, 0x8000000000000000) > ?3 OR b.id = f.id)
			AND coalesce(f.deleted_on > ?3, 1) AND NOT EXISTS (
				SELECT 1 FROM version AS a
				WHERE a.nameid = n.id AND ` + boundOn + ` <= ?3 AND (a.is_deleted = 0 OR a.deleted_on > ?3)
					AND (` + boundOn + `, a.id) > (` + formerOn + `, f.id) AND a.id <> f.id
			)
		ORDER BY ` + formerOn + ` DESC, f.id DESC, f.until LIMIT 1
	), (
		SELECT a.id FROM version AS a
		WHERE a.nameid = n.id AND ` + boundOn + ` <= ?3 AND (a.is_deleted = 0 OR a.deleted_on > ?3)
		ORDER BY ` + boundOn + ` DESC, a.id DESC LIMIT 1
	))
	AND CASE WHEN v.forward_name IS NULL THEN v.is_deleted = 0 ELSE v.forwarded_on > ?3 END`

var resolvePast = statement{"resolve a path as it was", `
SELECT ` + resolvedColumns + `
FROM json_each(?1) AS p
CROSS JOIN name AS n ON n.name = p.value
LEFT JOIN version AS v ON n.name = ?2 AND ` + shownAt + `
LEFT JOIN content AS c ON c.versionid = v.id AND v.inline`}

// ResolveAt implements store.Directory, by two statements.
func (d *Directory) ResolveAt(ctx context.Context, path store.Path, at time.Time) (*store.Resolution, error) {
	now, err := d.placeNow(ctx, path, at)
	if err != nil || now == "" {
		return &store.Resolution{Path: path}, err
	}
	found := &store.Resolution{Path: now}
	err = resolveRows(ctx, d.reads, resolvePast, found, func(r *row) error { return addRow(found, r, "") }, at.UnixNano())
	if err != nil {
		return nil, err
	}
	found.Path, found.Current = path, nil
	return found, nil
}

// listPast walks all children that there ever were and that were not elsewhere, in the order of
// listChildren.
var listPast = statement{"list children as they were", `
SELECT ` + nameColumns + `, ` + versionColumns + `
FROM name AS n LEFT JOIN version AS v ON n.subtype = 1 AND ` + shownAt + `
WHERE n.pid = ?1 AND NOT EXISTS (SELECT 1 FROM moved AS e WHERE e.nameid = n.id AND e.until > ?3)
	AND n.name > (SELECT CASE p.name WHEN '/' THEN '/' ELSE p.name || '/' END || ?2 FROM name AS p WHERE p.id = ?1)
	AND CASE n.subtype
		WHEN 0 THEN coalesce(n.created_on <= ?3, 1) AND (n.is_deleted = 0 OR n.deleted_on > ?3)
		ELSE v.id IS NOT NULL
	END
ORDER BY n.name LIMIT ?4`}

// ChildrenAt implements store.Directory.
func (d *Directory) ChildrenAt(ctx context.Context, namespace int64, at time.Time, after string, limit int) ([]store.Entry, error) {
	limit = max(0, limit)
	stayed, err := all(ctx, d.reads, listPast, func(r *row) (store.Entry, error) {
		e, err := scanEntry(r)
		e.Segment = e.Name.Path.Base()
		return e, err
	}, namespace, after, at.UnixNano(), limit)
	if err != nil {
		return nil, err
	}
	left, err := d.left(ctx, namespace, at, after, limit)
	return store.MergeEntries(stayed, left, limit), err
}
