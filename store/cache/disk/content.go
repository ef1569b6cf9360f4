package disk

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/hatrac/hatrac/store"
)

// content is content that is read through a cache. Opening and closing it is not the cache's concern.
type content struct {
	store.Content
	cache *Cache
	key   key
}

// ReadAt implements store.Content.
func (c *content) ReadAt(p []byte, off int64) (int, error) {
	n := int64(len(p))
	if off < 0 || off > c.Size()-n { // the end, or an error
		return c.Content.ReadAt(p, off)
	}
	s, err := c.Section(context.Background(), off, n)
	if err != nil {
		return 0, err
	}
	defer func() { _ = s.Close() }() // only read
	return io.ReadFull(s, p)
}

// Section implements store.Content. What has to be fetched is asked for when it is read.
func (c *content) Section(ctx context.Context, off, n int64) (io.ReadCloser, error) {
	if off < 0 || n < 0 || off > c.Size()-n || ctx.Err() != nil {
		return c.Content.Section(ctx, off, n) // it knows what to say
	}
	s := &section{content: c, ctx: ctx, off: off, end: off + n}
	if n > 0 && !s.has(off/blockSize) { // what is wrong is said at once
		return s, s.fetch()
	}
	return s, nil
}

// section streams a part of content: blocks that are kept, and between them what is fetched.
type section struct {
	content  *content
	ctx      context.Context
	off, end int64

	at   place    // of the segment that was looked at last
	seg  *segment // it, or nil
	file *os.File // of seg

	rest  []byte  // of a block that was read as a whole
	whole *[]byte // where rest lies

	body    io.ReadCloser // what is fetched, up to bodyEnd
	bodyEnd int64
	kept    *[]byte // what was fetched of the block at off, from its begin; nil: it is not to be kept
}

// Read implements io.Reader.
func (s *section) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if len(s.rest) > 0 {
			n := copy(p, s.rest)
			s.rest = s.rest[n:]
			s.off += int64(n)
			return n, nil
		}
		switch {
		case s.off == s.end:
			return 0, io.EOF
		case s.body != nil:
			return s.readBody(p)
		}
		if err := s.ctx.Err(); err != nil {
			return 0, store.Wrap(store.Internal, "read content", err)
		}
		if n := s.readBlock(p); n > 0 {
			return n, nil
		}
		if len(s.rest) == 0 {
			if err := s.fetch(); err != nil {
				return 0, err
			}
		}
	}
}

// readBlock reads the block at off, if it is kept: into p if it fits, or else into rest.
func (s *section) readBlock(p []byte) int {
	n := s.off / blockSize
	if !s.has(n) {
		return 0
	}
	size := s.sizeOf(n)
	skip := s.off - n*blockSize
	if skip == 0 && int64(len(p)) >= size && s.end-s.off >= size {
		if !s.load(n, p[:size]) {
			return 0
		}
		s.off += size
		return int(size)
	}
	if s.whole == nil {
		s.whole = buffers.Get().(*[]byte)
	}
	if b := (*s.whole)[:size]; s.load(n, b) {
		s.rest = b[skip:min(size, skip+s.end-s.off)]
	}
	return 0
}

// has reports whether a block is kept, as far as one knows.
func (s *section) has(n int64) bool {
	s.turnTo(n / perSegment)
	return s.seg != nil && s.content.cache.index.sum(s.seg, int(n%perSegment)) != 0
}

// turnTo opens a segment of the content, if there is one.
func (s *section) turnTo(n int64) {
	p := place{s.content.key, n}
	if s.seg != nil && s.at == p {
		return
	}
	s.leave()
	c := s.content.cache
	seg, note := c.index.use(p)
	if seg == nil {
		return
	}
	path := filepath.Join(c.dir, p.name())
	file, err := os.Open(path)
	if err == nil {
		if err = c.readHeader(seg, file); err != nil {
			_ = file.Close()
		}
	}
	if err != nil {
		c.index.remove(seg) // the file stays, for who may be writing it
		return
	}
	s.at, s.seg, s.file = p, seg, file
	if note {
		_ = os.Chtimes(path, time.Time{}, time.Now()) // it goes earlier, then
	}
}

func (s *section) leave() {
	if s.file != nil {
		_ = s.file.Close() // only read
	}
	s.seg, s.file = nil, nil
}

// load reads a whole block of the segment that is open. It reports false if it is not what was kept.
func (s *section) load(n int64, into []byte) bool {
	block, index := int(n%perSegment), &s.content.cache.index
	sum := index.sum(s.seg, block)
	_, err := s.file.ReadAt(into, headerSize+int64(block)*blockSize)
	if sum == 0 || err != nil || s.at.sumOf(block, into) != sum {
		index.lost(s.seg, block, sum)
		return false
	}
	return true
}

// sizeOf returns the number of bytes of a block.
func (s *section) sizeOf(n int64) int64 { return min(blockSize, s.content.Size()-n*blockSize) }

// bridge is how many blocks in a row must be there to end a request before them.
const bridge = 4

// fetch asks for what is missing from off on.
func (s *section) fetch() error {
	end, row := s.end, int64(0)
	for n := s.off/blockSize + 1; n*blockSize < s.end && row < bridge; n++ {
		if row++; !s.has(n) {
			row = 0
		}
		if row == bridge {
			end = (n - bridge + 1) * blockSize
		}
	}
	body, err := s.content.Content.Section(s.ctx, s.off, end-s.off)
	if err != nil {
		return err
	}
	s.body, s.bodyEnd = body, end
	return nil
}

// readBody reads what is fetched, up to the end of a block, and keeps whole blocks.
func (s *section) readBody(p []byte) (int, error) {
	block := s.off / blockSize
	begin, size := block*blockSize, s.sizeOf(block)
	if s.kept == nil && s.off == begin && s.bodyEnd-begin >= size && s.content.cache.accepts() {
		s.kept = buffers.Get().(*[]byte)
	}
	n, err := s.body.Read(p[:min(int64(len(p)), begin+size-s.off, s.bodyEnd-s.off)])
	if s.kept != nil {
		copy((*s.kept)[s.off-begin:], p[:n])
	}
	s.off += int64(n)
	if s.kept != nil && s.off == begin+size {
		s.content.cache.offer(keep{place{s.content.key, block / perSegment}, int(block % perSegment), s.kept, int(size)})
		s.kept = nil
	}
	switch {
	case s.off == s.bodyEnd:
		err = nil
		s.endBody()
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (s *section) endBody() {
	if s.body != nil {
		_ = s.body.Close() // only read
	}
	s.body = nil
	if s.kept != nil {
		buffers.Put(s.kept)
		s.kept = nil
	}
}

// Close implements io.Closer.
func (s *section) Close() error {
	s.endBody()
	s.leave()
	if s.whole != nil {
		buffers.Put(s.whole)
		s.whole, s.rest = nil, nil
	}
	s.end = s.off
	return nil
}
