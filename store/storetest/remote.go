package storetest

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"github.com/hatrac/hatrac/store"
)

// Remote is a Bulk that behaves as one which is far away: its content is no file, every reading is a
// request, requests can be slow or fail, and they end with their context.
type Remote struct {
	store.Assembler
	// Latency is how long a request takes before its first byte.
	Latency time.Duration
	// Rate is how many bytes a second one request gives; 0: as many as there are.
	Rate int64
	// Name tells it from others; if it is empty, its content has no identity.
	Name string

	fault                        atomic.Pointer[Fault]
	requests, bytes, under, most atomic.Int64
}

// Fault comes before a request for n bytes at off, which it fails by an error.
type Fault func(ctx context.Context, off, n int64) error

// SetFault lets a fault come before each request for a section from now on, or none.
func (r *Remote) SetFault(fault Fault) {
	if fault == nil {
		r.fault.Store(nil)
		return
	}
	r.fault.Store(&fault)
}

// Hang is a Fault: the request is not answered until its context ends.
func Hang(ctx context.Context, _, _ int64) error {
	<-ctx.Done()
	return store.Wrap(store.Internal, "hang", ctx.Err())
}

// Requests returns how many sections were asked for.
func (r *Remote) Requests() int64 { return r.requests.Load() }

// Bytes returns how much was read of all sections.
func (r *Remote) Bytes() int64 { return r.bytes.Load() }

// Under returns how many sections are open, and how many were at the same time at most.
func (r *Remote) Under() (now, most int64) { return r.under.Load(), r.most.Load() }

// Open implements store.Bulk.
func (r *Remote) Open(ctx context.Context, a store.Address) (store.Content, error) {
	content, err := r.Assembler.Open(ctx, a)
	if err != nil {
		return nil, err
	}
	return &remoteContent{Content: content, remote: r, address: a}, nil
}

// remoteContent hides that the content is a file.
type remoteContent struct {
	store.Content
	remote  *Remote
	address store.Address
}

var _ store.Identified = (*remoteContent)(nil)

// Identity implements store.Identified.
func (c *remoteContent) Identity() string {
	if c.remote.Name == "" {
		return ""
	}
	return c.remote.Name + " " + string(c.address)
}

// Section implements store.Content.
func (c *remoteContent) Section(ctx context.Context, off, n int64) (io.ReadCloser, error) {
	r := c.remote
	r.requests.Add(1)
	if fault := r.fault.Load(); fault != nil {
		if err := (*fault)(ctx, off, n); err != nil {
			return nil, err
		}
	}
	wait(ctx, r.Latency)
	section, err := c.Content.Section(ctx, off, n)
	if err != nil {
		return nil, err
	}
	now := r.under.Add(1)
	for most := r.most.Load(); now > most && !r.most.CompareAndSwap(most, now); most = r.most.Load() {
	}
	return &remoteSection{ReadCloser: section, ctx: ctx, remote: r, begun: time.Now()}, nil
}

// wait returns after a time, or when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// ReadAt implements store.Content.
func (c *remoteContent) ReadAt(p []byte, off int64) (int, error) {
	n := int64(len(p))
	if off < 0 || off > c.Size()-n { // the end, or an error
		return c.Content.ReadAt(p, off)
	}
	section, err := c.Section(context.Background(), off, n)
	if err != nil {
		return 0, err
	}
	defer func() { _ = section.Close() }() // only read
	return io.ReadFull(section, p)
}

// remoteSection is a section that ends with its context.
type remoteSection struct {
	io.ReadCloser
	ctx    context.Context
	remote *Remote
	begun  time.Time
	given  int64
}

// Read implements io.Reader.
func (s *remoteSection) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, store.Wrap(store.Internal, "read section", err)
	}
	n, err := s.ReadCloser.Read(p)
	s.remote.bytes.Add(int64(n))
	s.given += int64(n)
	if rate := s.remote.Rate; rate > 0 {
		wait(s.ctx, time.Until(s.begun.Add(time.Duration(s.given)*time.Second/time.Duration(rate))))
	}
	return n, err
}

// Close implements io.Closer.
func (s *remoteSection) Close() error {
	s.remote.under.Add(-1)
	return s.ReadCloser.Close()
}
