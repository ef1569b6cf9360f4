package fusefs

import (
	"context"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"golang.org/x/sys/unix"
)

var _ fs.FileAllocater = (*draftHandle)(nil)

// Allocate implements fs.FileAllocater: fallocate(2) in all of its ways that the kernel lets through.
func (h *draftHandle) Allocate(ctx context.Context, off, size uint64, mode uint32) syscall.Errno {
	wait, cancel := h.m.wait(ctx)
	defer cancel()
	var change uint64
	err := h.m.mayGrow(wait, int64(off+size))
	if err == nil {
		change, err = h.d.allocate(wait, mode, int64(off), int64(size))
	}
	if err == nil {
		err = dropPrivileges(wait, ctx, h.d)
	}
	if err != nil {
		return h.m.answer(ctx, err)
	}
	h.changed(change)
	return 0
}

// allocate does what fallocate(2) does, in the spool file, and returns the number of this change.
func (d *draft) allocate(ctx context.Context, mode uint32, off, size int64) (uint64, error) {
	if err := d.enterChange(ctx); err != nil {
		return 0, err
	}
	defer d.gate.leave()
	file, err := d.writable(ctx, -1)
	if err != nil {
		return 0, err
	}
	if err := unix.Fallocate(int(file.Fd()), mode, off, size); err != nil {
		return 0, err
	}
	d.digest = nil
	d.mu.Lock()
	defer d.mu.Unlock()
	if mode&unix.FALLOC_FL_KEEP_SIZE == 0 {
		d.size = max(d.size, off+size)
	}
	d.touch()
	return d.changes, nil
}
