package filesystem

import (
	"context"
	"sync"

	"github.com/hatrac/hatrac/store"
)

// chunk names what one PutChunk writes.
type chunk struct {
	place  place
	number int64
}

// claims are the claims of this process on chunks. Of two calls that write one chunk the
// newer evicts the older, so that a client that comes back is not held up by what is left of
// its broken connection, and the bytes of the two never mix.
type claims struct {
	mu    sync.Mutex // guards slots, and the fields of a slot that say so
	slots map[chunk]*slot
}

// slot is a chunk that somebody writes.
type slot struct {
	writing chan struct{} // holds a token during each single write
	users   int           // guarded by the mutex of the claims
	latest  *claim        // the same
}

// claim is the right to write a chunk, until a newer one is made.
type claim struct {
	all   *claims
	chunk chunk
	slot  *slot
	evict context.CancelFunc
}

func newClaims() *claims { return &claims{slots: make(map[chunk]*slot)} }

// make claims a chunk and ends the context of who had it before. It returns the claim, to be
// released by the caller, and its context.
func (c *claims) make(ctx context.Context, which chunk) (context.Context, *claim) {
	ctx, evict := context.WithCancel(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.slots[which]
	if s == nil {
		s = &slot{writing: make(chan struct{}, 1)}
		c.slots[which] = s
	}
	if s.latest != nil {
		s.latest.evict()
	}
	s.users++
	s.latest = &claim{all: c, chunk: which, slot: s, evict: evict}
	return ctx, s.latest
}

// write makes one write once that of the predecessor is over, unless ctx, which is the
// context of the claim, has ended.
func (c *claim) write(ctx context.Context, call func() error) error {
	select {
	case c.slot.writing <- struct{}{}:
		defer func() { <-c.slot.writing }()
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return call()
}

// release ends the claim. It reports whether it was still the latest one.
func (c *claim) release() bool {
	c.evict()
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	latest := c.slot.latest == c
	if latest {
		c.slot.latest = nil
	}
	if c.slot.users--; c.slot.users == 0 {
		delete(c.all.slots, c.chunk)
	}
	return latest
}

func evicted() error {
	return store.NewError(store.Conflict, "", "The chunk is being sent by a newer request.")
}
