package filesystem

import (
	"context"
	"errors"
	"io"

	"github.com/hatrac/hatrac/store"
)

var (
	errShort  = errors.New("the chunk ends early")
	errLong   = errors.New("the chunk is longer than announced")
	errBeyond = errors.New("the chunk lies outside of the content")
)

// Put implements store.ChunkClaim. The tag is empty. Invalid: r gives more or less than length bytes,
// or they lie outside of the content.
//
// A call whose reader is stuck returns only when its reader does, but when it was evicted or its context
// has ended it holds up neither a newer one nor Finish.
func (c *claim) Put(ctx context.Context, offset, length int64, r io.Reader) (string, error) {
	switch {
	case offset < 0 || length < 0 || c.place.origin == "" && offset > c.info.Size()-length:
		return "", store.Wrap(store.Invalid, "store chunk", errBeyond)
	case c.file == nil:
		return "", evicted()
	}
	return "", c.hold(ctx, func(ctx context.Context) error {
		if err := c.copyChunk(ctx, offset, length, r); err != nil {
			return err
		}
		return unlessOver(ctx, "make chunk durable", c.bulk.disk.SyncData(c.file))
	})
}

// copyChunk writes the bytes of r, which must be as many as announced. The end of r is waited
// for, since it is there that a reader which checks what it reads says so. The files of the original
// server grow with the chunks that come.
func (c *claim) copyChunk(ctx context.Context, offset, length int64, r io.Reader) error {
	buf := c.bulk.buffers.Get().(*[]byte)
	defer c.bulk.buffers.Put(buf)
	for length > 0 {
		part := (*buf)[:min(length, bufferSize)]
		n, err := fill(ctx, r, part)
		if err != nil && err != io.EOF {
			return err
		}
		if n < len(part) {
			return store.Wrap(store.Invalid, "receive chunk", errShort)
		}
		if _, err := c.bulk.disk.WriteAt(c.file, part, offset); err != nil {
			return unlessOver(ctx, "write chunk", err)
		}
		offset, length = offset+int64(n), length-int64(n)
	}
	switch n, err := fill(ctx, r, (*buf)[:1]); {
	case n > 0:
		return store.Wrap(store.Invalid, "receive chunk", errLong)
	case err != io.EOF:
		return err
	}
	return nil
}

// unlessOver is fail, but for work that fails because its context has ended, which closed the
// file.
func unlessOver(ctx context.Context, doing string, err error) error {
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return fail(doing, err)
}
