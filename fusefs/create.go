package fusefs

import (
	"context"
	"strings"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

var (
	_ fs.NodeCreater   = (*dirNode)(nil)
	_ fs.NodeMkdirer   = (*dirNode)(nil)
	_ fs.NodeSymlinker = (*dirNode)(nil)
	_ fs.NodeLinker    = (*dirNode)(nil)
	_ fs.NodeMknoder   = (*dirNode)(nil)
)

// newPath returns the path of a name that is to be created here.
func (n *dirNode) newPath(name string) (store.Path, syscall.Errno) {
	if errno := n.m.writable(); errno != 0 {
		return "", errno
	}
	parent, ok := n.path()
	if !ok {
		return "", syscall.ENOENT
	}
	path, err := literal(parent, name)
	if err == nil {
		err = path.CheckNew()
	}
	return path, errnoOf(err)
}

// mayCreate answers EACCES unless the client may create names here.
func (n *dirNode) mayCreate(ctx context.Context) error {
	info, err := n.rights(ctx)
	if err != nil {
		return err
	}
	if !info.May(acl.CreateChild) {
		return syscall.EACCES
	}
	return nil
}

// initial returns the attributes of what the caller creates here. A folder with set-group-ID hands
// its group down, and a folder in it that bit too.
func (n *dirNode) initial(ctx context.Context, mode uint32) store.Attr {
	caller := callerOf(ctx)
	attr := timesAt(time.Now()).Merge(store.Attr{
		Mode: mode & permissions, HasMode: true,
		UID: caller.Uid, GID: caller.Gid, HasOwner: true,
	})
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.info == nil || n.info.Name.Attr.Mode&syscall.S_ISGID == 0 {
		return attr
	}
	if n.info.Name.Attr.HasOwner {
		attr.GID = n.info.Name.Attr.GID
	}
	if mode&syscall.S_IFDIR != 0 {
		attr.Mode |= syscall.S_ISGID
	}
	return attr
}

// Create implements fs.NodeCreater. The file is a draft of this mount until its last writer
// closes it, or longer under a scratch name.
func (n *dirNode) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	path, errno := n.newPath(name)
	if errno != 0 {
		return nil, nil, 0, errno
	}
	call, cancel := n.m.call(ctx)
	defer cancel()
	e, err := n.m.findPath(call, path)
	if err == nil {
		return n.createOver(ctx, e, flags, out)
	}
	if store.KindOf(err) == store.NotFound {
		err = n.mayCreate(call)
	}
	if err != nil {
		return nil, nil, 0, n.m.answer(ctx, err)
	}
	f := n.m.newFile(path)
	attr := n.initial(ctx, mode)
	f.since = time.Unix(0, attr.CTime)
	f.draft = newEmptyDraft(n.m.session, attr)
	f.draft.author, f.draft.about = n.m.client(call), f.about()
	f.writers, f.cached, f.delayed = 1, true, n.m.scratch.match(path)
	if n.m.overlay.claim(path, f) != nil {
		return nil, nil, 0, syscall.EEXIST
	}
	n.times.draftChanged(f.since)
	h := &draftHandle{m: n.m, f: f, d: f.draft, write: true}
	h.opened(call)
	child, errno := n.attach(ctx, entry{file: f}, out)
	return child, h, fuse.FOPEN_KEEP_CACHE, errno
}

// createOver opens what came to be since the kernel looked.
func (n *dirNode) createOver(ctx context.Context, e entry, flags uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_EXCL != 0 {
		return nil, nil, 0, syscall.EEXIST
	}
	child, errno := n.attach(ctx, e, out)
	if errno != 0 {
		return nil, nil, 0, errno
	}
	node, ok := child.Operations().(*fileNode)
	if !ok {
		return nil, nil, 0, syscall.EEXIST
	}
	h, keep, errno := node.Open(ctx, flags)
	if errno == 0 {
		e.file.fill(&out.Attr)
	}
	return child, h, keep, errno
}

// Mkdir implements fs.NodeMkdirer.
func (n *dirNode) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	path, errno := n.newPath(name)
	if errno != 0 {
		return nil, errno
	}
	if n.m.overlay.get(path) != nil {
		return nil, syscall.EEXIST
	}
	call, cancel := n.m.call(ctx)
	defer cancel()
	deed := n.m.own.begin(path, service.Created)
	info, err := n.m.svc.CreateNamespace(call, n.m.client(call), service.CreateNamespace{
		Path: path, Revive: true, Attr: n.initial(ctx, syscall.S_IFDIR|mode), Soon: true,
	})
	n.m.own.end(deed, "", err)
	n.m.overlay.change(path, n.m.clock.Add(1))
	if err != nil {
		return nil, n.m.answerNew(ctx, err)
	}
	return n.attach(ctx, entry{info: info}, out)
}

// answerNew is answer for operations that bind a name.
func (m *Mount) answerNew(request context.Context, err error) syscall.Errno {
	if errno := errnoOfNew(err); errno != errnoOf(err) {
		return errno
	}
	return m.answer(request, err)
}

// Symlink implements fs.NodeSymlinker.
func (n *dirNode) Symlink(ctx context.Context, target, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	path, errno := n.newPath(name)
	if errno != 0 {
		return nil, errno
	}
	if n.m.overlay.get(path) != nil {
		return nil, syscall.EEXIST
	}
	call, cancel := n.m.call(ctx)
	defer cancel()
	attr := n.initial(ctx, 0o777)
	attr.Ino = draftIno()
	deed := n.m.own.begin(path, service.Created, service.Updated)
	result, err := n.m.svc.PutObject(call, n.m.client(call), service.PutObject{
		Path: path, Content: strings.NewReader(target), Size: int64(len(target)),
		Metadata: store.Metadata{ContentType: linkType}, Revive: true, Attr: attr, Soon: true,
		Conditions: n.m.ifNothing(call, path),
	})
	if err != nil {
		n.m.own.end(deed, "", err)
		return nil, n.m.answerNew(ctx, err)
	}
	n.m.own.end(deed, result.Version.Version, nil)
	e, err := n.m.findPath(call, path)
	if err != nil {
		return nil, n.m.answer(ctx, err)
	}
	return n.attach(ctx, e, out)
}

// ifNothing returns the condition that there is no file at the path. What was moved away from there
// may have left a record, which is none.
func (m *Mount) ifNothing(ctx context.Context, path store.Path) service.Conditions {
	info, _, err := m.recall(ctx, path)
	if err == nil && !info.IsNamespace() && !info.Holds() {
		return service.Conditions{}
	}
	return service.Conditions{IfNoneMatch: &service.Tags{Any: true}}
}

// Link implements fs.NodeLinker: objects have one name.
func (n *dirNode) Link(context.Context, fs.InodeEmbedder, string, *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, syscall.EPERM
}

// Mknod implements fs.NodeMknoder: there are files, but no devices, pipes and sockets.
func (n *dirNode) Mknod(ctx context.Context, name string, mode, _ uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if mode&syscall.S_IFMT != syscall.S_IFREG {
		return nil, syscall.EPERM
	}
	child, h, _, errno := n.Create(ctx, name, syscall.O_WRONLY|syscall.O_EXCL, mode, out)
	if closer, ok := h.(fs.FileReleaser); ok {
		_ = closer.Release(ctx) // it has logged what went wrong
	}
	return child, errno
}
