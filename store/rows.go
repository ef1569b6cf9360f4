package store

import (
	"time"

	"github.com/hatrac/hatrac/acl"
)

// Name is a bound name: a namespace or an object, live or deleted.
type Name struct {
	// ID is the directory's own number for the name; it is never 0 and never reused.
	ID int64
	// Parent is the ID of the enclosing namespace; it is 0 for the root.
	Parent int64
	// Path is the name itself.
	Path Path
	// Kind is acl.Namespace or acl.Object. It never changes.
	Kind acl.Kind
	// Deleted is true for a name that exists no more but stays bound.
	Deleted bool
	// ACLs are the name's own lists.
	ACLs acl.Lists
	// Changes grows whenever the list of what the name contains changes: the children of
	// a namespace, the versions of an object.
	Changes int64
	// Created and DeletedOn are zero when unknown.
	Created, DeletedOn time.Time
	// Attr are the POSIX attributes of a namespace. Whenever its Changes grow, MTime and CTime
	// become the time of that change, unless CTime is later already.
	Attr Attr
	// Seen tells CreateName when the name came to be for those who look into its parent, if that
	// was before Created; it is not kept.
	Seen time.Time
	// MovedTo are the paths that namespaces of this path were moved to, the latest first.
	// References beneath this path that lead to nothing here are to be looked for there. A
	// name that is deleted and has MovedTo is what such a move left behind.
	MovedTo []Path
}

// MovedAway reports whether the name is only what a moved namespace left behind.
func (n *Name) MovedAway() bool { return n.Deleted && len(n.MovedTo) > 0 }

// Version is one immutable version of an object.
type Version struct {
	// ID is the directory's own number for the version; it is never 0. Of one object's
	// versions, the one with the highest ID that is not deleted is the current one.
	ID int64
	// NameID is the ID of the object.
	NameID int64
	// Version is the version id that clients know. It is unique among all versions that
	// the object ever had.
	Version string
	// Size is the length of the content in bytes.
	Size int64
	// Metadata are the fields that clients may set.
	Metadata Metadata
	// ACLs are the version's own lists.
	ACLs acl.Lists
	// Deleted is true for a version that exists no more; its id stays taken.
	Deleted bool
	// Created is the time of binding, DeletedOn that of deletion; zero when unknown.
	Created, DeletedOn time.Time
	// SHA256 is the digest that the server computed; nil when unknown.
	SHA256 []byte
	// Attr are the POSIX attributes.
	Attr Attr
	// Address says where Bulk keeps the content; it is empty if the content is Inline or
	// the version only forwards.
	Address Address
	// Inline is small content that the directory keeps itself. It is nil in what Children,
	// Versions and Beneath return; see HasInline.
	Inline []byte
	// HasInline is true if the directory keeps the content.
	HasInline bool
	// Forward, if not nil, makes the version a forwarding record: its content, rights and
	// headers are now those of another version.
	Forward *Ref
	// ForwardedOn is the time when it became one; zero when unknown.
	ForwardedOn time.Time
	// URL, if not empty, is where the content lives outside of this store, as an absolute
	// URL; then there is neither an Address nor inline content.
	URL string
	// Unsynced is empty if the version is durable. Else it is the id of the process that has
	// yet to make its content so (see SoonSpooler.Attend).
	Unsynced string
}

// Inode returns the inode number of a file with this version as its content: the one that it
// was bound with, or else one that follows from its ID.
func (v *Version) Inode() uint64 {
	if v.Attr.Ino != 0 {
		return v.Attr.Ino
	}
	return uint64(v.ID)<<2 | 1
}

// Ref refers to one version of one object by the names that clients know.
type Ref struct {
	Path    Path
	Version string
}

// String returns the reference as it stands in URLs, without prefix.
func (r Ref) String() string {
	if r.Version == "" {
		return string(r.Path)
	}
	return string(r.Path) + ":" + EncodeSegment(r.Version)
}

// Metadata are the fields of a version that clients may set. Empty fields are not set.
type Metadata struct {
	// ContentType is the media type with its parameters, as it was given.
	ContentType string
	// ContentDisposition is the header's whole value: filename*=UTF-8''…
	ContentDisposition string
	// MD5 and SHA256 are digests that a client gave: 16 and 32 bytes, or nil.
	MD5, SHA256 []byte
}

// Attr are the POSIX attributes that are kept for the mount. They decide nothing. The zero
// value means that none are known.
type Attr struct {
	// MTime is the time of modification in nanoseconds since the epoch, if HasMTime; ATime that
	// of access, as it was last set, and CTime that of the last change of content, attributes or
	// name.
	MTime, ATime, CTime int64
	// Mode holds the permission bits (07777), if HasMode.
	Mode uint32
	// UID and GID are the owner's numbers, if HasOwner.
	UID, GID uint32
	// Ino is the inode number; 0 means that it follows from the row's ID.
	Ino uint64

	HasMTime, HasATime, HasCTime, HasMode, HasOwner bool
}

// Merge returns a with all that b knows put over it.
func (a Attr) Merge(b Attr) Attr {
	if b.HasMTime {
		a.MTime, a.HasMTime = b.MTime, true
	}
	if b.HasATime {
		a.ATime, a.HasATime = b.ATime, true
	}
	if b.HasCTime {
		a.CTime, a.HasCTime = b.CTime, true
	}
	if b.HasMode {
		a.Mode, a.HasMode = b.Mode, true
	}
	if b.HasOwner {
		a.UID, a.GID, a.HasOwner = b.UID, b.GID, true
	}
	if b.Ino != 0 {
		a.Ino = b.Ino
	}
	return a
}

// Entry is a name together with its current version.
type Entry struct {
	Name Name
	// Current is nil for a namespace and for an object without versions.
	Current *Version
	// Segment is set by ChildrenAt: the last segment of the path then.
	Segment string
}

// Resolution is everything about a path that a request needs to decide.
type Resolution struct {
	// Path is what was asked for.
	Path Path
	// Name is the row that the path is bound to, deleted or not; nil if it never was.
	Name *Name
	// Version is the version that was asked for, deleted or not, or else the current one;
	// nil if there is none.
	Version *Version
	// Current is the object's current version, nil if there is none.
	Current *Version
	// Enclosing are the rows of all bound names above the path, the root first, deleted
	// or not. The last one is the parent only if its Path is Path.Parent().
	Enclosing []Name
}

// Parent returns the row of the directly enclosing name, or nil if it was never bound. The
// root has none.
func (r *Resolution) Parent() *Name {
	if n := len(r.Enclosing); n > 0 && r.Enclosing[n-1].Path == r.Path.Parent() {
		return &r.Enclosing[n-1]
	}
	return nil
}

// EnclosingLists returns the lists of all names above the path.
func (r *Resolution) EnclosingLists() []acl.Lists {
	lists := make([]acl.Lists, len(r.Enclosing))
	for i := range r.Enclosing {
		lists[i] = r.Enclosing[i].ACLs
	}
	return lists
}

// Reclaim is content that nothing refers to any more.
type Reclaim struct {
	ID      int64
	Address Address
}
