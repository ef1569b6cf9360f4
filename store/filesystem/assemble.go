package filesystem

import (
	"context"
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/disk"
)

// An assembly is a file in a generation like all content, at its final address and of its
// final size from the beginning. Its mode tells it apart: it may be written until Finish
// makes it read-only. Who stores a chunk locks the file together with others and the chunk alone, who
// changes the mode locks the file alone; so no two meet, whatever processes they belong to.

// assemblyMode is the mode of what is not finished.
const assemblyMode = 0o600

var (
	errFinished   = errors.New("the content is finished")
	errUnfinished = errors.New("the content is not finished")
)

// Begin implements store.Assembler. The file is sparse: space is taken by chunks as they come.
func (b *Bulk) Begin(ctx context.Context, p store.Placement, chunkSize int64) (store.Address, error) {
	if p.Size < 0 || chunkSize < 1 {
		return "", store.NewError(store.Invalid, "", "The content needs a size, and chunks of at least one byte.")
	}
	return b.publish(ctx, full, func(to string) error { return b.lay(to, p.Size) })
}

// lay creates a file of that size, which is durable though its name is not.
func (b *Bulk) lay(path string, size int64) error {
	f, err := b.disk.Create(path)
	if err != nil {
		return err
	}
	if err = b.disk.Truncate(f, size); err == nil {
		err = b.disk.Sync(f)
	}
	if closing := b.disk.Close(f); err == nil {
		err = closing
	}
	return err
}

// OpenPart implements store.Assembler. What is finished is opened as well.
func (b *Bulk) OpenPart(ctx context.Context, a store.Address) (store.Content, error) {
	c, _, err := b.openContent(ctx, a)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Finish implements store.Assembler. The address stays the same, and what was opened by
// OpenPart before is the content then. Conflict: the file has another size than the content, as
// that of an upload to the original server has until its end was stored.
func (b *Bulk) Finish(ctx context.Context, a store.Address, p store.Placement, _ []store.Chunk) (store.Address, error) {
	err := b.change(ctx, a, "finish content", nil, func(f *os.File, info os.FileInfo) error {
		if p.Size >= 0 && p.Size != info.Size() {
			return store.NewError(store.Conflict, "", "The content does not have its full length yet.")
		}
		return b.changeMode(f, info, contentMode)
	})
	if err != nil {
		return "", err
	}
	return a, nil
}

// Reopen implements store.Assembler. Which content is bound is not known here: whoever calls
// it makes sure of that. While chunks are claimed the content is not finished, so that there is nothing
// to do.
func (b *Bulk) Reopen(ctx context.Context, a store.Address) error {
	err := b.change(ctx, a, "reopen content", b.whileFinished, func(f *os.File, info os.FileInfo) error {
		return b.changeMode(f, info, assemblyMode)
	})
	if errors.Is(err, errUnfinished) {
		return nil
	}
	return err
}

// whileFinished ends the waiting for a lock when the file is not finished.
func (b *Bulk) whileFinished(f *os.File) error {
	info, err := b.disk.StatOpen(f)
	if err == nil && !finished(info) {
		err = errUnfinished
	}
	return err
}

// change does something to a file while nobody else changes it or stores a chunk in it. waiting, if not
// nil, may end the waiting for that.
func (b *Bulk) change(ctx context.Context, a store.Address, doing string, waiting func(*os.File) error, do func(*os.File, os.FileInfo) error) error {
	p, err := parseAddress(a)
	if err != nil {
		return err
	}
	f, info, err := b.grasp(ctx, p, unix.F_WRLCK, waiting)
	if err != nil {
		return fail(doing, err)
	}
	err = do(f, info)
	if closing := b.disk.Close(f); err == nil {
		err = closing
	}
	return fail(doing, err)
}

// changeMode makes a file content or an assembly, durably. If it is so already, only the latter:
// who changed it may have been stopped before. After an error the file has the mode it had.
func (b *Bulk) changeMode(f *os.File, info os.FileInfo, mode os.FileMode) error {
	var err error
	if finished(info) != (mode == contentMode) {
		err = b.disk.Chmod(f, mode)
	}
	if err == nil {
		err = b.disk.Sync(f)
	}
	if err != nil {
		_ = b.disk.Chmod(f, info.Mode().Perm())
	}
	return err
}

// grasp opens the file at a place and locks it as a whole, F_RDLCK with others or F_WRLCK alone; it opens
// it for reading too, without which nobody gets a shared lock. A symbolic link fails. What it returns
// about the file holds as long as the file is locked, that is until the caller closes it. waiting, if not
// nil, may end the waiting for the lock.
//
// What is finished cannot be opened for writing, but by root, and nobody gets an exclusive lock without
// that. Then a shared one does as well: no chunk is being stored, and it keeps out who would finish the
// content after it was reopened.
func (b *Bulk) grasp(ctx context.Context, p place, how int16, waiting func(*os.File) error) (*os.File, os.FileInfo, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	f, err := b.openAt(p, disk.OpOpenWritable, os.O_RDWR|unix.O_NOFOLLOW)
	denied := err
	if errors.Is(denied, os.ErrPermission) {
		how = unix.F_RDLCK
		f, err = b.openAt(p, disk.OpOpen, os.O_RDONLY|unix.O_NOFOLLOW)
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, store.Wrap(store.NotFound, "open content", err)
	}
	if err != nil {
		return nil, nil, err
	}
	info, err := b.lockThere(ctx, f, how, waiting)
	if err == nil && denied != nil && !finished(info) {
		err = denied
	}
	if err != nil {
		_ = b.disk.Close(f)
		return nil, nil, err
	}
	return f, info, nil
}

// lockThere locks an open file and describes it, if it is there still and a regular one.
func (b *Bulk) lockThere(ctx context.Context, f *os.File, how int16, waiting func(*os.File) error) (os.FileInfo, error) {
	if err := b.disk.Lock(ctx, f, wholeFile, how, waiting); err != nil {
		return nil, err
	}
	info, err := b.disk.StatOpen(f)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, disk.ErrNotRegular
	case info.Sys().(*syscall.Stat_t).Nlink == 0:
		return nil, store.Wrap(store.NotFound, "open content", os.ErrNotExist)
	}
	return info, nil
}

// finished reports whether a file is content, not an assembly.
func finished(info os.FileInfo) bool { return info.Mode().Perm()&0o222 == 0 }
