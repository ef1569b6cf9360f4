package service

import (
	"context"
	"slices"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// Delete ends a namespace with everything beneath it, or an object with all its versions: all
// or nothing. The client must own all of it.
func (s *Service) Delete(ctx context.Context, c acl.Client, req Delete) error {
	if err := gate(c, s.firewall.Delete, req.Path); err != nil {
		return err
	}
	var gone acl.Kind
	var returned []store.Path
	update := s.updateOn
	if req.Soon {
		update = s.updateSoon
	}
	err := update(ctx, func(tx store.Tx) error {
		v, origins, err := lookAtDoomed(ctx, tx, c, req)
		if err != nil {
			return err
		}
		if err := v.exists(); err != nil {
			return err
		}
		gone = v.Name.Kind
		if err := v.mayDelete(ctx, tx, req); err != nil {
			return err
		}
		if gone == acl.Namespace {
			if err := tell(ctx, tx, Change{Action: Deleted, Path: req.Path, Kind: gone}); err != nil {
				return err
			}
		}
		now := time.Now()
		if returned, err = giveBack(ctx, tx, v, origins, now); err != nil {
			return err
		}
		return tx.DeleteTree(ctx, req.Path, now, now.Add(s.cfg.DeletedRetention))
	})
	if err != nil {
		return err
	}
	for _, path := range returned {
		s.changes.announce(Change{Action: Renamed, Path: path, From: req.Path, Kind: acl.Object, Client: c.ID})
	}
	s.changes.announce(Change{Action: Deleted, Path: req.Path, Kind: gone, Client: c.ID})
	s.reclaimSoon()
	return nil
}

// lookAtDoomed looks up what is to be deleted, and where its versions are to go back to.
func lookAtDoomed(ctx context.Context, tx store.Tx, c acl.Client, req Delete) (view, map[store.Path]view, error) {
	if req.GiveBack {
		return lookAtOrigins(ctx, tx, c, req.Path)
	}
	r, err := tx.Resolve(ctx, req.Path, "")
	if err != nil {
		return view{}, nil, err
	}
	return look(c, r), nil, nil
}

func (v view) mayDelete(ctx context.Context, tx store.Tx, req Delete) error {
	if v.Path.IsRoot() {
		return refuse(v.client, "/", "The root namespace cannot be deleted.")
	}
	if err := v.may(acl.DeleteName, "You do not own this "+v.Name.Kind.String()+"."); err != nil {
		return err
	}
	if req.Kind != 0 && req.Kind != v.Name.Kind {
		return store.NewError(store.WrongKind, string(v.Path), "This is a "+v.Name.Kind.String()+".")
	}
	if req.OnlyEmpty && v.Name.Kind == acl.Namespace {
		occupied, err := tx.Occupied(ctx, v.Name.ID)
		if err == nil && !occupied {
			occupied, err = tx.HasJobs(ctx, v.Name.ID)
		}
		if err != nil {
			return err
		}
		if occupied {
			return store.NewError(store.NotEmpty, string(v.Path), "The namespace is not empty.")
		}
	}
	if err := v.mayDeleteBeneath(ctx, tx); err != nil {
		return err
	}
	if v.Name.Kind == acl.Namespace {
		return req.Hold(changesTag(v.Name))
	}
	if err := req.Hold(v.currentTag()); err != nil || req.IfMatch == nil {
		return err
	}
	return settled(v.Path, v.Current)
}

// mayDeleteBeneath asks for the right to delete of every name and version beneath the name.
// Whoever owns the whole subtree from here or above needs no walk.
func (v view) mayDeleteBeneath(ctx context.Context, tx store.Tx) error {
	if v.ownsSubtree() {
		return nil
	}
	if v.Name.Kind == acl.Object {
		versions, err := tx.LiveVersions(ctx, v.Name.ID)
		if err != nil {
			return err
		}
		return v.mayDeleteVersions(versions)
	}
	return v.ownsBeneath(ctx, tx, view.mayDeleteVersions)
}

// ownsBeneath asks for ownership of every name beneath the namespace, and then what more asks
// of its versions.
func (v view) ownsBeneath(ctx context.Context, tx store.Tx, more func(view, []store.Version) error) error {
	within := map[store.Path][]acl.Lists{v.Path: v.inside()}
	return tx.Beneath(ctx, v.Path, func(n store.Name, versions []store.Version) error {
		enclosing := within[n.Path.Parent()]
		if n.Kind == acl.Namespace {
			within[n.Path] = append(enclosing[:len(enclosing):len(enclosing)], n.ACLs)
		}
		below := view{Resolution: &store.Resolution{Path: n.Path, Name: &n}, client: v.client, enclosing: enclosing}
		if err := below.may(acl.DeleteName, "You do not own everything in this namespace."); err != nil {
			return err
		}
		return more(below, versions)
	})
}

// inside returns the lists that enclose what is in the name, its own the last.
func (v view) inside() []acl.Lists {
	return append(v.enclosing[:len(v.enclosing):len(v.enclosing)], v.Name.ACLs)
}

func (v view) ownsSubtree() bool {
	return slices.ContainsFunc(v.inside(), func(lists acl.Lists) bool { return v.client.In(lists[acl.SubtreeOwner]) })
}

func (v view) mayDeleteVersions(versions []store.Version) error {
	for i := range versions {
		if err := v.mayVersion(acl.DeleteName, &versions[i], "You do not own every version."); err != nil {
			return err
		}
	}
	return nil
}

// DeleteVersion ends one version. If it was the current one, the next newest becomes current.
func (s *Service) DeleteVersion(ctx context.Context, c acl.Client, ref store.Ref, cond Conditions) error {
	if err := gate(c, s.firewall.Delete, ref.Path); err != nil {
		return err
	}
	err := s.updateOn(ctx, func(tx store.Tx) error {
		r, err := tx.Resolve(ctx, ref.Path, ref.Version)
		if err != nil {
			return err
		}
		v := look(c, r)
		if err := v.versionExists(ref); err != nil {
			return err
		}
		if v.Version == nil {
			return noCurrent(ref.Path)
		}
		if err := v.mayVersion(acl.ChangeVersion, v.Version, "You do not own this version."); err != nil {
			return err
		}
		if err := cond.Hold(v.Version.Version); err != nil {
			return err
		}
		if cond.IfMatch != nil {
			if err := settled(ref.Path, v.Version); err != nil {
				return err
			}
		}
		now := time.Now()
		return tx.DeleteVersion(ctx, v.Version.ID, now, now.Add(s.cfg.DeletedRetention))
	})
	if err != nil {
		return err
	}
	s.changes.announce(Change{
		Action: Deleted, Path: ref.Path, Kind: acl.Version, Version: ref.Version, Client: c.ID,
	})
	s.reclaimSoon()
	return nil
}
