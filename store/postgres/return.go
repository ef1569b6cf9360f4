package postgres

import (
	"context"
	"time"

	"github.com/hatrac/hatrac/store"
)

// findOrigins looks for the records of one version after the other: the offsets keep the database from
// beginning with all records that there are.
var findOrigins = statement{"look where versions were renamed from", `
SELECT ` + nameColumns + `, ` + versionColumns + `
FROM (
	SELECT h.id, h.version FROM version AS h
	WHERE h.nameid = (SELECT o.id FROM name AS o WHERE o.name = $1 AND NOT o.is_deleted)
		AND NOT h.is_deleted AND h.aux ->> 'rename_to' IS NULL
	OFFSET 0
) AS h
JOIN LATERAL (
	SELECT * FROM version AS r WHERE r.version = h.version AND r.aux ->> 'rename_to' IS NOT NULL AND NOT r.is_deleted OFFSET 0
) AS v ON true
JOIN name AS n ON n.id = v.nameid AND n.pid = (SELECT o.pid FROM name AS o WHERE o.name = $1) AND NOT n.is_deleted
ORDER BY h.id`}

// Origins implements store.Tx.
func (t *tx) Origins(ctx context.Context, path store.Path) ([]store.Entry, error) {
	return all(ctx, t, findOrigins, scanEntry, string(path))
}

// The statements of ReturnVersions give what the version $1 holds to the forwarding record $2.
var (
	takeBack = statement{"give a version back", `
UPDATE version AS r SET aux = h.aux, forwarded_on = NULL,
	nbytes = h.nbytes, metadata = h.metadata, owner = h.owner, read = h.read, sha256 = h.sha256, address = h.address,
	inline = h.inline, unsynced = h.unsynced, mtime = h.mtime, atime = h.atime, ctime = h.ctime,
	mode = h.mode, uid = h.uid, gid = h.gid, ino = $3
FROM version AS h
WHERE h.id = $1 AND NOT h.is_deleted AND h.aux ->> 'rename_to' IS NULL
	AND r.id = $2 AND NOT r.is_deleted AND r.aux ->> 'rename_to' IS NOT NULL`}
	takeContent = statement{"give inline content back", `UPDATE content SET versionid = $2 WHERE versionid = $1`}
	keepAbsence = statement{"note that a version was away", `
INSERT INTO former (id, nameid, version, created_on, until, deleted_on)
SELECT v.id, v.nameid, v.version, v.created_on, v.forwarded_on, $2::timestamptz FROM version AS v
WHERE v.id = $1 AND v.forwarded_on IS NOT NULL
ON CONFLICT (id, until) DO NOTHING`}
)

// ReturnVersions implements store.Tx, with one round trip.
func (t *tx) ReturnVersions(ctx context.Context, returns []store.Return, at time.Time) error {
	var steps, back []*step
	for _, r := range store.Absences(returns) {
		steps = append(steps, keepAbsence.with(r.Record.ID, stamp(at)))
	}
	objects := make(map[int64]bool)
	for _, r := range returns {
		said, err := encodeAux(&store.Ref{Path: r.Path, Version: r.Record.Version}, "")
		if err != nil {
			return failed(takeBack.doing, err)
		}
		take := takeBack.with(r.Holder.ID, r.Record.ID, int64(r.Holder.Inode()))
		steps = append(steps, take, takeContent.with(r.Holder.ID, r.Record.ID), forwardVersion.with(r.Holder.ID, said, stamp(at)))
		back = append(back, take)
		objects[r.Holder.NameID], objects[r.Record.NameID] = true, true
	}
	for id := range objects {
		steps = append(steps, versionsChanged.with(id))
	}
	if len(back) == 0 {
		return nil
	}
	if err := t.do(ctx, steps...); err != nil {
		return err
	}
	for _, take := range back {
		if take.count == 0 {
			return failed(takeBack.doing, errNoRow)
		}
	}
	return nil
}
