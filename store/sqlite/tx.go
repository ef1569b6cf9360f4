package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// tx is a store.Tx: one change in the transaction of a batch. As there is only one
// transaction that writes, what it reads cannot change meanwhile.
type tx struct {
	prepared *statements
	// broken is the error after which nothing more may happen in this change, because the
	// database may have ended the transaction: what came later would be one by itself.
	broken error
	over   bool // fn has returned
}

var _ store.Tx = (*tx)(nil)

var errOver = errors.New("the transaction has ended")

// before says why a statement may not run.
func (t *tx) before(ctx context.Context, st statement) error {
	switch {
	case t.over:
		return failed(st.doing, errOver)
	case t.broken != nil:
		return t.broken
	case ctx.Err() != nil:
		return failed(st.doing, ctx.Err())
	}
	return nil
}

// after gives an error its kind.
func (t *tx) after(st statement, err error) error {
	wrapped := failed(st.doing, err)
	if err != nil && !refused(err) {
		t.broken = wrapped
	}
	return wrapped
}

// each implements querier.
func (t *tx) each(ctx context.Context, st statement, fn func(*row) error, args ...any) error {
	if err := t.before(ctx, st); err != nil {
		return err
	}
	return t.after(st, eachRow(context.WithoutCancel(ctx), t.prepared, st, fn, args))
}

// exec executes a statement and returns how many rows it has changed.
func (t *tx) exec(ctx context.Context, st statement, args ...any) (int64, error) {
	if err := t.before(ctx, st); err != nil {
		return 0, err
	}
	changed, err := t.prepared.exec(context.WithoutCancel(ctx), st.sql, args...)
	return changed, t.after(st, err)
}

// change is exec for a statement that has to change something, or else what it is about is
// NotFound.
func (t *tx) change(ctx context.Context, st statement, args ...any) error {
	changed, err := t.exec(ctx, st, args...)
	if err == nil && changed == 0 {
		return failed(st.doing, errNoRow)
	}
	return err
}

// insert executes an insertion and returns the new row's id.
func (t *tx) insert(ctx context.Context, st statement, args ...any) (int64, error) {
	id, _, err := first(ctx, t, st, scanID, args...)
	return id, err
}

func scanID(r *row) (int64, error) { return r.integer(), nil }

// Resolve implements store.Tx.
func (t *tx) Resolve(ctx context.Context, path store.Path, versionID string) (*store.Resolution, error) {
	return resolve(ctx, t, path, versionID)
}

var occupied = statement{"look into a namespace", `
SELECT EXISTS (
	SELECT 1 FROM name AS n LEFT JOIN version AS v ON v.id = n.current
	WHERE n.pid = ?1 AND n.is_deleted = 0
		AND (n.subtype = 0 OR v.id IS NOT NULL AND v.forward_name IS NULL)
)`}

// Occupied implements store.Tx.
func (t *tx) Occupied(ctx context.Context, namespace int64) (bool, error) {
	found, _, err := first(ctx, t, occupied, scanID, namespace)
	return found != 0, err
}

// touched gives a namespace the times of a change of its children at ?2, which may be unknown.
const touched = `mtime = CASE WHEN ctime >= ?2 THEN mtime ELSE coalesce(?2, mtime) END,
	ctime = max(coalesce(ctime, ?2), coalesce(?2, ctime))`

var (
	createName = statement{"create a name", `
INSERT INTO name (pid, name, subtype, acls, created_on, mtime, atime, ctime, mode, uid, gid, ino)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`}
	childrenChanged = statement{"count a change of a namespace", `
UPDATE name SET changes = changes + 1, ` + touched + ` WHERE id = ?1`}
	touch = statement{"note a change of a namespace", `UPDATE name SET ` + touched + ` WHERE id = ?1`}
)

// CreateName implements store.Tx; NotFound if there is no name with the ID n.Parent.
func (t *tx) CreateName(ctx context.Context, n *store.Name) error {
	lists, err := encodeLists(n.ACLs)
	if err != nil {
		return failed(createName.doing, err)
	}
	subtype := 0
	if n.Kind == acl.Object {
		subtype = 1
	}
	args := append([]any{orNull(n.Parent), string(n.Path), subtype, lists, nanos(n.Created)}, attrArgs(n.Attr)...)
	id, err := t.insert(ctx, createName, args...)
	if err != nil {
		return err
	}
	n.ID = id
	seen := n.Created
	if !n.Seen.IsZero() {
		seen = n.Seen
	}
	return t.grow(ctx, n.Parent, seen)
}

// grow counts a change of a namespace's children at a time; the root's parent is 0.
func (t *tx) grow(ctx context.Context, namespace int64, at time.Time) error {
	if namespace == 0 {
		return nil
	}
	return t.change(ctx, childrenChanged, namespace, nanos(at))
}

// Touch implements store.Tx; NotFound if there is no name with one of the IDs.
func (t *tx) Touch(ctx context.Context, at time.Time, namespaces ...int64) error {
	for _, id := range namespaces {
		if err := t.change(ctx, touch, id, nanos(at)); err != nil {
			return err
		}
	}
	return nil
}

var reviveName = statement{"revive a name", `
UPDATE name SET is_deleted = 0, deleted_on = NULL, created_on = CASE WHEN created_on = deleted_on THEN ?2 ELSE created_on END
WHERE id = ?1 AND is_deleted = 1 RETURNING coalesce(pid, 0)`}

// ReviveName implements store.Tx; NotFound if there is no deleted name with that ID.
func (t *tx) ReviveName(ctx context.Context, id int64, at time.Time) error {
	parent, found, err := first(ctx, t, reviveName, scanID, id, nanos(at))
	if err != nil {
		return err
	}
	if !found {
		return failed(reviveName.doing, errNoRow)
	}
	return t.grow(ctx, parent, at)
}

var (
	setNameACLs = statement{"change the lists of a name", `UPDATE name SET acls = ? WHERE id = ?`}
	setNameAttr = statement{"change the attributes of a name", `
UPDATE name SET mtime = ?, atime = ?, ctime = ?, mode = ?, uid = ?, gid = ?, ino = ? WHERE id = ?`}
)

// SetNameACLs implements store.Tx; NotFound if there is no name with that ID.
func (t *tx) SetNameACLs(ctx context.Context, id int64, lists acl.Lists) error {
	text, err := encodeLists(lists)
	if err != nil {
		return failed(setNameACLs.doing, err)
	}
	return t.change(ctx, setNameACLs, text, id)
}

// SetNameAttr implements store.Tx; NotFound if there is no name with that ID.
func (t *tx) SetNameAttr(ctx context.Context, id int64, attr store.Attr) error {
	return t.change(ctx, setNameAttr, append(attrArgs(attr), id)...)
}
