package postgres

import (
	"context"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

var _ store.Copier = (*Directory)(nil)

var (
	// displaceName gives a path away: no path begins with a colon.
	displaceName = statement{"displace a name", `UPDATE name SET name = ':' || id WHERE name = $1 AND id <> $2`}
	putName      = statement{"import a name", `
INSERT INTO name (id, pid, name, subtype, is_deleted, changes, created_on, deleted_on, moved_to,
	mtime, atime, ctime, mode, uid, gid, ino,
	owner, "create", "update", read, "subtree-owner", "subtree-create", "subtree-update", "subtree-read")
VALUES ($1, (SELECT p.id FROM name AS p WHERE p.id = $2), $3, $4, $5, $6, $7, $8, $9,
	$10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)
ON CONFLICT (id) DO UPDATE SET pid = excluded.pid, name = excluded.name, subtype = excluded.subtype,
	is_deleted = excluded.is_deleted, changes = excluded.changes, created_on = excluded.created_on,
	deleted_on = excluded.deleted_on, moved_to = excluded.moved_to, mtime = excluded.mtime, atime = excluded.atime,
	ctime = excluded.ctime, mode = excluded.mode,
	uid = excluded.uid, gid = excluded.gid, ino = excluded.ino,
	owner = excluded.owner, "create" = excluded."create", "update" = excluded."update", read = excluded.read,
	"subtree-owner" = excluded."subtree-owner", "subtree-create" = excluded."subtree-create",
	"subtree-update" = excluded."subtree-update", "subtree-read" = excluded."subtree-read"`}
)

// PutName implements store.ImportTx.
func (t *tx) PutName(ctx context.Context, n *store.Name) error {
	lists, err := encodeLists(nameLists, n.ACLs)
	if err != nil {
		return failed(putName.doing, err)
	}
	subtype := 0
	if n.Kind == acl.Object {
		subtype = 1
	}
	var moved []string // null if there are none
	for _, path := range n.MovedTo {
		moved = append(moved, string(path))
	}
	args := append([]any{
		n.ID, n.Parent, string(n.Path), subtype, n.Deleted, n.Changes, stamp(n.Created), stamp(n.DeletedOn), moved,
	}, attrArgs(n.Attr)...)
	return t.do(ctx, displaceName.with(string(n.Path), n.ID), putName.with(append(args, lists...)...))
}

var (
	displaceVersion = statement{"displace a version", `
UPDATE version SET version = ':' || id WHERE nameid = $1 AND version = $2 AND id <> $3`}
	// leaveContent queues what the version $1 refers to if it is not $2.
	leaveContent = statement{"queue the former content of a version for reclaim", `
INSERT INTO reclaim (due, address)
SELECT 'epoch'::timestamptz, v.address FROM version AS v
WHERE v.id = $1 AND v.address IS NOT NULL AND v.address IS DISTINCT FROM $2::text`}
	putVersion = statement{"import a version", `
INSERT INTO version (id, nameid, version, nbytes, metadata, is_deleted, aux, created_on, deleted_on, sha256,
	address, inline, forwarded_on, unsynced, mtime, atime, ctime, mode, uid, gid, ino, owner, read)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
ON CONFLICT (id) DO UPDATE SET nameid = excluded.nameid, version = excluded.version, nbytes = excluded.nbytes,
	metadata = excluded.metadata, is_deleted = excluded.is_deleted, aux = excluded.aux,
	created_on = excluded.created_on, deleted_on = excluded.deleted_on, sha256 = excluded.sha256,
	address = excluded.address, inline = excluded.inline, forwarded_on = excluded.forwarded_on,
	unsynced = excluded.unsynced, mtime = excluded.mtime, atime = excluded.atime, ctime = excluded.ctime,
	mode = excluded.mode, uid = excluded.uid,
	gid = excluded.gid, ino = excluded.ino, owner = excluded.owner, read = excluded.read`}
	forgetContent = statement{"forget inline content", `DELETE FROM content WHERE versionid = $1`}
	putContent    = statement{"import inline content", `INSERT INTO content (versionid, due, bytes) VALUES ($1, $2, $3)`}
	unqueue       = statement{"take content out of the reclaim queue", `DELETE FROM reclaim WHERE address = $1`}
	queue         = statement{"queue content for reclaim", `INSERT INTO reclaim (due, address) VALUES ($1, $2)`}
)

// PutVersion implements store.ImportTx, with one round trip.
func (t *tx) PutVersion(ctx context.Context, v *store.Version, until time.Time) error {
	metadata, err := encodeMetadata(v.Metadata)
	if err != nil {
		return failed(putVersion.doing, err)
	}
	lists, err := encodeLists(versionLists, v.ACLs)
	if err != nil {
		return failed(putVersion.doing, err)
	}
	said, err := encodeAux(v.Forward, v.URL)
	if err != nil {
		return failed(putVersion.doing, err)
	}
	address := orNull(string(v.Address))
	args := append([]any{
		v.ID, v.NameID, v.Version, v.Size, metadata, v.Deleted, said, stamp(v.Created), stamp(v.DeletedOn), v.SHA256,
		address, v.HasInline, stamp(v.ForwardedOn), orNull(v.Unsynced),
	}, attrArgs(v.Attr)...)
	steps := []*step{
		displaceVersion.with(v.NameID, v.Version, v.ID), leaveContent.with(v.ID, address),
		putVersion.with(append(args, lists...)...), forgetContent.with(v.ID),
	}
	return t.do(ctx, append(steps, contentSteps(v, until)...)...)
}

// contentSteps keep the content of an imported version, or note where it is.
func contentSteps(v *store.Version, until time.Time) (steps []*step) {
	if v.HasInline {
		var stale any
		if v.Deleted {
			stale = due(until)
		}
		steps = append(steps, putContent.with(v.ID, stale, notNil(v.Inline)))
	}
	if v.Address != "" {
		steps = append(steps, unqueue.with(string(v.Address)))
		if v.Deleted {
			steps = append(steps, queue.with(due(until), string(v.Address)))
		}
	}
	return steps
}

var (
	putFormer = statement{"import a former version", `
INSERT INTO former (id, nameid, version, created_on, until, deleted_on) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (id, until) DO UPDATE SET nameid = excluded.nameid, version = excluded.version,
	created_on = excluded.created_on, deleted_on = excluded.deleted_on`}
	dropFormers = statement{"drop former versions", `DELETE FROM former`}
)

// PutFormer implements store.ImportTx.
func (t *tx) PutFormer(ctx context.Context, f store.Former) error {
	return t.do(ctx, putFormer.with(f.ID, f.NameID, f.Version, stamp(f.Created), due(f.Until), stamp(f.DeletedOn)))
}

// DropFormers implements store.ImportTx.
func (t *tx) DropFormers(ctx context.Context) error { return t.do(ctx, dropFormers.with()) }

var (
	putMoved = statement{"import a move", `
INSERT INTO moved (id, nameid, pid, segment, until) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET nameid = excluded.nameid, pid = excluded.pid, segment = excluded.segment, until = excluded.until`}
	dropMoves = statement{"drop moves", `DELETE FROM moved`}
)

// PutMoved implements store.ImportTx.
func (t *tx) PutMoved(ctx context.Context, m store.Moved) error {
	return t.do(ctx, putMoved.with(m.ID, m.NameID, m.Parent, m.Segment, due(m.Until)))
}

// DropMoves implements store.ImportTx.
func (t *tx) DropMoves(ctx context.Context) error { return t.do(ctx, dropMoves.with()) }

var (
	orphanNames = statement{"part names from their parent", `UPDATE name SET pid = NULL WHERE pid = $1`}
	dropName    = statement{"drop a name", `DELETE FROM name WHERE id = $1`}
	dropVersion = statement{"drop a version", `DELETE FROM version WHERE id = $1`}
)

// DropName implements store.ImportTx.
func (t *tx) DropName(ctx context.Context, id int64) error {
	return t.do(ctx, orphanNames.with(id), dropName.with(id))
}

// DropVersion implements store.ImportTx.
func (t *tx) DropVersion(ctx context.Context, id int64) error {
	return t.do(ctx, leaveContent.with(id, nil), forgetContent.with(id), dropVersion.with(id))
}
