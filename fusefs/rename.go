package fusefs

import (
	"context"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

var _ fs.NodeRenamer = (*dirNode)(nil)

// Rename implements fs.NodeRenamer.
func (n *dirNode) Rename(ctx context.Context, name string, newParent fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	if flags&^unix.RENAME_NOREPLACE != 0 {
		return syscall.EINVAL
	}
	to, ok := newParent.(*dirNode)
	if !ok {
		return syscall.EROFS
	}
	target, errno := to.newPath(newName)
	if errno != 0 {
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
		return n.m.answer(ctx, err)
	case e.snapshot != nil || e.versions != nil:
		return syscall.EROFS
	case e.file == nil:
		return syscall.EXDEV // a namespace: mv copies what is in it
	}
	mv := &move{m: n.m, f: e.file, target: target, keep: flags&unix.RENAME_NOREPLACE != 0, to: to}
	if err = mv.run(wait); err == nil {
		to.unbindOther(newName, e.file)
	}
	switch store.KindOf(err) {
	case store.WrongKind:
		return syscall.EISDIR
	case store.Exists, store.Precondition:
		return syscall.EEXIST
	}
	return n.m.answer(ctx, err)
}

// move is the rename of a file.
type move struct {
	m      *Mount
	f      *file
	target store.Path
	to     *dirNode // that encloses the target
	keep   bool     // what is at the target must not be replaced
	over   *file    // that has a draft at the target, if any
}

func (v *move) run(ctx context.Context) error {
	source := v.f.where()
	if source.Path == v.target {
		return nil
	}
	if v.over = v.m.overlay.get(v.target); v.over != nil && v.keep {
		return syscall.EEXIST
	}
	v.f.mu.Lock()
	delayed, active := v.f.delayed, v.f.active()
	v.f.mu.Unlock()
	switch {
	case active && delayed && !v.m.scratch.match(v.target):
		return v.publish(ctx)
	case active && source.Version == "":
		return v.relabel(ctx)
	}
	return v.moveObject(ctx, source.Path)
}

// publish commits a scratch file under an ordinary name. If that fails, it stays what it was.
func (v *move) publish(ctx context.Context) error {
	leave, err := v.holdTarget(ctx)
	if err != nil {
		return err
	}
	defer leave()
	d := v.f.current()
	var cond service.Conditions
	if v.keep {
		cond.IfNoneMatch = &service.Tags{Any: true}
	}
	err = d.commit(ctx, false, func(content finished) error {
		return v.m.put(v.f, v.target, content, cond)
	})
	if err != nil {
		return err
	}
	v.rebind(false)
	v.m.settle(v.f)
	return nil
}

// relabel gives another name to a draft that was never committed. Whoever writes it commits it
// there.
func (v *move) relabel(ctx context.Context) error {
	if err := v.mayReplace(ctx); err != nil {
		return err
	}
	leave, err := v.holdBoth(ctx)
	if err != nil {
		return err
	}
	defer leave()
	v.rebind(v.m.scratch.match(v.target))
	v.m.delayIfIdle(v.f)
	return nil
}

// mayReplace checks that a draft may go to the target: that no namespace is there, and that the
// client may change what is.
func (v *move) mayReplace(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, v.m.cfg.Deadline)
	defer cancel()
	info, err := v.m.svc.Look(ctx, v.m.cfg.Client, store.Ref{Path: v.target})
	switch {
	case store.KindOf(err) == store.NotFound:
		return v.to.mayCreate(ctx)
	case err != nil:
		return err
	case info.IsNamespace():
		return syscall.EISDIR
	case !info.Holds():
		return v.to.mayCreate(ctx)
	case v.keep:
		return syscall.EEXIST
	case !info.May(acl.AddVersion):
		return syscall.EACCES
	}
	return nil
}

// moveObject renames an object of the store; an open draft of it goes along.
func (v *move) moveObject(ctx context.Context, source store.Path) error {
	leave, err := v.holdBoth(ctx)
	if err != nil {
		return err
	}
	defer leave()
	call, cancel := context.WithTimeout(ctx, v.m.cfg.Deadline)
	defer cancel()
	deed := v.m.own.begin(v.target, service.Renamed, service.Created)
	result, err := v.m.svc.Rename(call, v.m.cfg.Client, service.Rename{
		Source: source, Target: v.target, CopyACLs: true, Replace: true, NoReplace: v.keep,
	})
	if err != nil {
		v.m.own.end(deed, "", err)
		return err
	}
	var last *store.Version
	if n := len(result.Versions); n > 0 {
		last = &result.Versions[n-1]
		v.f.committed(last)
		v.m.own.end(deed, last.Version, nil)
	} else {
		v.m.own.end(deed, "", nil)
	}
	v.rebind(false)
	return nil
}

// rebind lets the target's name lead to the file, and its old name to nothing.
func (v *move) rebind(delayed bool) {
	f := v.f
	f.mu.Lock()
	active := f.active()
	v.m.overlay.drop(f.path, f)
	f.path, f.delayed = v.target, delayed
	f.bound = v.m.clock.Add(1)
	if f.scratch != nil {
		f.scratch.Stop()
	}
	if f.draft != nil {
		f.draft.relabel(v.target)
	}
	old := v.over
	if active {
		old = v.m.overlay.take(v.target, f)
	}
	f.mu.Unlock()
	if old != nil {
		v.m.unbind(old)
	}
}

// holdTarget keeps a draft at the target from being committed over what is moved there.
func (v *move) holdTarget(ctx context.Context) (leave func(), err error) {
	if v.over == nil {
		return func() {}, nil
	}
	return v.over.hold(ctx)
}

// holdBoth keeps the drafts at both names from being committed, in the order of their numbers.
func (v *move) holdBoth(ctx context.Context) (leave func(), err error) {
	if v.over == nil {
		return v.f.hold(ctx)
	}
	first, second := v.f, v.over
	if second.ino < first.ino {
		first, second = second, first
	}
	leaveFirst, err := first.hold(ctx)
	if err != nil {
		return nil, err
	}
	leaveSecond, err := second.hold(ctx)
	if err != nil {
		leaveFirst()
		return nil, err
	}
	return func() { leaveSecond(); leaveFirst() }, nil
}

// delayIfIdle arms the timer of a scratch file that nobody writes.
func (m *Mount) delayIfIdle(f *file) {
	f.mu.Lock()
	idle := f.writers == 0
	f.mu.Unlock()
	if idle {
		m.delay(f)
	}
}
