package service

import (
	"context"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

const deletedName = "This name was deleted and cannot be used again."

// birth is what has to be made so that a new name can be bound: the names of missing
// enclosing namespaces, and the lists that will then enclose the name.
type birth struct {
	missing   []store.Path
	enclosing []acl.Lists
	// vacant is what a moved namespace left behind at the first missing path, or nil.
	vacant *store.Name
}

// mayCreate checks that the client may bind the path, which is not bound yet: the enclosing
// namespaces exist, or may be created if parents is set.
func (v view) mayCreate(parents bool) (birth, error) {
	b := birth{enclosing: v.enclosing}
	if last := len(v.Enclosing) - 1; last > 0 && v.Enclosing[last].MovedAway() && parents {
		b.vacant = &v.Enclosing[last]
		v.Resolution = &store.Resolution{Path: v.Path, Name: v.Name, Enclosing: v.Enclosing[:last]}
		v.enclosing = v.enclosing[:last]
	}
	for i := range v.Enclosing {
		above := &v.Enclosing[i]
		switch {
		case above.Kind != acl.Namespace:
			return b, store.NewError(store.WrongKind, string(above.Path), "An object cannot contain names.")
		case above.Deleted && parents:
			return b, store.NewError(store.Conflict, string(above.Path), deletedName)
		case above.Deleted:
			return b, noParent(v.Path)
		}
	}
	if v.Parent() == nil {
		b.missing = v.Path.Enclosing()[len(v.Enclosing):]
	}
	if len(v.Enclosing) == 0 || len(b.missing) > 0 && !parents {
		return b, noParent(v.Path)
	}
	own := v.Enclosing[len(v.Enclosing)-1].ACLs
	above := v.enclosing[:len(v.enclosing)-1]
	for range len(b.missing) + 1 {
		scope := acl.Scope{Kind: acl.Namespace, Own: own, Enclosing: above}
		if !acl.Allowed(acl.CreateChild, v.client, scope) {
			return b, refuse(v.client, string(v.Path), "You may not create names in this namespace.")
		}
		above = append(above[:len(above):len(above)], own)
		own = owned(v.client, nil)
	}
	b.enclosing = above
	return b, nil
}

func noParent(path store.Path) error {
	return store.NewError(store.NotFound, string(path), "The enclosing namespace does not exist.")
}

// makeParents creates the missing namespaces and returns the ID of the direct parent.
func (v view) makeParents(ctx context.Context, tx store.Tx, b birth, now time.Time) (int64, error) {
	parent := v.Enclosing[len(v.Enclosing)-1].ID
	for i, path := range b.missing {
		if i == 0 && b.vacant != nil {
			n := *b.vacant
			if err := reuse(ctx, tx, &n, owned(v.client, nil), store.Attr{}, now); err != nil {
				return 0, err
			}
			parent = n.ID
			continue
		}
		if err := path.CheckNew(); err != nil {
			return 0, err
		}
		n := store.Name{Parent: parent, Path: path, Kind: acl.Namespace, ACLs: owned(v.client, nil), Created: now}
		if err := create(ctx, tx, &n); err != nil {
			return 0, err
		}
		parent = n.ID
	}
	return parent, nil
}

func (b birth) announcements(c acl.Client) []Change {
	var made []Change
	for _, p := range b.missing {
		made = append(made, Change{Action: Created, Path: p, Kind: acl.Namespace, Client: c.ID})
	}
	return made
}

// CreateNamespace makes a namespace. Exists: the name is bound already. Conflict: it was
// deleted. NotFound: the enclosing namespace is missing. WrongKind: that is an object.
func (s *Service) CreateNamespace(ctx context.Context, c acl.Client, req CreateNamespace) (*Info, error) {
	if err := gate(c, s.firewall.Create, req.Path); err != nil {
		return nil, err
	}
	ref := store.Ref{Path: req.Path}
	var made Info
	var changes []Change
	update := s.updateOn
	if req.Soon {
		update = s.updateSoon
	}
	err := update(ctx, func(tx store.Tx) error {
		r, err := tx.Resolve(ctx, req.Path, "")
		if err != nil {
			return err
		}
		v := look(c, r)
		b, err := v.planNamespace(req)
		if err != nil {
			return err
		}
		now := time.Now()
		if v.Name == nil {
			parent, err := v.makeParents(ctx, tx, b, now)
			if err != nil {
				return err
			}
			v.Name = &store.Name{
				Parent: parent, Path: req.Path, Kind: acl.Namespace,
				ACLs: owned(c, req.ACLs), Created: now, Attr: req.Attr,
			}
			if err := create(ctx, tx, v.Name); err != nil {
				return err
			}
		} else if v.Name.MovedAway() {
			if err := reuse(ctx, tx, v.Name, owned(c, req.ACLs), req.Attr, now); err != nil {
				return err
			}
		} else if err := revive(ctx, tx, v.Name, req.Attr, now); err != nil {
			return err
		}
		v.enclosing = b.enclosing
		made = v.info(ref)
		made.Seen = now
		changes = append(b.announcements(c), Change{Action: Created, Path: req.Path, Kind: acl.Namespace, Client: c.ID})
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.changes.announce(changes...)
	return &made, nil
}

// planNamespace checks everything that CreateNamespace asks for, in the order of the API.
func (v view) planNamespace(req CreateNamespace) (birth, error) {
	b := birth{enclosing: v.enclosing}
	if err := v.mayBind(&b, req.Parents, req.Revive, acl.Namespace); err != nil {
		return b, err
	}
	if v.live() {
		return b, store.NewError(store.Exists, string(v.Path), "There is a "+v.Name.Kind.String()+" of this name already.")
	}
	if err := v.Path.CheckNew(); err != nil {
		return b, err
	}
	if err := v.checkInitial(acl.Namespace, req.ACLs, b.enclosing); err != nil {
		return b, err
	}
	return b, req.Hold("")
}

// mayBind checks the rights to bind the path anew as kind, or to revive a deleted name.
func (v view) mayBind(b *birth, parents, reviving bool, kind acl.Kind) error {
	if v.Path.IsRoot() && v.live() {
		return v.may(acl.ManageACL, "You do not own the root namespace.")
	}
	made, err := v.mayCreate(parents)
	if err != nil {
		return err
	}
	*b = made
	if v.Name == nil || !v.Name.Deleted || v.Name.MovedAway() && v.Name.Kind == kind {
		return nil
	}
	if !reviving {
		return store.NewError(store.Conflict, string(v.Path), deletedName)
	}
	if v.Name.Kind != kind {
		return store.NewError(store.Exists, string(v.Path), "This name was a "+v.Name.Kind.String()+" and cannot become another kind.")
	}
	return v.may(acl.DeleteName, "Only an owner of what was deleted may use this name again.")
}

// revive makes a deleted name live again at a time, empty. A namespace was changed then.
func revive(ctx context.Context, tx store.Tx, n *store.Name, attr store.Attr, at time.Time) error {
	if err := tx.ReviveName(ctx, n.ID, at); err != nil {
		return err
	}
	n.Deleted, n.DeletedOn = false, time.Time{}
	if n.Kind != acl.Namespace {
		return nil
	}
	changed := at.UnixNano()
	n.Attr = n.Attr.Merge(store.Attr{
		MTime: changed, ATime: changed, CTime: changed, HasMTime: true, HasATime: true, HasCTime: true,
	}).Merge(attr)
	return tx.SetNameAttr(ctx, n.ID, n.Attr)
}

// reuse binds the name that a moved namespace left behind, as if it were new.
func reuse(ctx context.Context, tx store.Tx, n *store.Name, lists acl.Lists, attr store.Attr, at time.Time) error {
	if err := tx.SetNameACLs(ctx, n.ID, lists); err != nil {
		return err
	}
	n.ACLs = lists
	return revive(ctx, tx, n, attr, at)
}

// Init makes the root namespace of an empty store, owned by the given roles with everything
// that will be beneath it. A store that has a root is Exists.
func Init(ctx context.Context, dir store.Directory, owners []string) error {
	if len(owners) == 0 {
		return store.NewError(store.Invalid, "", "A store needs at least one owner.")
	}
	lists := acl.Lists{acl.Owner: owners, acl.SubtreeOwner: owners}
	if err := checkList(owners); err != nil {
		return err
	}
	return dir.Update(ctx, func(tx store.Tx) error {
		return tx.CreateName(ctx, &store.Name{
			Path: store.Root, Kind: acl.Namespace, ACLs: lists, Created: time.Now(),
		})
	})
}
