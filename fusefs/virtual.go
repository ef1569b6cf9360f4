package fusefs

import (
	"context"
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// findVirtual looks up NAME:VERSION and NAME;versions.
func (m *Mount) findVirtual(ctx context.Context, parent store.Path, name string) (entry, error) {
	if object, version, ok := splitVersion(name); ok {
		e, err := m.findSnapshot(ctx, parent, object, store.DecodeSegment(version))
		if err == nil || store.KindOf(err) != store.NotFound {
			return e, err
		}
	}
	if object, ok := splitVersions(name); ok {
		info, err := m.lookObject(ctx, parent, object)
		if err == nil && !info.IsNamespace() {
			return entry{versions: info}, nil
		}
		if err != nil && store.KindOf(err) != store.NotFound {
			return entry{}, err
		}
	}
	return entry{}, noSuchFile(parent)
}

// findSnapshot looks a version up by the file name of its object.
func (m *Mount) findSnapshot(ctx context.Context, parent store.Path, name, version string) (entry, error) {
	object, err := m.lookObject(ctx, parent, name)
	if err != nil {
		return entry{}, err
	}
	return m.followVersion(ctx, store.Ref{Path: object.Name.Path, Version: version})
}

// followVersion looks a version up. One that was renamed is shown as what it is now.
func (m *Mount) followVersion(ctx context.Context, ref store.Ref) (entry, error) {
	info, err := m.svc.Follow(ctx, m.cfg.Client, ref)
	if store.KindOf(err) == store.Conflict {
		return entry{}, noSuchFile(ref.Path)
	}
	return entry{snapshot: info, asked: ref}, err
}

// lookObject looks an object up by its file name.
func (m *Mount) lookObject(ctx context.Context, parent store.Path, name string) (*service.Info, error) {
	path, err := literal(parent, name)
	if err != nil {
		return nil, err
	}
	info, err := m.svc.Look(ctx, m.cfg.Client, store.Ref{Path: path})
	if other, ok := encoded(parent, name); ok && store.KindOf(err) == store.NotFound {
		info, err = m.svc.Look(ctx, m.cfg.Client, store.Ref{Path: other})
	}
	return info, err
}

// fillVersions describes the directory of an object's versions.
func (m *Mount) fillVersions(out *fuse.Attr, object *service.Info) {
	created := object.Name.Created
	if object.Version != nil {
		created = object.Version.Created
	}
	m.common(out, nameIno(object.Name.ID), store.Attr{}, created)
	out.Mode = syscall.S_IFDIR | 0o111
	if object.May(acl.ListVersions) {
		out.Mode |= 0o444
	}
}

// versionsNode is the directory of an object's versions, NAME;versions.
type versionsNode struct {
	fs.Inode
	m      *Mount
	object store.Path
	id     int64
}

var (
	_ fs.NodeGetattrer = (*versionsNode)(nil)
	_ fs.NodeSetattrer = (*versionsNode)(nil)
	_ fs.NodeAccesser  = (*versionsNode)(nil)
	_ fs.NodeLookuper  = (*versionsNode)(nil)
	_ fs.NodeReaddirer = (*versionsNode)(nil)
	_ fs.NodeUnlinker  = (*versionsNode)(nil)
	_ fs.NodeCreater   = (*versionsNode)(nil)
	_ fs.NodeMkdirer   = (*versionsNode)(nil)
	_ fs.NodeSymlinker = (*versionsNode)(nil)
	_ fs.NodeRenamer   = (*versionsNode)(nil)
)

func (n *versionsNode) look(ctx context.Context) (*service.Info, error) {
	return n.m.svc.Look(ctx, n.m.cfg.Client, store.Ref{Path: n.object})
}

// fileOf returns the name of a version's file: as beside the object, or the version id alone
// where that would be too long.
func (n *versionsNode) fileOf(version string) string {
	if name := n.prefix() + fileName(store.EncodeSegment(version)); len(name) <= maxFileName {
		return name
	}
	return fileName(store.EncodeSegment(version))
}

// refOf returns the version that a file name means.
func (n *versionsNode) refOf(name string) store.Ref {
	return store.Ref{Path: n.object, Version: store.DecodeSegment(strings.TrimPrefix(name, n.prefix()))}
}

func (n *versionsNode) prefix() string { return fileName(n.object.Base()) + ":" }

// Getattr implements fs.NodeGetattrer.
func (n *versionsNode) Getattr(ctx context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	call, cancel := n.m.call(ctx)
	defer cancel()
	info, err := n.look(call)
	if err != nil {
		return n.m.answer(ctx, err)
	}
	n.m.fillVersions(&out.Attr, info)
	return 0
}

// Setattr implements fs.NodeSetattrer.
func (n *versionsNode) Setattr(context.Context, fs.FileHandle, *fuse.SetAttrIn, *fuse.AttrOut) syscall.Errno {
	return syscall.EROFS
}

// Access implements fs.NodeAccesser.
func (n *versionsNode) Access(ctx context.Context, mask uint32) syscall.Errno {
	call, cancel := n.m.call(ctx)
	defer cancel()
	info, err := n.look(call)
	if err != nil {
		return n.m.answer(ctx, err)
	}
	return granted(mask, info.May(acl.ListVersions), false, true)
}

// Lookup implements fs.NodeLookuper.
func (n *versionsNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	call, cancel := n.m.call(ctx)
	defer cancel()
	e, err := n.m.followVersion(call, n.refOf(name))
	if err != nil {
		return nil, n.m.answer(ctx, err)
	}
	n.m.fillSnapshot(&out.Attr, e.snapshot)
	return n.NewInode(ctx, &snapshotNode{m: n.m, info: e.snapshot}, fs.StableAttr{Mode: syscall.S_IFREG, Ino: out.Ino}), 0
}

// Readdir implements fs.NodeReaddirer.
func (n *versionsNode) Readdir(ctx context.Context) (fs.DirStream, syscall.Errno) {
	call, cancel := n.m.call(ctx)
	defer cancel()
	var list []fuse.DirEntry
	for before := int64(0); ; {
		page, err := n.m.svc.Versions(call, n.m.cfg.Client, n.object, before, 0)
		if err != nil {
			return nil, n.m.answer(ctx, err)
		}
		for _, v := range page.Versions {
			before = v.ID
			if v.Forward == nil {
				list = append(list, fuse.DirEntry{Name: n.fileOf(v.Version), Ino: snapshotIno(v.ID), Mode: syscall.S_IFREG})
			}
		}
		if !page.More {
			return fs.NewListDirStream(list), 0
		}
	}
}

// Unlink implements fs.NodeUnlinker: who may delete a version may do it here.
func (n *versionsNode) Unlink(ctx context.Context, name string) syscall.Errno {
	if errno := n.m.writable(); errno != 0 {
		return errno
	}
	call, cancel := n.m.call(ctx)
	defer cancel()
	return n.m.answer(ctx, n.m.deleteVersion(call, n.refOf(name)))
}

// Create implements fs.NodeCreater.
func (n *versionsNode) Create(context.Context, string, uint32, uint32, *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	return nil, nil, 0, syscall.EROFS
}

// Mkdir implements fs.NodeMkdirer.
func (n *versionsNode) Mkdir(context.Context, string, uint32, *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, syscall.EROFS
}

// Symlink implements fs.NodeSymlinker.
func (n *versionsNode) Symlink(context.Context, string, string, *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, syscall.EROFS
}

// Rename implements fs.NodeRenamer.
func (n *versionsNode) Rename(context.Context, string, fs.InodeEmbedder, string, uint32) syscall.Errno {
	return syscall.EROFS
}

// snapshotNode is one version as a file that never changes.
type snapshotNode struct {
	fs.Inode
	m    *Mount
	info *service.Info // as it was looked up

	backing backing
}

var (
	_ fs.NodeGetattrer = (*snapshotNode)(nil)
	_ fs.NodeSetattrer = (*snapshotNode)(nil)
	_ fs.NodeAccesser  = (*snapshotNode)(nil)
	_ fs.NodeOpener    = (*snapshotNode)(nil)
)

func (n *snapshotNode) ref() store.Ref {
	return store.Ref{Path: n.info.Name.Path, Version: n.info.Version.Version}
}

// current returns the version as it is now; one that was deleted stays as it was for those who
// hold it open.
func (n *snapshotNode) current(ctx context.Context) (*service.Info, error) {
	info, err := n.m.svc.Look(ctx, n.m.cfg.Client, n.ref())
	if store.KindOf(err) == store.NotFound || err == nil && !info.Holds() {
		return n.info, nil
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
	n.m.fillSnapshot(&out.Attr, info)
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
	found, err := n.m.svc.Fetch(call, n.m.cfg.Client, n.ref())
	if err != nil {
		return nil, 0, n.m.answer(ctx, err)
	}
	content, err := n.m.openFound(call, found)
	if err != nil {
		return nil, 0, n.m.answer(ctx, err)
	}
	p := newPin(nil, content)
	return p, p.open(ctx, n.m, &n.backing, fuse.FOPEN_KEEP_CACHE), 0
}
