package service

import (
	"context"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// Restore makes a deleted name live again with everything that was deleted together with it, or a
// deleted version, as far as the content is still kept. The client must own what was deleted.
// What was not deleted stays as it is.
//
// NotFound: there never was such a name or version, or its parent does not exist. Conflict: the
// content is gone.
func (s *Service) Restore(ctx context.Context, c acl.Client, ref store.Ref, cond Conditions) error {
	if err := gate(c, s.firewall.Create, ref.Path); err != nil {
		return err
	}
	var back *Change
	err := s.dir.Update(ctx, func(tx store.Tx) error {
		back = nil
		r, err := tx.Resolve(ctx, ref.Path, ref.Version)
		if err != nil {
			return err
		}
		v := look(c, r)
		if ref.Version != "" {
			back, err = v.restoreVersion(ctx, tx, ref, cond)
		} else {
			back, err = v.restoreName(ctx, tx, cond)
		}
		if err == nil && back != nil && back.Kind == acl.Namespace {
			err = tell(ctx, tx, *back)
		}
		return err
	})
	if err == nil {
		err = s.Recover(ctx) // what came back may have been in doubt when it was deleted
	}
	if err == nil && back != nil {
		back.Client = c.ID
		s.changes.announce(*back)
	}
	return err
}

func (v view) restoreName(ctx context.Context, tx store.Tx, cond Conditions) (*Change, error) {
	if v.Name == nil {
		return nil, v.exists()
	}
	if !v.parentLives() {
		return nil, noParent(v.Path)
	}
	if err := v.may(acl.DeleteName, "You do not own what was deleted."); err != nil {
		return nil, err
	}
	if err := cond.Hold(v.currentTag()); err != nil || v.live() {
		return nil, err
	}
	lost, err := tx.Restore(ctx, v.Path, time.Now())
	if err != nil {
		return nil, err
	}
	if lost > 0 && v.Name.Kind == acl.Object {
		left, err := tx.LiveVersions(ctx, v.Name.ID)
		if err != nil {
			return nil, err
		}
		if len(left) == 0 {
			return nil, contentGone(store.Ref{Path: v.Path})
		}
	}
	return &Change{Action: Created, Path: v.Path, Kind: v.Name.Kind}, nil
}

func (v view) restoreVersion(ctx context.Context, tx store.Tx, ref store.Ref, cond Conditions) (*Change, error) {
	if err := v.exists(); err != nil {
		return nil, err
	}
	if v.Version == nil {
		return nil, v.versionExists(ref)
	}
	if err := v.mayVersion(acl.ChangeVersion, v.Version, "You do not own this version."); err != nil {
		return nil, err
	}
	if err := cond.Hold(v.currentTag()); err != nil || !v.Version.Deleted {
		return nil, err
	}
	err := tx.RestoreVersion(ctx, v.Version.ID)
	if store.KindOf(err) == store.NotFound {
		return nil, contentGone(ref)
	}
	return &Change{Action: Updated, Path: v.Path, Kind: acl.Object, Version: ref.Version}, err
}

func contentGone(ref store.Ref) error {
	return store.NewError(store.Conflict, ref.String(), "The content of what was deleted is not kept any more.")
}
