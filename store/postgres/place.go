package postgres

import (
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/hatrac/hatrac/store"
)

const (
	// stayed is the condition that the name n was not moved after the time $2.
	stayed = `NOT EXISTS (SELECT 1 FROM moved AS e WHERE e.nameid = n.id AND e.until > $2)`
	// firstLeft is the condition that a move m was the first of its name after the time $2, so that the
	// name was then where it was moved from.
	firstLeft = `m.until > $2 AND NOT EXISTS (
		SELECT 1 FROM moved AS e WHERE e.nameid = m.nameid AND e.until > $2 AND (e.until, e.id) < (m.until, m.id)
	)`
)

// findPlace follows the segments $1 from the root down, each to the name that was there at the time $2:
// one that left later, or else one that did not come later. It answers with the path that the last one
// has now.
var findPlace = statement{"look where a name is now", `
WITH RECURSIVE walk (depth, id) AS (
	SELECT 0, (SELECT n.id FROM name AS n WHERE n.name = '/')
	UNION ALL
	SELECT w.depth + 1, coalesce((
		SELECT m.nameid FROM moved AS m
		WHERE m.pid = w.id AND m.segment COLLATE "C" = ($1::text[])[w.depth + 1] AND ` + firstLeft + `
		ORDER BY m.until, m.id LIMIT 1
	), (
		SELECT n.id FROM name AS n
		WHERE n.name = (
			SELECT CASE u.name WHEN '/' THEN '/' ELSE u.name || '/' END || ($1::text[])[w.depth + 1] FROM name AS u WHERE u.id = w.id
		) AND ` + stayed + `
	))
	FROM walk AS w
	WHERE w.id IS NOT NULL AND w.depth < cardinality($1::text[])
)
SELECT (SELECT n.name FROM name AS n WHERE n.id = w.id) FROM walk AS w WHERE w.depth = cardinality($1::text[])`}

// placeStep returns a step and where it leaves the path that what was at a path then has now, empty if
// there was nothing.
func placeStep(path store.Path, at time.Time) (*store.Path, *step) {
	now := new(store.Path)
	segments := []string{}
	if !path.IsRoot() {
		segments = strings.Split(strings.TrimPrefix(string(path), "/"), "/")
	}
	ask := findPlace.with(segments, at)
	ask.rows = func(rows pgx.Rows) error {
		*now = ""
		for rows.Next() {
			var name pgtype.Text
			if err := rows.Scan(&name); err != nil {
				return err
			}
			*now = store.Path(name.String)
		}
		return nil
	}
	return now, ask
}

// listLeft walks the namespaces that were children of $1 at the time $2 and left it later, in the order
// of the segments that they had there.
var listLeft = statement{"list children that were moved away", `
SELECT ` + nameColumns + `, m.segment
FROM moved AS m JOIN name AS n ON n.id = m.nameid
WHERE m.pid = $1 AND m.segment COLLATE "C" > $3 AND ` + firstLeft + `
	AND n.subtype = 0 AND coalesce(n.created_on <= $2, true) AND (NOT n.is_deleted OR n.deleted_on > $2)
ORDER BY m.segment COLLATE "C" LIMIT $4`}

func scanLeft(rows pgx.Rows) (e store.Entry, err error) {
	var n nameRow
	if err := rows.Scan(append(n.targets(), &e.Segment)...); err != nil {
		return e, err
	}
	e.Name = n.value()
	return e, nil
}

var (
	noteMove = statement{"note where a namespace was", `
INSERT INTO moved (nameid, pid, segment, until) VALUES ($1, $2, $3, $4)`}
	// noteTaken notes of names that a tree takes over from deleted ones at its new path, because it has
	// none for them, that they were not in it before.
	noteTaken = statement{"note where deleted names were", `
INSERT INTO moved (nameid, pid, segment, until)
SELECT c.id, c.pid, '', $5::timestamptz
FROM name AS n JOIN name AS t ON t.name = ` + movedPath + ` JOIN name AS c ON c.pid = t.id
WHERE ` + inTree + ` AND NOT EXISTS (SELECT 1 FROM name AS s WHERE s.name = $1 || substr(c.name, length($4) + 1))`}
)
