package sqlite

import (
	"context"
	"time"

	"github.com/hatrac/hatrac/store"
)

// The statements of DeleteTree work on the path ?1 and on those between ?2 and ?3.
const tree = `(SELECT id FROM name WHERE name = ?1 UNION ALL SELECT id FROM name WHERE name > ?2 AND name < ?3)`

var (
	treeTop = statement{"delete a tree", `
SELECT coalesce(pid, 0) FROM name WHERE name = ? AND is_deleted = 0`}
	treeReclaim = statement{"queue the content of a tree for reclaim", `
INSERT INTO reclaim (due, address)
SELECT ?4, v.address FROM version AS v
WHERE v.nameid IN ` + tree + ` AND v.is_deleted = 0 AND v.address IS NOT NULL`}
	treeContent = statement{"queue the inline content of a tree for reclaim", `
UPDATE content SET due = ?4 WHERE versionid IN (
	SELECT v.id FROM version AS v WHERE v.nameid IN ` + tree + ` AND v.is_deleted = 0 AND v.inline
)`}
	treeVersions = statement{"delete the versions of a tree", `
UPDATE version SET is_deleted = 1, deleted_on = ?4 WHERE nameid IN ` + tree + ` AND is_deleted = 0`}
	treeNames = statement{"delete the names of a tree", `
UPDATE name SET is_deleted = 1, deleted_on = ?4, changes = changes + 1, current = NULL
WHERE id IN ` + tree + ` AND is_deleted = 0`}
	treeReclaimJobs = statement{"queue the content of the jobs of a tree for reclaim", `
INSERT INTO reclaim (due, address)
SELECT 0, u.address FROM upload AS u WHERE u.nameid IN ` + tree + ` AND u.address IS NOT NULL`}
	treeJobs = statement{"delete the jobs of a tree", `DELETE FROM upload WHERE nameid IN ` + tree}
)

// DeleteTree implements store.Tx, by a fixed number of statements; NotFound if the path is
// not bound to a live name.
func (t *tx) DeleteTree(ctx context.Context, path store.Path, at, due time.Time) error {
	parent, found, err := first(ctx, t, treeTop, scanID, string(path))
	if err != nil {
		return err
	}
	if !found {
		return failed(treeTop.doing, errNoRow)
	}
	low, high := bounds(path)
	for _, step := range []struct {
		statement
		more []any
	}{
		{treeReclaim, []any{dueNanos(due)}},
		{treeContent, []any{dueNanos(due)}},
		{treeVersions, []any{nanos(at)}},
		{treeNames, []any{nanos(at)}},
		{treeReclaimJobs, nil},
		{treeJobs, nil},
	} {
		if _, err := t.exec(ctx, step.statement, append([]any{string(path), low, high}, step.more...)...); err != nil {
			return err
		}
	}
	return t.grow(ctx, parent, at)
}
