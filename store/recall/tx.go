package recall

import (
	"context"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// tx is a transaction that tells the memory what it touches, before it does. Rows are known by what
// the transaction itself has read; a change of any other row touches everything. The one beneath
// is not embedded, so that no new change of names or versions goes by unseen.
type tx struct {
	store.JobsTx // touches neither
	inner        store.Tx
	memory       *memory
	change       *change
	names        map[int64]bound
	versions     map[int64]store.Path // of their objects
}

// bound is a name that the transaction has read.
type bound struct {
	path store.Path
	kind acl.Kind
}

// notifierTx is tx on a directory with notes.
type notifierTx struct {
	*tx
	store.NotifierTx
}

func newTx(inner store.Tx, m *memory, c *change) store.Tx {
	t := &tx{JobsTx: inner, inner: inner, memory: m, change: c, names: make(map[int64]bound), versions: make(map[int64]store.Path)}
	if notes, ok := inner.(store.NotifierTx); ok {
		return notifierTx{t, notes}
	}
	return t
}

// read notes what rows belong to which paths.
func (t *tx) read(r *store.Resolution) {
	if r == nil {
		return
	}
	for i := range r.Enclosing {
		t.readName(&r.Enclosing[i])
	}
	if r.Name != nil {
		t.readName(r.Name)
	}
	for _, v := range []*store.Version{r.Version, r.Current} {
		if v != nil {
			t.versions[v.ID] = r.Path
		}
	}
}

func (t *tx) readName(n *store.Name) { t.names[n.ID] = bound{n.Path, n.Kind} }

func (t *tx) readVersions(path store.Path, versions []store.Version) {
	for i := range versions {
		t.versions[versions[i].ID] = path
	}
}

// touch forgets what is at a path.
func (t *tx) touch(path store.Path, reach reach) { t.memory.touch(t.change, path, reach, false) }

// touchName forgets a name. What is felt beneath a namespace is felt nowhere else at an object.
func (t *tx) touchName(id int64, reach reach) {
	n, known := t.names[id]
	switch {
	case !known:
		t.touch(store.Root, all)
	case n.kind == acl.Object:
		t.touch(n.path, itself)
	default:
		t.touch(n.path, reach)
	}
}

// follow makes what the transaction has read at a path what it is after a change of its own, which
// it makes by a call of fn; then is applied to a copy of it. The path is empty if it is not known.
func (t *tx) follow(path store.Path, fn func() error, then func(*store.Resolution)) error {
	if path == "" {
		t.touch(store.Root, all)
		return fn()
	}
	t.memory.touch(t.change, path, itself, true)
	err := fn()
	for _, r := range t.change.read {
		if r.path != path || r.found == nil {
			continue
		}
		if err != nil {
			r.found = nil
			continue
		}
		now := *r.found
		then(&now)
		r.found = &now
	}
	return err
}

// touchTree forgets a path with all beneath it. There is nothing beneath an object.
func (t *tx) touchTree(path store.Path) {
	for _, n := range t.names {
		if n.path == path && n.kind == acl.Object {
			t.touch(path, itself)
			return
		}
	}
	t.touch(path, tree)
}

// touchVersion forgets the object of a version.
func (t *tx) touchVersion(id int64) {
	if path, known := t.versions[id]; known {
		t.touch(path, itself)
		return
	}
	t.touch(store.Root, all)
}

// Resolve implements store.Tx.
func (t *tx) Resolve(ctx context.Context, path store.Path, version string) (*store.Resolution, error) {
	r := t.memory.beginIn(t.change, path)
	found, err := t.inner.Resolve(ctx, path, version)
	t.read(found)
	if err == nil {
		own := *withoutContent(found) // the caller may make of its own what it wants
		own.Version = own.Current
		if own.Name != nil {
			name := *own.Name
			own.Name = &name
		}
		r.found = &own
	}
	return found, err
}

// ResolveJob implements store.Tx.
func (t *tx) ResolveJob(ctx context.Context, path store.Path, job string) (*store.Resolution, *store.Job, error) {
	r, j, err := t.inner.ResolveJob(ctx, path, job)
	t.read(r)
	return r, j, err
}

// Beneath implements store.Tx.
func (t *tx) Beneath(ctx context.Context, path store.Path, fn func(store.Name, []store.Version) error) error {
	return t.inner.Beneath(ctx, path, func(n store.Name, versions []store.Version) error {
		t.readName(&n)
		t.readVersions(n.Path, versions)
		return fn(n, versions)
	})
}

// LiveVersions implements store.Tx.
func (t *tx) LiveVersions(ctx context.Context, object int64) ([]store.Version, error) {
	versions, err := t.inner.LiveVersions(ctx, object)
	if n, known := t.names[object]; known {
		t.readVersions(n.path, versions)
	}
	return versions, err
}

// Occupied implements store.Tx.
func (t *tx) Occupied(ctx context.Context, namespace int64) (bool, error) {
	return t.inner.Occupied(ctx, namespace)
}

// MarkSynced implements store.Tx. It touches nothing that Recall promises.
func (t *tx) MarkSynced(ctx context.Context, ids []int64) error { return t.inner.MarkSynced(ctx, ids) }

// HeldVersions implements store.Tx.
func (t *tx) HeldVersions(ctx context.Context, object int64) ([]store.Version, error) {
	versions, err := t.inner.HeldVersions(ctx, object)
	if n, known := t.names[object]; known {
		t.readVersions(n.path, versions)
	}
	return versions, err
}

// Origins implements store.Tx.
func (t *tx) Origins(ctx context.Context, path store.Path) ([]store.Entry, error) {
	entries, err := t.inner.Origins(ctx, path)
	for i := range entries {
		e := &entries[i]
		t.readName(&e.Name)
		if e.Current != nil {
			t.versions[e.Current.ID] = e.Name.Path
		}
	}
	return entries, err
}

// ReturnVersions implements store.Tx.
func (t *tx) ReturnVersions(ctx context.Context, returns []store.Return, at time.Time) error {
	for i := range returns {
		t.touchVersion(returns[i].Holder.ID)
		t.touch(returns[i].Path, itself)
	}
	return t.inner.ReturnVersions(ctx, returns, at)
}

// Touch implements store.Tx.
func (t *tx) Touch(ctx context.Context, at time.Time, namespaces ...int64) error {
	for _, id := range namespaces {
		t.touchName(id, times)
	}
	return t.inner.Touch(ctx, at, namespaces...)
}

// CreateName implements store.Tx.
func (t *tx) CreateName(ctx context.Context, n *store.Name) error {
	err := t.follow(n.Path, func() error { return t.inner.CreateName(ctx, n) }, func(r *store.Resolution) {
		name := *n
		name.Seen = time.Time{}
		r.Name, r.Version, r.Current = &name, nil, nil
	})
	if err != nil {
		return err
	}
	t.readName(n)
	id := n.ID
	if n.Kind != acl.Namespace {
		id = 0
	}
	t.memory.created(t.change, n.Path, id)
	return nil
}

// ReviveName implements store.Tx.
func (t *tx) ReviveName(ctx context.Context, id int64, at time.Time) error {
	t.touchName(id, tree)
	return t.inner.ReviveName(ctx, id, at)
}

// Restore implements store.Tx.
func (t *tx) Restore(ctx context.Context, path store.Path, at time.Time) (int, error) {
	t.touchTree(path)
	return t.inner.Restore(ctx, path, at)
}

// DeleteTree implements store.Tx.
func (t *tx) DeleteTree(ctx context.Context, path store.Path, at, due time.Time) error {
	t.touchTree(path)
	return t.inner.DeleteTree(ctx, path, at, due)
}

// MoveTree implements store.Tx.
func (t *tx) MoveTree(ctx context.Context, from, to store.Path, parent int64, at time.Time) error {
	t.touch(from, tree)
	t.touch(to, tree)
	return t.inner.MoveTree(ctx, from, to, parent, at)
}

// SetNameACLs implements store.Tx.
func (t *tx) SetNameACLs(ctx context.Context, id int64, lists acl.Lists) error {
	t.touchName(id, rights)
	return t.inner.SetNameACLs(ctx, id, lists)
}

// SetNameAttr implements store.Tx.
func (t *tx) SetNameAttr(ctx context.Context, id int64, attr store.Attr) error {
	set := func() error { return t.inner.SetNameAttr(ctx, id, attr) }
	return t.follow(t.names[id].path, set, func(r *store.Resolution) {
		if r.Name != nil {
			name := *r.Name
			name.Attr = attr
			r.Name = &name
		}
	})
}

// ResolveAndBind implements store.Tx.
func (t *tx) ResolveAndBind(ctx context.Context, path store.Path, v *store.Version) (*store.Resolution, error) {
	t.touch(path, itself)
	r, err := t.inner.ResolveAndBind(ctx, path, v)
	t.read(r)
	return r, err
}

// BindVersion implements store.Tx.
func (t *tx) BindVersion(ctx context.Context, v *store.Version) error {
	path := t.names[v.NameID].path
	err := t.follow(path, func() error { return t.inner.BindVersion(ctx, v) }, func(r *store.Resolution) {
		version := *v
		version.HasInline, version.Inline = v.HasInline || v.Inline != nil, nil
		r.Version, r.Current = &version, &version
	})
	if err == nil && path != "" {
		t.versions[v.ID] = path
	}
	return err
}

// RestoreVersion implements store.Tx.
func (t *tx) RestoreVersion(ctx context.Context, id int64) error {
	t.touchVersion(id)
	return t.inner.RestoreVersion(ctx, id)
}

// ForwardVersion implements store.Tx.
func (t *tx) ForwardVersion(ctx context.Context, id int64, to store.Ref, at time.Time) error {
	t.touchVersion(id)
	return t.inner.ForwardVersion(ctx, id, to, at)
}

// DropRecord implements store.Tx.
func (t *tx) DropRecord(ctx context.Context, id int64) error {
	t.touchVersion(id)
	return t.inner.DropRecord(ctx, id)
}

// DeleteVersion implements store.Tx.
func (t *tx) DeleteVersion(ctx context.Context, id int64, at, due time.Time) error {
	t.touchVersion(id)
	return t.inner.DeleteVersion(ctx, id, at, due)
}

// SetVersionACLs implements store.Tx.
func (t *tx) SetVersionACLs(ctx context.Context, id int64, lists acl.Lists) error {
	t.touchVersion(id)
	return t.inner.SetVersionACLs(ctx, id, lists)
}

// SetVersionMetadata implements store.Tx.
func (t *tx) SetVersionMetadata(ctx context.Context, id int64, metadata store.Metadata) error {
	t.touchVersion(id)
	return t.inner.SetVersionMetadata(ctx, id, metadata)
}

// SetVersionAttr implements store.Tx.
func (t *tx) SetVersionAttr(ctx context.Context, id int64, attr store.Attr) error {
	set := func() error { return t.inner.SetVersionAttr(ctx, id, attr) }
	return t.follow(t.versions[id], set, func(r *store.Resolution) {
		if r.Current != nil && r.Current.ID == id {
			version := *r.Current
			version.Attr = attr
			r.Version, r.Current = &version, &version
		}
	})
}
