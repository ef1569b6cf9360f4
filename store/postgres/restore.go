package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/hatrac/hatrac/store"
)

// restorable is the condition that a version v has what it needs to live: it only forwards, or its
// content lives elsewhere or is still there. Content at an address is there as long as it waits in
// the reclaim queue or another live version refers to it, and nobody was told to remove it. The
// rows of the queue have to be locked before. Each subquery looks for one row by an index, where
// EXISTS may be answered by reading all rows.
const restorable = `(
	v.aux ->> 'rename_to' IS NOT NULL OR v.aux ->> 'url' IS NOT NULL
	OR v.inline AND (SELECT c.versionid FROM content AS c WHERE c.versionid = v.id) IS NOT NULL
	OR (SELECT r.id FROM reclaim AS r WHERE r.address = v.address AND r.taken LIMIT 1) IS NULL
		AND (
			(SELECT r.id FROM reclaim AS r WHERE r.address = v.address LIMIT 1) IS NOT NULL
			OR (SELECT l.id FROM version AS l WHERE l.address = v.address AND NOT l.is_deleted LIMIT 1) IS NOT NULL
		)
)`

// fallen are the names that were deleted together with that at the path $1, at the time $4:
// itself and of those between $2 and $3. Until restoreNames has run, their live versions are
// those that restoreVersions has restored.
const (
	isFallen = inTree + ` AND n.is_deleted AND n.deleted_on IS NOT DISTINCT FROM $4::timestamptz`
	fallen   = `(SELECT n.id FROM name AS n WHERE ` + isFallen + `)`
)

// fallenVersions are the versions v of these names that were deleted at that time too.
const fallenVersions = `
FROM version AS v
WHERE v.nameid IN ` + fallen + ` AND v.is_deleted AND v.deleted_on IS NOT DISTINCT FROM $4::timestamptz`

var (
	restoreTop = statement{"restore a tree", `
SELECT n.id, n.deleted_on FROM name AS n WHERE n.name = $1 AND n.is_deleted FOR UPDATE`}
	lockQueue = statement{"lock the content of a tree", `
SELECT r.id FROM reclaim AS r WHERE r.address IN (SELECT v.address ` + fallenVersions + `)
ORDER BY r.id FOR UPDATE`}
	lockContent = statement{"lock the inline content of a tree", `
SELECT c.versionid FROM content AS c WHERE c.versionid IN (SELECT v.id ` + fallenVersions + `)
ORDER BY c.versionid FOR UPDATE`}
	restoreVersions = statement{"restore the versions of a tree", `
UPDATE version SET is_deleted = false, deleted_on = NULL
WHERE id IN (SELECT v.id ` + fallenVersions + ` AND ` + restorable + `)`}
	restoreQueue = statement{"take the content of a tree out of the reclaim queue", `
DELETE FROM reclaim WHERE address IN (
	SELECT v.address FROM version AS v WHERE v.nameid IN ` + fallen + ` AND NOT v.is_deleted AND v.address IS NOT NULL
)`}
	restoreContent = statement{"keep the inline content of a tree", `
UPDATE content SET due = NULL WHERE versionid IN (
	SELECT v.id FROM version AS v WHERE v.nameid IN ` + fallen + ` AND NOT v.is_deleted AND v.inline
)`}
	listLost = statement{"count the lost versions of a tree", `
SELECT v.id ` + fallenVersions}
	restoreNames = statement{"restore the names of a tree", `
UPDATE name AS n SET is_deleted = false, deleted_on = NULL, changes = coalesce(n.changes, 0) + 1,
	current_version = ` + currentOf + `
WHERE ` + isFallen}
)

// treeEnd is the top of a deleted tree and when it was deleted.
type treeEnd struct {
	id        int64
	deletedOn pgtype.Timestamptz
}

func scanTreeEnd(rows pgx.Rows) (e treeEnd, err error) {
	err = rows.Scan(&e.id, &e.deletedOn)
	return e, err
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
	on := func(st statement) *step { return st.with(string(path), low, high, top.deletedOn) }
	listing := on(listLost)
	err = t.do(ctx, on(lockQueue), on(lockContent), on(restoreVersions), on(restoreQueue), on(restoreContent),
		listing, on(restoreNames), siblingsChanged.with(top.id, nanos(at)))
	return int(listing.count), err
}

var (
	lockVersionQueue = statement{"lock the content of a version", `
SELECT r.id FROM reclaim AS r WHERE r.address = (SELECT v.address FROM version AS v WHERE v.id = $1)
ORDER BY r.id FOR UPDATE`}
	lockInline = statement{"lock the inline content of a version", `
SELECT c.versionid FROM content AS c WHERE c.versionid = $1 FOR UPDATE`}
	restoreVersion = statement{"restore a version", `
UPDATE version AS v SET is_deleted = false, deleted_on = NULL
WHERE v.id = $1 AND v.is_deleted AND ` + restorable}
	unqueueVersion = statement{"take the content of a version out of the reclaim queue", `
DELETE FROM reclaim WHERE address = (SELECT v.address FROM version AS v WHERE v.id = $1 AND NOT v.is_deleted)`}
	keepInline = statement{"keep the inline content of a version", `
UPDATE content SET due = NULL
WHERE versionid = (SELECT v.id FROM version AS v WHERE v.id = $1 AND NOT v.is_deleted)`}
)

// RestoreVersion implements store.Tx.
func (t *tx) RestoreVersion(ctx context.Context, id int64) error {
	return t.must(ctx, 3, lockObject.with(id), lockVersionQueue.with(id), lockInline.with(id), restoreVersion.with(id),
		versionChanged.with(id), unqueueVersion.with(id), keepInline.with(id))
}
