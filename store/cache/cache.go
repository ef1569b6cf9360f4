// Package cache keeps parts of content in memory that lies elsewhere, and fetches what a sequential
// reader will want next. It decorates store.Content: who opens content hands it to Cache.Open.
package cache

import (
	"cmp"
	"container/list"
	"errors"
	"sync"
	"time"

	"github.com/hatrac/hatrac/store"
)

// Defaults of Config.
const (
	DefaultSize      = 256 << 20
	DefaultBlockSize = 128 << 10
	DefaultRequest   = 4 << 20
	DefaultParallel  = 8
	DefaultDeadline  = 30 * time.Second
)

// Config says how much a Cache may do. Zero values mean the defaults.
type Config struct {
	// Size is the number of bytes that all blocks together may take, those under way included.
	// It is at least two blocks.
	Size int64
	// BlockSize is the number of bytes of a block, the unit that is kept; the last one of a
	// content is shorter.
	BlockSize int64
	// Request is the number of bytes that one request fetches at most. It is a multiple of
	// BlockSize.
	Request int64
	// Parallel is how many requests one open content has under way at most ahead of its reader.
	Parallel int
	// Deadline is how long a request may go without a whole block.
	Deadline time.Duration
}

// Cache keeps blocks of content. All methods may be called concurrently.
type Cache struct {
	cfg   Config
	spare sync.Pool // of *[]byte, whole blocks

	mu     sync.Mutex // guards what follows; never held over I/O
	blocks map[key]*block
	unused list.List     // of *block that nobody uses; what goes first is at the back
	held   int64         // bytes of all blocks
	unread int64         // bytes of those that were fetched ahead and that nobody has read yet
	freed  chan struct{} // closed when there is room again; nil if nobody waits for that
}

// New returns an empty cache.
func New(cfg Config) (*Cache, error) {
	cfg.BlockSize = cmp.Or(cfg.BlockSize, DefaultBlockSize)
	cfg.Size = cmp.Or(cfg.Size, max(DefaultSize, 2*cfg.BlockSize))
	cfg.Request = cmp.Or(cfg.Request, max(DefaultRequest/cfg.BlockSize, 1)*cfg.BlockSize)
	cfg.Parallel = cmp.Or(cfg.Parallel, DefaultParallel)
	cfg.Deadline = cmp.Or(cfg.Deadline, DefaultDeadline)
	if cfg.BlockSize < 0 || cfg.Size < 2*cfg.BlockSize || cfg.Parallel < 0 || cfg.Deadline < 0 {
		return nil, errors.New("a cache needs room for two blocks")
	}
	if cfg.Request < cfg.BlockSize || cfg.Request%cfg.BlockSize != 0 {
		return nil, errors.New("the requests of a cache are for whole blocks")
	}
	return &Cache{cfg: cfg, blocks: make(map[key]*block)}, nil
}

// key names a block: number n of the content at an address, which is never used again for other
// content.
type key struct {
	address store.Address
	n       int64
}

// block is a part of content, or of what will be one. The cache's lock guards it, but for data and
// err, which do not change any more once ready is closed.
type block struct {
	key    key
	data   []byte
	ready  chan struct{}
	err    error
	users  int           // readers, those who wait, and the fetch
	place  *list.Element // in unused, if users is 0
	unread bool          // it was fetched ahead and is counted in Cache.unread
}

// take returns a block that is there or under way and counts a user, or nil.
func (c *Cache) take(k key) *block {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.blocks[k]
	if b == nil {
		return nil
	}
	c.wasRead(b)
	c.use(b)
	return b
}

// use counts a user. The lock is held.
func (c *Cache) use(b *block) {
	if b.users++; b.place != nil {
		c.unused.Remove(b.place)
		b.place = nil
	}
}

// wasRead counts a block among those that somebody wanted. The lock is held.
func (c *Cache) wasRead(b *block) {
	if b.unread {
		b.unread = false
		c.unread -= int64(len(b.data))
	}
}

// reserve makes a block that is to be fetched, with one user: the fetch. It returns nil if the block
// exists, or if there is no room for it now; then freed is closed when there may be. What is fetched
// ahead may take half of the room.
func (c *Cache) reserve(k key, size int64, ahead bool) (b *block, freed <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.blocks[k] != nil {
		return nil, nil
	}
	if ahead && c.unread+size > c.mostAhead() || !c.makeRoom(size) {
		if c.freed == nil {
			c.freed = make(chan struct{})
		}
		return nil, c.freed
	}
	b = &block{key: k, data: c.buffer(size), ready: make(chan struct{}), users: 1, unread: ahead}
	c.blocks[k] = b
	c.held += size
	if ahead {
		c.unread += size
	}
	return b, nil
}

// makeRoom drops what was not used for longest until size bytes fit. The lock is held.
func (c *Cache) makeRoom(size int64) bool {
	for c.held+size > c.cfg.Size {
		last := c.unused.Back()
		if last == nil {
			return false
		}
		c.drop(last.Value.(*block))
	}
	return true
}

// buffer returns memory for a block, with anything in it.
func (c *Cache) buffer(size int64) []byte {
	if size == c.cfg.BlockSize {
		if spare, ok := c.spare.Get().(*[]byte); ok {
			return *spare
		}
	}
	return make([]byte, size)
}

// drop forgets a block that nobody uses. The lock is held.
func (c *Cache) drop(b *block) {
	if b.place != nil {
		c.unused.Remove(b.place)
		b.place = nil
	}
	c.wasRead(b)
	if c.blocks[b.key] == b {
		delete(c.blocks, b.key)
	}
	c.held -= int64(len(b.data))
	if int64(len(b.data)) == c.cfg.BlockSize {
		c.spare.Put(&b.data)
	}
	c.free()
}

// free tells those who wait for room. The lock is held.
func (c *Cache) free() {
	if c.freed != nil {
		close(c.freed)
		c.freed = nil
	}
}

// finish ends the fetch of a block. One that failed is forgotten, so that the next one who wants it
// asks again.
func (c *Cache) finish(b *block, err error) {
	c.mu.Lock()
	b.err = err
	if err != nil {
		delete(c.blocks, b.key)
	}
	c.mu.Unlock()
	close(b.ready)
	c.leave(b)
}

// leave counts a user out.
func (c *Cache) leave(b *block) { c.leaveFor(b, false) }

// leaveFor is leave by a reader. What one has read that goes through a long content in order is the
// first to go: it pushes out nothing else, and its memory is warm.
func (c *Cache) leaveFor(b *block, passing bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b.users--; b.users > 0 {
		return
	}
	if b.err != nil {
		c.drop(b)
		return
	}
	if passing {
		b.place = c.unused.PushBack(b)
	} else {
		b.place = c.unused.PushFront(b)
	}
	c.free()
}

// forgetUnread drops the blocks from number first to the one before end that were fetched ahead and
// that nobody has read. Those under way stay, but are not awaited any more.
func (c *Cache) forgetUnread(address store.Address, first, end int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := first; n < end; n++ {
		b := c.blocks[key{address, n}]
		if b == nil || !b.unread {
			continue
		}
		c.wasRead(b)
		if b.users == 0 {
			c.drop(b)
		}
	}
}
