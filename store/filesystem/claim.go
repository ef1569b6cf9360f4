package filesystem

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/disk"
)

// Bytes that are locked lie behind all that a file can hold, so that no file system takes the lock
// for one of content: one byte for the file as a whole, and two for each chunk.
const (
	wholeFile disk.ByteLock = 1 << 62
	lastChunk               = 1 << 60
)

// claimed is the lock of who stores a chunk.
func claimed(number int64) disk.ByteLock { return wholeFile + 1 + 2*disk.ByteLock(number) }

// awaited is the lock of who waits for that.
func awaited(number int64) disk.ByteLock { return wholeFile + 2 + 2*disk.ByteLock(number) }

// yieldPause is how often who stores a chunk looks whether somebody waits for it.
const yieldPause = 500 * time.Millisecond

// claim is the sole right to store a chunk. As long as its file is open nobody else has it, in any
// process, nor is the content finished.
type claim struct {
	bulk   *Bulk
	place  place
	number int64
	file   *os.File // nil when it is closed
	info   os.FileInfo
}

// ClaimChunk implements store.Assembler, across all processes that share the file. If somebody stores
// the chunk, that one is asked to give way.
func (b *Bulk) ClaimChunk(ctx context.Context, a store.Address, number int64) (store.ChunkClaim, error) {
	p, err := parseAddress(a)
	if err != nil {
		return nil, err
	}
	if number < 0 || number > lastChunk {
		return nil, store.Wrap(store.Invalid, "claim chunk", errBeyond)
	}
	f, info, err := b.grasp(ctx, p, unix.F_RDLCK, nil)
	if err != nil {
		return nil, fail("open assembly", err)
	}
	if finished(info) {
		err = store.Wrap(store.Conflict, "claim chunk", errFinished)
	} else {
		err = fail("claim chunk", takeOver(ctx, b.disk, f, number))
	}
	if err != nil {
		_ = b.disk.Close(f)
		return nil, err
	}
	return &claim{bulk: b, place: p, number: number, file: f, info: info}, nil
}

// takeOver locks a chunk of an open file, if need be after whoever has it has given way.
func takeOver(ctx context.Context, d disk.Disk, f *os.File, number int64) error {
	err := d.TryLock(f, claimed(number), unix.F_WRLCK)
	if !errors.Is(err, unix.EWOULDBLOCK) {
		return err
	}
	if err := d.Lock(ctx, f, awaited(number), unix.F_WRLCK, nil); err != nil {
		return err
	}
	if err := d.Lock(ctx, f, claimed(number), unix.F_WRLCK, nil); err != nil {
		return err
	}
	return d.TryLock(f, awaited(number), unix.F_UNLCK)
}

// Release implements store.ChunkClaim. The bytes are durable, or do not count.
func (c *claim) Release() {
	if c.file != nil {
		_ = c.bulk.disk.Close(c.file)
		c.file = nil
	}
}

// hold runs do with a context that ends when somebody else waits for the chunk. As soon as the context
// ends, for whatever reason, the claim does too: what do still writes then fails.
func (c *claim) hold(ctx context.Context, do func(context.Context) error) error {
	ctx, end := context.WithCancelCause(ctx)
	closed := make(chan struct{})
	keep := context.AfterFunc(ctx, func() {
		defer close(closed)
		_ = c.bulk.disk.Close(c.file)
	})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if c.isAwaited(ctx) {
			end(evicted())
		}
	}()
	err := do(ctx)
	kept := keep()
	end(nil)
	<-watched
	if !kept {
		<-closed
		c.file = nil
		if err == nil || errors.Is(err, context.Canceled) {
			err = fail("store chunk", context.Cause(ctx))
		}
	}
	return err
}

// isAwaited returns true when somebody waits for the chunk, or false at the end of the context.
func (c *claim) isAwaited(ctx context.Context) bool {
	ticks := time.NewTicker(yieldPause)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-ticks.C:
			// Who cannot tell goes on: the other one waits.
			if waits, err := c.bulk.disk.Locked(c.file, awaited(c.number)); waits && err == nil {
				return true
			}
		}
	}
}

func evicted() error {
	return store.NewError(store.Conflict, "", "The chunk is being sent by a newer request.")
}
