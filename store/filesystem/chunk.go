package filesystem

import (
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store"
)

var (
	errShort  = errors.New("the chunk ends early")
	errLong   = errors.New("the chunk is longer than announced")
	errBeyond = errors.New("the chunk lies outside of the content")
)

// PutChunk implements store.Assembler. The tag is empty. Invalid: r gives more or less than
// length bytes, or they lie outside of the content.
//
// If a chunk is stored again in this process while an older call for it is under way, that one
// fails with Conflict. An older call whose reader is stuck, or one whose context has ended,
// returns only when its reader does, but holds up neither a newer one nor Finish.
func (b *Bulk) PutChunk(ctx context.Context, a store.Address, number, offset, length int64, r io.Reader) (string, error) {
	p, err := parseAddress(a)
	if err != nil {
		return "", err
	}
	if number < 0 || offset < 0 || length < 0 {
		return "", store.Wrap(store.Invalid, "store chunk", errBeyond)
	}
	ctx, c := b.claims.make(ctx, chunk{place: p, number: number})
	err = b.putChunk(ctx, c, offset, length, r)
	if latest := c.release(); !latest && (err == nil || errors.Is(err, context.Canceled)) {
		err = evicted()
	}
	return "", err
}

func (b *Bulk) putChunk(ctx context.Context, c *claim, offset, length int64, r io.Reader) error {
	f, info, err := b.grasp(ctx, c.chunk.place, unix.LOCK_SH)
	if err != nil {
		return fail("open assembly", err)
	}
	let := b.closeWith(ctx, f)
	err = b.receive(ctx, c, f, info, offset, length, r)
	if closing := let(); err == nil {
		err = fail("close assembly", closing)
	}
	return err
}

// closeWith closes a file, and so unlocks it, as soon as the context ends, or when the function
// is called that it returns, whichever comes first.
func (b *Bulk) closeWith(ctx context.Context, f *os.File) (finish func() error) {
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		_ = b.disk.Close(f)
	})
	return func() error {
		if stop() {
			return b.disk.Close(f)
		}
		<-closed
		return ctx.Err()
	}
}

// receive makes the bytes of r durable in the file, which is locked. The files of the original
// server grow with the chunks that come.
func (b *Bulk) receive(ctx context.Context, c *claim, f *os.File, info os.FileInfo, offset, length int64, r io.Reader) error {
	switch {
	case finished(info):
		return store.Wrap(store.Conflict, "store chunk", errFinished)
	case c.chunk.place.origin == "" && offset > info.Size()-length:
		return store.Wrap(store.Invalid, "store chunk", errBeyond)
	}
	if err := b.copyChunk(ctx, c, f, offset, length, r); err != nil {
		return err
	}
	return unlessOver(ctx, "make chunk durable", b.disk.SyncData(f))
}

// copyChunk writes the bytes of r, which must be as many as announced. The end of r is waited
// for, since it is there that a reader which checks what it reads says so.
func (b *Bulk) copyChunk(ctx context.Context, c *claim, f *os.File, offset, length int64, r io.Reader) error {
	buf := b.buffers.Get().(*[]byte)
	defer b.buffers.Put(buf)
	for length > 0 {
		part := (*buf)[:min(length, bufferSize)]
		n, err := fill(ctx, r, part)
		if err != nil && err != io.EOF {
			return err
		}
		if n < len(part) {
			return store.Wrap(store.Invalid, "receive chunk", errShort)
		}
		err = c.write(ctx, func() error { _, err := b.disk.WriteAt(f, part, offset); return err })
		if err != nil {
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
