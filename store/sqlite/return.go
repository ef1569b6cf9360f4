package sqlite

import (
	"context"
	"time"

	"github.com/hatrac/hatrac/store"
)

var findOrigins = statement{"look where versions were renamed from", `
SELECT ` + nameColumns + `, ` + versionColumns + `
FROM name AS o
CROSS JOIN version AS h ON h.nameid = o.id AND h.is_deleted = 0 AND h.forward_name IS NULL
CROSS JOIN version AS v ON v.version = h.version AND v.forward_name IS NOT NULL AND v.is_deleted = 0
CROSS JOIN name AS n ON n.id = v.nameid AND n.pid = o.pid AND n.is_deleted = 0
WHERE o.name = ?1 AND o.is_deleted = 0
ORDER BY h.id`}

// Origins implements store.Tx.
func (t *tx) Origins(ctx context.Context, path store.Path) ([]store.Entry, error) {
	return all(ctx, t, findOrigins, scanEntry, string(path))
}

// The statements of ReturnVersions give what the version ?1 holds to the forwarding record ?2.
var (
	takeBack = statement{"give a version back", `
UPDATE version AS r SET forward_name = NULL, forward_version = NULL, forwarded_on = NULL,
	nbytes = h.nbytes, metadata = h.metadata, acls = h.acls, sha256 = h.sha256, address = h.address, inline = h.inline,
	url = h.url, unsynced = h.unsynced, mtime = h.mtime, atime = h.atime, ctime = h.ctime,
	mode = h.mode, uid = h.uid, gid = h.gid, ino = ?3
FROM version AS h
WHERE h.id = ?1 AND h.is_deleted = 0 AND h.forward_name IS NULL
	AND r.id = ?2 AND r.is_deleted = 0 AND r.forward_name IS NOT NULL
RETURNING nameid`}
	takeContent = statement{"give inline content back", `UPDATE content SET versionid = ?2 WHERE versionid = ?1`}
	keepAbsence = statement{"note that a version was away", `
INSERT OR IGNORE INTO former (id, nameid, version, created_on, until, deleted_on)
SELECT id, nameid, version, created_on, forwarded_on, ?2 FROM version
WHERE id = ?1 AND forwarded_on IS NOT NULL`}
)

// ReturnVersions implements store.Tx.
func (t *tx) ReturnVersions(ctx context.Context, returns []store.Return, at time.Time) error {
	for _, r := range store.Absences(returns) {
		if _, err := t.exec(ctx, keepAbsence, r.Record.ID, nanos(at)); err != nil {
			return err
		}
	}
	for _, r := range returns {
		if err := t.returnVersion(ctx, r, at); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) returnVersion(ctx context.Context, r store.Return, at time.Time) error {
	if err := t.changeVersions(ctx, takeBack, r.Holder.ID, r.Record.ID, int64(r.Holder.Inode())); err != nil {
		return err
	}
	if _, err := t.exec(ctx, takeContent, r.Holder.ID, r.Record.ID); err != nil {
		return err
	}
	to := store.Ref{Path: r.Path, Version: r.Record.Version}
	return t.ForwardVersion(ctx, r.Holder.ID, to, at)
}
