package service

import (
	"context"
	"slices"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// Rename moves versions of an object to another name, with their ids and in their order; no
// content is copied. What is left under the old name are forwarding records. Repeating a
// rename changes nothing.
//
// Conflict: the source is missing or holds no version, a version is missing or was renamed
// elsewhere, source and target are the same. WrongKind: the target is a namespace.
func (s *Service) Rename(ctx context.Context, c acl.Client, req Rename) (*RenameResult, error) {
	if err := gate(c, s.firewall.Create, req.Target); err != nil {
		return nil, err
	}
	var m *move
	err := s.updateOn(ctx, func(tx store.Tx) error {
		m = &move{client: c, req: req, tx: tx, now: time.Now()}
		return m.run(ctx)
	})
	if err == nil && m.result.Unchanged {
		err = s.Sync(ctx) // nothing was written
	}
	if err != nil {
		return nil, err
	}
	s.changes.announce(m.changes...)
	return &m.result, nil
}

// move is one rename inside its transaction.
type move struct {
	client  acl.Client
	req     Rename
	tx      store.Tx
	now     time.Time
	source  view
	target  view
	birth   birth
	result  RenameResult
	changes []Change
}

func (m *move) run(ctx context.Context) (err error) {
	if m.source, m.target, err = lookAtBoth(ctx, m.tx, m.client, m.req.Source, m.req.Target); err != nil {
		return err
	}
	if err := m.mayMove(); err != nil {
		return err
	}
	held, done, err := m.choose(ctx)
	if err != nil {
		return err
	}
	if err := m.req.Hold(m.target.currentTag()); err != nil {
		return err
	}
	if len(held) == 0 {
		m.result = RenameResult{Versions: done, Unchanged: true}
		return nil
	}
	created := !m.target.live()
	if err := m.makeTarget(ctx); err != nil {
		return err
	}
	for i := range held {
		if err := m.moveVersion(ctx, held[i].Version, created); err != nil {
			return err
		}
	}
	m.tell(created)
	return m.tx.Touch(ctx, m.now, m.source.Name.Parent, m.target.Name.Parent)
}

// lookAtBoth looks both ends of a rename up, always in the order of their paths, so that two renames in
// opposite directions cannot wait for each other.
func lookAtBoth(ctx context.Context, tx store.Tx, c acl.Client, source, target store.Path) (from, to view, err error) {
	names := []struct {
		path store.Path
		into *view
	}{{source, &from}, {target, &to}}
	if target < source {
		names[0], names[1] = names[1], names[0]
	}
	for _, n := range names {
		r, err := tx.Resolve(ctx, n.path, "")
		if err != nil {
			return from, to, err
		}
		*n.into = look(c, r)
	}
	return from, to, nil
}

// mayMove checks kinds and rights of both ends.
func (m *move) mayMove() error { return foremost(m.mayLeave(), m.mayArrive()) }

// mayLeave asks whether the versions may leave where they are.
func (m *move) mayLeave() error {
	if !m.source.live() || m.source.Name.Kind != acl.Object {
		return store.NewError(store.Conflict, string(m.req.Source), "The source of a rename must be an object.")
	}
	if err := m.source.may(acl.MoveAway, "You do not own the object that you want to rename."); err != nil {
		return err
	}
	if m.req.Source == m.req.Target {
		return store.NewError(store.Conflict, string(m.req.Target), "Source and target of a rename must differ.")
	}
	return nil
}

// mayArrive asks whether the versions may come to be at the target.
func (m *move) mayArrive() error {
	if !m.target.live() {
		err := m.target.mayBind(&m.birth, m.req.Parents, m.req.Replace, acl.Object)
		if err != nil {
			return err
		}
		return m.req.Target.CheckNew()
	}
	if m.target.Name.Kind != acl.Object {
		if err := m.target.may(acl.DeleteName, "You do not own the target of the rename."); err != nil {
			return err
		}
		return store.NewError(store.WrongKind, string(m.req.Target), "A namespace cannot be the target of a rename.")
	}
	if m.req.NoReplace && m.target.Current != nil && !m.target.onlyRecord() {
		return store.NewError(store.Exists, string(m.req.Target), "There is an object of this name already.")
	}
	if m.req.Replace {
		return m.target.mayAdd(m.req.Target)
	}
	return m.target.may(acl.MoveOnto, "You do not own the target of the rename.")
}

// foremost returns that of several errors which the order of checks of the API puts first: what is
// missing, then what is refused, then all else.
func foremost(errs ...error) error {
	rank := func(err error) int {
		switch {
		case err == nil:
			return 3
		case store.KindOf(err) == store.NotFound:
			return 0
		case store.KindOf(err) == store.Unauthenticated, store.KindOf(err) == store.Denied:
			return 1
		}
		return 2
	}
	return slices.MinFunc(errs, func(a, b error) int { return rank(a) - rank(b) })
}

// choose finds the versions to move, oldest first, and those that were moved there before.
func (m *move) choose(ctx context.Context) (held, done []store.Version, err error) {
	list := m.tx.LiveVersions
	if m.req.Versions == nil && m.source.holds() { // records would only say what was done before
		list = m.tx.HeldVersions
	}
	live, err := list(ctx, m.source.Name.ID)
	if err != nil {
		return nil, nil, err
	}
	wanted := make(map[string]bool, len(m.req.Versions))
	for _, id := range m.req.Versions {
		wanted[id] = true
	}
	var elsewhere bool
	for _, v := range live {
		if m.req.Versions != nil && !wanted[v.Version] {
			continue
		}
		delete(wanted, v.Version)
		switch {
		case v.Forward == nil:
			if err := settled(m.req.Source, &v); err != nil {
				return nil, nil, err
			}
			held = append(held, v)
		case *v.Forward == store.Ref{Path: m.req.Target, Version: v.Version}:
			done = append(done, v)
		default:
			elsewhere = true
		}
	}
	for missing := range wanted {
		ref := store.Ref{Path: m.req.Source, Version: missing}
		return nil, nil, store.NewError(store.Conflict, ref.String(), "The source has no such version.")
	}
	switch {
	case elsewhere && (m.req.Versions != nil || len(held) == 0):
		return nil, nil, store.NewError(store.Conflict, string(m.req.Source), "A version was renamed to another name before.")
	case len(held) == 0 && len(done) == 0:
		return nil, nil, store.NewError(store.Conflict, string(m.req.Source), "The source has no version to rename.")
	}
	return held, done, nil
}

// makeTarget creates or revives the target, and gives it the source's lists where asked for.
func (m *move) makeTarget(ctx context.Context) error {
	lists := m.targetLists()
	n := m.target.Name
	switch {
	case n == nil:
		parent, err := m.target.makeParents(ctx, m.tx, m.birth, m.now)
		if err != nil {
			return err
		}
		n = &store.Name{Parent: parent, Path: m.req.Target, Kind: acl.Object, ACLs: lists, Created: m.now}
		m.target.Name = n
		return create(ctx, m.tx, n)
	case n.Deleted:
		return revive(ctx, m.tx, n, store.Attr{}, m.now)
	case m.req.CopyACLs && !m.req.Replace:
		return m.tx.SetNameACLs(ctx, n.ID, lists)
	case m.req.Replace:
		return m.target.mayTakeOver(ctx, m.tx)
	}
	return nil
}

// targetLists returns the lists that the rename gives to its target. Somebody will own it.
func (m *move) targetLists() acl.Lists {
	if !m.req.CopyACLs {
		return owned(m.client, nil)
	}
	lists := m.source.Name.ACLs.Clone()
	enclosing := m.birth.enclosing
	if m.target.live() {
		enclosing = m.target.enclosing
	}
	if !acl.Owned(acl.Scope{Kind: acl.Object, Own: lists, Enclosing: enclosing}) && !m.client.Anonymous() {
		lists[acl.Owner] = acl.List{m.client.ID}
	}
	return lists
}

// moveVersion gives one version to the target and leaves a forwarding record.
func (m *move) moveVersion(ctx context.Context, id string, created bool) error {
	from, err := m.tx.Resolve(ctx, m.req.Source, id)
	if err != nil {
		return err
	}
	if !created {
		if err := m.makeRoom(ctx, id); err != nil {
			return err
		}
	} else if err := m.dropRecord(ctx, id); err != nil {
		return err
	}
	to := *from.Version
	to.Attr.Ino = from.Version.Inode()
	if !to.Attr.HasMTime && !to.Created.IsZero() {
		to.Attr.MTime, to.Attr.HasMTime = to.Created.UnixNano(), true
	}
	to.Attr.CTime, to.Attr.HasCTime = m.now.UnixNano(), true
	to.ID, to.NameID, to.Created = 0, m.target.Name.ID, m.now
	if !m.req.CopyACLs {
		to.ACLs = owned(m.client, nil)
	}
	if err := m.tx.ForwardVersion(ctx, from.Version.ID, store.Ref{Path: m.req.Target, Version: id}, m.now); err != nil {
		return err
	}
	if err := m.tx.BindVersion(ctx, &to); err != nil {
		return err
	}
	m.result.Versions = append(m.result.Versions, to)
	return nil
}

// dropRecord takes away what a revived target remembers of the version, if that is a
// forwarding record, so that the version can come back.
func (m *move) dropRecord(ctx context.Context, id string) error {
	at, err := m.tx.Resolve(ctx, m.req.Target, id)
	if err != nil || at.Version == nil || at.Version.Forward == nil {
		return err
	}
	return m.tx.DropRecord(ctx, at.Version.ID)
}

// makeRoom takes away the record under the target's name that forwards, by whatever way, to
// the version that comes back; any other version of that id is in the way.
func (m *move) makeRoom(ctx context.Context, id string) error {
	at, err := m.tx.Resolve(ctx, m.req.Target, id)
	if err != nil || at.Version == nil {
		return err
	}
	record := at.Version
	next := record.Forward
	for range maxForwards {
		if next == nil {
			break
		}
		if (*next == store.Ref{Path: m.req.Source, Version: id}) {
			return m.tx.DropRecord(ctx, record.ID)
		}
		on, err := m.tx.Resolve(ctx, next.Path, next.Version)
		if err != nil {
			return err
		}
		if next = nil; on.Version != nil {
			next = on.Version.Forward
		}
	}
	ref := store.Ref{Path: m.req.Target, Version: id}
	return store.NewError(store.Conflict, ref.String(), "The target has a version of this id already.")
}

func (m *move) tell(created bool) {
	if created {
		m.changes = append(m.changes, m.birth.announcements(m.client)...)
	}
	m.changes = append(m.changes, Change{
		Action: Renamed, Path: m.req.Target, From: m.req.Source, Kind: acl.Object,
		Version: m.result.Versions[len(m.result.Versions)-1].Version, Client: m.client.ID,
	})
}
