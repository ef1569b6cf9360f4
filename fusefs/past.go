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

// snapshotsName is the directory of all times, in the root of the mount.
const snapshotsName = ".snapshots"

// snapshotsNode is that directory. It lists nothing, and has every time.
type snapshotsNode struct{ virtualDir }

var (
	_ fs.NodeGetattrer      = (*snapshotsNode)(nil)
	_ fs.NodeAccesser       = (*snapshotsNode)(nil)
	_ fs.NodeLookuper       = (*snapshotsNode)(nil)
	_ fs.NodeOpendirHandler = (*snapshotsNode)(nil)
)

func (m *Mount) newSnapshots() *snapshotsNode {
	return &snapshotsNode{virtualDir{xattrs: xattrs{m: m}, name: snapshotsName}}
}

func (n *snapshotsNode) fill(out *fuse.Attr) {
	n.m.fillVirtual(out, virtualIno(snapshotsName, "", 0), time.Time{}, true)
}

// Getattr implements fs.NodeGetattrer.
func (n *snapshotsNode) Getattr(ctx context.Context, fh fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	if d := n.standsFor(ctx); d != nil {
		return d.Getattr(ctx, fh, out)
	}
	n.fill(&out.Attr)
	return 0
}

// Access implements fs.NodeAccesser.
func (n *snapshotsNode) Access(ctx context.Context, mask uint32) syscall.Errno {
	if d := n.standsFor(ctx); d != nil {
		return d.Access(ctx, mask)
	}
	return granted(mask, true, false, true)
}

// Lookup implements fs.NodeLookuper. What is not yet will be.
func (n *snapshotsNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if d := n.standsFor(ctx); d != nil {
		return d.Lookup(ctx, name, out)
	}
	at, ok := ParseTime(name)
	if !ok || at.After(time.Now()) {
		forgetAtOnce(out)
		return nil, syscall.ENOENT
	}
	call, cancel := n.m.call(ctx)
	defer cancel()
	past, err := n.m.svc.LookAt(call, n.m.client(call), store.Root, at)
	if err != nil {
		return nil, n.m.answer(ctx, err)
	}
	return attachVirtual(ctx, n.EmbeddedInode(), n.m.newPast(moment{name, at}, past), out), 0
}

// OpendirHandle implements fs.NodeOpendirHandler.
func (n *snapshotsNode) OpendirHandle(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if d := n.standsFor(ctx); d != nil {
		return d.OpendirHandle(ctx, flags)
	}
	return n.m.openStream(ctx, n, false, func() nextPage {
		return func(context.Context) ([]child, bool, error) { return nil, false, nil }
	})
}

// moment is a time with the name by which it was asked for, which gives what is below inode
// numbers of its own.
type moment struct {
	label string
	at    time.Time
}

// pastDir is a namespace as it was.
type pastDir struct {
	virtualDir
	moment
	path store.Path
	info *service.Info // as it was looked up
}

var (
	_ fs.NodeGetattrer      = (*pastDir)(nil)
	_ fs.NodeAccesser       = (*pastDir)(nil)
	_ fs.NodeLookuper       = (*pastDir)(nil)
	_ fs.NodeOpendirHandler = (*pastDir)(nil)
)

// newPast makes the node of what a name led to.
func (m *Mount) newPast(t moment, past *service.Past) virtualNode {
	if !past.IsNamespace() {
		return m.newSnapshotAs(&past.Info, t.ino(&past.Info), true)
	}
	return m.newPastDir(t, past)
}

func (m *Mount) newPastDir(t moment, past *service.Past) *pastDir {
	n := &pastDir{virtualDir: virtualDir{xattrs: xattrs{m: m}}, moment: t, path: past.Path, info: &past.Info}
	n.of = n
	return n
}

// ino returns the number of what info tells of, at that moment.
func (t moment) ino(info *service.Info) uint64 {
	if info.IsNamespace() {
		return virtualIno("past name", t.label, info.Name.ID)
	}
	return virtualIno("past version", t.label, info.Version.ID)
}

func (n *pastDir) fill(out *fuse.Attr) { n.fillBy(out, n.info) }

func (n *pastDir) fillBy(out *fuse.Attr, info *service.Info) {
	n.m.fillDir(out, info)
	out.Ino = n.ino(info)
	if !info.Name.Attr.HasMode {
		out.Mode &^= 0o222
	}
}

func (n *pastDir) current(ctx context.Context) (*service.Info, error) {
	past, err := n.m.svc.LookAt(ctx, n.m.client(ctx), n.path, n.at)
	if err != nil {
		return nil, err
	}
	return &past.Info, nil
}

// Getattr implements fs.NodeGetattrer.
func (n *pastDir) Getattr(ctx context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	call, cancel := n.m.call(ctx)
	defer cancel()
	info, err := n.current(call)
	if err != nil {
		return n.m.answer(ctx, err)
	}
	n.fillBy(&out.Attr, info)
	return 0
}

// Access implements fs.NodeAccesser.
func (n *pastDir) Access(ctx context.Context, mask uint32) syscall.Errno {
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
	return granted(mask, info.May(acl.ListNamespace), false, true)
}

// Lookup implements fs.NodeLookuper.
func (n *pastDir) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	call, cancel := n.m.call(ctx)
	defer cancel()
	path, err := literal(n.path, name)
	if err != nil {
		return nil, n.m.answer(ctx, err)
	}
	past, err := n.m.svc.LookAt(call, n.m.client(call), path, n.at)
	if other, ok := encoded(n.path, name); ok && store.KindOf(err) == store.NotFound {
		past, err = n.m.svc.LookAt(call, n.m.client(call), other, n.at)
	}
	if err != nil {
		return nil, n.m.answer(ctx, err)
	}
	return attachVirtual(ctx, n.EmbeddedInode(), n.m.newPast(n.moment, past), out), 0
}

// OpendirHandle implements fs.NodeOpendirHandler.
func (n *pastDir) OpendirHandle(ctx context.Context, _ uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return n.m.openStream(ctx, n, false, n.pages)
}

func (n *pastDir) pages() nextPage {
	page := service.ListPage{Limit: n.m.pageSize}
	return func(ctx context.Context) ([]child, bool, error) {
		listing, err := n.m.svc.ListAt(ctx, n.m.client(ctx), n.path, n.at, page)
		if err != nil {
			return nil, false, err
		}
		page.After = listing.After
		children := make([]child, len(listing.Children))
		for i := range listing.Children {
			past := &listing.Children[i]
			children[i] = child{
				name: fileName(past.Path.Base()), ino: n.ino(&past.Info), mode: typeOf(&past.Info),
				node: func() virtualNode { return n.m.newPast(n.moment, past) },
			}
		}
		return children, listing.More, nil
	}
}

// subject implements xattrSource.
func (n *pastDir) subject(ctx context.Context) (*subject, error) {
	info, err := n.current(ctx)
	return &subject{info: info, kind: acl.Namespace, frozen: true}, err
}

func (n *pastDir) declare(service.MetadataChange) error { return syscall.EROFS }

// rootNode returns the root of the mount, with its number in opts: the store as it is, or as it was.
func (m *Mount) rootNode(ctx context.Context, opts *fs.Options) (fs.InodeEmbedder, error) {
	at := m.cfg.AsOf
	if at.IsZero() {
		return m.root, nil
	}
	past, err := m.svc.LookAt(ctx, m.client(ctx), store.Root, at)
	if err != nil {
		return nil, err
	}
	n := m.newPastDir(moment{at.UTC().Format(time.RFC3339Nano), at}, past)
	opts.RootStableAttr = &fs.StableAttr{Ino: n.ino(&past.Info)}
	return n, nil
}
