package fusefs

import (
	"context"
	"io"
	"sync"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/cache"
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
	return m.cache.Open(found.Version.Address, content), nil
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
