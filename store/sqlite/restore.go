package sqlite

import (
	"context"
	"time"

	"github.com/hatrac/hatrac/store"
)

// restorable is the condition that a version v has what it needs to live: it only forwards,
// or its content lives elsewhere or is still there. Content at an address is there as long as it waits in the
// reclaim queue or another live version refers to it, and nobody was told to remove it.
const restorable = `(
	v.forward_name IS NOT NULL OR v.url IS NOT NULL
	OR v.inline AND EXISTS (SELECT 1 FROM content AS c WHERE c.versionid = v.id)
	OR NOT EXISTS (SELECT 1 FROM reclaim AS r WHERE r.address = v.address AND r.taken)
		AND (
			EXISTS (SELECT 1 FROM reclaim AS r WHERE r.address = v.address)
			OR EXISTS (SELECT 1 FROM version AS l WHERE l.address = v.address AND l.is_deleted = 0)
		)
)`

// fallen are the names that were deleted together with that at the path ?1, at the time ?4:
// itself and of those between ?2 and ?3. Until restoreNames has run, their live versions are
// those that restoreVersions has restored.
const fallen = `(
	SELECT id FROM name WHERE name = ?1 AND is_deleted = 1 AND deleted_on IS ?4
	UNION ALL
	SELECT id FROM name WHERE name > ?2 AND name < ?3 AND is_deleted = 1 AND deleted_on IS ?4
)`

var (
	restoreTop = statement{"restore a tree", `
SELECT coalesce(pid, 0), deleted_on FROM name WHERE name = ? AND is_deleted = 1`}
	restoreVersions = statement{"restore the versions of a tree", `
UPDATE version AS v SET is_deleted = 0, deleted_on = NULL
WHERE v.nameid IN ` + fallen + ` AND v.is_deleted = 1 AND v.deleted_on IS ?4 AND ` + restorable}
	restoreQueue = statement{"take the content of a tree out of the reclaim queue", `
DELETE FROM reclaim WHERE address IN (
	SELECT v.address FROM version AS v WHERE v.nameid IN ` + fallen + ` AND v.is_deleted = 0 AND v.address IS NOT NULL
)`}
	restoreContent = statement{"keep the inline content of a tree", `
UPDATE content SET due = NULL WHERE versionid IN (
	SELECT v.id FROM version AS v WHERE v.nameid IN ` + fallen + ` AND v.is_deleted = 0 AND v.inline
)`}
	countLost = statement{"count the lost versions of a tree", `
SELECT count(*) FROM version AS v
WHERE v.nameid IN ` + fallen + ` AND v.is_deleted = 1 AND v.deleted_on IS ?4`}
	restoreNames = statement{"restore the names of a tree", `
UPDATE name SET is_deleted = 0, deleted_on = NULL, changes = changes + 1,
	current = (SELECT max(v.id) FROM version AS v WHERE v.nameid = name.id AND v.is_deleted = 0)
WHERE id IN ` + fallen}
)

// treeEnd is where a deleted tree hung and when it was deleted: an integer, or nil for unknown.
type treeEnd struct {
	parent    int64
	deletedOn any
}

func scanTreeEnd(r *row) (treeEnd, error) {
	return treeEnd{parent: r.integer(), deletedOn: r.value()}, nil
}

// Restore implements store.Tx, by a fixed number of statements; NotFound if the path is not
// bound to a deleted name.
func (t *tx) Restore(ctx context.Context, path store.Path, at time.Time) (lost int, err error) {
	top, found, err := first(ctx, t, restoreTop, scanTreeEnd, string(path))
	if err != nil {
		return 0, err
	}
	if !found {
		return 0, failed(restoreTop.doing, errNoRow)
	}
	low, high := bounds(path)
	args := []any{string(path), low, high, top.deletedOn}
	for _, step := range []statement{restoreVersions, restoreQueue, restoreContent} {
		if _, err := t.exec(ctx, step, args...); err != nil {
			return 0, err
		}
	}
	count, _, err := first(ctx, t, countLost, scanID, args...)
	if err != nil {
		return 0, err
	}
	if _, err := t.exec(ctx, restoreNames, args...); err != nil {
		return 0, err
	}
	return int(count), t.grow(ctx, top.parent, at)
}

var (
	restoreVersion = statement{"restore a version", `
UPDATE version AS v SET is_deleted = 0, deleted_on = NULL
WHERE v.id = ?1 AND v.is_deleted = 1 AND ` + restorable + ` RETURNING nameid`}
	unqueueVersion = statement{"take the content of a version out of the reclaim queue", `
DELETE FROM reclaim WHERE address = (SELECT v.address FROM version AS v WHERE v.id = ?)`}
	keepInline = statement{"keep the inline content of a version", `UPDATE content SET due = NULL WHERE versionid = ?`}
)

// RestoreVersion implements store.Tx.
func (t *tx) RestoreVersion(ctx context.Context, id int64) error {
	if err := t.changeVersions(ctx, restoreVersion, id); err != nil {
		return err
	}
	if _, err := t.exec(ctx, unqueueVersion, id); err != nil {
		return err
	}
	_, err := t.exec(ctx, keepInline, id)
	return err
}
