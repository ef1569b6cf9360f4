package fusefs

import (
	"context"
	"sync"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

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
