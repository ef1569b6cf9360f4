// Package filesystem keeps content in a folder, local or on a file server.
//
// Below the root, all that belongs to the package lies in folders whose names begin with a
// colon, which no name of the store can hold bare:
//
//	:content/GENERATION/NUMBER  content, read-only, never changed; or writable, an assembly:
//	                            content that comes in chunks and is not finished
//	:staging/ULID               content that is being received
//	:spool/                     files of others that Adopt can take over
//	:spool/attended-ULID        locked by a process that is to make content durable
//
// A generation is a folder that one process fills, for an hour or with 4096 files, and that
// nobody adds to afterwards. So folders stay small, their number too, and the names of
// content that is stored at the same time become durable with one fsync. Any number of
// processes and machines may use one root. Other files below it are content of the original
// server (see store.Origin).
package filesystem

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/disk"
)

const (
	contentFolder = ":content"
	stagingFolder = ":staging"
	spoolFolder   = ":spool"

	generationFiles = 4096
	generationAge   = time.Hour

	bufferSize = 256 << 10
)

// Config says where the content is.
type Config struct {
	// Root is the folder that holds everything. It is created if it does not exist.
	Root string
	// Disk makes all that happens on the disk.
	Disk disk.Disk
}

// Bulk keeps content in a folder. It implements store.Bulk, store.Spooler, store.Assembler,
// store.Lister, store.Capacity, store.Namer, store.Heir and
// store.Recaller.
type Bulk struct {
	disk    disk.Disk
	root    string   // absolute
	beneath *os.Root // the root again
	content string
	staging string
	spool   string // free of symbolic links
	filling *filling
	buffers sync.Pool // of *[]byte, bufferSize long

	mu       sync.Mutex         // guards clean and suspects
	clean    time.Time          // see sweeper
	suspects map[place]struct{} // content whose fsync failed
}

var (
	_ store.Bulk        = (*Bulk)(nil)
	_ store.SoonSpooler = (*Bulk)(nil)
	_ store.Assembler   = (*Bulk)(nil)
	_ store.Capacity    = (*Bulk)(nil)
	_ store.Lister      = (*Bulk)(nil)
	_ store.Heir        = (*Bulk)(nil)
	_ store.Namer       = (*Bulk)(nil)
	_ store.Recaller    = (*Bulk)(nil)
)

// Open opens the folder and creates what is missing in it. The caller closes the Bulk.
func Open(ctx context.Context, cfg Config) (*Bulk, error) {
	d := cfg.Disk
	if cfg.Root == "" {
		return nil, store.NewError(store.Invalid, "", "The folder for content is not set.")
	}
	if err := ctx.Err(); err != nil {
		return nil, fail("open storage", err)
	}
	root, err := filepath.Abs(cfg.Root)
	if err != nil {
		return nil, fail("open storage", err)
	}
	if err := prepare(d, root); err != nil {
		return nil, fail("create folders", err)
	}
	spool, err := d.Resolve(filepath.Join(root, spoolFolder))
	if err != nil {
		return nil, fail("open spool", err)
	}
	b := &Bulk{
		disk:    d,
		root:    root,
		content: filepath.Join(root, contentFolder),
		staging: filepath.Join(root, stagingFolder),
		spool:   spool,

		suspects: make(map[place]struct{}),
	}
	if b.beneath, err = d.OpenRoot(root); err != nil {
		return nil, fail("open storage", err)
	}
	b.buffers.New = func() any { buf := make([]byte, bufferSize); return &buf }
	b.filling, err = openFilling(d, b.content)
	if err != nil {
		_ = b.beneath.Close()
		return nil, fail("open content", err)
	}
	return b, nil
}

// Close releases the folders. No method may be under way or be called afterwards, but open
// content stays readable.
func (b *Bulk) Close() error {
	return fail("close storage", errors.Join(b.filling.close(), b.beneath.Close()))
}

// SpoolDir implements store.Spooler.
func (b *Bulk) SpoolDir() string { return b.spool }

// Capacity implements store.Capacity.
func (b *Bulk) Capacity(ctx context.Context) (store.Space, error) {
	if err := ctx.Err(); err != nil {
		return store.Space{}, fail("ask for capacity", err)
	}
	s, err := b.disk.Statfs(b.content)
	if err != nil {
		return store.Space{}, fail("ask for capacity", err)
	}
	unit := uint64(s.Frsize)
	return store.Space{
		Total:     s.Blocks * unit,
		Free:      s.Bfree * unit,
		Available: s.Bavail * unit,
		Files:     s.Files,
		FreeFiles: s.Ffree,
	}, nil
}

// prepare creates the root and its folders where they are missing. The names in the root are
// made durable each time: who created them may have been stopped before that.
func prepare(d disk.Disk, root string) error {
	if err := d.MakeFolder(root); err != nil {
		return err
	}
	for _, name := range []string{contentFolder, stagingFolder, spoolFolder} {
		if err := d.MakeFolder(filepath.Join(root, name)); err != nil {
			return err
		}
	}
	return d.SyncNames(root)
}
