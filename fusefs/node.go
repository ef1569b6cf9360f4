package fusefs

import (
	"context"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// fileNode is a regular file in the kernel's tree.
type fileNode struct {
	fs.Inode
	xattrs
	f *file
}

var (
	_ fs.NodeGetattrer = (*fileNode)(nil)
	_ fs.NodeSetattrer = (*fileNode)(nil)
	_ fs.NodeOpener    = (*fileNode)(nil)
	_ fs.NodeAccesser  = (*fileNode)(nil)
)

// Getattr implements fs.NodeGetattrer.
func (n *fileNode) Getattr(ctx context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	return n.f.getattr(ctx, out)
}

// Setattr implements fs.NodeSetattrer.
func (n *fileNode) Setattr(ctx context.Context, fh fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if h, ok := fh.(*draftHandle); !ok || !h.write {
		if errno := n.mayChange(ctx, in); errno != 0 {
			return errno
		}
	}
	if size, ok := in.GetSize(); ok {
		if errno := n.resize(ctx, fh, int64(size)); errno != 0 {
			return errno
		}
	}
	return n.f.setattr(ctx, in, out)
}

// mayChange answers EACCES if more than the size of another user's draft is to be changed; the size
// is asked for at its opening.
func (n *fileNode) mayChange(ctx context.Context, in *fuse.SetAttrIn) syscall.Errno {
	m := n.f.m
	if !m.multi() || in.Valid&(fuse.FATTR_MODE|fuse.FATTR_UID|fuse.FATTR_GID|fuse.FATTR_ATIME|fuse.FATTR_MTIME) == 0 {
		return 0
	}
	call, cancel := m.call(ctx)
	defer cancel()
	return m.answer(ctx, m.mayUse(call, n.f, acl.ChangeVersion))
}

// empty truncates the file for one who opens it to read, and may read what is lost.
func (n *fileNode) empty(ctx, request context.Context) error {
	m := n.f.m
	if errno := m.writable(); errno != 0 {
		return errno
	}
	if err := m.mayUse(ctx, n.f, acl.ReadContent); err != nil {
		return err
	}
	if n.f.current() == nil {
		if _, _, err := m.readable(ctx, n.f); err != nil {
			return err
		}
	}
	return n.resizeTo(ctx, request, 0)
}

// resize truncates through a handle, or else by a change that is committed at once.
func (n *fileNode) resize(ctx context.Context, fh fs.FileHandle, size int64) syscall.Errno {
	m := n.f.m
	wait, cancel := m.wait(ctx)
	defer cancel()
	if err := m.mayGrow(wait, size); err != nil {
		return m.answer(ctx, err)
	}
	if h, ok := fh.(*draftHandle); ok && h.write {
		change, err := h.d.truncate(wait, size)
		h.changed(change)
		if err == nil {
			err = dropPrivileges(wait, ctx, h.d)
		}
		return m.answer(ctx, err)
	}
	if errno := m.writable(); errno != 0 {
		return errno
	}
	return m.answer(ctx, n.resizeTo(wait, ctx, size))
}

// resizeTo truncates by a change that is committed at once.
func (n *fileNode) resizeTo(ctx, request context.Context, size int64) error {
	m := n.f.m
	d, err := m.openWrite(ctx, n.f, size == 0)
	if err != nil {
		return err
	}
	defer m.releaseWriter(n.f, d)
	if size > 0 {
		_, err = d.truncate(ctx, size)
		d.madeBy(m.client(ctx))
	}
	if err == nil {
		err = dropPrivileges(ctx, request, d)
	}
	if err == nil && !n.f.delays() {
		err = m.commit(ctx, n.f, d)
	}
	return err
}

// Open implements fs.NodeOpener.
func (n *fileNode) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	m := n.f.m
	if m.closing.Load() {
		return nil, 0, syscall.EIO
	}
	wait, cancel := m.openContext(ctx, flags)
	defer cancel()
	h, err := n.open(wait, ctx, flags)
	if err != nil {
		return nil, 0, m.answer(ctx, err)
	}
	var keep uint32
	if n.f.keepCache() {
		keep = fuse.FOPEN_KEEP_CACHE
	}
	if p, ok := h.(*pin); ok {
		return h, p.open(ctx, m, &n.f.backing, keep), 0
	}
	if flags&syscall.O_ACCMODE == syscall.O_RDONLY {
		keep |= fuse.FOPEN_NOFLUSH
	}
	return h, keep, 0
}

// openContext returns the context of an open. Truncating a draft waits for a commit of it.
func (m *Mount) openContext(request context.Context, flags uint32) (context.Context, context.CancelFunc) {
	if flags&(syscall.O_ACCMODE|syscall.O_TRUNC) == syscall.O_RDONLY {
		return m.call(request)
	}
	return m.wait(request)
}

func (n *fileNode) open(ctx, request context.Context, flags uint32) (fs.FileHandle, error) {
	m := n.f.m
	if flags&syscall.O_ACCMODE == syscall.O_RDONLY {
		if flags&syscall.O_TRUNC != 0 {
			if err := n.empty(ctx, request); err != nil {
				return nil, err
			}
		}
		return m.openRead(ctx, n.f)
	}
	if errno := m.writable(); errno != 0 {
		return nil, errno
	}
	d, err := m.openWrite(ctx, n.f, flags&syscall.O_TRUNC != 0)
	if err != nil {
		return nil, err
	}
	if flags&syscall.O_TRUNC != 0 {
		if err := dropPrivileges(ctx, request, d); err != nil {
			m.releaseWriter(n.f, d)
			return nil, err
		}
	}
	h := &draftHandle{m: m, f: n.f, d: d, write: true}
	h.opened(ctx)
	return h, nil
}

// Access implements fs.NodeAccesser.
func (n *fileNode) Access(ctx context.Context, mask uint32) syscall.Errno {
	var attr fuse.AttrOut
	if errno := n.f.getattr(ctx, &attr); errno != 0 {
		return errno
	}
	m := n.f.m
	call, cancel := m.call(ctx)
	defer cancel()
	n.f.mu.Lock()
	info, active := m.seen(call, n.f.info), n.f.active()
	n.f.mu.Unlock()
	may := func(op acl.Operation) bool {
		if active {
			return m.mayUse(call, n.f, op) == nil
		}
		return info != nil && info.May(op)
	}
	readable, writable := may(acl.ReadContent), m.writable() == 0 && may(acl.AddVersion)
	return granted(mask, readable, writable, readable && attr.Mode&0o111 != 0)
}

// granted answers access(2).
func granted(mask uint32, read, write, execute bool) syscall.Errno {
	const r, w, x = 4, 2, 1
	if mask&r != 0 && !read || mask&w != 0 && !write || mask&x != 0 && !execute {
		return syscall.EACCES
	}
	return 0
}

// writable answers EROFS in a mount that takes no changes.
func (m *Mount) writable() syscall.Errno {
	switch {
	case m.cfg.ReadOnly:
		return syscall.EROFS
	case m.closing.Load():
		return syscall.EIO
	}
	return 0
}

// getattr describes the file as it is now.
func (f *file) getattr(ctx context.Context, out *fuse.AttrOut) syscall.Errno {
	if f.current() != nil && f.fill(&out.Attr) {
		return 0
	}
	seen, errno := f.refresh(ctx)
	if errno != 0 {
		return errno
	}
	f.fill(&out.Attr)
	f.m.keepAttr(out, seen)
	return 0
}

// refresh learns about the version that f stands for, and returns when it was so. What is gone
// stays as it was known last, for those who hold it open.
func (f *file) refresh(ctx context.Context) (time.Time, syscall.Errno) {
	call, cancel := f.m.call(ctx)
	defer cancel()
	ref := f.where()
	info, seen, err := f.m.recall(call, ref.Path)
	if err == nil && (!info.Holds() || info.Version.Version != ref.Version) || store.KindOf(err) == store.NotFound {
		seen = time.Now()
		info, err = f.m.svc.Look(call, f.m.client(call), ref)
	}
	if err != nil && store.KindOf(err) != store.NotFound {
		return seen, f.m.answer(ctx, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil && info.Holds() && f.version == ref.Version {
		f.info = info
	}
	if f.info == nil && f.draft == nil {
		return seen, syscall.ESTALE
	}
	return seen, 0
}

// setattr keeps attributes: with the version at once, or with the draft for the next one.
func (f *file) setattr(ctx context.Context, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	m := f.m
	if errno := f.getattr(ctx, out); errno != 0 {
		return errno
	}
	attr, any := asked(in, &out.Attr)
	if !any {
		return 0
	}
	if errno := m.writable(); errno != 0 {
		return errno
	}
	if d := f.current(); d != nil {
		wait, cancel := m.wait(ctx)
		defer cancel()
		if err := d.setAttr(wait, attr); err != nil {
			return m.answer(ctx, err)
		}
	}
	if errno := f.describe(ctx, attr); errno != 0 {
		return errno
	}
	return f.getattr(ctx, out)
}

// describe puts attributes on the version, unless a draft takes them to the next one.
func (f *file) describe(ctx context.Context, attr store.Attr) syscall.Errno {
	f.mu.Lock()
	ref := store.Ref{Path: f.path, Version: f.version}
	later := f.unbound || f.draft != nil && f.draft.state() != clean
	if f.unbound && f.info != nil && f.info.Version != nil { // those who hold it open will see
		info, version := *f.info, *f.info.Version
		version.Attr = version.Attr.Merge(attr)
		info.Version = &version
		f.info = &info
	}
	f.mu.Unlock()
	if later || ref.Version == "" {
		return 0
	}
	return f.m.describe(ctx, ref, attr)
}

// describe keeps attributes of a namespace or a version.
func (m *Mount) describe(ctx context.Context, ref store.Ref, attr store.Attr) syscall.Errno {
	call, cancel := m.call(ctx)
	defer cancel()
	deed := m.own.begin(ref.Path, service.Described)
	err := m.svc.SetAttr(call, m.client(call), ref, attr)
	m.own.end(deed, ref.Version, err)
	return m.answer(ctx, err)
}

// linkNode is a symbolic link.
type linkNode struct {
	fs.Inode
	xattrs
	f *file
}

var (
	_ fs.NodeGetattrer  = (*linkNode)(nil)
	_ fs.NodeSetattrer  = (*linkNode)(nil)
	_ fs.NodeReadlinker = (*linkNode)(nil)
)

// Getattr implements fs.NodeGetattrer.
func (n *linkNode) Getattr(ctx context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	return n.f.getattr(ctx, out)
}

// Setattr implements fs.NodeSetattrer.
func (n *linkNode) Setattr(ctx context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	return n.f.setattr(ctx, in, out)
}

// Readlink implements fs.NodeReadlinker.
func (n *linkNode) Readlink(ctx context.Context) ([]byte, syscall.Errno) {
	m := n.f.m
	call, cancel := m.call(ctx)
	defer cancel()
	found, _, err := m.readable(call, n.f)
	if err != nil {
		return nil, m.answer(ctx, err)
	}
	content, err := found.Open(call)
	if err != nil {
		return nil, m.answer(ctx, err)
	}
	target, err := readTarget(content)
	return target, m.answer(ctx, err)
}
