package fusefs

import (
	"context"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/cache"
)

// pin is a handle on one version.
type pin struct {
	f       *file // nil for a snapshot
	content store.Content
	file    *os.File // of content, where it has one

	m       *Mount // that opened it, once it did
	backing *backing
	through bool // the kernel reads it by itself
}

var (
	_ fs.FileReader   = (*pin)(nil)
	_ fs.FileReleaser = (*pin)(nil)
	_ fs.FileFsyncer  = (*pin)(nil)
)

func newPin(f *file, content store.Content) *pin {
	p := &pin{f: f, content: content}
	if c, ok := content.(store.FileContent); ok {
		p.file = c.File()
	}
	return p
}

// open lets the kernel have the handle, which is one of those that backing counts, and returns the
// flags to answer with. cached are those for a handle whose reads go through the page cache.
func (p *pin) open(request context.Context, m *Mount, b *backing, cached uint32) uint32 {
	p.m, p.backing = m, b
	if p.through = b.enter(request, m.passthrough, p.file); p.through {
		return fuse.FOPEN_NOFLUSH
	}
	return cached | fuse.FOPEN_NOFLUSH
}

// Read implements fs.FileReader.
func (p *pin) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	if p.file != nil {
		return fuse.ReadResultFd(p.file.Fd(), off, len(dest)), 0
	}
	if off >= p.content.Size() {
		return fuse.ReadResultData(nil), 0
	}
	dest = dest[:min(int64(len(dest)), p.content.Size()-off)]
	if c, elsewhere := p.content.(*cache.Content); elsewhere {
		return p.readElsewhere(ctx, c, dest, off)
	}
	n, err := p.content.ReadAt(dest, off)
	if n == len(dest) {
		err = nil
	}
	return fuse.ReadResultData(dest[:n]), p.m.answer(ctx, err)
}

// Fsync implements fs.FileFsyncer. Handles on snapshots wait for nothing.
func (p *pin) Fsync(ctx context.Context, _ uint32) syscall.Errno {
	if p.f == nil {
		return 0
	}
	return p.f.m.sync(ctx)
}

// sync makes durable what is a version already, on behalf of a request.
func (m *Mount) sync(request context.Context) syscall.Errno {
	ctx, cancel := m.call(request)
	defer cancel()
	return m.answer(request, m.svc.Sync(ctx))
}

// Release implements fs.FileReleaser.
func (p *pin) Release(context.Context) syscall.Errno {
	p.backing.leave(p.m.passthrough, p.through)
	err := p.content.Close()
	if p.f != nil {
		p.f.unpin()
	}
	return errnoOf(err)
}

// draftHandle is a handle on a draft.
type draftHandle struct {
	m      *Mount
	f      *file
	d      *draft
	write  bool
	by     acl.Client    // who opened it to write
	thread uint32        // that opened it
	opener process       // of that thread
	last   atomic.Uint64 // number of the last change through this handle; 0: none
}

var (
	_ fs.FileReader   = (*draftHandle)(nil)
	_ fs.FileWriter   = (*draftHandle)(nil)
	_ fs.FileFlusher  = (*draftHandle)(nil)
	_ fs.FileFsyncer  = (*draftHandle)(nil)
	_ fs.FileReleaser = (*draftHandle)(nil)
)

// opened notes who opened the handle, in the context of that call.
func (h *draftHandle) opened(call context.Context) {
	h.by = h.m.client(call)
	h.thread = callerOf(call).Pid
	h.opener = h.m.openers.of(h.thread)
}

// Read implements fs.FileReader.
func (h *draftHandle) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	call, cancel := h.m.call(ctx)
	defer cancel()
	n, err := h.d.readAt(call, dest, off)
	if err != nil {
		return nil, h.m.answer(ctx, err)
	}
	return fuse.ReadResultData(dest[:n]), 0
}

// Write implements fs.FileWriter.
func (h *draftHandle) Write(ctx context.Context, data []byte, off int64) (uint32, syscall.Errno) {
	wait, cancel := h.m.wait(ctx)
	defer cancel()
	if err := h.m.mayGrow(wait, off+int64(len(data))); err != nil {
		return 0, h.m.answer(ctx, err)
	}
	change, err := h.d.writeAt(wait, data, off)
	if err == nil {
		err = dropPrivileges(wait, ctx, h.d)
	}
	if err != nil {
		return 0, h.m.answer(ctx, err)
	}
	h.changed(change)
	return uint32(len(data)), 0
}

// changed notes the number of a change made through this handle.
func (h *draftHandle) changed(change uint64) {
	h.d.madeBy(h.by)
	for {
		last := h.last.Load()
		if change <= last || h.last.CompareAndSwap(last, change) {
			return
		}
	}
}

// Flush implements fs.FileFlusher: it commits what was written through this handle, so that the
// close that it belongs to says how that went. A close by a process that only inherited the
// descriptor commits nothing as long as the opener may go on writing.
func (h *draftHandle) Flush(ctx context.Context) syscall.Errno {
	if !h.write {
		return 0
	}
	if err := h.d.failed(); err != nil {
		return errnoOf(err)
	}
	if h.d.state() == clean || h.inherited(ctx) {
		return 0
	}
	wait, cancel := h.m.wait(ctx)
	defer cancel()
	if !h.d.pending(h.last.Load()) || h.f.delays() {
		return h.m.answer(ctx, h.m.closed(wait, h.f, h.d, 1))
	}
	return h.m.answer(ctx, h.m.commit(as(wait, h.by), h.f, h.d))
}

// delays reports whether the file is not committed under the name it has.
func (f *file) delays() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.delayed
}

// inherited reports whether the caller is another process than the opener, which still lives.
func (h *draftHandle) inherited(ctx context.Context) bool {
	thread := callerOf(ctx).Pid
	if thread == h.thread {
		return false // or the opener has gone, if the number is another's by now
	}
	caller := processOf(thread)
	return caller != h.opener && h.opener.lives()
}

// Fsync implements fs.FileFsyncer: what was written survives a crash. It becomes a version at
// the close, or when the last version is old enough; what is one already becomes durable.
func (h *draftHandle) Fsync(ctx context.Context, _ uint32) syscall.Errno {
	patient, cancel := h.m.wait(ctx)
	defer cancel()
	if err := h.d.failed(); err != nil {
		return errnoOf(err)
	}
	if err := h.d.sync(patient); err != nil {
		return h.m.answer(ctx, err)
	}
	if h.f.delays() {
		return 0
	}
	wait, due := h.d.due(h.m.cfg.VersionInterval)
	switch {
	case due && wait <= 0:
		return h.m.answer(ctx, h.m.commit(as(patient, h.by), h.f, h.d))
	case due:
		time.AfterFunc(wait, func() { h.m.later(h.commitSynced) })
	case h.d.state() == clean:
		return h.m.sync(ctx)
	}
	return 0
}

// commitSynced makes a version of a file that was synced and is still open.
func (h *draftHandle) commitSynced() {
	if h.f.delays() || h.f.current() != h.d {
		return
	}
	if err := h.m.commitUnless(as(h.m.base, h.by), h.f, h.d, unlessAway); err != nil {
		h.m.log.Error().Err(err).Str("path", string(h.f.where().Path)).Msg("a synced file could not be committed")
	}
	h.m.settle(h.f)
}

// Release implements fs.FileReleaser.
func (h *draftHandle) Release(context.Context) syscall.Errno {
	if h.write {
		h.m.releaseWriter(h.f, h.d)
	} else {
		h.m.releaseReader(h.f)
	}
	return 0
}
