package store

import (
	"context"
	"time"
)

// Walks is the part of a Directory that tells everything it keeps, page by page, for checks and
// copies. Each page begins with the first row whose ID is greater than after and has up to limit
// rows by ID; a shorter one is the end. A page is one consistent view, the pages together are none.
type Walks interface {
	// NamesAfter returns names, deleted or not.
	NamesAfter(ctx context.Context, after int64, limit int) ([]Name, error)

	// VersionsAfter returns versions, deleted or not, with their inline content.
	VersionsAfter(ctx context.Context, after int64, limit int) ([]PathVersion, error)

	// JobsAfter returns upload jobs; Received has their chunks.
	JobsAfter(ctx context.Context, after int64, limit int) ([]IdleJob, error)
}

// PathVersion is a version with the path of its object.
type PathVersion struct {
	Path    Path
	Version Version
}

// Lister is a Bulk that tells what it keeps.
type Lister interface {
	// List calls fn for all that Sweep might remove if it is not bound (see SharedLister): its address, its
	// length in bytes, and since when it is there. What comes or goes meanwhile may be told or not.
	// An error of fn ends it and is returned.
	List(ctx context.Context, fn func(a Address, size int64, since time.Time) error) error
}

// SharedLister is a Lister in a storage that others may use as well. What List tells may belong to
// them, or the Directory may know it by another address.
type SharedLister interface {
	Lister
	// Aliases returns all addresses by which content that List told may be bound; none if Sweep would
	// not remove it whoever refers to it.
	Aliases(ctx context.Context, a Address) ([]Address, error)
}
