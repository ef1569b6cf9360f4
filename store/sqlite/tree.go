package sqlite

import (
	"context"
	"time"

	"github.com/hatrac/hatrac/store"
)

// The statements of DeleteTree work on the path ?1 and on those between ?2 and ?3.
const tree = `(SELECT id FROM name WHERE name = ?1 UNION ALL SELECT id FROM name WHERE name > ?2 AND name < ?3)`

var (
	// treeTop tells of an object also whether it has content at addresses, inline content and
	// jobs; a namespace may have all of that beneath it.
	treeTop = statement{"delete a tree", `
SELECT coalesce(n.pid, 0),
	n.subtype = 0 OR EXISTS (SELECT 1 FROM version AS v WHERE v.nameid = n.id AND v.is_deleted = 0 AND v.address IS NOT NULL),
	n.subtype = 0 OR EXISTS (SELECT 1 FROM version AS v WHERE v.nameid = n.id AND v.is_deleted = 0 AND v.inline),
	n.subtype = 0 OR EXISTS (SELECT 1 FROM upload AS u WHERE u.nameid = n.id)
FROM name AS n WHERE n.name = ? AND n.is_deleted = 0`}
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

// treeHas is what treeTop tells.
type treeHas struct {
	parent                  int64
	addresses, inline, jobs bool
}

func scanTreeHas(r *row) (treeHas, error) {
	return treeHas{r.integer(), r.truth(), r.truth(), r.truth()}, nil
}

// DeleteTree implements store.Tx, by a fixed number of statements; NotFound if the path is
// not bound to a live name.
func (t *tx) DeleteTree(ctx context.Context, path store.Path, at, due time.Time) error {
	has, found, err := first(ctx, t, treeTop, scanTreeHas, string(path))
	if err != nil {
		return err
	}
	if !found {
		return failed(treeTop.doing, errNoRow)
	}
	low, high := bounds(path)
	for _, step := range []struct {
		statement
		needed bool
		more   []any
	}{
		{treeReclaim, has.addresses, []any{dueNanos(due)}},
		{treeContent, has.inline, []any{dueNanos(due)}},
		{treeVersions, true, []any{nanos(at)}},
		{treeNames, true, []any{nanos(at)}},
		{treeReclaimJobs, has.jobs, nil},
		{treeJobs, has.jobs, nil},
	} {
		if !step.needed {
			continue
		}
		if _, err := t.exec(ctx, step.statement, append([]any{string(path), low, high}, step.more...)...); err != nil {
			return err
		}
	}
	return t.grow(ctx, has.parent, at)
}
