package fusefs

import (
	"context"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// findVirtual looks up NAME:VERSION, NAME;versions, .versions and .snapshots.
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
			return entry{virtual: m.newVersions(info, false)}, nil
		}
		if err != nil && store.KindOf(err) != store.NotFound {
			return entry{}, err
		}
	}
	switch {
	case name == historyName:
		return m.findHistory(ctx, parent)
	case name == snapshotsName && parent.IsRoot():
		return entry{virtual: m.newSnapshots()}, nil
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
	info, err := m.svc.Follow(ctx, m.client(ctx), ref)
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
	info, err := m.svc.Look(ctx, m.client(ctx), store.Ref{Path: path})
	if other, ok := encoded(parent, name); ok && store.KindOf(err) == store.NotFound {
		info, err = m.svc.Look(ctx, m.client(ctx), store.Ref{Path: other})
	}
	return info, err
}
