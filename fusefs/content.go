package fusefs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/cache"
	"github.com/hatrac/hatrac/store/cache/disk"
)

// openFound opens a version. What is no file of this machine is read through the mount's cache.
func (m *Mount) openFound(ctx context.Context, found *service.Found) (store.Content, error) {
	content, err := found.Open(ctx)
	if err != nil || found.Version.HasInline {
		return content, err
	}
	if _, local := content.(store.FileContent); local {
		return content, nil
	}
	if m.disk != nil {
		content = m.disk.Content(content)
	}
	return m.cache.Open(found.Version.Address, content), nil
}

// openDisk opens the cache on disk, if there is to be one. Where another mount has it, this one goes
// without.
func (m *Mount) openDisk() error {
	if m.cfg.DiskCache == "" {
		return nil
	}
	kept, err := disk.Open(disk.Config{
		Dir: m.cfg.DiskCache, Size: m.cfg.DiskCacheSize,
		Failed: func(err error) {
			m.log.Warn().Err(err).Msg("for a while, nothing more of what is read is kept on disk")
		},
	})
	if errors.Is(err, disk.ErrInUse) {
		m.log.Warn().Str("folder", m.cfg.DiskCache).Msg("another mount keeps content in this folder: this one keeps none on disk")
		return nil
	}
	if err != nil {
		return fmt.Errorf("keep content in %s: %w", m.cfg.DiskCache, err)
	}
	m.disk = kept
	return nil
}

func (m *Mount) closeDisk() {
	if m.disk == nil {
		return
	}
	if err := m.disk.Close(); err != nil {
		m.log.Warn().Err(err).Msg("the folder of kept content could not be let go")
	}
}

// at returns content to read on somebody's behalf: a reading of what lies elsewhere ends with ctx.
func at(ctx context.Context, c content) io.ReaderAt {
	switch c := c.(type) {
	case *cache.Content:
		return c.At(ctx)
	case *lazyContent:
		if open, err := c.content(); err == nil {
			return at(ctx, open)
		}
	}
	return c
}

// readElsewhere reads content that is not on this machine, within the deadline, and no longer than
// somebody waits for it. If it can be, it is not copied.
func (p *pin) readElsewhere(request context.Context, c *cache.Content, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	v := c.Look(off, int64(len(dest)))
	if v != nil && v.Ready() && v.Wait(request) == nil {
		return viewed{v}, 0
	}
	ctx, cancel := p.m.call(request)
	defer cancel()
	if v != nil {
		err := v.Wait(ctx)
		if err == nil {
			return viewed{v}, 0
		}
		v.Close()
		if !errors.Is(err, cache.ErrAbandoned) {
			return nil, p.m.answer(request, err)
		}
	}
	n, err := c.ReadAtContext(ctx, dest, off)
	if n < len(dest) {
		return nil, p.m.answer(request, err)
	}
	return fuse.ReadResultData(dest), 0
}

// viewed is a view that the kernel gets as it is.
type viewed struct{ view *cache.View }

var _ fuse.ReadResult = viewed{}

// Bytes implements fuse.ReadResult.
func (r viewed) Bytes(buf []byte) ([]byte, fuse.Status) {
	buf = buf[:0]
	for _, part := range r.view.Parts() {
		buf = append(buf, part...)
	}
	return buf, fuse.OK
}

// Slices lets go-fuse write the parts without making one of them.
func (r viewed) Slices() ([][]byte, fuse.Status) { return r.view.Parts(), fuse.OK }

// Size implements fuse.ReadResult.
func (r viewed) Size() int { return r.view.Len() }

// Done implements fuse.ReadResult.
func (r viewed) Done() { r.view.Close() }

// lazyContent is the content of a version that is opened, and the right to read it asked, when it
// is first read: whoever truncates a file never does.
type lazyContent struct {
	m    *Mount
	by   acl.Client // who opens it
	ref  store.Ref
	size int64

	once sync.Once
	open store.Content
	err  error
}

// Size returns the length in bytes.
func (c *lazyContent) Size() int64 { return c.size }

// ReadAt implements io.ReaderAt.
func (c *lazyContent) ReadAt(p []byte, off int64) (int, error) {
	content, err := c.content()
	if err != nil {
		return 0, err
	}
	return content.ReadAt(p, off)
}

// Close implements io.Closer.
func (c *lazyContent) Close() error {
	c.once.Do(func() { c.err = store.NewError(store.NotFound, c.ref.String(), "") })
	if c.open == nil {
		return nil
	}
	return c.open.Close()
}

func (c *lazyContent) content() (store.Content, error) {
	c.once.Do(func() {
		ctx, cancel := context.WithTimeout(as(c.m.base, c.by), c.m.cfg.Deadline)
		defer cancel()
		c.open, c.err = c.m.openContent(ctx, c.ref)
	})
	return c.open, c.err
}
