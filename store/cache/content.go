package cache

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/hatrac/hatrac/store"
)

// Content is open content that is read through a cache.
type Content struct {
	cache   *Cache
	from    store.Content
	address store.Address
	blocks  int64 // how many there are

	life    context.Context // of the requests
	end     context.CancelFunc
	fetches sync.WaitGroup

	mu      sync.Mutex      // guards what follows; taken before the cache's
	course  context.Context // of the requests ahead of the reader, until it jumps
	jump    context.CancelFunc
	closed  bool
	first   int64 // where the readings began that belong together
	next    int64 // where the furthest of them ended
	read    int64 // bytes that they read
	back    int64 // how often a reading jumped back
	passed  int64 // number of the block before which all that was asked for ahead was read, or forgotten
	planned int64 // number of the first block that was not asked for ahead
	wanted  int64 // number of the block after the last one that is wanted ahead
	under   int   // requests under way ahead of the reader
}

var _ store.Content = (*Content)(nil)

// Open returns content that is read through the cache. It owns the content from then on. The address
// names the content.
func (c *Cache) Open(address store.Address, from store.Content) *Content {
	s := &Content{
		cache: c, from: from, address: address,
		blocks: (from.Size() + c.cfg.BlockSize - 1) / c.cfg.BlockSize,
	}
	s.life, s.end = context.WithCancel(context.Background())
	s.course, s.jump = context.WithCancel(s.life)
	return s
}

// Size implements store.Content.
func (s *Content) Size() int64 { return s.from.Size() }

// Close implements store.Content. It ends the requests that are under way. What others wait for they
// ask for again.
func (s *Content) Close() error {
	s.mu.Lock()
	s.closed = true
	s.end()
	s.leaveCourse()
	s.mu.Unlock()
	s.fetches.Wait()
	return s.from.Close()
}

// ReadAt implements store.Content. It takes as long as the storage does.
func (s *Content) ReadAt(p []byte, off int64) (int, error) {
	return s.ReadAtContext(context.Background(), p, off)
}

// ReadAtContext is ReadAt for who has a deadline, or may be interrupted.
func (s *Content) ReadAtContext(ctx context.Context, p []byte, off int64) (int, error) {
	switch {
	case off < 0:
		return 0, store.Wrap(store.Internal, "read content", errors.New("the offset is negative"))
	case off >= s.Size():
		return 0, io.EOF
	}
	want := p[:min(int64(len(p)), s.Size()-off)]
	window := s.note(off, int64(len(want)))
	end := s.after(off + int64(len(want)))
	var n int
	for n < len(want) {
		at := off + int64(n)
		b, err := s.block(ctx, at/s.cache.cfg.BlockSize, end, window)
		if err != nil {
			return n, err
		}
		rest := b.data[at%s.cache.cfg.BlockSize:]
		copied := copy(want[n:], rest)
		s.cache.leaveFor(b, window == s.cache.cfg.mostWindow() && copied == len(rest))
		n += copied
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// At returns the content for somebody who has a deadline, or may be interrupted: readings end with
// ctx.
func (s *Content) At(ctx context.Context) io.ReaderAt { return bound{ctx, s} }

// Section implements store.Content.
func (s *Content) Section(ctx context.Context, off, n int64) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, store.Wrap(store.Internal, "read content", err)
	}
	if off < 0 || n < 0 || off > s.Size()-n {
		return nil, store.Wrap(store.Internal, "read content", errors.New("the section lies outside of the content"))
	}
	return io.NopCloser(io.NewSectionReader(s.At(ctx), off, n)), nil
}

// bound is content that is read on behalf of one request.
type bound struct {
	ctx     context.Context
	content *Content
}

func (b bound) ReadAt(p []byte, off int64) (int, error) {
	return b.content.ReadAtContext(b.ctx, p, off)
}

// note takes down that n bytes at off are read and returns how many bytes after them will be wanted,
// as far as one can tell. Readings belong together that are not further from each other than a
// request is long: a kernel reads ahead by itself, and its requests come in any order.
func (s *Content) note(off, n int64) (window int64) {
	request := s.cache.cfg.Request
	s.mu.Lock()
	defer s.mu.Unlock()
	if off > s.next+request || off+n < s.next-request {
		s.leaveCourse()
		s.course, s.jump = context.WithCancel(s.life)
		if off < s.next {
			s.back++
		}
		s.first, s.next = off, off
	}
	begins := s.read == 0
	s.first, s.next = min(s.first, off), max(s.next, off+n)
	s.read = min(s.read+n, s.next-s.first)
	s.forgetPassed((s.next - request) / s.cache.cfg.BlockSize)
	most := s.cache.cfg.mostWindow()
	if span := s.next - s.first; span > 2*most { // what was long ago says little
		s.first, s.read = s.next-span/2, s.read/2
	}
	switch {
	case s.read < s.cache.cfg.BlockSize, s.read < (s.next-s.first)/2: // as much is left out as is read
		return 0
	case begins && off > 0:
		return 0
	case begins:
		return min(s.read, most)
	}
	return min(4*s.read, s.read+request, most)
}

// forgetPassed drops what was fetched ahead before block end, and passed over. The lock is held.
func (s *Content) forgetPassed(end int64) {
	if end = min(end, s.planned); end > s.passed {
		s.cache.forgetUnread(s.address, s.passed, end)
		s.passed = end
	}
}

// leaveCourse gives up what was asked for ahead of the reader. The lock is held.
func (s *Content) leaveCourse() {
	s.jump()
	s.forgetPassed(s.planned)
	s.read, s.passed, s.planned, s.wanted = 0, 0, 0, 0
}

// block returns block n, which the caller has to leave, and asks for those ahead of it. If it is not
// there, those before block end are fetched with it.
func (s *Content) block(ctx context.Context, n, end, window int64) (*block, error) {
	for {
		b, freed := s.begin(n, end)
		s.ahead(n+1, window)
		if b == nil {
			select {
			case <-freed:
				continue
			case <-ctx.Done():
				return nil, store.Wrap(store.Internal, "read content", ctx.Err())
			}
		}
		err := b.wait(ctx)
		if err == nil {
			return b, nil
		}
		s.cache.leave(b)
		if !errors.Is(err, ErrAbandoned) || s.life.Err() != nil {
			return nil, err
		}
	}
}

// wait returns when the block is there, or cannot be had.
func (b *block) wait(ctx context.Context) error {
	select {
	case <-b.ready:
		return b.err
	default:
	}
	select {
	case <-b.ready:
		return b.err
	case <-ctx.Done():
		return store.Wrap(store.Internal, "read content", ctx.Err())
	}
}

// begin finds a block, or begins to fetch it with those that follow and are missing, before block
// end, and counts the caller as a user. It returns nil if there is no room for it until freed is
// closed, which may have happened.
func (s *Content) begin(n, end int64) (b *block, freed <-chan struct{}) {
	for {
		if b := s.cache.take(key{s.address, n}); b != nil {
			return b, nil
		}
		b, freed := s.cache.reserve(key{s.address, n}, s.sizeOf(n), false)
		if b == nil && freed == nil {
			continue // somebody else was faster
		}
		if b == nil {
			return nil, freed
		}
		s.cache.mu.Lock()
		s.cache.use(b)
		s.cache.mu.Unlock()
		first, end := s.around(n, min(end, n+s.cache.cfg.Request/s.cache.cfg.BlockSize))
		run := append(s.reserveBack(n-1, first), b)
		s.fetch(s.life, append(run, s.reserveRun(n+1, end, false)...), func() {})
		return b, nil
	}
}

// The reading of a content all over has begun when it jumped back once for every allOver bytes of it.
// Then nearby blocks are wanted, too, and are fetched nearby blocks at a time, if there is room for
// the whole content.
const (
	allOver = 16 << 20
	nearby  = 8
)

// around returns which blocks to fetch for a reading of those from number n to the one before end.
func (s *Content) around(n, end int64) (first, after int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.back < 4 || s.back < s.Size()/allOver || s.Size() > s.cache.cfg.Size {
		return n, end
	}
	return n / nearby * nearby, min(s.blocks, max(end, (n/nearby+1)*nearby))
}

// after returns the number of the block after the one that ends at off or holds it.
func (s *Content) after(off int64) int64 {
	return (off + s.cache.cfg.BlockSize - 1) / s.cache.cfg.BlockSize
}

// sizeOf returns the number of bytes of a block.
func (s *Content) sizeOf(n int64) int64 {
	size := s.cache.cfg.BlockSize
	return min(size, s.Size()-n*size)
}
