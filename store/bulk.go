package store

import (
	"context"
	"io"
	"os"
	"time"
)

// Address says where a Bulk keeps the content of one version. Only the Bulk that made it
// understands it. An address is never used again for other content.
type Address string

// Placement is what a Bulk may want to know to choose an address.
type Placement struct {
	// Path and Version are the reference that the content is meant for.
	Path    Path
	Version string
	// Size is the length of the content in bytes, or -1 if it is not known beforehand.
	Size int64
}

// Bulk keeps content that never changes. All methods may be called concurrently. Errors are
// *Error: NotFound for an address without content, and for one that another Bulk made; NoSpace,
// Unavailable, else Internal.
type Bulk interface {
	// Put stores all that r gives. When it returns, the content is durable and will
	// survive a crash. An error of r ends it and is returned as it is; then, as after any
	// error, nothing is left behind. Content that no version is bound to within a grace
	// time is garbage that Sweep removes.
	Put(ctx context.Context, p Placement, r io.Reader) (Address, error)

	// Open returns the content at an address. The caller closes it. It stays readable
	// while it is open, also if the content is removed meanwhile, where the storage can.
	Open(ctx context.Context, a Address) (Content, error)

	// Remove deletes content for good. Content that is gone already is no error; NotFound: the
	// address can be none of this Bulk.
	Remove(ctx context.Context, a Address) error

	// Sweep removes what unfinished work has left behind and what was stored before the
	// time before and is not bound, as bound says (see Directory.Bound).
	Sweep(ctx context.Context, before time.Time, bound func(context.Context, []Address) ([]bool, error)) (Swept, error)
}

// Swept is the result of a sweep.
type Swept struct {
	// Removed counts the files or objects that were removed, Bytes their length together.
	Removed int
	Bytes   int64
}

// Content is the open content of one version. ReadAt may be called concurrently.
type Content interface {
	io.ReaderAt
	io.Closer
	// Size returns the length in bytes.
	Size() int64
	// Section streams n bytes from offset off; off+n is at most Size. The caller closes
	// the reader, before it closes the content.
	Section(ctx context.Context, off, n int64) (io.ReadCloser, error)
}

// Identified is Content that may have a name which no other content ever has, in this store or in any
// other, so that what is kept under it by whoever stays right.
type Identified interface {
	Content
	// Identity returns the name, or "" if there is none.
	Identity() string
}

// FileContent is Content that is a file of this machine. The file is owned by the content,
// is shared by all who use it and must only be read by position (pread, sendfile of a
// section): its own offset means nothing.
type FileContent interface {
	Content
	File() *os.File
}

// Spooler is a Bulk on a file system of this machine, which can take over a file that was
// written on it without copying.
type Spooler interface {
	// SpoolDir returns the folder in which spool files are to be made so that Adopt works
	// without copying. It exists. If it is "", there is none, and nothing can be adopted.
	SpoolDir() string

	// Adopt makes the content of a file in SpoolDir durable content of its own. The file
	// must not be written any more: it becomes read-only and is the content, under another
	// name. The name in SpoolDir and the open file stay the caller's.
	Adopt(ctx context.Context, p Placement, file *os.File) (Address, error)
}

// SoonSpooler is a Spooler whose content may be bound before it is durable, so that much of it
// becomes durable in one go. Without a SpoolDir nothing can be added, nor attended to, but what was
// before can be made durable.
type SoonSpooler interface {
	Spooler

	// AdoptSoon is Adopt, but a crash of the machine may take or damage the content until
	// SyncContent has returned.
	AdoptSoon(ctx context.Context, p Placement, file *os.File) (Address, error)

	// SyncContent makes content durable, wherever it came from. It returns one error for each
	// address: nil for what is durable, NotFound where nothing is. What failed may be tried again.
	SyncContent(ctx context.Context, addresses []Address) []error

	// Attend says that this process is there to make content durable, under an id that nobody
	// else ever has, until leave is called or the process dies.
	Attend(ctx context.Context) (id string, leave func() error, err error)

	// Attended reports whether the process that got the id is still there.
	Attended(ctx context.Context, id string) (bool, error)
}

// SizedOpener is a Bulk that need not look for content to open it, if it is told how long it is.
type SizedOpener interface {
	// OpenSized is like Open of content of that size. What Open would say of missing content,
	// the first reading may say instead; content of another size is Internal then.
	OpenSized(ctx context.Context, a Address, size int64) (Content, error)
}

// Namer is a Bulk in which the place of content and the version id follow from one another, so
// that other programs find the content by its reference.
type Namer interface {
	// VersionID returns the id that the version with the content at the address is to have,
	// or "" if any will do.
	VersionID(a Address) string
}

// Presigner is a Bulk from which clients can fetch content by themselves.
type Presigner interface {
	// Presign returns a URL that gives whoever has it the content at the address for a short
	// time, answering with the media type and the disposition of the metadata; ok is false if
	// the content of that size is not meant to be fetched so.
	Presign(ctx context.Context, a Address, size int64, m Metadata) (url string, ok bool, err error)
}

// Capacity is a Bulk that knows how much it can hold.
type Capacity interface {
	Capacity(ctx context.Context) (Space, error)
}

// Space is how much a storage can hold.
type Space struct {
	// Total, Free and Available are bytes; Available leaves out what is reserved.
	Total, Free, Available uint64
	// Files and FreeFiles are counts of inodes.
	Files, FreeFiles uint64
}
