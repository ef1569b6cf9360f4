package cache

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/hatrac/hatrac/store"
)

// slack is how many blocks from the end of what was read a reading may begin that goes on from there:
// a kernel reads ahead by itself, and its requests come in any order.
const slack = 4

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
	next    int64 // end of what was read
	read    int64 // bytes that were read up to there, one after the other
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
	var n int
	for n < len(want) {
		at := off + int64(n)
		b, err := s.block(ctx, at/s.cache.cfg.BlockSize, window)
		if err != nil {
			return n, err
		}
		n += copy(want[n:], b.data[at%s.cache.cfg.BlockSize:])
		s.cache.leave(b)
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
// as far as one can tell: the more, the longer it goes on without a jump, up to twice of what the
// requests under way may bring.
func (s *Content) note(off, n int64) (window int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	near := slack * s.cache.cfg.BlockSize
	if off > s.next+near || off+n < s.next-near {
		s.leaveCourse()
		s.course, s.jump = context.WithCancel(s.life)
		s.next = off
	}
	if end := off + n; end > s.next {
		s.read += min(n, end-s.next)
		s.next = end
	}
	if s.read < s.cache.cfg.BlockSize/8 {
		return 0
	}
	return min(16*s.read, 2*int64(s.cache.cfg.Parallel)*runLength*s.cache.cfg.BlockSize)
}

// leaveCourse gives up what was asked for ahead of the reader. The lock is held.
func (s *Content) leaveCourse() {
	s.jump()
	s.cache.forgetUnread(s.address, s.next/s.cache.cfg.BlockSize, s.planned)
	s.read, s.planned, s.wanted = 0, 0, 0
}

// block returns block n, which the caller has to leave, and asks for those ahead of it.
func (s *Content) block(ctx context.Context, n, window int64) (*block, error) {
	for {
		b, freed := s.begin(n)
		s.ahead(n+1, window)
		if b == nil {
			select {
			case <-freed:
				continue
			case <-ctx.Done():
				return nil, store.Wrap(store.Internal, "read content", ctx.Err())
			}
		}
		select {
		case <-b.ready:
		case <-ctx.Done():
			s.cache.leave(b)
			return nil, store.Wrap(store.Internal, "read content", ctx.Err())
		}
		if b.err == nil {
			return b, nil
		}
		err := b.err
		s.cache.leave(b)
		if !errors.Is(err, errAbandoned) || s.life.Err() != nil {
			return nil, err
		}
	}
}

// begin finds a block, or begins to fetch it, and counts the caller as a user. It returns nil if
// there is no room for it until freed is closed, which may have happened.
func (s *Content) begin(n int64) (b *block, freed <-chan struct{}) {
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
		s.fetch(s.life, []*block{b}, func() {})
		return b, nil
	}
}

// sizeOf returns the number of bytes of a block.
func (s *Content) sizeOf(n int64) int64 {
	size := s.cache.cfg.BlockSize
	return min(size, s.Size()-n*size)
}
