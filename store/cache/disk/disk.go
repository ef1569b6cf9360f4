// Package disk keeps parts of content on a disk of this machine that lies elsewhere, also from one
// start of the program to the next. It decorates store.Content.
//
// Nothing in it has to be right: what is kept is checked whenever it is read, and what is damaged,
// missing or cannot be read is fetched again. So nothing is ever synced.
package disk

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store"
)

// Defaults of Config.
const (
	DefaultSize   = 10 << 30
	DefaultUnused = 7 * 24 * time.Hour
	DefaultRest   = time.Minute
)

// ErrInUse is returned for a folder that another Cache uses.
var ErrInUse = errors.New("another process keeps content there")

// Config says where a Cache is. Zero values mean the defaults.
type Config struct {
	// Dir is the folder that the cache has a folder of its own in, which nobody else may look
	// into. Both are made if they are missing.
	Dir string
	// Size is the number of bytes that the cache may take of the disk, at least that of a
	// segment.
	Size int64
	// Unused is how long something is kept that nobody reads.
	Unused time.Duration
	// Rest is how long nothing more is kept after the disk was full, or failed.
	Rest time.Duration
	// Failed, if not nil, is told why nothing is kept for a while.
	Failed func(error)
}

// Cache keeps blocks of content on disk. All methods may be called concurrently.
type Cache struct {
	cfg  Config
	dir  string
	lock *os.File

	index index

	queue  chan keep
	stop   chan struct{}
	writer sync.WaitGroup

	mu    sync.Mutex // guards rests
	rests time.Time  // until then nothing more is kept
}

// Open returns the cache in a folder, with what was kept there before. ErrInUse: there is another one.
func Open(cfg Config) (*Cache, error) {
	cfg.Size = cmp.Or(cfg.Size, DefaultSize)
	cfg.Unused = cmp.Or(cfg.Unused, DefaultUnused)
	cfg.Rest = cmp.Or(cfg.Rest, DefaultRest)
	if cfg.Size < headerSize+segmentSize {
		return nil, fmt.Errorf("a cache on disk needs %d bytes at least", headerSize+segmentSize)
	}
	dir, err := private(cfg.Dir)
	if err != nil {
		return nil, err
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	c := &Cache{cfg: cfg, dir: dir, lock: lock, queue: make(chan keep, queueLength), stop: make(chan struct{})}
	if err := c.index.load(dir); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	c.forget(c.index.shrink(cfg.Size, nil))
	c.forget(c.index.unusedSince(time.Now().Add(-cfg.Unused)))
	c.writer.Go(c.write)
	return c, nil
}

// Close ends the cache. Content that is open can be read on, but nothing more is kept.
func (c *Cache) Close() error {
	close(c.stop)
	c.writer.Wait()
	return c.lock.Close()
}

// private makes the folder of the cache, which must be this user's alone.
func private(parent string) (string, error) {
	dir := filepath.Join(parent, "content")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(owner.Uid) != os.Geteuid() {
		return "", fmt.Errorf("%s must be a folder of the user who runs this program", dir)
	}
	return dir, os.Chmod(dir, 0o700) // #nosec: a folder
}

// lockFolder makes sure that there is one Cache in the folder. The lock goes with the process.
func lockFolder(dir string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrInUse
		}
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), file.Close())
	}
	return file, nil
}

// Content returns content that is read through the cache, if it has an identity; else it is returned
// as it is. The cache must not be closed before the content.
func (c *Cache) Content(from store.Content) store.Content {
	named, ok := from.(store.Identified)
	if !ok || named.Identity() == "" {
		return from
	}
	return &content{Content: from, cache: c, key: keyOf(named.Identity(), from.Size())}
}
