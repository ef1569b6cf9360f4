package service

import (
	"context"
	"slices"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// MoveNamespace gives a namespace another path, together with everything that is in it: names,
// versions, lists and jobs stay what they are. References by the old path are followed to the
// new one, and the old path is free to be bound as a namespace again. moved is false if the
// same move was made before.
//
// The client must own the namespace and every name in it. Conflict: the source is no live
// namespace, or the target lies in it. Exists: there is something at the target. NotEmpty:
// with Replace, that is a namespace with something in it.
func (s *Service) MoveNamespace(ctx context.Context, c acl.Client, req MoveNamespace) (moved bool, err error) {
	if err := gate(c, s.firewall.Create, req.Target); err != nil {
		return false, err
	}
	var m *relocation
	move := Change{Action: Renamed, Path: req.Target, From: req.Source, Kind: acl.Namespace, Client: c.ID}
	err = s.updateOn(ctx, func(tx store.Tx) error {
		m = &relocation{client: c, req: req, tx: tx, now: time.Now()}
		if err := m.run(ctx, s.cfg.DeletedRetention); err != nil || m.repeated() {
			return err
		}
		return tell(ctx, tx, move)
	})
	if err != nil || m.repeated() {
		return false, err
	}
	s.changes.announce(append(m.birth.announcements(c), move)...)
	return true, nil
}

// relocation is one move of a namespace inside its transaction.
type relocation struct {
	client         acl.Client
	req            MoveNamespace
	tx             store.Tx
	now            time.Time
	source, target view
	birth          birth
}

// repeated reports whether the namespace was moved there before.
func (m *relocation) repeated() bool {
	return m.source.Name != nil && m.source.Name.MovedAway() && m.source.Name.MovedTo[0] == m.req.Target &&
		m.target.live()
}

func (m *relocation) run(ctx context.Context, retention time.Duration) (err error) {
	m.source, m.target, err = lookAtBoth(ctx, m.tx, m.client, m.req.Source, m.req.Target)
	if err != nil {
		return err
	}
	if m.repeated() {
		return m.target.may(acl.DeleteName, "You do not own the namespace that was moved here.")
	}
	if err := foremost(m.mayLeave(ctx), m.mayArrive(ctx)); err != nil {
		return err
	}
	if err := m.req.Hold(""); err != nil {
		return err
	}
	if m.target.live() {
		if err := m.tx.DeleteTree(ctx, m.req.Target, m.now, m.now.Add(retention)); err != nil {
			return err
		}
	}
	parent, err := m.target.makeParents(ctx, m.tx, m.birth, m.now)
	if err != nil {
		return err
	}
	if err := m.keepOwned(ctx); err != nil {
		return err
	}
	attr := m.source.Name.Attr
	attr.CTime, attr.HasCTime = m.now.UnixNano(), true
	if err := m.tx.SetNameAttr(ctx, m.source.Name.ID, attr); err != nil {
		return err
	}
	return m.tx.MoveTree(ctx, m.req.Source, m.req.Target, parent, m.now)
}

// mayLeave asks whether the namespace may leave where it is.
func (m *relocation) mayLeave(ctx context.Context) error {
	if !m.source.live() || m.source.Name.Kind != acl.Namespace || m.req.Source.IsRoot() {
		return store.NewError(store.Conflict, string(m.req.Source), "The source of this move must be a namespace below the root.")
	}
	if err := m.source.may(acl.DeleteName, "You do not own the namespace that you want to move."); err != nil {
		return err
	}
	if !m.source.ownsSubtree() {
		if err := m.source.ownsBeneath(ctx, m.tx, func(view, []store.Version) error { return nil }); err != nil {
			return err
		}
	}
	if m.req.Target == m.req.Source || m.req.Target.Within(m.req.Source) {
		return store.NewError(store.Conflict, string(m.req.Target), "A namespace cannot be moved into itself.")
	}
	return nil
}

// mayArrive asks whether the namespace may come to be at the target.
func (m *relocation) mayArrive(ctx context.Context) error {
	m.birth.enclosing = m.target.enclosing
	if !m.target.live() {
		if err := m.target.mayBind(&m.birth, m.req.Parents, m.req.Revive, acl.Namespace); err != nil {
			return err
		}
		return m.req.Target.CheckNew()
	}
	if !m.req.Replace {
		if err := m.target.may(acl.DeleteName, "You do not own the target of the rename."); err != nil {
			return err
		}
		return store.NewError(store.Exists, string(m.req.Target), "There is a "+m.target.Name.Kind.String()+" of this name already.")
	}
	return m.target.mayDelete(ctx, m.tx, Delete{Path: m.req.Target, Kind: acl.Namespace, OnlyEmpty: true})
}

// keepOwned sees to it that somebody will own the namespace and what is in it, also if that
// came from what enclosed it.
func (m *relocation) keepOwned(ctx context.Context) error {
	if m.client.Anonymous() {
		return nil
	}
	lists := m.source.Name.ACLs.Clone()
	scope := acl.Scope{Kind: acl.Namespace, Own: lists, Enclosing: m.birth.enclosing}
	orphaned := !acl.Owned(scope)
	if orphaned {
		lists[acl.Owner] = acl.List{m.client.ID}
	}
	owns := func(lists acl.Lists) bool { return len(lists[acl.SubtreeOwner]) > 0 }
	within := append(slices.Clone(m.birth.enclosing), lists)
	if slices.ContainsFunc(m.source.enclosing, owns) && !slices.ContainsFunc(within, owns) {
		lists[acl.SubtreeOwner] = acl.List{m.client.ID}
		orphaned = true
	}
	if !orphaned {
		return nil
	}
	return m.tx.SetNameACLs(ctx, m.source.Name.ID, lists)
}
