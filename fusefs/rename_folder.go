package fusefs

import (
	"cmp"
	"context"
	"slices"
	"syscall"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// moveFolder renames a namespace with everything in it. Drafts in it are not committed
// meanwhile, and go along. With keep nothing at the target gives way.
func (m *Mount) moveFolder(ctx context.Context, from, to store.Path, keep bool) error {
	if from == to {
		return nil
	}
	switch over := m.overlay.get(to); {
	case over != nil && keep:
		return syscall.EEXIST
	case over != nil:
		return syscall.ENOTDIR
	case len(m.overlay.beneath(to)) > 0:
		return syscall.ENOTEMPTY
	}
	leave, err := m.holdBeneath(ctx, from)
	if err != nil {
		return err
	}
	defer leave()
	call, cancel := context.WithTimeout(ctx, m.cfg.Deadline)
	defer cancel()
	deed := m.own.begin(to, service.Renamed)
	_, err = m.svc.MoveNamespace(call, m.client(call), service.MoveNamespace{
		Source: from, Target: to, Replace: !keep, Revive: true,
	})
	m.own.end(deed, "", err)
	switch store.KindOf(err) {
	case store.WrongKind:
		return syscall.ENOTDIR
	case store.Exists:
		return syscall.EEXIST
	}
	if err == nil {
		m.relocate(from, to)
	}
	return err
}

// holdBeneath keeps commits of all drafts in a namespace from running until leave is called. They
// are held in the order of their numbers, as by all who hold more than one.
func (m *Mount) holdBeneath(ctx context.Context, folder store.Path) (leave func(), err error) {
	drafts := m.overlay.beneath(folder)
	slices.SortFunc(drafts, func(a, b *file) int { return cmp.Compare(a.ino, b.ino) })
	var held []func()
	leave = func() {
		for _, one := range held {
			one()
		}
	}
	for _, f := range drafts {
		one, err := f.hold(ctx)
		if err != nil {
			leave()
			return nil, err
		}
		held = append(held, one)
	}
	return leave, nil
}

// relocate gives all files that are known beneath a path that moved their new paths.
func (m *Mount) relocate(from, to store.Path) {
	m.overlay.change(from, m.clock.Add(1))
	m.overlay.change(to, m.clock.Add(1))
	for _, f := range m.files.all() {
		f.relocate(from, to)
	}
}

func (f *file) relocate(from, to store.Path) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.path.Within(from) || f.unbound {
		return
	}
	old := f.path
	f.path = to + old[len(from):]
	f.m.locks.follow(f, f.path)
	f.bound = f.m.clock.Add(1)
	f.m.overlay.change(old, f.bound)
	f.m.overlay.change(f.path, f.bound)
	if f.draft == nil {
		return
	}
	f.draft.relabel(f.path)
	if f.m.overlay.get(old) == f {
		f.m.overlay.drop(old, f)
		f.m.overlay.take(f.path, f)
	}
}

// followMove finds out whether the namespace that encloses a path, and was not there, was moved, by
// whomever, and then gives all files in it their new paths. It reports true if the namespace is found,
// there again or elsewhere.
func (m *Mount) followMove(ctx context.Context, path store.Path) bool {
	parent := path.Parent()
	info, err := m.svc.Follow(ctx, m.client(ctx), store.Ref{Path: parent})
	if err != nil || !info.IsNamespace() {
		return false
	}
	if info.Ref.Path != parent {
		m.relocate(parent, info.Ref.Path)
	}
	return true
}
