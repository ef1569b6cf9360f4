package fusefs

import (
	"context"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// virtualDir is what directories have in common that no name of the store stands for: nothing
// can be changed in them.
//
// A namespace of the same name wins over one, though, and a program that copies a tree with such a
// namespace does not make it: it finds that there is a directory already, and goes on to change it. So
// one that lies directly in a namespace (see sit) gives way: a change of it, or in it, by somebody who may,
// makes the namespace, and happens there. As the kernel does not remember virtual directories, it finds the
// namespace next time. Whoever holds the virtual directory itself, as his working directory or by a
// descriptor, cannot be led there: for him it stands for the namespace from then on.
type virtualDir struct {
	fs.Inode
	xattrs
	name  string                  // of one that gives way
	home  atomic.Pointer[dirNode] // the namespace that it lies in; nil if it does not give way
	given atomic.Bool             // it gave way once
}

var (
	_ fs.NodeSetattrer = (*virtualDir)(nil)
	_ fs.NodeStatfser  = (*virtualDir)(nil)
	_ fs.NodeCreater   = (*virtualDir)(nil)
	_ fs.NodeMkdirer   = (*virtualDir)(nil)
	_ fs.NodeSymlinker = (*virtualDir)(nil)
	_ fs.NodeLinker    = (*virtualDir)(nil)
	_ fs.NodeMknoder   = (*virtualDir)(nil)
	_ fs.NodeRenamer   = (*virtualDir)(nil)
	_ fs.NodeUnlinker  = (*virtualDir)(nil)
	_ fs.NodeRmdirer   = (*virtualDir)(nil)
)

// sit tells the directory that it was found in a namespace.
func (n *virtualDir) sit(home *dirNode) { n.home.Store(home) }

// path returns the path of the namespace that the directory gives way to.
func (n *virtualDir) path() (store.Path, bool) {
	home := n.home.Load()
	if home == nil {
		return "", false
	}
	parent, ok := home.path()
	if !ok {
		return "", false
	}
	path, err := literal(parent, n.name)
	return path, err == nil
}

// literal returns the node of the namespace that the directory has given way to, nil if there is none.
func (n *virtualDir) literal(ctx context.Context) *dirNode {
	path, ok := n.path()
	if !ok {
		return nil
	}
	call, cancel := n.m.call(ctx)
	defer cancel()
	info, err := n.m.svc.Look(call, n.m.client(call), store.Ref{Path: path})
	if err != nil || !info.IsNamespace() {
		return nil
	}
	home := n.home.Load()
	var out fuse.EntryOut
	child, errno := home.attach(ctx, entry{info: info}, &out)
	if errno != 0 {
		return nil
	}
	if _, up := child.Parent(); up == nil {
		home.AddChild(n.name, child, true)
	}
	d, _ := child.Operations().(*dirNode)
	return d
}

// standsFor returns the namespace that the directory stands for since it gave way, if it did.
func (n *virtualDir) standsFor(ctx context.Context) *dirNode {
	if !n.given.Load() {
		return nil
	}
	return n.literal(ctx)
}

// change is asked before something is changed in the directory, or of it: child is what is to be made in
// it, if anything. It returns the namespace to do it in, or the answer.
func (n *virtualDir) change(ctx context.Context, child string) (*dirNode, syscall.Errno) {
	if d := n.literal(ctx); d != nil {
		n.given.Store(true)
		return d, 0
	}
	path, ok := n.path()
	if !ok || n.m.cfg.ShowVersions || n.m.writable() != 0 || child != "" && n.passing(path, child) {
		return nil, syscall.EROFS
	}
	if err := n.giveWay(ctx, path); err != nil {
		if errno := errnoOfNew(err); errno != syscall.EACCES && errno != syscall.EEXIST {
			return nil, n.m.answer(ctx, err)
		}
		return nil, syscall.EROFS
	}
	if d := n.literal(ctx); d != nil {
		return d, 0
	}
	return nil, syscall.ESTALE
}

// passing reports whether a name is one that programs make beside what they only look at.
func (n *virtualDir) passing(path store.Path, child string) bool {
	inside, err := literal(path, child)
	return err != nil || n.m.scratch.match(inside)
}

// giveWay makes the namespace.
func (n *virtualDir) giveWay(ctx context.Context, path store.Path) error {
	call, cancel := n.m.call(ctx)
	defer cancel()
	home := n.home.Load()
	deed := n.m.own.begin(path, service.Created)
	attr := home.initial(ctx, syscall.S_IFDIR)
	attr.HasMode = false
	_, err := n.m.svc.CreateNamespace(call, n.m.client(call), service.CreateNamespace{
		Path: path, Revive: true, Attr: attr, Soon: true,
	})
	n.m.own.end(deed, "", err)
	n.m.overlay.change(path, n.m.clock.Add(1))
	if err != nil {
		return err
	}
	n.given.Store(true)
	return nil
}

// Setattr implements fs.NodeSetattrer.
func (n *virtualDir) Setattr(ctx context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	d, errno := n.change(ctx, "")
	if d == nil {
		return errno
	}
	return d.Setattr(ctx, nil, in, out)
}

// Statfs implements fs.NodeStatfser.
func (n *virtualDir) Statfs(ctx context.Context, out *fuse.StatfsOut) syscall.Errno {
	return n.m.statfs(ctx, out)
}

// Create implements fs.NodeCreater.
func (n *virtualDir) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	d, errno := n.change(ctx, name)
	if d == nil {
		return nil, nil, 0, errno
	}
	return d.Create(ctx, name, flags, mode, out)
}

// Mkdir implements fs.NodeMkdirer.
func (n *virtualDir) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	d, errno := n.change(ctx, name)
	if d == nil {
		return nil, errno
	}
	return d.Mkdir(ctx, name, mode, out)
}

// Symlink implements fs.NodeSymlinker.
func (n *virtualDir) Symlink(ctx context.Context, target, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	d, errno := n.change(ctx, name)
	if d == nil {
		return nil, errno
	}
	return d.Symlink(ctx, target, name, out)
}

// Link implements fs.NodeLinker.
func (*virtualDir) Link(context.Context, fs.InodeEmbedder, string, *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, syscall.EROFS
}

// Mknod implements fs.NodeMknoder.
func (*virtualDir) Mknod(context.Context, string, uint32, uint32, *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, syscall.EROFS
}

// Rename implements fs.NodeRenamer.
func (n *virtualDir) Rename(ctx context.Context, name string, newParent fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	if d := n.standsFor(ctx); d != nil {
		return d.Rename(ctx, name, newParent, newName, flags)
	}
	return syscall.EROFS
}

// Unlink implements fs.NodeUnlinker.
func (n *virtualDir) Unlink(ctx context.Context, name string) syscall.Errno {
	if d := n.standsFor(ctx); d != nil {
		return d.Unlink(ctx, name)
	}
	return syscall.EROFS
}

// Rmdir implements fs.NodeRmdirer.
func (n *virtualDir) Rmdir(ctx context.Context, name string) syscall.Errno {
	if d := n.standsFor(ctx); d != nil {
		return d.Rmdir(ctx, name)
	}
	return syscall.EROFS
}

// giver is a directory that may give way to a namespace, or stand for one.
type giver interface {
	change(ctx context.Context, child string) (*dirNode, syscall.Errno)
}

// fillVirtual describes a directory that can be listed or not.
func (m *Mount) fillVirtual(out *fuse.Attr, ino uint64, created time.Time, list bool) {
	m.common(out, ino, store.Attr{}, created)
	out.Mode = syscall.S_IFDIR | 0o111
	if list {
		out.Mode |= 0o444
	}
}
