package cache

import "context"

// View is a part of content that is looked at where it lies, without being copied. Who looks at it
// closes it: until then it takes room in the cache.
type View struct {
	cache  *Cache
	blocks []*block
	parts  [][]byte
	size   int
	passed int // blocks that a reader will not need again who goes through long content in order
}

// Look begins to look at up to n bytes at off, which may have to be fetched. It returns nil if there
// is no room for all of them at once, or nothing there: then they can only be read.
func (s *Content) Look(off, n int64) *View {
	n = min(n, s.Size()-off)
	if off < 0 || n <= 0 {
		return nil
	}
	size := s.cache.cfg.BlockSize
	first, end := off/size, s.after(off+n)
	window := s.note(off, n)
	v := &View{cache: s.cache, blocks: make([]*block, 0, end-first), parts: make([][]byte, 0, end-first), size: int(n)}
	if window == s.cache.cfg.mostWindow() {
		v.passed = int((off+n)/size - first)
	}
	for i := first; i < end; i++ {
		b, _ := s.begin(i, end)
		if b == nil {
			v.Close()
			return nil
		}
		v.blocks = append(v.blocks, b)
		from := max(off-i*size, 0)
		v.parts = append(v.parts, b.data[from:min(off+n-i*size, size)])
	}
	s.ahead(end, window)
	return v
}

// Ready reports whether Wait would not have to wait.
func (v *View) Ready() bool {
	for _, b := range v.blocks {
		select {
		case <-b.ready:
		default:
			return false
		}
	}
	return true
}

// Wait returns when all of it is there. After ErrAbandoned it can still be read.
func (v *View) Wait(ctx context.Context) error {
	for _, b := range v.blocks {
		if err := b.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Len returns the number of bytes.
func (v *View) Len() int { return v.size }

// Parts returns the bytes, in order, once Wait has returned nil. They must not be changed, nor be
// looked at after Close.
func (v *View) Parts() [][]byte { return v.parts }

// Close lets go of the content.
func (v *View) Close() {
	for i, b := range v.blocks {
		v.cache.leaveFor(b, i < v.passed)
	}
	v.blocks, v.parts = nil, nil
}
