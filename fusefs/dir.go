package fusefs

import (
	"context"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// dirNode is a namespace.
type dirNode struct {
	fs.Inode
	xattrs
	id      int64  // of the name
	segment string // of the path when it was found, encoded; empty for the root
	times   folderTimes

	mu   sync.Mutex    // guards what follows
	info *service.Info // as it was known last
}

var (
	_ fs.NodeGetattrer = (*dirNode)(nil)
	_ fs.NodeSetattrer = (*dirNode)(nil)
	_ fs.NodeAccesser  = (*dirNode)(nil)
	_ fs.NodeLookuper  = (*dirNode)(nil)
)

// newDir makes the node of a namespace.
func (m *Mount) newDir(id int64, segment string) *dirNode {
	n := &dirNode{xattrs: xattrs{m: m}, id: id, segment: segment}
	n.of = n
	return n
}

// path returns where the namespace hangs in the tree; it reports false if that is nowhere.
func (n *dirNode) path() (store.Path, bool) {
	if n.IsRoot() {
		return store.Root, true
	}
	name, up := n.Parent()
	if up == nil {
		return "", false
	}
	parent, ok := up.Operations().(interface{ path() (store.Path, bool) })
	if !ok {
		return "", false
	}
	path, ok := parent.path()
	if !ok {
		return "", false
	}
	raw := store.DecodeSegment(n.segment)
	if fileName(n.segment) != name { // it was renamed
		raw = name
	}
	child, err := path.Child(raw)
	return child, err == nil
}

// current returns what holds for the namespace now.
func (n *dirNode) current(ctx context.Context) (*service.Info, error) {
	info, err := n.ask(ctx, n.m.svc.Recall)
	if err == nil {
		n.learn(info)
	}
	return info, err
}

// rights is current for who does not look at its attributes.
func (n *dirNode) rights(ctx context.Context) (*service.Info, error) {
	return n.ask(ctx, n.m.svc.RecallRights)
}

func (n *dirNode) ask(ctx context.Context,
	recall func(context.Context, acl.Client, store.Path, time.Duration) (*service.Info, time.Time, error),
) (*service.Info, error) {
	path, ok := n.path()
	if !ok {
		return nil, syscall.ENOENT
	}
	info, _, err := recall(ctx, n.m.client(ctx), path, n.m.cfg.AttrTimeout)
	if err != nil {
		return nil, err
	}
	if info.Name.ID != n.id {
		return nil, syscall.ESTALE
	}
	return info, nil
}

// learn keeps what was said of the namespace for the time when it is removed.
func (n *dirNode) learn(info *service.Info) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.info = info
}

// Getattr implements fs.NodeGetattrer.
func (n *dirNode) Getattr(ctx context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	call, cancel := n.m.call(ctx)
	defer cancel()
	if _, ok := n.path(); !ok {
		return n.fillRemoved(&out.Attr)
	}
	info, err := n.described(call)
	if err != nil {
		return n.m.answer(ctx, err)
	}
	n.m.fillDir(&out.Attr, info)
	n.m.keepAttr(out, info.Seen)
	return 0
}

// Setattr implements fs.NodeSetattrer.
func (n *dirNode) Setattr(ctx context.Context, fh fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if errno := n.Getattr(ctx, fh, out); errno != 0 {
		return errno
	}
	attr, any := asked(in, &out.Attr)
	if !any {
		return 0
	}
	path, ok := n.path()
	if !ok {
		return n.changeRemoved(attr, &out.Attr)
	}
	if errno := n.m.writable(); errno != 0 {
		return errno
	}
	if errno := n.m.describe(ctx, store.Ref{Path: path}, attr); errno != 0 {
		return errno
	}
	return n.Getattr(ctx, fh, out)
}

// Access implements fs.NodeAccesser. Whoever knows a name may pass through its namespaces.
func (n *dirNode) Access(ctx context.Context, mask uint32) syscall.Errno {
	call, cancel := n.m.call(ctx)
	defer cancel()
	info, err := n.rights(call)
	if _, ok := n.path(); !ok && err != nil {
		if info, err = n.removed(); err == nil {
			info = n.m.seen(call, info)
		}
	}
	if err != nil {
		return n.m.answer(ctx, err)
	}
	write := n.m.writable() == 0 && info.May(acl.CreateChild)
	return granted(mask, info.May(acl.ListNamespace), write, true)
}

// Lookup implements fs.NodeLookuper.
func (n *dirNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	path, ok := n.path()
	if !ok {
		return nil, syscall.ENOENT
	}
	call, cancel := n.m.call(ctx)
	defer cancel()
	e, err := n.m.find(call, path, name)
	if err == nil && e.gives() && making(ctx, fileName(path.Base()), name) && n.mayCreate(call) == nil {
		err = noSuchFile(path)
	}
	if e.virtual != nil && maybeVirtual(name) {
		forgetAtOnce(out) // the name may be made
	}
	if err != nil {
		n.m.keepMiss(out, name, e.seen)
		return nil, n.m.answer(ctx, err)
	}
	return n.attach(ctx, e, out)
}

// entry is what a file name leads to: exactly one field is set, but info with file.
type entry struct {
	seen     time.Time     // when it led there, or to nothing, as the store says
	info     *service.Info // of a namespace, or of a version that is a file or link
	file     *file         // of a draft, or the one that stands for the version of info
	snapshot *service.Info // of a version that is shown as a snapshot
	asked    store.Ref     // by which the snapshot was asked for; a rename may have led on
	virtual  virtualNode   // of a name that is none of the store's
}

// gives reports whether what the name leads to gives way to a name of the store.
func (e entry) gives() bool { return e.virtual != nil || e.snapshot != nil }

// find looks a name up: drafts of this mount, then the store, then virtual names.
func (m *Mount) find(ctx context.Context, parent store.Path, name string) (entry, error) {
	path, err := literal(parent, name)
	if err != nil {
		return entry{}, err
	}
	e, err := m.findPath(ctx, path)
	if store.KindOf(err) != store.NotFound {
		return e, err
	}
	seen := e.seen
	if path, ok := encoded(parent, name); ok {
		e, err := m.findPath(ctx, path)
		if store.KindOf(err) != store.NotFound {
			return e, err
		}
		if e.seen.Before(seen) {
			seen = e.seen
		}
	}
	e, err = m.findVirtual(ctx, parent, name)
	e.seen = seen
	return e, err
}

// findSoon is find with a deadline.
func (m *Mount) findSoon(ctx context.Context, parent store.Path, name string) (entry, error) {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Deadline)
	defer cancel()
	return m.find(ctx, parent, name)
}

func noSuchFile(path store.Path) error { return store.NewError(store.NotFound, string(path), "") }

// findPath looks a path up.
func (m *Mount) findPath(ctx context.Context, path store.Path) (entry, error) {
	if f := m.overlay.get(path); f != nil {
		return entry{file: f}, nil
	}
	asked := m.clock.Load()
	info, seen, err := m.recall(ctx, path)
	if err != nil {
		return entry{seen: seen}, err
	}
	return m.entryOf(info, asked)
}

// recall looks a path up, in what is known or in the store.
func (m *Mount) recall(ctx context.Context, path store.Path) (*service.Info, time.Time, error) {
	return m.svc.Recall(ctx, m.client(ctx), path, m.cfg.AttrTimeout)
}

// entryOf returns what info tells of; NotFound if that is nothing that can be seen.
func (m *Mount) entryOf(info *service.Info, asked uint64) (entry, error) {
	switch {
	case info.IsNamespace():
		return entry{info: info, seen: info.Seen}, nil
	case info.Holds():
		return entry{info: info, file: m.fileOf(info, asked), seen: info.Seen}, nil
	}
	return entry{seen: info.Seen}, noSuchFile(info.Name.Path)
}

// attach makes the node of an entry, or finds it again, and describes it.
func (n *dirNode) attach(ctx context.Context, e entry, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	m := n.m
	var node fs.InodeEmbedder
	switch {
	case e.snapshot != nil:
		return attachVirtual(ctx, n.EmbeddedInode(), m.newSnapshot(e.snapshot), out), 0
	case e.virtual != nil:
		if seat, ok := e.virtual.(interface{ sit(home *dirNode) }); ok {
			seat.sit(n)
		}
		return attachVirtual(ctx, n.EmbeddedInode(), e.virtual, out), 0
	case e.file != nil:
		var attr fuse.AttrOut
		if errno := e.file.getattr(ctx, &attr); errno != 0 {
			return nil, errno
		}
		m.keepEntry(out, e.seen)
		if out.Attr = attr.Attr; out.Mode&syscall.S_IFMT == syscall.S_IFLNK {
			node = &linkNode{xattrs: xattrs{m: m}, f: e.file}
		} else {
			node = &fileNode{xattrs: xattrs{m: m, of: e.file}, f: e.file}
		}
	default:
		m.keepEntry(out, e.seen)
		m.fillDir(&out.Attr, e.info)
		d := m.newDir(e.info.Name.ID, e.info.Name.Path.Base())
		d.learn(e.info)
		node = d
	}
	child := n.NewInode(ctx, node, fs.StableAttr{Mode: out.Mode & syscall.S_IFMT, Ino: out.Ino})
	if d, ok := child.Operations().(*dirNode); ok && d != node {
		m.fillDir(&out.Attr, d.timed(e.info)) // it was known before
	}
	return child, 0
}
