package sqlite

import (
	"context"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// versionsChanged counts a change of an object's versions and notes which is current.
var versionsChanged = statement{"count a change of an object", `
UPDATE name SET changes = changes + 1,
	current = (SELECT max(v.id) FROM version AS v WHERE v.nameid = ?1 AND v.is_deleted = 0)
WHERE id = ?1`}

var (
	bindVersion = statement{"bind a version", `
INSERT INTO version (nameid, version, nbytes, metadata, acls, created_on, sha256,
	address, inline, forward_name, forward_version, url, unsynced, mtime, atime, ctime, mode, uid, gid, ino)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`}
	keepContent = statement{"keep inline content", `INSERT INTO content (versionid, bytes) VALUES (?, ?)`}
)

// BindVersion implements store.Tx; NotFound if there is no name with the ID v.NameID.
func (t *tx) BindVersion(ctx context.Context, v *store.Version) error {
	metadata, err := encodeMetadata(v.Metadata)
	if err != nil {
		return failed(bindVersion.doing, err)
	}
	lists, err := encodeLists(v.ACLs)
	if err != nil {
		return failed(bindVersion.doing, err)
	}
	inline := v.HasInline || v.Inline != nil
	forward := []any{nil, nil}
	if v.Forward != nil {
		forward = []any{string(v.Forward.Path), v.Forward.Version}
	}
	args := []any{
		v.NameID, v.Version, v.Size, metadata, lists, nanos(v.Created), blobOrNull(v.SHA256),
		orNull(string(v.Address)), inline,
	}
	args = append(append(append(args, forward...), orNull(v.URL), orNull(v.Unsynced)), attrArgs(v.Attr)...)
	id, err := t.insert(ctx, bindVersion, args...)
	if err != nil {
		return err
	}
	v.ID = id
	if inline {
		if _, err := t.exec(ctx, keepContent, id, notNil(v.Inline)); err != nil {
			return err
		}
	}
	return t.change(ctx, versionsChanged, v.NameID)
}

// ResolveAndBind implements store.Tx.
func (t *tx) ResolveAndBind(ctx context.Context, path store.Path, v *store.Version) (*store.Resolution, error) {
	found, err := t.Resolve(ctx, path, "")
	if err != nil {
		return nil, err
	}
	return found, t.BindVersion(ctx, v)
}

// blobOrNull keeps nil apart from a typed nil, which the driver stores as an empty blob.
func blobOrNull(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

// notNil returns an empty slice for nil, which the driver would store as null.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// changeVersions executes a statement on one live version that returns the object's ID, and
// counts the object's change; without a row it is NotFound.
func (t *tx) changeVersions(ctx context.Context, st statement, args ...any) error {
	object, found, err := first(ctx, t, st, scanID, args...)
	if err != nil {
		return err
	}
	if !found {
		return failed(st.doing, errNoRow)
	}
	return t.change(ctx, versionsChanged, object)
}

var (
	forwardVersion = statement{"forward a version", `
UPDATE version SET forward_name = ?2, forward_version = ?3, forwarded_on = ?4, url = NULL, address = NULL, inline = 0, unsynced = NULL
WHERE id = ?1 AND is_deleted = 0 RETURNING nameid`}
	dropContent = statement{"drop inline content", `DELETE FROM content WHERE versionid = ?`}
)

// ForwardVersion implements store.Tx; NotFound if there is no live version with that ID.
func (t *tx) ForwardVersion(ctx context.Context, id int64, to store.Ref, at time.Time) error {
	if err := t.changeVersions(ctx, forwardVersion, id, string(to.Path), to.Version, nanos(at)); err != nil {
		return err
	}
	_, err := t.exec(ctx, dropContent, id)
	return err
}

var (
	// keepFormer leaves out what was never current, because a later version was bound with it and is there
	// for as long. So renaming many versions at once leaves one row.
	keepFormer = statement{"note what a forwarding record was", `
INSERT INTO former (id, nameid, version, created_on, until, deleted_on)
SELECT v.id, v.nameid, v.version, v.created_on, v.forwarded_on, CASE WHEN v.is_deleted THEN coalesce(v.deleted_on, v.forwarded_on) END
FROM version AS v
WHERE v.id = ? AND v.forward_name IS NOT NULL AND v.forwarded_on IS NOT NULL AND NOT EXISTS (
	SELECT 1 FROM version AS a
	WHERE a.nameid = v.nameid AND ` + boundOn + ` = coalesce(v.created_on, 0x8000000000000000) AND a.id > v.id
		AND (a.is_deleted = 0 OR v.is_deleted AND a.deleted_on >= v.deleted_on)
)`}
	dropRecord = statement{"drop a forwarding record", `
DELETE FROM version WHERE id = ? AND forward_name IS NOT NULL RETURNING nameid`}
)

// DropRecord implements store.Tx; NotFound if there is no forwarding record with that ID.
func (t *tx) DropRecord(ctx context.Context, id int64) error {
	if _, err := t.exec(ctx, keepFormer, id); err != nil {
		return err
	}
	return t.changeVersions(ctx, dropRecord, id)
}

var (
	reclaimVersion = statement{"queue the content of a version for reclaim", `
INSERT INTO reclaim (due, address)
SELECT ?2, address FROM version WHERE id = ?1 AND is_deleted = 0 AND address IS NOT NULL`}
	reclaimInline = statement{"queue inline content for reclaim", `UPDATE content SET due = ?2 WHERE versionid = ?1`}
	deleteVersion = statement{"delete a version", `
UPDATE version SET is_deleted = 1, deleted_on = ?2 WHERE id = ?1 AND is_deleted = 0 RETURNING nameid`}
)

// DeleteVersion implements store.Tx; NotFound if there is no live version with that ID.
func (t *tx) DeleteVersion(ctx context.Context, id int64, at, due time.Time) error {
	if _, err := t.exec(ctx, reclaimVersion, id, dueNanos(due)); err != nil {
		return err
	}
	if err := t.changeVersions(ctx, deleteVersion, id, nanos(at)); err != nil {
		return err
	}
	_, err := t.exec(ctx, reclaimInline, id, dueNanos(due))
	return err
}

var (
	setVersionACLs     = statement{"change the lists of a version", `UPDATE version SET acls = ? WHERE id = ?`}
	setVersionMetadata = statement{"change the metadata of a version", `UPDATE version SET metadata = ? WHERE id = ?`}
	setVersionAttr     = statement{"change the attributes of a version", `
UPDATE version SET mtime = ?, atime = ?, ctime = ?, mode = ?, uid = ?, gid = ?, ino = ? WHERE id = ?`}
)

// SetVersionACLs implements store.Tx; NotFound if there is no version with that ID.
func (t *tx) SetVersionACLs(ctx context.Context, id int64, lists acl.Lists) error {
	text, err := encodeLists(lists)
	if err != nil {
		return failed(setVersionACLs.doing, err)
	}
	return t.change(ctx, setVersionACLs, text, id)
}

// SetVersionMetadata implements store.Tx; NotFound if there is no version with that ID.
func (t *tx) SetVersionMetadata(ctx context.Context, id int64, metadata store.Metadata) error {
	text, err := encodeMetadata(metadata)
	if err != nil {
		return failed(setVersionMetadata.doing, err)
	}
	return t.change(ctx, setVersionMetadata, text, id)
}

// SetVersionAttr implements store.Tx; NotFound if there is no version with that ID.
func (t *tx) SetVersionAttr(ctx context.Context, id int64, attr store.Attr) error {
	return t.change(ctx, setVersionAttr, append(attrArgs(attr), id)...)
}
