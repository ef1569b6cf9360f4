package service

import (
	"context"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// SetAttr puts POSIX attributes over those of a namespace or of a version (of an object: its
// current one). It makes no version. It becomes durable a moment later, with other changes (see
// Sync). Unless attr says when it was made, it counts as made now.
func (s *Service) SetAttr(ctx context.Context, c acl.Client, ref store.Ref, attr store.Attr) error {
	if !attr.HasCTime {
		attr.CTime, attr.HasCTime = time.Now().UnixNano(), true
	}
	return s.describeBy(ctx, s.updateSoon, c, ref, func(tx store.Tx, v view) error {
		if v.Name.Kind == acl.Namespace {
			if err := v.may(acl.ManageACL, "You do not own this namespace."); err != nil {
				return err
			}
			return tx.SetNameAttr(ctx, v.Name.ID, v.Name.Attr.Merge(attr))
		}
		version, err := v.changeable()
		if err != nil {
			return err
		}
		return tx.SetVersionAttr(ctx, version.ID, version.Attr.Merge(attr))
	})
}

// changeable returns the version that the resolution holds, if the client may change it.
func (v view) changeable() (*store.Version, error) {
	if v.Version == nil {
		return nil, noCurrent(v.Path)
	}
	return v.Version, v.mayVersion(acl.ChangeVersion, v.Version, "You do not own this version.")
}

// describe runs change on an existing name or version in a transaction and announces it.
func (s *Service) describe(ctx context.Context, c acl.Client, ref store.Ref, change func(store.Tx, view) error) error {
	return s.describeBy(ctx, s.updateOn, c, ref, change)
}

// updater is one of the ways to change the directory.
type updater = func(context.Context, func(store.Tx) error) error

func (s *Service) describeBy(ctx context.Context, update updater, c acl.Client, ref store.Ref, change func(store.Tx, view) error) error {
	told := Change{Action: Described, Path: ref.Path, Client: c.ID, Version: ref.Version}
	err := update(ctx, func(tx store.Tx) error {
		r, err := tx.Resolve(ctx, ref.Path, ref.Version)
		if err != nil {
			return err
		}
		v := look(c, r)
		if err := v.versionExists(ref); err != nil {
			return err
		}
		told.Kind = v.Name.Kind
		return change(tx, v)
	})
	if err == nil {
		s.changes.announce(told)
	}
	return err
}
