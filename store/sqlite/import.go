package sqlite

import (
	"context"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

var _ store.Copier = (*Directory)(nil)

var (
	// displaceName gives a path away: no path begins with a colon.
	displaceName = statement{"displace a name", `UPDATE name SET name = ':' || id WHERE name = ? AND id <> ?`}
	putName      = statement{"import a name", `
INSERT INTO name (id, pid, name, subtype, is_deleted, acls, changes, created_on, deleted_on, moved_to, mtime, atime, ctime, mode, uid, gid, ino)
VALUES (?1, (SELECT p.id FROM name AS p WHERE p.id = ?2), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
ON CONFLICT (id) DO UPDATE SET pid = excluded.pid, name = excluded.name, subtype = excluded.subtype,
	is_deleted = excluded.is_deleted, acls = excluded.acls, changes = excluded.changes,
	created_on = excluded.created_on, deleted_on = excluded.deleted_on, moved_to = excluded.moved_to,
	mtime = excluded.mtime, atime = excluded.atime, ctime = excluded.ctime,
	mode = excluded.mode, uid = excluded.uid, gid = excluded.gid, ino = excluded.ino`}
)

// PutName implements store.ImportTx.
func (t *tx) PutName(ctx context.Context, n *store.Name) error {
	lists, err := encodeLists(n.ACLs)
	if err != nil {
		return failed(putName.doing, err)
	}
	var moved any
	if len(n.MovedTo) > 0 {
		if moved, err = encodePaths(n.MovedTo); err != nil {
			return failed(putName.doing, err)
		}
	}
	if _, err := t.exec(ctx, displaceName, string(n.Path), n.ID); err != nil {
		return err
	}
	args := []any{
		n.ID, n.Parent, string(n.Path), n.Kind == acl.Object, n.Deleted, lists, n.Changes,
		nanos(n.Created), nanos(n.DeletedOn), moved,
	}
	_, err = t.exec(ctx, putName, append(args, attrArgs(n.Attr)...)...)
	return err
}

var (
	displaceVersion = statement{"displace a version", `
UPDATE version SET version = ':' || id WHERE nameid = ? AND version = ? AND id <> ?`}
	// leaveContent queues what the version ?1 refers to if it is not ?2.
	leaveContent = statement{"queue the former content of a version for reclaim", `
INSERT INTO reclaim (due, address)
SELECT 0, v.address FROM version AS v WHERE v.id = ?1 AND v.address IS NOT NULL AND v.address IS NOT ?2`}
	putVersion = statement{"import a version", `
INSERT INTO version (id, nameid, version, nbytes, metadata, acls, is_deleted, created_on, deleted_on, sha256,
	address, inline, forward_name, forward_version, forwarded_on, url, unsynced, mtime, atime, ctime, mode, uid, gid, ino)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET nameid = excluded.nameid, version = excluded.version, nbytes = excluded.nbytes,
	metadata = excluded.metadata, acls = excluded.acls, is_deleted = excluded.is_deleted,
	created_on = excluded.created_on, deleted_on = excluded.deleted_on, sha256 = excluded.sha256,
	address = excluded.address, inline = excluded.inline, forward_name = excluded.forward_name,
	forward_version = excluded.forward_version, forwarded_on = excluded.forwarded_on, url = excluded.url,
	unsynced = excluded.unsynced, mtime = excluded.mtime, atime = excluded.atime, ctime = excluded.ctime,
	mode = excluded.mode, uid = excluded.uid,
	gid = excluded.gid, ino = excluded.ino`}
	putContent = statement{"import inline content", `INSERT INTO content (versionid, due, bytes) VALUES (?, ?, ?)`}
	unqueue    = statement{"take content out of the reclaim queue", `DELETE FROM reclaim WHERE address = ?`}
	queue      = statement{"queue content for reclaim", `INSERT INTO reclaim (due, address) VALUES (?, ?)`}
)

// PutVersion implements store.ImportTx.
func (t *tx) PutVersion(ctx context.Context, v *store.Version, until time.Time) error {
	metadata, err := encodeMetadata(v.Metadata)
	if err != nil {
		return failed(putVersion.doing, err)
	}
	lists, err := encodeLists(v.ACLs)
	if err != nil {
		return failed(putVersion.doing, err)
	}
	address := orNull(string(v.Address))
	if _, err := t.exec(ctx, displaceVersion, v.NameID, v.Version, v.ID); err != nil {
		return err
	}
	if _, err := t.exec(ctx, leaveContent, v.ID, address); err != nil {
		return err
	}
	args := []any{
		v.ID, v.NameID, v.Version, v.Size, metadata, lists, v.Deleted, nanos(v.Created), nanos(v.DeletedOn),
		blobOrNull(v.SHA256), address, v.HasInline, nil, nil, nanos(v.ForwardedOn), orNull(v.URL), orNull(v.Unsynced),
	}
	if v.Forward != nil {
		args[12], args[13] = string(v.Forward.Path), v.Forward.Version
	}
	if _, err := t.exec(ctx, putVersion, append(args, attrArgs(v.Attr)...)...); err != nil {
		return err
	}
	return t.putContent(ctx, v, until)
}

// putContent keeps the content of an imported version, or notes where it is.
func (t *tx) putContent(ctx context.Context, v *store.Version, until time.Time) error {
	if _, err := t.exec(ctx, dropContent, v.ID); err != nil {
		return err
	}
	if v.HasInline {
		var due any
		if v.Deleted {
			due = dueNanos(until)
		}
		if _, err := t.exec(ctx, putContent, v.ID, due, notNil(v.Inline)); err != nil {
			return err
		}
	}
	if v.Address == "" {
		return nil
	}
	if _, err := t.exec(ctx, unqueue, string(v.Address)); err != nil || !v.Deleted {
		return err
	}
	_, err := t.exec(ctx, queue, dueNanos(until), string(v.Address))
	return err
}

var (
	putFormer = statement{"import a former version", `
INSERT INTO former (id, nameid, version, created_on, until, deleted_on) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (id, until) DO UPDATE SET nameid = ?2, version = ?3, created_on = ?4, deleted_on = ?6`}
	dropFormers = statement{"drop former versions", `DELETE FROM former`}
)

// PutFormer implements store.ImportTx.
func (t *tx) PutFormer(ctx context.Context, f store.Former) error {
	_, err := t.exec(ctx, putFormer, f.ID, f.NameID, f.Version, nanos(f.Created), dueNanos(f.Until), nanos(f.DeletedOn))
	return err
}

// DropFormers implements store.ImportTx.
func (t *tx) DropFormers(ctx context.Context) error {
	_, err := t.exec(ctx, dropFormers)
	return err
}

var (
	putMoved = statement{"import a move", `
INSERT INTO moved (id, nameid, pid, segment, until) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (id) DO UPDATE SET nameid = ?2, pid = ?3, segment = ?4, until = ?5`}
	dropMoves = statement{"drop moves", `DELETE FROM moved`}
)

// PutMoved implements store.ImportTx.
func (t *tx) PutMoved(ctx context.Context, m store.Moved) error {
	_, err := t.exec(ctx, putMoved, m.ID, m.NameID, m.Parent, m.Segment, dueNanos(m.Until))
	return err
}

// DropMoves implements store.ImportTx.
func (t *tx) DropMoves(ctx context.Context) error {
	_, err := t.exec(ctx, dropMoves)
	return err
}

var (
	orphanNames = statement{"part names from their parent", `UPDATE name SET pid = NULL WHERE pid = ?`}
	dropName    = statement{"drop a name", `DELETE FROM name WHERE id = ?`}
	dropVersion = statement{"drop a version", `DELETE FROM version WHERE id = ?`}
)

// DropName implements store.ImportTx.
func (t *tx) DropName(ctx context.Context, id int64) error {
	if _, err := t.exec(ctx, orphanNames, id); err != nil {
		return err
	}
	_, err := t.exec(ctx, dropName, id)
	return err
}

// DropVersion implements store.ImportTx.
func (t *tx) DropVersion(ctx context.Context, id int64) error {
	if _, err := t.exec(ctx, leaveContent, id, nil); err != nil {
		return err
	}
	if _, err := t.exec(ctx, dropContent, id); err != nil {
		return err
	}
	_, err := t.exec(ctx, dropVersion, id)
	return err
}
