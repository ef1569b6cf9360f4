package cache

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/hatrac/hatrac/store"
)

// ErrAbandoned is what became of a fetch that its reader gave up. Others ask for it again.
var ErrAbandoned = errors.New("the fetch was given up")

// ahead asks for the blocks from number n that lie within the window, unless enough of them were
// asked for already: requests are to be long.
func (s *Content) ahead(n, window int64) {
	if window == 0 {
		return
	}
	run, width := s.cache.cfg.Request/s.cache.cfg.BlockSize, s.after(window)
	end := n + width
	if width >= 2*run {
		end = (end + run - 1) / run * run
	}
	s.mu.Lock()
	if s.planned < n {
		s.forgetPassed(s.planned)
		s.planned, s.passed = n, n
	}
	if s.wanted-n <= max(width/2, width-2*run) {
		s.wanted = max(s.wanted, min(end, s.blocks))
	}
	s.mu.Unlock()
	s.launch()
}

// mostWindow returns how many bytes ahead of a reader are wanted at most: twice of what the requests
// under way may bring.
func (c Config) mostWindow() int64 { return 2 * int64(c.Parallel) * c.Request }

// launch makes as many requests for blocks that are wanted as may be under way at once.
func (s *Content) launch() {
	for {
		course, run := s.plan()
		if len(run) == 0 {
			return
		}
		s.fetch(course, run, s.landed)
	}
}

// landed counts a request out, and makes the next.
func (s *Content) landed() {
	s.mu.Lock()
	s.under--
	s.mu.Unlock()
	s.launch()
}

// plan reserves the next run of blocks that are wanted and counts a request for it. The run is empty
// if there is none, or no request may be made.
func (s *Content) plan() (course context.Context, blocks []*block) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.under >= s.cache.cfg.Parallel {
		return nil, nil
	}
	for s.planned < s.wanted && s.cache.has(key{s.address, s.planned}) {
		s.planned++
	}
	run := s.cache.cfg.Request / s.cache.cfg.BlockSize
	stop := min(s.wanted, (s.planned/run+1)*run, s.planned+s.cache.mostAhead()/s.cache.cfg.BlockSize)
	if s.planned >= stop || !s.cache.mayFetchAhead((stop-s.planned)*s.cache.cfg.BlockSize) {
		return nil, nil // when something was read, there may be room for a whole run
	}
	blocks = s.reserveRun(s.planned, stop, true)
	if len(blocks) > 0 {
		s.under++
		s.planned += int64(len(blocks))
	}
	return s.course, blocks
}

// mostAhead returns how many bytes may be there that nobody has read yet.
func (c *Cache) mostAhead() int64 { return c.cfg.Size / 2 }

// mayFetchAhead reports whether size bytes more may be fetched ahead of a reader.
func (c *Cache) mayFetchAhead(size int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unread+size <= c.mostAhead()
}

// has reports whether a block is there or under way.
func (c *Cache) has(k key) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.blocks[k] != nil
}

// reserveRun makes the blocks from number n on until stop, or until one that exists or for which
// there is no room.
func (s *Content) reserveRun(n, stop int64, ahead bool) []*block {
	var run []*block
	for ; n < stop; n++ {
		b, _ := s.cache.reserve(key{s.address, n}, s.sizeOf(n), ahead)
		if b == nil {
			break
		}
		run = append(run, b)
	}
	return run
}

// reserveBack makes the blocks from number n down to first, or to the one after one that exists or for
// which there is no room, and returns them in order.
func (s *Content) reserveBack(n, first int64) []*block {
	var run []*block
	for ; n >= first; n-- {
		b, _ := s.cache.reserve(key{s.address, n}, s.sizeOf(n), false)
		if b == nil {
			break
		}
		run = append(run, b)
	}
	slices.Reverse(run)
	return run
}

// fetch fills a run of reserved blocks by one request, on a goroutine that Close waits for, and calls
// over when it is done. The request ends with ctx, and what nobody has read by then is forgotten.
func (s *Content) fetch(ctx context.Context, run []*block, over func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		for _, b := range run {
			s.cache.finish(b, ErrAbandoned)
		}
		return
	}
	s.fetches.Add(1)
	go func() {
		defer s.fetches.Done()
		defer over()
		s.fill(ctx, run)
		if ctx.Err() != nil {
			s.cache.forgetUnread(s.address, run[0].key.n, run[len(run)-1].key.n+1)
		}
	}()
}

// fill reads the blocks one after the other, so that who waits for the first one need not wait for
// all.
func (s *Content) fill(course context.Context, run []*block) {
	ctx, cancel := context.WithCancelCause(course)
	defer cancel(nil)
	late := time.AfterFunc(s.cache.cfg.Deadline, func() { cancel(context.DeadlineExceeded) })
	defer late.Stop()
	var length int64
	for _, b := range run {
		length += int64(len(b.data))
	}
	section, err := s.from.Section(ctx, run[0].key.n*s.cache.cfg.BlockSize, length)
	if err == nil {
		defer func() { _ = section.Close() }() // only read
	}
	for _, b := range run {
		if err == nil {
			_, err = io.ReadFull(section, b.data)
			late.Reset(s.cache.cfg.Deadline)
		}
		s.cache.finish(b, failure(course, ctx, err))
	}
}

// failure says what became of a fetch that went on until course or ctx ended.
func failure(course, ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case course.Err() != nil:
		return ErrAbandoned
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return store.NewError(store.Internal, "", "The stored content of this version is damaged.")
	}
	return store.Wrap(store.Internal, "read content", err)
}
