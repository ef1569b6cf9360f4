package fusefs

import (
	"context"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// snapshotNode is one version as a file that never changes.
type snapshotNode struct {
	fs.Inode
	xattrs
	info *service.Info // as it was looked up
	ino  uint64
	past bool // it stands in the past, where nothing can be changed

	backing backing
}

// snapshotLink is a version that is a symbolic link.
type snapshotLink struct{ snapshotNode }

var (
	_ fs.NodeGetattrer  = (*snapshotNode)(nil)
	_ fs.NodeSetattrer  = (*snapshotNode)(nil)
	_ fs.NodeAccesser   = (*snapshotNode)(nil)
	_ fs.NodeOpener     = (*snapshotNode)(nil)
	_ fs.NodeReadlinker = (*snapshotLink)(nil)
)

// newSnapshot makes the node of a version.
func (m *Mount) newSnapshot(info *service.Info) virtualNode {
	return m.newSnapshotAs(info, snapshotIno(info.Version.ID), false)
}

func (m *Mount) newSnapshotAs(info *service.Info, ino uint64, past bool) virtualNode {
	if isLink(info.Version) {
		return &snapshotLink{snapshotNode{xattrs: xattrs{m: m}, info: info, ino: ino, past: past}}
	}
	n := &snapshotNode{xattrs: xattrs{m: m}, info: info, ino: ino, past: past}
	n.of = n
	return n
}

func (n *snapshotNode) ref() store.Ref {
	return store.Ref{Path: n.info.Name.Path, Version: n.info.Version.Version}
}

func (n *snapshotNode) fill(out *fuse.Attr) { n.fillBy(out, n.info) }

// fillBy describes the file. What stands in the past has the modes that it had, so that a copy is
// what was there.
func (n *snapshotNode) fillBy(out *fuse.Attr, info *service.Info) {
	if n.past && info.Version.Attr.HasMode {
		n.m.fillVersion(out, n.ino, info)
	} else {
		n.m.fillSnapshot(out, n.ino, info)
	}
}

// current returns the version as it is now; one that was deleted stays as it was for those who
// hold it open.
func (n *snapshotNode) current(ctx context.Context) (*service.Info, error) {
	info, err := n.m.svc.Look(ctx, n.m.client(ctx), n.ref())
	if store.KindOf(err) == store.NotFound || err == nil && !info.Holds() {
		return n.m.seen(ctx, n.info), nil
	}
	return info, err
}

// Getattr implements fs.NodeGetattrer.
func (n *snapshotNode) Getattr(ctx context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	call, cancel := n.m.call(ctx)
	defer cancel()
	info, err := n.current(call)
	if err != nil {
		return n.m.answer(ctx, err)
	}
	n.fillBy(&out.Attr, info)
	return 0
}

// Setattr implements fs.NodeSetattrer.
func (n *snapshotNode) Setattr(context.Context, fs.FileHandle, *fuse.SetAttrIn, *fuse.AttrOut) syscall.Errno {
	return syscall.EROFS
}

// Access implements fs.NodeAccesser.
func (n *snapshotNode) Access(ctx context.Context, mask uint32) syscall.Errno {
	call, cancel := n.m.call(ctx)
	defer cancel()
	info, err := n.current(call)
	if err != nil {
		return n.m.answer(ctx, err)
	}
	const write = 2
	if mask&write != 0 {
		return syscall.EROFS
	}
	read := info.May(acl.ReadContent)
	return granted(mask, read, false, read && info.Version.Attr.Mode&0o111 != 0)
}

// Open implements fs.NodeOpener.
func (n *snapshotNode) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY || flags&syscall.O_TRUNC != 0 {
		return nil, 0, syscall.EROFS
	}
	if n.m.closing.Load() {
		return nil, 0, syscall.EIO
	}
	call, cancel := n.m.call(ctx)
	defer cancel()
	content, err := n.m.openContent(call, n.ref())
	if err != nil {
		return nil, 0, n.m.answer(ctx, err)
	}
	p := newPin(nil, content)
	return p, p.open(ctx, n.m, &n.backing, fuse.FOPEN_KEEP_CACHE), 0
}

// subject implements xattrSource: the version, with its own lists.
func (n *snapshotNode) subject(ctx context.Context) (*subject, error) {
	info, err := n.current(ctx)
	return &subject{info: info, kind: acl.Version, frozen: n.past}, err
}

func (n *snapshotNode) declare(service.MetadataChange) error { return syscall.EOPNOTSUPP }

// Readlink implements fs.NodeReadlinker.
func (n *snapshotLink) Readlink(ctx context.Context) ([]byte, syscall.Errno) {
	call, cancel := n.m.call(ctx)
	defer cancel()
	content, err := n.m.openContent(call, n.ref())
	if err != nil {
		return nil, n.m.answer(ctx, err)
	}
	target, err := readTarget(content)
	return target, n.m.answer(ctx, err)
}

// readTarget returns the target of a symbolic link and closes its content.
func readTarget(content store.Content) ([]byte, error) {
	defer func() { _ = content.Close() }() // only read
	if content.Size() >= syscall.PathMax {
		return nil, syscall.ENAMETOOLONG
	}
	target := make([]byte, content.Size())
	if n, err := content.ReadAt(target, 0); n < len(target) {
		return nil, err
	}
	return target, nil
}
