package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hatrac/hatrac/store"
)

// The statements of a tree work on the name n at the path $1 and on those between $2 and $3. One
// table with a unique column, not a union, lets the planner begin with these names.
const (
	inTree = `(n.name = $1 OR n.name COLLATE "C" > $2 AND n.name COLLATE "C" < $3)`
	tree   = `(SELECT n.id FROM name AS n WHERE ` + inTree + `)`
)

var (
	// lockTree keeps all others from creating in the namespaces of a tree, from the top down.
	lockTree = statement{"lock a tree", `
SELECT n.id, n.name, n.subtype FROM name AS n
WHERE NOT n.is_deleted AND ` + inTree + ` AND (n.name = $1 OR n.subtype = 0)
ORDER BY n.name COLLATE "C" FOR UPDATE`}
	treeReclaim = statement{"queue the content of a tree for reclaim", `
INSERT INTO reclaim (due, address)
SELECT $4::timestamptz, v.address FROM version AS v
WHERE v.nameid IN ` + tree + ` AND NOT v.is_deleted AND v.address IS NOT NULL
ORDER BY v.id`}
	treeContent = statement{"queue the inline content of a tree for reclaim", `
UPDATE content SET due = $4 WHERE versionid IN (
	SELECT v.id FROM version AS v WHERE v.nameid IN ` + tree + ` AND NOT v.is_deleted AND v.inline
)`}
	treeVersions = statement{"delete the versions of a tree", `
UPDATE version SET is_deleted = true, deleted_on = $4 WHERE nameid IN ` + tree + ` AND NOT is_deleted`}
	treeNames = statement{"delete the names of a tree", `
UPDATE name AS n SET is_deleted = true, deleted_on = $4, changes = coalesce(n.changes, 0) + 1, current_version = NULL
WHERE ` + inTree + ` AND NOT n.is_deleted`}
	lockTreeJobs = statement{"lock the jobs of a tree", `
SELECT u.id FROM upload AS u WHERE u.nameid IN ` + tree + ` ORDER BY u.id FOR UPDATE`}
	treeReclaimJobs = statement{"queue the content of the jobs of a tree for reclaim", `
INSERT INTO reclaim (due, address)
SELECT 'epoch'::timestamptz, u.address FROM upload AS u WHERE u.nameid IN ` + tree + ` AND u.address IS NOT NULL
ORDER BY u.id`}
	treeChunks = statement{"delete the chunks of a tree", `
DELETE FROM chunk WHERE uploadid IN (SELECT u.id FROM upload AS u WHERE u.nameid IN ` + tree + `)`}
	treeJobs = statement{"delete the jobs of a tree", `DELETE FROM upload WHERE nameid IN ` + tree}
)

// lockedName is what lockTree tells.
type lockedName struct {
	id      int64
	path    string
	subtype int
}

func scanLocked(rows pgx.Rows) (n lockedName, err error) {
	err = rows.Scan(&n.id, &n.path, &n.subtype)
	return n, err
}

// lockWhole locks the namespaces of a tree and its top, and returns the top. What was created
// while it waited for one who creates is locked too.
func (t *tx) lockWhole(ctx context.Context, path store.Path) (lockedName, error) {
	low, high := bounds(path)
	for before := -1; ; {
		found, err := all(ctx, t, lockTree, scanLocked, string(path), low, high)
		switch {
		case err != nil:
			return lockedName{}, err
		case len(found) == 0 || found[0].path != string(path):
			return lockedName{}, failed(lockTree.doing, errNoRow)
		case len(found) == before, found[0].subtype != 0: // nothing can be created in an object
			return found[0], nil
		}
		before = len(found)
	}
}

// DeleteTree implements store.Tx, by a fixed number of statements; NotFound if the path is not
// bound to a live name.
func (t *tx) DeleteTree(ctx context.Context, path store.Path, at, later time.Time) error {
	top, err := t.lockWhole(ctx, path)
	if err != nil {
		return err
	}
	low, high := bounds(path)
	on := func(st statement, more ...any) *step {
		return st.with(append([]any{string(path), low, high}, more...)...)
	}
	return t.do(ctx,
		on(treeReclaim, due(later)), on(treeContent, due(later)), on(treeVersions, stamp(at)), on(treeNames, stamp(at)),
		on(lockTreeJobs), on(treeReclaimJobs), on(treeChunks), on(treeJobs),
		siblingsChanged.with(top.id, nanos(at)))
}
