package fusefs

import (
	"context"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

var (
	_ fs.NodeUnlinker = (*dirNode)(nil)
	_ fs.NodeRmdirer  = (*dirNode)(nil)
)

// Unlink implements fs.NodeUnlinker.
func (n *dirNode) Unlink(ctx context.Context, name string) syscall.Errno {
	if errno := n.m.writable(); errno != 0 {
		return errno
	}
	parent, ok := n.path()
	if !ok {
		return syscall.ENOENT
	}
	wait, cancel := n.m.wait(ctx)
	defer cancel()
	e, err := n.m.findSoon(wait, parent, name)
	switch {
	case err != nil:
	case e.file != nil:
		stored := e.file.where().Version != ""
		if err = n.m.unlink(wait, e.file); err == nil {
			n.entryChanged(stored, time.Now())
			n.unbindOther(name, e.file)
		}
	case e.snapshot != nil:
		err = n.m.deleteVersion(wait, e.asked)
	default:
		return syscall.EISDIR
	}
	return n.m.answer(ctx, err)
}

// unlink deletes the object that f stands for and takes the name from its draft. Nothing that
// is written to handles on it from now on comes back.
func (m *Mount) unlink(ctx context.Context, f *file) error {
	leave, err := f.hold(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if f.nameless() {
		return syscall.ENOENT
	}
	ref := f.where()
	if ref.Version == "" {
		if err := m.mayUse(ctx, f, acl.DeleteName); err != nil {
			return err
		}
	}
	if err := m.uncover(ctx, f); err != nil {
		return err
	}
	if ref.Version != "" {
		err := m.remove(ctx, ref.Path, acl.Object)
		if store.KindOf(err) == store.NotFound && f.current() != nil {
			err = m.mayUse(ctx, f, acl.DeleteName)
		}
		if err != nil {
			return err
		}
	}
	m.unbind(f)
	return nil
}

func (f *file) setCovers(covers bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.covers = covers
}

// uncover deletes from the store what the draft of f was renamed over, before the name leads
// elsewhere or to nothing: it must not come to light again.
func (m *Mount) uncover(ctx context.Context, f *file) error {
	f.mu.Lock()
	path, covers := f.path, f.covers && !f.unbound
	f.mu.Unlock()
	if !covers {
		return nil
	}
	if err := m.remove(ctx, path, acl.Object); err != nil && store.KindOf(err) != store.NotFound {
		return err
	}
	f.setCovers(false)
	return nil
}

// hold keeps commits of the draft of f from running until leave is called.
func (f *file) hold(ctx context.Context) (leave func(), err error) {
	for {
		d := f.current()
		if d == nil {
			return func() {}, nil
		}
		if err := d.gate.enter(ctx); err != nil {
			return nil, err
		}
		if d == f.current() {
			return d.gate.leave, nil
		}
		d.gate.leave()
	}
}

// nameless reports whether f has lost its name.
func (f *file) nameless() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.unbound
}

// unbind takes the name from f: it was deleted, or leads elsewhere. Commits of its draft are
// held.
func (m *Mount) unbind(f *file) {
	f.mu.Lock()
	m.overlay.change(f.path, m.clock.Add(1))
	m.overlay.drop(f.path, f)
	f.unbound, f.lost = true, time.Now()
	m.locks.follow(f, "")
	if f.scratch != nil {
		f.scratch.Stop()
	}
	if f.draft != nil {
		f.draft.detach()
	}
	f.mu.Unlock()
	m.later(func() { m.settle(f) })
}

// unbindOther takes the name also from the file that the kernel knows by it, if that is another
// one than f: somebody may still hold it.
func (n *dirNode) unbindOther(name string, f *file) {
	if node := n.GetChild(name); node != nil {
		if other := fileOfNode(node); other != nil && other != f {
			n.m.unbind(other)
		}
	}
}

// remove deletes a name. Programs that save a file by renaming it to a scratch name, writing a new one
// and deleting the old one do not mean its history: that goes back to the file.
func (m *Mount) remove(ctx context.Context, path store.Path, kind acl.Kind) error {
	call, cancel := context.WithTimeout(ctx, m.cfg.Deadline)
	defer cancel()
	deed := m.own.begin(path, service.Deleted)
	err := m.svc.Delete(call, m.client(call), service.Delete{
		Path: path, Kind: kind, OnlyEmpty: true, Soon: true, GiveBack: kind == acl.Object && m.scratch.match(path),
	})
	m.own.end(deed, "", err)
	return err
}

// deleteVersion deletes a version by the name of its snapshot. The object it leaves may have
// another current version, so the kernel has to look again: its announcement says so.
func (m *Mount) deleteVersion(ctx context.Context, ref store.Ref) error {
	call, cancel := context.WithTimeout(ctx, m.cfg.Deadline)
	defer cancel()
	return m.svc.DeleteVersion(call, m.client(call), ref, service.Conditions{})
}

// Rmdir implements fs.NodeRmdirer.
func (n *dirNode) Rmdir(ctx context.Context, name string) syscall.Errno {
	if errno := n.m.writable(); errno != 0 {
		return errno
	}
	parent, ok := n.path()
	if !ok {
		return syscall.ENOENT
	}
	wait, cancel := n.m.wait(ctx)
	defer cancel()
	e, err := n.m.findSoon(wait, parent, name)
	switch {
	case err != nil:
	case e.virtual != nil:
		return syscall.EROFS
	case e.info == nil || e.file != nil:
		return syscall.ENOTDIR
	case len(n.m.overlay.children(e.info.Name.Path)) > 0:
		return syscall.ENOTEMPTY
	default:
		err = n.m.remove(wait, e.info.Name.Path, acl.Namespace)
		n.m.overlay.change(e.info.Name.Path, n.m.clock.Add(1))
	}
	return n.m.answer(ctx, err)
}
