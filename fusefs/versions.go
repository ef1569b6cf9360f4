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

// versionsNode is the directory of an object's versions: NAME;versions, or NAME in .versions.
type versionsNode struct {
	virtualDir
	info    *service.Info // as it was looked up
	stamped bool          // files are named by time, as in .versions
}

var (
	_ fs.NodeGetattrer      = (*versionsNode)(nil)
	_ fs.NodeAccesser       = (*versionsNode)(nil)
	_ fs.NodeLookuper       = (*versionsNode)(nil)
	_ fs.NodeOpendirHandler = (*versionsNode)(nil)
	_ fs.NodeUnlinker       = (*versionsNode)(nil)
)

func (m *Mount) newVersions(object *service.Info, stamped bool) *versionsNode {
	n := &versionsNode{virtualDir: virtualDir{xattrs: xattrs{m: m}}, info: object, stamped: stamped}
	if !stamped {
		n.name = fileName(object.Name.Path.Base()) + versionsSuffix
	}
	return n
}

// object returns the path of the object, which moves with the namespace that it lies in.
func (n *versionsNode) object() store.Path {
	known := n.info.Name.Path
	parent := enclosingPath(n.EmbeddedInode(), known.Parent())
	return parent + known[len(known.Parent()):]
}

// enclosingPath returns where the namespace is that a virtual node lies in; it was known.
func enclosingPath(node *fs.Inode, known store.Path) store.Path {
	for ; node != nil; _, node = node.Parent() {
		folder, ok := node.Operations().(*dirNode)
		if !ok {
			continue
		}
		if path, ok := folder.path(); ok {
			return path
		}
	}
	return known
}

func (n *versionsNode) look(ctx context.Context) (*service.Info, error) {
	return n.m.svc.Look(ctx, n.m.client(ctx), store.Ref{Path: n.object()})
}

func (n *versionsNode) fill(out *fuse.Attr) { n.fillBy(out, n.info) }

func (n *versionsNode) fillBy(out *fuse.Attr, object *service.Info) {
	created := object.Name.Created
	if object.Version != nil {
		created = object.Version.Created
	}
	ino := nameIno(object.Name.ID)
	if n.stamped {
		ino = virtualIno(historyName, "object", object.Name.ID)
	}
	n.m.fillVirtual(out, ino, created, n.m.sees(object, acl.ListVersions))
}

// fileOf returns the name of a version's file. Beside time or object it is as in URLs, or the
// version id alone where that would be too long.
func (n *versionsNode) fileOf(v *store.Version) string {
	if n.stamped {
		return stampedName(v)
	}
	id := fileName(store.EncodeSegment(v.Version))
	if name := n.prefix() + id; len(name) <= maxFileName {
		return name
	}
	return id
}

// find returns the version that a file name means, which may be a forwarding record.
func (n *versionsNode) find(ctx context.Context, name string) (store.Ref, error) {
	if !n.stamped {
		return store.Ref{Path: n.object(), Version: store.DecodeSegment(strings.TrimPrefix(name, n.prefix()))}, nil
	}
	for _, id := range []string{stampedVersion(name), store.DecodeSegment(name)} {
		ref := store.Ref{Path: n.object(), Version: id}
		info, err := n.m.svc.Look(ctx, n.m.client(ctx), ref)
		if err == nil && stampedName(info.Version) == name || err != nil && store.KindOf(err) != store.NotFound {
			return ref, err
		}
	}
	return store.Ref{}, noSuchFile(n.object())
}

func (n *versionsNode) prefix() string { return fileName(n.object().Base()) + ":" }

// Getattr implements fs.NodeGetattrer.
func (n *versionsNode) Getattr(ctx context.Context, fh fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	if d := n.standsFor(ctx); d != nil {
		return d.Getattr(ctx, fh, out)
	}
	call, cancel := n.m.call(ctx)
	defer cancel()
	info, err := n.look(call)
	if err != nil {
		return n.m.answer(ctx, err)
	}
	n.fillBy(&out.Attr, info)
	return 0
}

// Access implements fs.NodeAccesser.
func (n *versionsNode) Access(ctx context.Context, mask uint32) syscall.Errno {
	if d := n.standsFor(ctx); d != nil {
		return d.Access(ctx, mask)
	}
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
	if d := n.standsFor(ctx); d != nil {
		return d.Lookup(ctx, name, out)
	}
	call, cancel := n.m.call(ctx)
	defer cancel()
	forgetAtOnce(out)
	ref, err := n.find(call, name)
	if err != nil {
		return nil, n.m.answer(ctx, err)
	}
	e, err := n.m.followVersion(call, ref)
	if err != nil {
		return nil, n.m.answer(ctx, err)
	}
	return attachVirtual(ctx, n.EmbeddedInode(), n.m.newSnapshot(e.snapshot), out), 0
}

// OpendirHandle implements fs.NodeOpendirHandler.
func (n *versionsNode) OpendirHandle(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if d := n.standsFor(ctx); d != nil {
		return d.OpendirHandle(ctx, flags)
	}
	return n.m.openStream(ctx, n, true, n.pages)
}

// pages lists the versions, newest first. Forwarding records are found, but not listed.
func (n *versionsNode) pages() nextPage {
	before := int64(0)
	return func(ctx context.Context) ([]child, bool, error) {
		listing, err := n.m.svc.Versions(ctx, n.m.client(ctx), n.object(), before, n.m.pageSize)
		if err != nil {
			return nil, false, err
		}
		children := make([]child, 0, len(listing.Versions))
		for i := range listing.Versions {
			info := listing.Info(i)
			before = info.Version.ID
			if !info.Holds() {
				continue
			}
			children = append(children, child{
				name: n.fileOf(info.Version), ino: snapshotIno(info.Version.ID), mode: typeOf(&info),
				node: func() virtualNode { return n.m.newSnapshot(&info) },
			})
		}
		return children, listing.More, nil
	}
}

// Unlink implements fs.NodeUnlinker: who may delete a version may do it here.
func (n *versionsNode) Unlink(ctx context.Context, name string) syscall.Errno {
	if d := n.standsFor(ctx); d != nil {
		return d.Unlink(ctx, name)
	}
	if errno := n.m.writable(); errno != 0 {
		return errno
	}
	call, cancel := n.m.call(ctx)
	defer cancel()
	ref, err := n.find(call, name)
	if err == nil {
		err = n.m.deleteVersion(call, ref)
	}
	return n.m.answer(ctx, err)
}

// historyName is the directory of all versions of a namespace's objects.
const historyName = ".versions"

// historyNode is that directory: one directory for each object that has live versions.
type historyNode struct {
	virtualDir
	info *service.Info // of the namespace, as it was looked up
}

var (
	_ fs.NodeGetattrer      = (*historyNode)(nil)
	_ fs.NodeAccesser       = (*historyNode)(nil)
	_ fs.NodeLookuper       = (*historyNode)(nil)
	_ fs.NodeOpendirHandler = (*historyNode)(nil)
)

// findHistory looks up the directory of versions in a namespace.
func (m *Mount) findHistory(ctx context.Context, parent store.Path) (entry, error) {
	info, err := m.svc.Look(ctx, m.client(ctx), store.Ref{Path: parent})
	if err != nil {
		return entry{}, err
	}
	return entry{virtual: &historyNode{virtualDir: virtualDir{xattrs: xattrs{m: m}, name: historyName}, info: info}}, nil
}

func (n *historyNode) fill(out *fuse.Attr) { n.fillBy(out, n.info) }

func (n *historyNode) fillBy(out *fuse.Attr, info *service.Info) {
	n.m.fillVirtual(out, historyIno(info.Name.ID), info.Name.Created, n.m.sees(info, acl.ListNamespace))
}

func historyIno(namespace int64) uint64 { return virtualIno(historyName, "", namespace) }

// folder returns the path of the namespace.
func (n *historyNode) folder() store.Path { return enclosingPath(n.EmbeddedInode(), n.info.Name.Path) }

func (n *historyNode) look(ctx context.Context) (*service.Info, error) {
	return n.m.svc.Look(ctx, n.m.client(ctx), store.Ref{Path: n.folder()})
}

// Getattr implements fs.NodeGetattrer.
func (n *historyNode) Getattr(ctx context.Context, fh fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	if d := n.standsFor(ctx); d != nil {
		return d.Getattr(ctx, fh, out)
	}
	call, cancel := n.m.call(ctx)
	defer cancel()
	info, err := n.look(call)
	if err != nil {
		return n.m.answer(ctx, err)
	}
	n.fillBy(&out.Attr, info)
	return 0
}

// Access implements fs.NodeAccesser.
func (n *historyNode) Access(ctx context.Context, mask uint32) syscall.Errno {
	if d := n.standsFor(ctx); d != nil {
		return d.Access(ctx, mask)
	}
	call, cancel := n.m.call(ctx)
	defer cancel()
	info, err := n.look(call)
	if err != nil {
		return n.m.answer(ctx, err)
	}
	return granted(mask, info.May(acl.ListNamespace), false, true)
}

// Lookup implements fs.NodeLookuper.
func (n *historyNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if d := n.standsFor(ctx); d != nil {
		return d.Lookup(ctx, name, out)
	}
	call, cancel := n.m.call(ctx)
	defer cancel()
	forgetAtOnce(out)
	info, err := n.m.lookObject(call, n.folder(), name)
	if err == nil && info.Version == nil {
		err = noSuchFile(info.Name.Path)
	}
	if err != nil {
		return nil, n.m.answer(ctx, err)
	}
	return attachVirtual(ctx, n.EmbeddedInode(), n.m.newVersions(info, true), out), 0
}

// OpendirHandle implements fs.NodeOpendirHandler.
func (n *historyNode) OpendirHandle(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if d := n.standsFor(ctx); d != nil {
		return d.OpendirHandle(ctx, flags)
	}
	return n.m.openStream(ctx, n, true, n.pages)
}

func (n *historyNode) pages() nextPage {
	page := service.ListPage{Limit: n.m.pageSize}
	return func(ctx context.Context) ([]child, bool, error) {
		listing, err := n.m.svc.List(ctx, n.m.client(ctx), n.folder(), page)
		if err != nil {
			return nil, false, err
		}
		var children []child
		for i := range listing.Children {
			info := &listing.Children[i]
			page.After = info.Name.Path.Base()
			if !info.Holds() {
				continue
			}
			dir := n.m.newVersions(info, true)
			var attr fuse.Attr
			dir.fill(&attr)
			children = append(children, child{
				name: fileName(info.Name.Path.Base()), ino: attr.Ino, mode: syscall.S_IFDIR,
				node: func() virtualNode { return dir },
			})
		}
		return children, listing.More, nil
	}
}

// shownHistory is the entry of .versions in the listing of its namespace.
func shownHistory(namespace int64) *fuse.DirEntry {
	return &fuse.DirEntry{Name: historyName, Ino: historyIno(namespace), Mode: syscall.S_IFDIR}
}
