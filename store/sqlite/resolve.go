package sqlite

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// The columns that scanName and scanVersion read, in their order.
const (
	nameColumns = `n.id, n.pid, n.name, n.subtype, n.is_deleted, n.acls, n.changes,
		n.created_on, n.deleted_on, n.mtime, n.atime, n.ctime, n.mode, n.uid, n.gid, n.ino, n.moved_to`
	versionColumns = `v.id, v.nameid, v.version, v.nbytes, v.metadata, v.acls, v.is_deleted,
		v.created_on, v.deleted_on, v.sha256, v.mtime, v.atime, v.ctime, v.mode, v.uid, v.gid, v.ino,
		v.address, v.inline, v.forward_name, v.forward_version, v.forwarded_on, v.url, v.unsynced`
)

var kinds = [...]acl.Kind{acl.Namespace, acl.Object} // by subtype

func scanName(r *row) (n store.Name, err error) {
	n.ID = r.integer()
	n.Parent = r.integer()
	n.Path = store.Path(r.text())
	n.Kind = kinds[r.integer()]
	n.Deleted = r.truth()
	if n.ACLs, err = r.lists(); err != nil {
		return n, err
	}
	n.Changes = r.integer()
	n.Created, n.DeletedOn = r.time(), r.time()
	n.Attr = r.attr()
	n.MovedTo, err = decode[[]store.Path](r.text())
	return n, err
}

// scanVersion returns nil if the columns are null, as an outer join leaves them. Inline
// content is not read.
func scanVersion(r *row) (v *store.Version, err error) {
	id := r.integer()
	if id == 0 {
		return nil, nil
	}
	v = &store.Version{ID: id, NameID: r.integer(), Version: r.text(), Size: r.integer()}
	if v.Metadata, err = r.metadata(); err != nil {
		return nil, err
	}
	if v.ACLs, err = r.lists(); err != nil {
		return nil, err
	}
	v.Deleted = r.truth()
	v.Created, v.DeletedOn = r.time(), r.time()
	v.SHA256 = r.blob()
	v.Attr = r.attr()
	v.Address = store.Address(r.text())
	v.HasInline = r.truth()
	if path, version := r.text(), r.text(); path != "" {
		v.Forward = &store.Ref{Path: store.Path(path), Version: version}
	}
	v.ForwardedOn = r.time()
	v.URL = r.text()
	v.Unsynced = r.text()
	return v, nil
}

// scanWhole is scanVersion with the inline content in the column behind.
func scanWhole(r *row) (*store.Version, error) {
	v, err := scanVersion(r)
	if v != nil && v.HasInline {
		// The driver gives nil for an empty blob.
		if v.Inline = r.blob(); v.Inline == nil {
			v.Inline = []byte{}
		}
	}
	return v, err
}

// What resolves a path: the names at the paths ?1, a JSON array, each in a row, and that of
// path ?2 in as many rows as it has a current version and another one with the id ?3.
const (
	resolvedColumns = nameColumns + `, n.current, ` + versionColumns + `, c.bytes`
	resolvedRows    = `
FROM json_each(?1) AS p
CROSS JOIN name AS n ON n.name = p.value
LEFT JOIN version AS v ON n.name = ?2
	AND v.id IN (n.current, (SELECT a.id FROM version AS a WHERE a.nameid = n.id AND a.version = ?3))
LEFT JOIN content AS c ON c.versionid = v.id AND v.inline`
)

var resolvePath = statement{"resolve a path", `
SELECT ` + resolvedColumns + resolvedRows}

// Resolve implements store.Directory, by one statement.
func (d *Directory) Resolve(ctx context.Context, path store.Path, versionID string) (*store.Resolution, error) {
	return resolve(ctx, d.reads, path, versionID)
}

func resolve(ctx context.Context, q querier, path store.Path, versionID string) (*store.Resolution, error) {
	return resolveBy(ctx, q, resolvePath, path, versionID, func(*row) error { return nil })
}

// resolveBy executes a statement whose rows begin with columns that before reads, and go on
// with resolvedColumns. More arguments are those behind ?3.
func resolveBy(ctx context.Context, q querier, st statement, path store.Path, versionID string, before func(*row) error, more ...any) (*store.Resolution, error) {
	found := &store.Resolution{Path: path}
	add := func(r *row) error {
		if err := before(r); err != nil {
			return err
		}
		return addRow(found, r, versionID)
	}
	if err := resolveRows(ctx, q, st, found, add, append([]any{orNull(versionID)}, more...)...); err != nil {
		return nil, err
	}
	return found, nil
}

// resolveRows executes a statement on the path of found, whose rows add adds to it. More arguments
// are those behind ?2.
func resolveRows(ctx context.Context, q querier, st statement, found *store.Resolution, add func(*row) error, more ...any) error {
	paths, err := json.Marshal(append(found.Path.Enclosing(), found.Path))
	if err != nil {
		return failed(st.doing, err)
	}
	if err := q.each(ctx, st, add, append([]any{string(paths), string(found.Path)}, more...)...); err != nil {
		return err
	}
	slices.SortFunc(found.Enclosing, func(a, b store.Name) int { return len(a.Path) - len(b.Path) })
	return nil
}

func addRow(found *store.Resolution, r *row, versionID string) error {
	name, err := scanName(r)
	if err != nil {
		return err
	}
	if name.Path != found.Path {
		found.Enclosing = append(found.Enclosing, name)
		return nil
	}
	found.Name = &name
	current := r.integer()
	version, err := scanWhole(r)
	if err != nil || version == nil {
		return err
	}
	if version.ID == current {
		found.Current = version
	}
	if versionID == "" || version.Version == versionID {
		found.Version = version
	}
	return nil
}
