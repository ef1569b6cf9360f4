package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// currentOf is the ID of the newest live version of the name n.
const currentOf = `(
	SELECT l.id FROM version AS l WHERE l.nameid = n.id AND NOT l.is_deleted ORDER BY l.id DESC LIMIT 1
)`

var (
	// lockObject keeps the object of the version $1 from being changed.
	lockObject = statement{"lock an object", `
SELECT n.id FROM name AS n WHERE n.id = (SELECT v.nameid FROM version AS v WHERE v.id = $1) FOR NO KEY UPDATE`}
	// versionsChanged counts a change of the versions of an object and notes which is current.
	versionsChanged = statement{"count a change of an object", `
UPDATE name AS n SET changes = coalesce(n.changes, 0) + 1, current_version = ` + currentOf + `
WHERE n.id = $1`}
	// versionChanged is versionsChanged for the object of the version $1.
	versionChanged = statement{"count a change of an object", `
UPDATE name AS n SET changes = coalesce(n.changes, 0) + 1, current_version = ` + currentOf + `
WHERE n.id = (SELECT v.nameid FROM version AS v WHERE v.id = $1)`}
)

var (
	bindVersion = statement{"bind a version", `
INSERT INTO version (nameid, version, nbytes, metadata, is_deleted, aux, created_on, sha256, address, inline,
	mtime, atime, ctime, mode, uid, gid, ino, owner, read, unsynced)
SELECT n.id, $2::text, $3::int8, $4::jsonb, false, $5::json, $6::timestamptz, $7::bytea, $8::text, $9::bool,
	$10::int8, $11::int8, $12::int8, $13::int8, $14::int8, $15::int8, $16::int8, $17::text[], $18::text[], $19::text
FROM name AS n WHERE n.id = $1
ON CONFLICT (nameid, version) DO NOTHING RETURNING id`}
	// keepContent keeps the content of the version with the id $2 of the object $1.
	keepContent = statement{"keep inline content", `
INSERT INTO content (versionid, bytes)
SELECT v.id, $3::bytea FROM version AS v WHERE v.nameid = $1 AND v.version = $2
ON CONFLICT (versionid) DO NOTHING`}
)

// BindVersion implements store.Tx, with one round trip; NotFound if there is no name with the
// ID v.NameID.
func (t *tx) BindVersion(ctx context.Context, v *store.Version) error {
	bind, err := newBinding(v)
	if err != nil {
		return err
	}
	if err := t.do(ctx, bind.steps...); err != nil {
		return err
	}
	return bind.done()
}

// ResolveAndBind implements store.Tx, with one round trip.
func (t *tx) ResolveAndBind(ctx context.Context, path store.Path, v *store.Version) (*store.Resolution, error) {
	bind, err := newBinding(v)
	if err != nil {
		return nil, err
	}
	found, ask := resolveStep(path, "")
	if err := t.do(ctx, slices.Concat(lockSteps(path), []*step{ask}, bind.steps)...); err != nil {
		return nil, err
	}
	return *found, bind.done()
}

// binding is a version on its way into the directory.
type binding struct {
	version *store.Version
	steps   []*step // the first locks the name
	ids     []int64 // what the insertion returns
}

func newBinding(v *store.Version) (*binding, error) {
	metadata, err := encodeMetadata(v.Metadata)
	if err != nil {
		return nil, failed(bindVersion.doing, err)
	}
	lists, err := encodeLists(versionLists, v.ACLs)
	if err != nil {
		return nil, failed(bindVersion.doing, err)
	}
	said, err := encodeAux(v.Forward, v.URL)
	if err != nil {
		return nil, failed(bindVersion.doing, err)
	}
	inline := v.HasInline || v.Inline != nil
	args := []any{
		v.NameID, v.Version, v.Size, metadata, said, stamp(v.Created), v.SHA256, orNull(string(v.Address)), inline,
	}
	args = append(append(append(args, attrArgs(v.Attr)...), lists...), orNull(v.Unsynced))
	b := &binding{version: v}
	b.steps = []*step{lockName.with(v.NameID), into(&b.ids, bindVersion, one[int64], args...), versionsChanged.with(v.NameID)}
	if inline {
		b.steps = append(b.steps, keepContent.with(v.NameID, v.Version, notNil(v.Inline)))
	}
	return b, nil
}

// done sets the version's ID, when the steps were executed.
func (b *binding) done() error {
	id, err := inserted(bindVersion, b.steps[0].count > 0, b.ids)
	if err == nil {
		b.version.ID, b.version.Created = id, kept(b.version.Created)
	}
	return err
}

var (
	forwardVersion = statement{"forward a version", `
UPDATE version SET aux = $2::json, forwarded_on = $3, address = NULL, inline = false, unsynced = NULL WHERE id = $1 AND NOT is_deleted`}
	// dropContent drops the content that a version has no use for any more.
	dropContent = statement{"drop inline content", `
DELETE FROM content WHERE versionid = (SELECT v.id FROM version AS v WHERE v.id = $1 AND NOT v.inline)`}
)

// ForwardVersion implements store.Tx; NotFound if there is no live version with that ID.
func (t *tx) ForwardVersion(ctx context.Context, id int64, to store.Ref, at time.Time) error {
	said, err := encodeAux(&to, "")
	if err != nil {
		return failed(forwardVersion.doing, err)
	}
	return t.must(ctx, 1, lockObject.with(id), forwardVersion.with(id, said, stamp(at)), versionChanged.with(id), dropContent.with(id))
}

var (
	findRecord = statement{"look for a forwarding record", `
SELECT v.nameid FROM version AS v WHERE v.id = $1 AND v.aux ->> 'rename_to' IS NOT NULL`}
	// keepFormer leaves out what was never current, because a later version was bound with it and is there
	// for as long. So renaming many versions at once leaves one row.
	keepFormer = statement{"note what a forwarding record was", `
INSERT INTO former (id, nameid, version, created_on, until, deleted_on)
SELECT v.id, v.nameid, v.version, v.created_on, v.forwarded_on,
	CASE WHEN v.is_deleted THEN coalesce(v.deleted_on, v.forwarded_on) END
FROM version AS v
WHERE v.id = $1 AND v.forwarded_on IS NOT NULL AND NOT EXISTS (
	SELECT 1 FROM version AS a
	WHERE a.nameid = v.nameid AND ` + boundOn + ` = coalesce(v.created_on, '-infinity'::timestamptz) AND a.id > v.id
		AND (NOT a.is_deleted OR v.is_deleted AND a.deleted_on >= v.deleted_on)
)`}
	dropRecord = statement{"drop a forwarding record", `DELETE FROM version WHERE id = $1`}
)

// DropRecord implements store.Tx; NotFound if there is no forwarding record with that ID.
func (t *tx) DropRecord(ctx context.Context, id int64) error {
	var objects []int64
	find := into(&objects, findRecord, one[int64], id)
	if err := t.must(ctx, 1, lockObject.with(id), find); err != nil {
		return err
	}
	return t.do(ctx, keepFormer.with(id), dropRecord.with(id), versionsChanged.with(objects[0]))
}

var (
	reclaimVersion = statement{"queue the content of a version for reclaim", `
INSERT INTO reclaim (due, address)
SELECT $2::timestamptz, v.address FROM version AS v WHERE v.id = $1 AND NOT v.is_deleted AND v.address IS NOT NULL`}
	reclaimInline = statement{"queue inline content for reclaim", `
UPDATE content SET due = $2 WHERE versionid = (SELECT v.id FROM version AS v WHERE v.id = $1 AND NOT v.is_deleted)`}
	deleteVersion = statement{"delete a version", `
UPDATE version SET is_deleted = true, deleted_on = $2 WHERE id = $1 AND NOT is_deleted`}
)

// DeleteVersion implements store.Tx; NotFound if there is no live version with that ID.
func (t *tx) DeleteVersion(ctx context.Context, id int64, at, later time.Time) error {
	return t.must(ctx, 3, lockObject.with(id), reclaimVersion.with(id, due(later)), reclaimInline.with(id, due(later)),
		deleteVersion.with(id, stamp(at)), versionChanged.with(id))
}

var (
	setVersionACLs     = statement{"change the lists of a version", `UPDATE version SET owner = $2, read = $3 WHERE id = $1`}
	setVersionMetadata = statement{"change the metadata of a version", `UPDATE version SET metadata = $2 WHERE id = $1`}
	setVersionAttr     = statement{"change the attributes of a version", `
UPDATE version SET mtime = $2, atime = $3, ctime = $4, mode = $5, uid = $6, gid = $7, ino = $8 WHERE id = $1`}
)

// SetVersionACLs implements store.Tx; NotFound if there is no version with that ID.
func (t *tx) SetVersionACLs(ctx context.Context, id int64, lists acl.Lists) error {
	columns, err := encodeLists(versionLists, lists)
	if err != nil {
		return failed(setVersionACLs.doing, err)
	}
	return t.must(ctx, 0, setVersionACLs.with(append([]any{id}, columns...)...))
}

// SetVersionMetadata implements store.Tx; NotFound if there is no version with that ID.
func (t *tx) SetVersionMetadata(ctx context.Context, id int64, metadata store.Metadata) error {
	text, err := encodeMetadata(metadata)
	if err != nil {
		return failed(setVersionMetadata.doing, err)
	}
	return t.must(ctx, 0, setVersionMetadata.with(id, text))
}

// SetVersionAttr implements store.Tx; NotFound if there is no version with that ID.
func (t *tx) SetVersionAttr(ctx context.Context, id int64, attr store.Attr) error {
	return t.must(ctx, 0, setVersionAttr.with(append([]any{id}, attrArgs(attr)...)...))
}
