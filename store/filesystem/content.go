package filesystem

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/oklog/ulid/v2"
	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/disk"
)

var errRange = errors.New("the range lies outside of the content")

// content is an open file.
type content struct {
	file *os.File
	size int64
}

var _ store.FileContent = (*content)(nil)

// Open implements store.Bulk. The content is a store.FileContent and stays readable after it
// was removed. An assembly that is not finished is a Conflict: nobody is served half content. The
// original server left its content writable.
func (b *Bulk) Open(ctx context.Context, a store.Address) (store.Content, error) {
	c, info, err := b.openContent(ctx, a)
	if err != nil {
		return nil, err
	}
	if _, original := store.ParseOrigin(a); !original && !finished(info) {
		_ = c.file.Close()
		return nil, store.Wrap(store.Conflict, "open content", errUnfinished)
	}
	return c, nil
}

// openContent opens the file at an address, finished or not, and describes it.
func (b *Bulk) openContent(ctx context.Context, a store.Address) (*content, os.FileInfo, error) {
	p, err := parseAddress(a)
	if err != nil {
		return nil, nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, fail("open content", err)
	}
	file, err := b.openAt(p, disk.OpOpen, os.O_RDONLY|unix.O_NOFOLLOW)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, store.Wrap(store.NotFound, "open content", err)
	}
	if err != nil {
		return nil, nil, fail("open content", err)
	}
	info, err := b.disk.StatOpen(file)
	if err == nil && !info.Mode().IsRegular() {
		err = disk.ErrNotRegular
	}
	if err != nil {
		_ = file.Close()
		return nil, nil, fail("open content", err)
	}
	return &content{file: file, size: info.Size()}, info, nil
}

// File implements store.FileContent.
func (c *content) File() *os.File { return c.file }

// Size implements store.Content.
func (c *content) Size() int64 { return c.size }

// Close implements io.Closer.
func (c *content) Close() error { return fail("close content", c.file.Close()) }

// ReadAt implements io.ReaderAt.
func (c *content) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.file.ReadAt(p, off)
	if err != nil && err != io.EOF {
		err = fail("read content", err)
	}
	return n, err
}

// Section implements store.Content.
func (c *content) Section(ctx context.Context, off, n int64) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, fail("read content", err)
	}
	if off < 0 || n < 0 || off > c.size-n {
		return nil, fail("read content", errRange)
	}
	return io.NopCloser(io.NewSectionReader(c, off, n)), nil
}

// Remove implements store.Bulk. A crash of the machine may undo it; then the content is
// garbage that Sweep finds.
func (b *Bulk) Remove(ctx context.Context, a store.Address) error {
	p, err := parseAddress(a)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fail("remove content", err)
	}
	_, err = b.remove(p)
	return fail("remove content", err)
}

// remove deletes a file, and its folder if it was the last one there. It reports whether
// there was a file.
func (b *Bulk) remove(p place) (bool, error) {
	if p.origin != "" {
		return b.removeOrigin(p)
	}
	err := b.disk.Unlink(p.path(b.content))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	b.tidy(p.generation)
	return true, nil
}

// tidy removes the folder of a generation if it is empty and nobody fills it. Who does so
// all the same, because the clocks differ, notices and begins another one.
func (b *Bulk) tidy(id ulid.ULID) {
	if b.filling.over(id) {
		_ = b.disk.Rmdir(filepath.Join(b.content, id.String()))
	}
}

// removeOrigin is remove for a file of the original server. Its folder stays, as others use it.
func (b *Bulk) removeOrigin(p place) (bool, error) {
	err := b.disk.UnlinkBeneath(b.beneath, p.origin)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
