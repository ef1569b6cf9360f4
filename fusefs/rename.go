package fusefs

import (
	"context"
	"syscall"
	"time"

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
	to, errno := receiver(ctx, newParent, newName)
	if to == nil {
		return errno
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
	case e.snapshot != nil || e.virtual != nil:
		return syscall.EROFS
	case e.file == nil:
		err = n.m.moveFolder(wait, e.info.Name.Path, target, flags&unix.RENAME_NOREPLACE != 0)
		return n.m.answer(ctx, err)
	}
	mv := &move{m: n.m, f: e.file, target: target, keep: flags&unix.RENAME_NOREPLACE != 0, to: to}
	unstored := e.file.where().Version == ""
	if err = mv.run(wait); err == nil {
		now, stored := e.file.seenSince()
		n.entryChanged(!unstored, now)
		to.entryChanged(stored, now)
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

// receiver returns the directory that a name is renamed into, or the answer.
func receiver(ctx context.Context, parent fs.InodeEmbedder, name string) (*dirNode, syscall.Errno) {
	switch d := parent.(type) {
	case *dirNode:
		return d, 0
	case giver:
		return d.change(ctx, name)
	}
	return nil, syscall.EROFS
}

// move is the rename of a file.
type move struct {
	m      *Mount
	f      *file
	target store.Path
	to     *dirNode // that encloses the target
	keep   bool     // what is at the target must not be replaced
	over   *file    // that has a draft at the target, if any
	leave  func()   // lets commits of the draft of f go on
}

func (v *move) run(ctx context.Context) error {
	if v.over = v.m.overlay.get(v.target); v.over == v.f {
		return nil
	}
	if v.over != nil && v.keep {
		return syscall.EEXIST
	}
	leaveTarget, err := v.hold(ctx)
	if err != nil {
		return err
	}
	d, source, delayed := v.look()
	if err = v.mayTouch(ctx, source); err == nil && source.Path != "" && source.Path != v.target {
		err = v.m.uncover(ctx, v.f)
	}
	switch {
	case err != nil:
	case d != nil && delayed && !v.m.scratch.match(v.target):
		return v.publish(ctx, d, leaveTarget)
	case source.Path == "":
		err = syscall.ENOENT
	case source.Path == v.target:
	case d != nil && source.Version == "":
		err = v.relabel(ctx)
	default:
		err = v.moveObject(ctx, source.Path)
	}
	v.leave()
	leaveTarget()
	v.m.settle(v.f)
	return err
}

// mayTouch checks the rights in drafts of other users that the store does not know yet; it knows
// the others.
func (v *move) mayTouch(ctx context.Context, source store.Ref) error {
	if v.over != nil && v.over.where().Version == "" {
		if err := v.m.mayUse(ctx, v.over, acl.AddVersion); err != nil {
			return err
		}
	}
	if source.Version != "" {
		return nil
	}
	return v.m.mayUse(ctx, v.f, acl.MoveAway)
}

// look returns the draft that the name leads to, if any, and what the store has of the file. A
// file that has lost its name has no path.
func (v *move) look() (d *draft, source store.Ref, delayed bool) {
	f := v.f
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.unbound {
		return nil, store.Ref{}, false
	}
	if f.active() {
		d = f.draft
	}
	return d, store.Ref{Path: f.path, Version: f.version}, f.delayed
}

// publish commits a scratch file under an ordinary name. If that fails, it stays what it was.
func (v *move) publish(ctx context.Context, d *draft, leaveTarget func()) error {
	var cond service.Conditions
	if v.keep {
		look, cancel := context.WithTimeout(ctx, v.m.cfg.Deadline)
		cond = v.m.ifNothing(look, v.target)
		cancel()
	}
	by := v.m.client(ctx)
	put := func(content finished) error { return v.m.put(by, v.f, v.target, content, cond) }
	err := d.commitHeld(ctx, claim{client: by.ID, to: v.target}, never, put, func(err error) {
		if err == nil {
			v.rebind(false)
		}
		leaveTarget()
	})
	v.m.settle(v.f)
	return err
}

// relabel gives another name to a draft that was never committed. Whoever writes it commits it
// there.
func (v *move) relabel(ctx context.Context) error {
	covers, err := v.mayReplace(ctx)
	if err != nil {
		return err
	}
	v.rebind(v.m.scratch.match(v.target))
	v.f.setCovers(covers)
	v.m.delayIfIdle(v.f)
	return nil
}

// mayReplace checks that a draft may go to the target: that no namespace is there, and that the
// client may change what is. It reports whether there is anything.
func (v *move) mayReplace(ctx context.Context) (covers bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, v.m.cfg.Deadline)
	defer cancel()
	info, err := v.m.svc.Look(ctx, v.m.client(ctx), store.Ref{Path: v.target})
	switch {
	case store.KindOf(err) == store.NotFound:
		return false, v.to.mayCreate(ctx)
	case err != nil:
		return false, err
	case info.IsNamespace():
		return false, syscall.EISDIR
	case !info.Holds():
		return false, v.to.mayCreate(ctx)
	case v.keep:
		return false, syscall.EEXIST
	case !info.May(acl.AddVersion):
		return false, syscall.EACCES
	}
	return true, nil
}

// moveObject renames an object of the store; an open draft of it goes along.
func (v *move) moveObject(ctx context.Context, source store.Path) error {
	call, cancel := context.WithTimeout(ctx, v.m.cfg.Deadline)
	defer cancel()
	deed := v.m.own.begin(v.target, service.Renamed, service.Created)
	result, err := v.m.svc.Rename(call, v.m.client(call), service.Rename{
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
	v.m.overlay.change(f.path, v.m.clock.Add(1))
	v.m.overlay.change(v.target, v.m.clock.Add(1))
	v.m.overlay.drop(f.path, f)
	f.path, f.delayed = v.target, delayed
	f.since = time.Now()
	v.m.locks.follow(f, f.path)
	f.bound = v.m.clock.Add(1)
	if f.scratch != nil {
		f.scratch.Stop()
	}
	if f.draft != nil {
		f.draft.relabel(v.target)
		f.draft.renamed(f.since)
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

// hold keeps the drafts at both names from being committed, the one that is moved until leave is
// called. They are held in the order of their numbers.
func (v *move) hold(ctx context.Context) (leaveTarget func(), err error) {
	if v.over == nil {
		v.leave, err = v.f.hold(ctx)
		return func() {}, err
	}
	if v.over.ino < v.f.ino {
		if leaveTarget, err = v.over.hold(ctx); err != nil {
			return nil, err
		}
		if v.leave, err = v.f.hold(ctx); err != nil {
			leaveTarget()
		}
		return leaveTarget, err
	}
	if v.leave, err = v.f.hold(ctx); err != nil {
		return nil, err
	}
	if leaveTarget, err = v.over.hold(ctx); err != nil {
		v.leave()
	}
	return leaveTarget, err
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
