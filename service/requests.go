package service

import (
	"io"
	"os"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// CreateNamespace asks for a new namespace.
type CreateNamespace struct {
	Path store.Path
	// Parents makes missing enclosing namespaces as well.
	Parents bool
	// ACLs are the initial lists. The creator becomes owner unless Owner is among them.
	ACLs acl.Lists
	// Revive lets an owner of a deleted namespace have it back, empty, instead of Conflict.
	Revive bool
	// Attr are the initial POSIX attributes.
	Attr store.Attr
	// Soon lets the namespace become durable a moment after it is visible, with others.
	Soon bool
	Conditions
}

// PutObject asks for a new version of an object, which is created if it is missing. Exactly
// one of Content and Draft is given.
type PutObject struct {
	Path store.Path
	// Parents makes missing enclosing namespaces as well.
	Parents bool
	// Content gives the bytes and Size their number, or -1 if it is not known. A reader
	// that ends early or late makes the request Invalid.
	Content io.Reader
	Size    int64
	// Draft is content that lies in a file already.
	Draft *Draft
	// Metadata are the initial fields. Digests among them are verified.
	Metadata store.Metadata
	// ACLs are the initial lists of the object, if it is created.
	ACLs acl.Lists
	// Revive lets an owner of a deleted object give it a new version instead of Conflict.
	Revive bool
	// SkipUnchanged makes no version if the content is that of the current version; then
	// only Attr is kept.
	SkipUnchanged bool
	// KeepMetadata takes the content type and disposition over from the current version
	// where Metadata has none.
	KeepMetadata bool
	// NotKept, if not empty, is a content type that says what the content before was, and not
	// this one. From a version of that type nothing is taken over, nor is it the same content.
	NotKept string
	// Attr are the POSIX attributes of the version.
	Attr store.Attr
	// Seen is when the object came to be for those who see drafts, if that was before now; the
	// times of the enclosing namespace follow it.
	Seen time.Time
	// Soon lets the version become durable a moment after it is visible, with others (see
	// Service.Sync).
	Soon bool
	Conditions

	since time.Time // see ResumePut
}

// changesKind reports whether the new content is of another kind than that of the version.
func (r *PutObject) changesKind(v *store.Version) bool {
	return r.NotKept != "" && v.Metadata.ContentType == r.NotKept
}

// Draft is a finished file that is to become the content of a version. Nobody may write to
// it until the call returns, and after success never again: it may have become the content
// itself. Its name and the open file stay the caller's.
type Draft struct {
	File *os.File
	// SHA256 is the digest of the whole file if the caller knows it, else nil.
	SHA256 []byte
}

// PutResult is what came of PutObject.
type PutResult struct {
	// Version is the version that is current now.
	Version store.Version
	// Created is true if the object did not exist before.
	Created bool
	// Unchanged is true if the content was that of the current version already and
	// SkipUnchanged was asked for.
	Unchanged bool
}

// Delete asks for the end of a namespace with everything beneath it, or of an object with
// all its versions.
type Delete struct {
	Path store.Path
	// Kind, if not 0, is the kind that the name must have, else WrongKind.
	Kind acl.Kind
	// OnlyEmpty refuses to delete a namespace that shows anything (NotEmpty).
	OnlyEmpty bool
	// GiveBack keeps versions that were renamed away from an object in the same namespace: if that
	// has a current version of its own, and the client may update it, they go back to it, beneath
	// its newer ones, and are not deleted.
	GiveBack bool
	// Soon lets the deletion become durable a moment after it is visible, with other changes.
	// Content is removed only when it is.
	Soon bool
	Conditions
}

// Rename asks to move versions of an object to another name. The old references forward to
// the new ones from then on.
type Rename struct {
	Source, Target store.Path
	// Versions are the ids of the versions to move; nil means all that Source holds itself.
	Versions []string
	// Parents makes missing namespaces that enclose the target.
	Parents bool
	// CopyACLs takes the lists of object and versions along; otherwise the client owns
	// the moved versions.
	CopyACLs bool
	// Replace makes it the rename of a file system: to update the target suffices where
	// it exists, and a target that was deleted is revived for its owner.
	Replace bool
	// NoReplace answers Exists if the target has a current version that is its own.
	NoReplace bool
	Conditions
}

// RenameResult is what came of Rename.
type RenameResult struct {
	// Versions are the moved versions under the new name, oldest first.
	Versions []store.Version
	// Unchanged is true if they had all been moved there before.
	Unchanged bool
}

// MoveNamespace is a request to give a namespace another path.
type MoveNamespace struct {
	Source, Target store.Path
	// Parents makes missing namespaces that enclose the target.
	Parents bool
	// Replace lets an empty namespace at the target give way.
	Replace bool
	// Revive takes a target that was deleted, for its owner.
	Revive bool
	Conditions
}

// ListPage says which part of a listing is wanted.
type ListPage struct {
	// After is the encoded segment behind which the page begins; empty: at the start.
	After string
	// Limit is the largest number of entries; 0 means the service's own page size.
	Limit int
	// Age is how old what is known of the namespace itself may be; see Service.RecallRights. With 0
	// it is looked up, and nothing is remembered.
	Age time.Duration
}

// limit returns the number of entries that one page has at most.
func (p ListPage) limit() int {
	if p.Limit <= 0 || p.Limit > pageSize {
		return pageSize
	}
	return p.Limit
}
