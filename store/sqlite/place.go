package sqlite

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/hatrac/hatrac/store"
)

const (
	// stayed is the condition that the name n was not moved after the time ?2.
	stayed = `NOT EXISTS (SELECT 1 FROM moved AS e WHERE e.nameid = n.id AND e.until > ?2)`
	// firstLeft is the condition that a move m was the first of its name after the time ?2, so that the
	// name was then where it was moved from.
	firstLeft = `m.until > ?2 AND NOT EXISTS (
		SELECT 1 FROM moved AS e WHERE e.nameid = m.nameid AND e.until > ?2 AND (e.until, e.id) < (m.until, m.id)
	)`
)

// findPlace follows the segments ?1, a JSON array, from the root down, each to the name that was there
// at the time ?2: one that left later, or else one that did not come later. It answers with the path
// that the last one has now.
var findPlace = statement{"look where a name is now", `
WITH RECURSIVE walk (depth, id) AS (
	SELECT 0, n.id FROM name AS n WHERE n.name = '/'
	UNION ALL
	SELECT w.depth + 1, coalesce((
		SELECT m.nameid FROM moved AS m WHERE m.pid = w.id AND m.segment = p.value AND ` + firstLeft + `
		ORDER BY m.until, m.id LIMIT 1
	), (
		SELECT n.id FROM name AS n
		WHERE n.name = (SELECT CASE u.name WHEN '/' THEN '/' ELSE u.name || '/' END || p.value FROM name AS u WHERE u.id = w.id)
			AND ` + stayed + `
	))
	FROM walk AS w JOIN json_each(?1) AS p ON p.key = w.depth
	WHERE w.id IS NOT NULL
)
SELECT (SELECT n.name FROM name AS n WHERE n.id = w.id) FROM walk AS w WHERE w.depth = ?3`}

// placeNow returns the path that what was at a path then has now, empty if there was nothing.
func (d *Directory) placeNow(ctx context.Context, path store.Path, at time.Time) (store.Path, error) {
	if path.IsRoot() {
		return path, nil
	}
	segments := strings.Split(strings.TrimPrefix(string(path), "/"), "/")
	list, err := json.Marshal(segments)
	if err != nil {
		return "", failed(findPlace.doing, err)
	}
	now, _, err := first(ctx, d.reads, findPlace, func(r *row) (store.Path, error) { return store.Path(r.text()), nil },
		string(list), at.UnixNano(), len(segments))
	return now, err
}

// listLeft walks the namespaces that were children of ?1 at the time ?2 and left it later, in the order
// of the segments that they had there.
var listLeft = statement{"list children that were moved away", `
SELECT ` + nameColumns + `, m.segment
FROM moved AS m JOIN name AS n ON n.id = m.nameid
WHERE m.pid = ?1 AND m.segment > ?3 AND ` + firstLeft + `
	AND n.subtype = 0 AND coalesce(n.created_on <= ?2, 1) AND (n.is_deleted = 0 OR n.deleted_on > ?2)
ORDER BY m.segment LIMIT ?4`}

// left returns children of a namespace as they were, of those that were moved away since.
func (d *Directory) left(ctx context.Context, namespace int64, at time.Time, after string, limit int) ([]store.Entry, error) {
	return all(ctx, d.reads, listLeft, func(r *row) (e store.Entry, err error) {
		e.Name, err = scanName(r)
		e.Segment = r.text()
		return e, err
	}, namespace, at.UnixNano(), after, limit)
}

var (
	noteMove = statement{"note where a namespace was", `
INSERT INTO moved (nameid, pid, segment, until) VALUES (?, ?, ?, ?)`}
	// noteTaken notes of names that a tree takes over from deleted ones at its new path, because it has
	// none for them, that they were not in it before.
	noteTaken = statement{"note where deleted names were", `
INSERT INTO moved (nameid, pid, segment, until)
SELECT c.id, c.pid, '', ?5 FROM name AS c WHERE c.pid IN ` + taken + ` AND c.id NOT IN ` + taken}
)
