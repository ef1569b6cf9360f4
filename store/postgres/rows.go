package postgres

import (
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// The columns of nameRow, versionRow and jobRow, in their order.
const (
	nameColumns = `n.id, n.pid, n.name, n.subtype, n.is_deleted,
		n.owner, n."create", n."update", n.read,
		n."subtree-owner", n."subtree-create", n."subtree-update", n."subtree-read",
		n.changes, n.created_on, n.deleted_on, n.mtime, n.atime, n.ctime, n.mode, n.uid, n.gid, n.ino, n.moved_to`
	versionColumns = `v.id, v.nameid, v.version, v.nbytes, v.metadata, v.owner, v.read, v.is_deleted,
		v.created_on, v.deleted_on, v.sha256, v.mtime, v.atime, v.ctime, v.mode, v.uid, v.gid, v.ino,
		v.address, v.inline, v.aux, v.forwarded_on, v.unsynced`
	jobColumns = `u.id, u.nameid, u.job, u.nbytes, u.chunksize, u.metadata, u.owner,
		u.created_on, u.active_on, u.address, u.digest_bytes, u.digest_state`
)

// contentOf is the inline content of the version v, null if it has none.
const contentOf = `(SELECT c.bytes FROM content AS c WHERE c.versionid = v.id AND v.inline)`

// The lists that have columns, in the order of these.
var (
	nameLists = []acl.Name{
		acl.Owner, acl.Create, acl.Update, acl.Read,
		acl.SubtreeOwner, acl.SubtreeCreate, acl.SubtreeUpdate, acl.SubtreeRead,
	}
	versionLists = []acl.Name{acl.Owner, acl.Read}
	jobLists     = []acl.Name{acl.Owner}
)

// texts is a column of a list; elements that are null do not count.
type texts = pgtype.FlatArray[pgtype.Text]

func elements(column texts) []string {
	if len(column) == 0 {
		return nil
	}
	list := make([]string, 0, len(column))
	for _, element := range column {
		if element.Valid {
			list = append(list, element.String)
		}
	}
	return list
}

func decodeLists(names []acl.Name, columns []texts) acl.Lists {
	lists := make(acl.Lists)
	for i, column := range columns {
		if list := elements(column); len(list) > 0 {
			lists[names[i]] = list
		}
	}
	return lists
}

// moment returns the time of a column, zero for null.
func moment(column pgtype.Timestamptz) time.Time {
	if !column.Valid {
		return time.Time{}
	}
	return column.Time.UTC()
}

// attrRow are the columns mtime, atime, ctime, mode, uid, gid and ino.
type attrRow struct{ mtime, atime, ctime, mode, uid, gid, ino pgtype.Int8 }

func (r *attrRow) targets() []any {
	return []any{&r.mtime, &r.atime, &r.ctime, &r.mode, &r.uid, &r.gid, &r.ino}
}

func (r *attrRow) attr() store.Attr {
	return store.Attr{
		MTime: r.mtime.Int64, HasMTime: r.mtime.Valid,
		ATime: r.atime.Int64, HasATime: r.atime.Valid,
		CTime: r.ctime.Int64, HasCTime: r.ctime.Valid,
		Mode: uint32(r.mode.Int64), HasMode: r.mode.Valid,
		UID: uint32(r.uid.Int64), GID: uint32(r.gid.Int64), HasOwner: r.uid.Valid,
		Ino: uint64(r.ino.Int64),
	}
}

type nameRow struct {
	id, pid            pgtype.Int8
	name               string
	subtype            int32
	deleted            bool
	lists              [8]texts
	changes            pgtype.Int8
	created, deletedOn pgtype.Timestamptz
	attrs              attrRow
	moved              texts
}

func (r *nameRow) targets() []any {
	targets := make([]any, 0, 48) // with room for those of a version
	targets = append(targets, &r.id, &r.pid, &r.name, &r.subtype, &r.deleted)
	for i := range r.lists {
		targets = append(targets, &r.lists[i])
	}
	targets = append(targets, &r.changes, &r.created, &r.deletedOn)
	return append(append(targets, r.attrs.targets()...), &r.moved)
}

func (r *nameRow) value() store.Name {
	kind := acl.Namespace
	if r.subtype == 1 {
		kind = acl.Object
	}
	return store.Name{
		ID: r.id.Int64, Parent: r.pid.Int64, Path: store.Path(r.name), Kind: kind, Deleted: r.deleted,
		ACLs: decodeLists(nameLists, r.lists[:]), Changes: r.changes.Int64,
		Created: moment(r.created), DeletedOn: moment(r.deletedOn), Attr: r.attrs.attr(),
		MovedTo: paths(elements(r.moved)),
	}
}

// paths returns the strings as paths.
func paths(list []string) []store.Path {
	if list == nil {
		return nil
	}
	made := make([]store.Path, len(list))
	for i, text := range list {
		made[i] = store.Path(text)
	}
	return made
}

// versionRow reads all its columns also if they are null, as an outer join leaves them.
type versionRow struct {
	id, nameid, nbytes pgtype.Int8
	version, address   pgtype.Text
	unsynced           pgtype.Text
	deleted, inline    pgtype.Bool
	metadata, aux      []byte
	lists              [2]texts
	created, deletedOn pgtype.Timestamptz
	forwardedOn        pgtype.Timestamptz
	sha256             []byte
	attrs              attrRow
}

func (r *versionRow) targets() []any {
	targets := []any{
		&r.id, &r.nameid, &r.version, &r.nbytes, &r.metadata, &r.lists[0], &r.lists[1], &r.deleted,
		&r.created, &r.deletedOn, &r.sha256,
	}
	targets = append(targets, r.attrs.targets()...)
	return append(targets, &r.address, &r.inline, &r.aux, &r.forwardedOn, &r.unsynced)
}

// value returns nil for an outer join's nulls.
func (r *versionRow) value() (*store.Version, error) {
	if !r.id.Valid {
		return nil, nil
	}
	metadata, err := decodeMetadata(r.metadata)
	if err != nil {
		return nil, err
	}
	said, err := decodeAux(r.aux)
	if err != nil {
		return nil, err
	}
	return &store.Version{
		ID: r.id.Int64, NameID: r.nameid.Int64, Version: r.version.String, Size: r.nbytes.Int64,
		Metadata: metadata, ACLs: decodeLists(versionLists, r.lists[:]), Deleted: r.deleted.Bool,
		Created: moment(r.created), DeletedOn: moment(r.deletedOn), SHA256: r.sha256, Attr: r.attrs.attr(),
		Address: store.Address(r.address.String), HasInline: r.inline.Bool,
		Forward: said.forward(), ForwardedOn: moment(r.forwardedOn), URL: said.URL, Unsynced: r.unsynced.String,
	}, nil
}

// aux is what the column of that name says of a version.
type aux struct {
	RenameTo []string `json:"rename_to,omitempty"`
	URL      string   `json:"url,omitempty"`
}

func decodeAux(text []byte) (said aux, err error) {
	if len(text) > 0 {
		err = json.Unmarshal(text, &said)
	}
	return said, err
}

func (a aux) forward() *store.Ref {
	if len(a.RenameTo) != 2 {
		return nil
	}
	return &store.Ref{Path: store.Path(a.RenameTo[0]), Version: a.RenameTo[1]}
}

// jobRow reads all its columns also if they are null, as an outer join leaves them; then the
// job's ID is 0.
type jobRow struct {
	id, nameid, nbytes, chunksize, digested pgtype.Int8
	job, address                            pgtype.Text
	metadata, state                         []byte
	lists                                   [1]texts
	created, active                         pgtype.Timestamptz
}

func (r *jobRow) targets() []any {
	return []any{
		&r.id, &r.nameid, &r.job, &r.nbytes, &r.chunksize, &r.metadata, &r.lists[0],
		&r.created, &r.active, &r.address, &r.digested, &r.state,
	}
}

func (r *jobRow) value() (store.Job, error) {
	metadata, err := decodeMetadata(r.metadata)
	return store.Job{
		ID: r.id.Int64, NameID: r.nameid.Int64, Job: r.job.String, Size: r.nbytes.Int64, ChunkSize: r.chunksize.Int64,
		Metadata: metadata, ACLs: decodeLists(jobLists, r.lists[:]), Created: moment(r.created), Active: moment(r.active),
		Address: store.Address(r.address.String),
		Digest:  store.DigestState{Bytes: r.digested.Int64, State: r.state},
	}, err
}

func scanVersion(rows pgx.Rows) (store.Version, error) {
	var r versionRow
	if err := rows.Scan(r.targets()...); err != nil {
		return store.Version{}, err
	}
	v, err := r.value()
	if err != nil {
		return store.Version{}, err
	}
	return *v, nil
}

// scanWhole is scanVersion with the inline content in the column behind.
func scanWhole(rows pgx.Rows) (store.Version, error) {
	var r versionRow
	var content []byte
	if err := rows.Scan(append(r.targets(), &content)...); err != nil {
		return store.Version{}, err
	}
	v, err := r.value()
	if err != nil {
		return store.Version{}, err
	}
	v.Inline = content
	return *v, nil
}

func scanEntry(rows pgx.Rows) (e store.Entry, err error) {
	var n nameRow
	var v versionRow
	if err := rows.Scan(append(n.targets(), v.targets()...)...); err != nil {
		return e, err
	}
	e.Name = n.value()
	e.Current, err = v.value()
	return e, err
}

func scanJob(rows pgx.Rows) (store.Job, error) {
	var r jobRow
	if err := rows.Scan(r.targets()...); err != nil {
		return store.Job{}, err
	}
	return r.value()
}
