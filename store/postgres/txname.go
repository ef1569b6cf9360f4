package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

var occupied = statement{"look into a namespace", `
SELECT EXISTS (
	SELECT 1 FROM name AS n LEFT JOIN version AS v ON v.id = n.current_version
	WHERE n.pid = $1 AND NOT n.is_deleted
		AND (n.subtype = 0 OR v.id IS NOT NULL AND v.aux ->> 'rename_to' IS NULL)
)`}

// Occupied implements store.Tx.
func (t *tx) Occupied(ctx context.Context, namespace int64) (bool, error) {
	found, _, err := first(ctx, t, occupied, one[bool], namespace)
	return found, err
}

// touched gives a namespace the times of a change of its children at $2, which may be unknown.
const touched = `mtime = CASE WHEN ctime >= $2::int8 THEN mtime ELSE coalesce($2, mtime) END, ctime = greatest(ctime, $2)`

var (
	// lockName keeps a name from being changed. It comes before what is counted in it, so that
	// the counting sees all that others have done.
	lockName   = statement{"lock a name", `SELECT n.id FROM name AS n WHERE n.id = $1 FOR NO KEY UPDATE`}
	createName = statement{"create a name", `
INSERT INTO name (
	pid, ancestors, name, subtype, is_deleted, created_on, mtime, atime, ctime, mode, uid, gid, ino,
	owner, "create", "update", read, "subtree-owner", "subtree-create", "subtree-update", "subtree-read"
)
SELECT p.id, CASE WHEN p.id IS NULL THEN '{}' ELSE coalesce(p.ancestors, '{}') || p.id END,
	$2::text, $3::int, false, $4::timestamptz, $5::int8, $6::int8, $7::int8, $8::int8, $9::int8, $10::int8, $11::int8,
	$12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[]
FROM (SELECT 1) AS once LEFT JOIN name AS p ON p.id = $1
WHERE $1::int8 IS NULL OR p.id IS NOT NULL
ON CONFLICT (name) DO NOTHING RETURNING id`}
	childrenChanged = statement{"count a change of a namespace", `
UPDATE name SET changes = coalesce(changes, 0) + 1, ` + touched + ` WHERE id = $1`}
	siblingsChanged = statement{"count a change of a namespace", `
UPDATE name SET changes = coalesce(changes, 0) + 1, ` + touched + ` WHERE id = (SELECT n.pid FROM name AS n WHERE n.id = $1)`}
	touchName = statement{"note a change of a namespace", `UPDATE name SET ` + touched + ` WHERE id = $1`}
)

// CreateName implements store.Tx; NotFound if there is no name with the ID n.Parent.
func (t *tx) CreateName(ctx context.Context, n *store.Name) error {
	lists, err := encodeLists(nameLists, n.ACLs)
	if err != nil {
		return failed(createName.doing, err)
	}
	subtype := 0
	if n.Kind == acl.Object {
		subtype = 1
	}
	parent := orNull(n.Parent)
	args := append([]any{parent, string(n.Path), subtype, stamp(n.Created)}, attrArgs(n.Attr)...)
	seen := n.Created
	if !n.Seen.IsZero() {
		seen = n.Seen
	}
	id, err := t.insert(ctx, n.Parent == 0, lockName.with(parent),
		createName, append(args, lists...), childrenChanged.with(parent, nanos(seen)))
	if err != nil {
		return err
	}
	n.ID, n.Created = id, kept(n.Created)
	return nil
}

// insert executes an insertion between a step that locks what it needs, and one that counts it,
// and returns the new row's id: NotFound if nothing was locked, unless free is set, Exists if
// nothing was inserted.
func (t *tx) insert(ctx context.Context, free bool, lock *step, st statement, args []any, after ...*step) (int64, error) {
	var ids []int64
	steps := append([]*step{lock, into(&ids, st, one[int64], args...)}, after...)
	if err := t.do(ctx, steps...); err != nil {
		return 0, err
	}
	return inserted(st, free || lock.count > 0, ids)
}

// inserted returns the new row's id; NotFound unless there was what it needs.
func inserted(st statement, based bool, ids []int64) (int64, error) {
	switch {
	case !based:
		return 0, failed(st.doing, errNoRow)
	case len(ids) == 0:
		return 0, failed(st.doing, errTwin)
	}
	return ids[0], nil
}

var reviveName = statement{"revive a name", `
UPDATE name SET is_deleted = false, deleted_on = NULL,
	created_on = CASE WHEN created_on = deleted_on THEN $2::timestamptz ELSE created_on END
WHERE id = $1 AND is_deleted`}

// ReviveName implements store.Tx; NotFound if there is no deleted name with that ID.
func (t *tx) ReviveName(ctx context.Context, id int64, at time.Time) error {
	return t.must(ctx, 0, reviveName.with(id, stamp(at)), siblingsChanged.with(id, nanos(at)))
}

// Touch implements store.Tx, with one round trip; NotFound if there is no name with the first ID.
func (t *tx) Touch(ctx context.Context, at time.Time, namespaces ...int64) error {
	var steps []*step
	for _, id := range slices.Compact(slices.Sorted(slices.Values(namespaces))) { // all who lock several go upwards
		steps = append(steps, touchName.with(id, nanos(at)))
	}
	return t.must(ctx, 0, steps...)
}

var (
	setNameACLs = statement{"change the lists of a name", `
UPDATE name SET owner = $2, "create" = $3, "update" = $4, read = $5,
	"subtree-owner" = $6, "subtree-create" = $7, "subtree-update" = $8, "subtree-read" = $9
WHERE id = $1`}
	setNameAttr = statement{"change the attributes of a name", `
UPDATE name SET mtime = $2, atime = $3, ctime = $4, mode = $5, uid = $6, gid = $7, ino = $8 WHERE id = $1`}
)

// SetNameACLs implements store.Tx; NotFound if there is no name with that ID.
func (t *tx) SetNameACLs(ctx context.Context, id int64, lists acl.Lists) error {
	columns, err := encodeLists(nameLists, lists)
	if err != nil {
		return failed(setNameACLs.doing, err)
	}
	return t.must(ctx, 0, setNameACLs.with(append([]any{id}, columns...)...))
}

// SetNameAttr implements store.Tx; NotFound if there is no name with that ID.
func (t *tx) SetNameAttr(ctx context.Context, id int64, attr store.Attr) error {
	return t.must(ctx, 0, setNameAttr.with(append([]any{id}, attrArgs(attr)...)...))
}
