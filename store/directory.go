// Package store is the vocabulary of what is kept: names, versions and content, and the two
// interfaces that back ends implement. A Directory keeps the metadata, a Bulk the content.
// Back ends know no rule: they store what they are told and say precisely what went wrong.
package store

import (
	"context"
	"time"

	"github.com/hatrac/hatrac/acl"
)

// Directory keeps names, versions and their lists in a transactional database. All methods
// may be called concurrently. Errors are *Error: Unavailable when the database does not
// answer after the retries that the back end makes itself, NoSpace when it is full.
type Directory interface {
	// Resolve looks up a path, and the version with that id if versionID is not empty. It
	// sees all that was committed before the call, in one consistent view. What does not
	// exist is nil in the answer, not an error. The content of inline versions is
	// included.
	Resolve(ctx context.Context, path Path, versionID string) (*Resolution, error)

	// Children returns up to limit live children of the namespace with that ID, in byte
	// order of their encoded last segments, beginning behind the segment after (empty: at
	// the first). A shorter answer than limit is the end.
	Children(ctx context.Context, namespace int64, after string, limit int) ([]Entry, error)

	// Versions returns up to limit live versions of the object with that ID, newest first,
	// beginning with the first whose ID is less than before (0: with the newest).
	Versions(ctx context.Context, object, before int64, limit int) ([]Version, error)

	// ResolveAt looks up what was at a path at a time: namespaces that were moved since are where they
	// were then, with all that is in them. Version is the version that was current
	// then, of all that were bound until then and not deleted by then the one that was bound
	// last; it is nil if that was deleted since, or was a forwarding record already. One that was
	// renamed since is the record that leads to it, deleted or not. Current is nil. Name and
	// Enclosing are the rows as they are now. Unknown times of binding, deletion and forwarding
	// come before all others. A version that was bound again after its record was dropped, or was
	// returned, counts for the time before it was forwarded, too, and for none when it was away.
	ResolveAt(ctx context.Context, path Path, at time.Time) (*Resolution, error)

	// ChildrenAt is like Children for a time in the past: it returns namespaces that were
	// created until then and not deleted by then, and objects for which ResolveAt has a version,
	// as Current; in the order of the segments that they had then.
	ChildrenAt(ctx context.Context, namespace int64, at time.Time, after string, limit int) ([]Entry, error)

	// Update runs fn in one transaction. If fn returns nil, all it did is durable when
	// Update returns nil; if either returns an error, nothing of it happened. fn may run
	// several times and must have no effects but through tx, which it must not keep. An
	// error of fn is returned as it is. fn must not call other methods of the Directory.
	Update(ctx context.Context, fn func(tx Tx) error) error

	// UpdateSoon is Update, but what it did may be lost in a crash, with all that was done
	// since, until a later Update that changed something, or Sync, has returned. It is never
	// lost by half. Everybody sees it when UpdateSoon returns.
	UpdateSoon(ctx context.Context, fn func(tx Tx) error) error

	// Sync makes durable what UpdateSoon has done through this Directory before the call.
	Sync(ctx context.Context) error

	// UnsyncedVersions returns up to limit live versions that are Unsynced, each with the name
	// of its object, in the order of their IDs, beginning behind the ID after. Inline content
	// is not included.
	UnsyncedVersions(ctx context.Context, after int64, limit int) ([]Entry, error)

	// Bound reports for each address whether content there is referred to or is queued
	// for reclaim, which both forbid the sweeper to touch it.
	Bound(ctx context.Context, addresses []Address) ([]bool, error)

	// Reclaimable returns up to limit entries of the reclaim queue that are due at now,
	// the oldest first, and marks them as taken: from then on their content counts as gone for
	// Restore and RestoreVersion. Reclaimed removes entries whose content is gone.
	Reclaimable(ctx context.Context, now time.Time, limit int) ([]Reclaim, error)
	Reclaimed(ctx context.Context, entries []Reclaim) error

	// Jobs are the upload jobs.
	Jobs

	// Walks tell everything that is kept.
	Walks

	// Accounts returns the accounts that live in the same database.
	Accounts() Accounts

	// Close waits for what is under way and releases the database.
	Close() error
}

// Tx is a transaction that may change the directory. What it reads includes its own changes.
type Tx interface {
	// JobsTx are the changes of upload jobs.
	JobsTx

	// Resolve is like Directory.Resolve and keeps what it found: until the transaction
	// ends nobody else changes the name's row or its versions, or deletes the enclosing
	// namespaces. A name that is not bound cannot be bound by others meanwhile, or
	// CreateName answers Exists.
	Resolve(ctx context.Context, path Path, versionID string) (*Resolution, error)

	// Beneath calls fn for every live name beneath the path, each with all its live
	// versions, in byte order of the paths, so that a namespace comes before what is in
	// it. An error of fn ends the walk and is returned.
	Beneath(ctx context.Context, path Path, fn func(Name, []Version) error) error

	// LiveVersions returns all live versions of an object, oldest first, without their
	// inline content.
	LiveVersions(ctx context.Context, object int64) ([]Version, error)

	// HeldVersions is LiveVersions without forwarding records, however many there are.
	HeldVersions(ctx context.Context, object int64) ([]Version, error)

	// Occupied reports whether the namespace has a live child other than an object that
	// has no version or whose current version forwards.
	Occupied(ctx context.Context, namespace int64) (bool, error)

	// CreateName binds n.Path and sets n.ID. n.Parent, Kind, ACLs, Created and Attr are
	// taken as given; Created becomes what is kept of it. Exists if the path is bound, deleted or not. The parent's Changes
	// grow.
	CreateName(ctx context.Context, n *Name) error

	// ReviveName makes a deleted name live again at the time at, without children or versions. One that
	// a moved namespace left behind is created thereby. The parent's Changes grow.
	ReviveName(ctx context.Context, id int64, at time.Time) error

	// Restore makes the name live again at the time at with all that was deleted together with it, at the
	// same time: names beneath it, and versions whose content was not reclaimed yet. It
	// returns how many versions are lost because theirs was. What was restored is not queued
	// for reclaim any more. The Changes of the name and of its parent grow.
	Restore(ctx context.Context, path Path, at time.Time) (lost int, err error)

	// RestoreVersion makes a deleted version live again, if its content was not reclaimed
	// yet, else NotFound. The object's Changes grow.
	RestoreVersion(ctx context.Context, id int64) error

	// DeleteTree marks the name, all names beneath it and all their versions deleted at
	// the time at, and queues their content for reclaim at due. Jobs beneath are removed, and
	// what they assembled is queued for reclaim at once. The parent's Changes grow.
	DeleteTree(ctx context.Context, path Path, at, due time.Time) error

	// MoveTree gives the live namespace at from, and all names beneath it, live or deleted, paths
	// at and beneath to, where nothing lives. The namespace becomes a child of parent. Deleted
	// names that are at these paths already, and their versions, become one with those that
	// come: all ids that a name ever had stay taken, but the past of the versions is forgotten. A
	// deleted namespace stays behind at from, whose MovedTo begins with to. ResolveAt and
	// ChildrenAt know where the tree was before the time at. The Changes of both parents grow. Exists: a name at one of
	// these paths is of another kind.
	MoveTree(ctx context.Context, from, to Path, parent int64, at time.Time) error

	// Touch notes that names came to be seen in namespaces, or were gone from them, at the time
	// at, without a change of what they contain: MTime and CTime follow as with Changes.
	Touch(ctx context.Context, at time.Time, namespaces ...int64) error

	// SetNameACLs and SetNameAttr replace a name's lists and attributes.
	SetNameACLs(ctx context.Context, id int64, lists acl.Lists) error
	SetNameAttr(ctx context.Context, id int64, attr Attr) error

	// ResolveAndBind is Resolve of the path and then BindVersion, in one step: the resolution is
	// from before. v.NameID is the ID that the name is believed to have; whoever asks looks
	// whether it has, and otherwise ends the transaction with an error.
	ResolveAndBind(ctx context.Context, path Path, v *Version) (*Resolution, error)

	// BindVersion adds a version, which becomes the current one, and sets v.ID. Created becomes
	// what is kept of it. Exists if the object ever had a version with that id. The object's
	// Changes grow.
	BindVersion(ctx context.Context, v *Version) error

	// MarkSynced notes of versions, deleted or not, that they are durable. Those that are gone
	// are passed by.
	MarkSynced(ctx context.Context, ids []int64) error

	// ForwardVersion turns a version into a forwarding record at the time at; the record refers to no
	// content any more, and what it referred to is not reclaimed. The object's Changes grow.
	ForwardVersion(ctx context.Context, id int64, to Ref, at time.Time) error

	// DropRecord removes a forwarding record, deleted or not, so that its version id can be bound
	// again; only ResolveAt still knows of the time before it forwarded. The object's Changes grow.
	DropRecord(ctx context.Context, id int64) error

	// Origins returns where the versions that the live object at the path holds were renamed from,
	// as far as that is in the same namespace: the live forwarding records of their ids, without
	// what they forward to having been looked at, as Current of their live names. They come in
	// the order of the versions, and nothing is locked.
	Origins(ctx context.Context, path Path) ([]Entry, error)

	// ReturnVersions makes live forwarding records hold what live versions hold, each at its own place
	// among the versions of its object, and the versions forward to them from the time at on;
	// ResolveAt knows that they were away until then. The Changes of the objects grow. NotFound if
	// one of them is not there, or not what it has to be.
	ReturnVersions(ctx context.Context, returns []Return, at time.Time) error

	// DeleteVersion marks a version deleted at the time at and queues its content for
	// reclaim at due. The object's Changes grow.
	DeleteVersion(ctx context.Context, id int64, at, due time.Time) error

	// SetVersionACLs, SetVersionMetadata and SetVersionAttr replace what they name.
	SetVersionACLs(ctx context.Context, id int64, lists acl.Lists) error
	SetVersionMetadata(ctx context.Context, id int64, metadata Metadata) error
	SetVersionAttr(ctx context.Context, id int64, attr Attr) error
}
