package filesystem

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/hatrac/hatrac/store"
)

// contentMode makes content read-only, for whoever comes by.
const contentMode = 0o444

// Put implements store.Bulk.
func (b *Bulk) Put(ctx context.Context, _ store.Placement, r io.Reader) (store.Address, error) {
	staged, err := b.stage(ctx, r)
	if err != nil {
		return "", err
	}
	a, err := b.publish(ctx, full, func(to string) error { return b.disk.Move(staged, to) })
	if err != nil {
		_ = b.disk.Unlink(staged)
		return "", err
	}
	return a, nil
}

// stage writes all that r gives into a new file, whose content is durable then though its
// name is not, and returns its name. Nothing is left of it after an error.
func (b *Bulk) stage(ctx context.Context, r io.Reader) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", fail("store content", err)
	}
	path := filepath.Join(b.staging, newID().String())
	f, err := b.disk.Create(path)
	if err != nil {
		if !errors.Is(err, os.ErrExist) {
			_ = b.disk.Unlink(path)
		}
		return "", fail("create file", err)
	}
	err = b.write(ctx, f, r)
	if closing := b.disk.Close(f); err == nil {
		err = fail("close file", closing)
	}
	if err != nil {
		_ = b.disk.Unlink(path)
		return "", err
	}
	return path, nil
}

func (b *Bulk) write(ctx context.Context, f *os.File, r io.Reader) error {
	if err := b.copy(ctx, f, r); err != nil {
		return err
	}
	return b.seal(f, full)
}

// depth says whether what was done is durable.
type depth uint8

const (
	full depth = iota // it is
	soon              // it will be when SyncContent has seen it
)

// seal makes a file read-only and, to full depth, durable. If that fails the content has to be
// given up: a second fsync would not report a loss again.
func (b *Bulk) seal(f *os.File, to depth) error {
	if err := b.disk.Chmod(f, contentMode); err != nil {
		return fail("make content read-only", err)
	}
	if to == soon {
		return nil
	}
	return fail("make content durable", b.disk.Sync(f))
}

func (b *Bulk) copy(ctx context.Context, f *os.File, r io.Reader) error {
	buf := b.buffers.Get().(*[]byte)
	defer b.buffers.Put(buf)
	for {
		n, err := fill(ctx, r, *buf)
		if err != nil && err != io.EOF {
			return err
		}
		if n > 0 {
			if err := b.disk.Write(f, (*buf)[:n]); err != nil {
				return fail("write content", err)
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}

// maxEmptyReads is how often in a row a reader may give nothing, as in the standard library.
const maxEmptyReads = 100

// fill reads until the buffer is full or the reader ends, with io.EOF. An error of the
// reader is returned as it is.
func fill(ctx context.Context, r io.Reader, buf []byte) (n int, err error) {
	for empty := 0; n < len(buf); {
		if err := ctx.Err(); err != nil {
			return n, fail("receive content", err)
		}
		got, err := r.Read(buf[n:])
		n += got
		if err != nil {
			return n, err
		}
		if got > 0 {
			empty = 0
			continue
		}
		if empty++; empty == maxEmptyReads {
			return n, io.ErrNoProgress
		}
	}
	return n, nil
}

// maxRemovedFolders is in how many generations content is tried to be put that turn out to
// be removed.
const maxRemovedFolders = 3

// publish finds a place for content, lets move give it its name there and, to full depth, makes
// the name durable; then the content has to be. After an error there is nothing at that place.
func (b *Bulk) publish(ctx context.Context, to depth, move func(to string) error) (store.Address, error) {
	for attempt := 1; ; attempt++ {
		if err := ctx.Err(); err != nil {
			return "", fail("store content", err)
		}
		g, p, err := b.filling.take(ctx)
		if err != nil {
			return "", fail("begin generation", err)
		}
		err = b.settle(g, p, to, move)
		gone := errors.Is(err, os.ErrNotExist) && b.removed(g)
		if gone {
			b.filling.retire(g)
		}
		b.filling.leave(g)
		if err == nil {
			return p.address(), nil
		}
		if !gone || attempt == maxRemovedFolders {
			return "", fail("place content", err)
		}
	}
}

func (b *Bulk) settle(g *generation, p place, depth depth, move func(to string) error) error {
	to := p.path(b.content)
	err := move(to)
	if errors.Is(err, os.ErrExist) {
		return err // whatever it is, it is not ours to remove
	}
	if err == nil && depth == full {
		if err = g.sync.wait(); err != nil {
			b.filling.retire(g)
		}
	}
	if err != nil {
		_ = b.disk.Unlink(to)
	}
	return err
}

// removed reports whether the folder of a generation has gone: another process, whose clock
// differs, may take it for an old one that is empty.
func (b *Bulk) removed(g *generation) bool {
	_, err := b.disk.Stat(g.folder.Name())
	return errors.Is(err, os.ErrNotExist)
}
