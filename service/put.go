package service

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// PutObject gives an object a new version, which becomes current, and makes the object if it is
// missing. Rights, state and conditions are checked before the first byte is read and again
// when the version is bound. When it returns, the version is durable, unless the request says
// that it may wait.
//
// Exists: the name is a namespace. Conflict: it was deleted. NotFound: the enclosing namespace
// is missing. Invalid: the content is not as announced. In all errors nothing is created.
func (s *Service) PutObject(ctx context.Context, c acl.Client, req PutObject) (*PutResult, error) {
	if err := gate(c, s.firewall.Create, req.Path); err != nil {
		return nil, err
	}
	version := &store.Version{
		Version:  ulid.MustNew(ulid.Now(), rand.Reader).String(),
		Metadata: req.Metadata, ACLs: owned(c, nil), Attr: req.Attr,
	}
	put := put{Service: s, client: c, req: req, version: version}
	if req.Soon {
		if put.node, put.soon = s.syncer.begin(); put.soon {
			defer s.syncer.finish()
		}
	}
	if !put.direct() {
		if result, err := put.prepare(ctx); result != nil || err != nil {
			return result, err
		}
	}
	if err := put.stage(ctx); err != nil {
		return nil, err
	}
	return put.bind(ctx)
}

// put is one PutObject under way.
type put struct {
	*Service
	client  acl.Client
	req     PutObject
	version *store.Version
	object  int64  // the ID of the object, if it was found to hold a version
	soon    bool   // it may become durable later
	node    string // by which the storage knows who sees to that
}

// update is the Update of the request's depth.
func (p *put) update(ctx context.Context, fn func(store.Tx) error) error {
	if p.soon {
		return p.again(ctx, p.dir.UpdateSoon, fn)
	}
	return p.updateOn(ctx, fn)
}

// builds answers unsettled if a durable request depends on a current version that is not durable.
func (p *put) builds(v view) error {
	if p.soon || !v.live() || p.req.IfMatch == nil && p.req.IfNoneMatch == nil {
		return nil
	}
	return settled(p.req.Path, v.Current)
}

// direct reports whether the content costs so little that all checks can be left to the transaction.
func (p *put) direct() bool {
	if !p.soon || p.req.Draft == nil || len(p.req.ACLs) > 0 {
		return false
	}
	info, err := p.req.Draft.File.Stat()
	return err == nil && info.Size() <= p.inline
}

// lately is how old what is known may be that only spares work.
const lately = time.Second

// prepare checks the request before its content is looked at. It returns a result if there is
// nothing to be stored. Where content lies in a file already, what is known of the name may do: it
// refuses nothing, and the transaction looks at everything again.
func (p *put) prepare(ctx context.Context) (*PutResult, error) {
	if p.soon && p.req.Draft != nil {
		if v, ok := p.known(ctx); ok {
			if result, err := p.examine(ctx, v); err == nil {
				return result, nil
			}
		}
	}
	v, err := p.resolve(ctx, p.client, store.Ref{Path: p.req.Path})
	if err != nil {
		return nil, err
	}
	if v.holds() {
		p.object = v.Name.ID
	}
	return p.examine(ctx, v)
}

// known returns what is known of the name.
func (p *put) known(ctx context.Context) (v view, ok bool) {
	r, _, err := p.dir.Recall(ctx, p.req.Path, lately)
	if err != nil {
		return view{}, false
	}
	if v = look(p.client, r); v.live() || p.req.Path.IsRoot() {
		return v, v.live()
	}
	up, _, err := p.dir.RecallRights(ctx, p.req.Path.Parent(), lately)
	if err != nil || !look(p.client, up).live() {
		return view{}, false
	}
	enclosing := append(slices.Clone(up.Enclosing), *up.Name)
	return look(p.client, &store.Resolution{Path: p.req.Path, Enclosing: enclosing}), true
}

// examine checks the request by what is bound to its name.
func (p *put) examine(ctx context.Context, v view) (*PutResult, error) {
	b, err := v.planPut(p.req)
	if err != nil {
		return nil, err
	}
	if err := v.checkInitial(acl.Object, p.req.ACLs, b.enclosing); err != nil {
		return nil, err
	}
	if err := p.met(v); err != nil {
		return nil, err
	}
	if p.req.Draft == nil || !p.req.SkipUnchanged {
		return nil, nil
	}
	return p.unchanged(ctx, v.Current)
}

// planPut checks rights and state. The birth is that of a new or a revived object.
func (v view) planPut(req PutObject) (birth, error) {
	b := birth{enclosing: v.enclosing}
	if v.live() {
		return b, v.mayAdd(req.Path)
	}
	if err := v.mayBind(&b, req.Parents, req.Revive, acl.Object); err != nil {
		return b, err
	}
	if err := req.Path.CheckNew(); err != nil {
		return b, err
	}
	if v.Name != nil {
		return b, nil
	}
	scope := acl.Scope{Kind: acl.Object, Own: owned(v.client, req.ACLs), Enclosing: b.enclosing}
	if v.client.Anonymous() && !acl.Allowed(acl.AddVersion, v.client, scope) {
		return b, refuse(v.client, string(req.Path), "You may not store objects in this namespace.")
	}
	return b, nil
}

// mayAdd checks whether a live name may get another version.
func (v view) mayAdd(path store.Path) error {
	if v.Name.Kind != acl.Object {
		if err := v.may(acl.DeleteName, "This is a namespace of others."); err != nil {
			return err
		}
		return store.NewError(store.Exists, string(path), "There is a namespace of this name already.")
	}
	refused := v.may(acl.AddVersion, "You may not add versions to this object.")
	if refused != nil && v.onlyRecord() {
		if _, err := v.mayCreate(false); err == nil {
			return nil
		}
	}
	return refused
}

// onlyRecord reports whether the object was moved away: its current version only forwards. Such
// a name may be used again by whoever may create names there.
func (v view) onlyRecord() bool { return v.Current != nil && v.Current.Forward != nil }

// holds reports whether the name lives and has a current version with content of its own.
func (v view) holds() bool { return v.live() && v.Current != nil && v.Current.Forward == nil }

// mayTakeOver lets a client that may not update an object, but passed mayAdd, add to it only if
// nothing but forwarding records is left there.
func (v view) mayTakeOver(ctx context.Context, tx store.Tx) error {
	refused := v.may(acl.AddVersion, "You may not add versions to this object.")
	if refused == nil {
		return nil
	}
	held, err := tx.HeldVersions(ctx, v.Name.ID)
	if err == nil && len(held) > 0 {
		err = refused
	}
	return err
}

// currentTag is the entity tag of the object's content, empty if there is none.
func (v view) currentTag() string {
	if !v.live() || v.Current == nil {
		return ""
	}
	return v.Current.Version
}

// unchanged keeps the attributes alone if the draft is what the current version holds; it
// returns nil if it is not.
func (p *put) unchanged(ctx context.Context, current *store.Version) (*PutResult, error) {
	if current == nil || current.Deleted || current.Forward != nil || current.SHA256 == nil || p.req.changesKind(current) {
		return nil, nil
	}
	info, err := p.req.Draft.File.Stat()
	if err != nil {
		return nil, store.Wrap(store.Internal, "look at draft", err)
	}
	if info.Size() != current.Size {
		return nil, nil
	}
	if err := p.req.Draft.digest(ctx); err != nil {
		return nil, err
	}
	if !bytes.Equal(p.req.Draft.SHA256, current.SHA256) {
		return nil, nil
	}
	var result *PutResult
	err = p.update(ctx, func(tx store.Tx) error {
		result = nil
		r, err := tx.Resolve(ctx, p.req.Path, "")
		if err != nil {
			return err
		}
		v := look(p.client, r)
		if !v.live() || v.Current == nil || v.Current.ID != current.ID {
			return nil
		}
		if _, err := v.planPut(p.req); err != nil {
			return err
		}
		if err := p.met(v); err != nil {
			return err
		}
		if !p.soon {
			if err := settled(p.req.Path, v.Current); err != nil {
				return err
			}
		}
		result, err = p.keep(ctx, tx, v)
		return err
	})
	if err == nil && result != nil && !p.soon {
		err = p.Sync(ctx) // nothing may have been written
	}
	if err != nil || result == nil {
		return nil, err
	}
	p.changes.announce(p.announcement(Described, result.Version.Version))
	return result, nil
}

// keep gives the attributes to the current version.
func (p *put) keep(ctx context.Context, tx store.Tx, v view) (*PutResult, error) {
	kept := *v.Current
	if kept.Attr = kept.Attr.Merge(p.req.Attr); kept.Attr != v.Current.Attr {
		if err := tx.SetVersionAttr(ctx, kept.ID, kept.Attr); err != nil {
			return nil, err
		}
	}
	return &PutResult{Version: kept, Unchanged: true}, nil
}

// same reports whether the current version holds the content already, so that a request which asks
// for that makes no version. Content that has an address was compared before.
func (p *put) same(v view) bool {
	if !p.req.SkipUnchanged || p.version.Address != "" || !v.live() || v.Current == nil || v.Current.Forward != nil ||
		p.req.changesKind(v.Current) {
		return false
	}
	return v.Current.Size == p.version.Size && bytes.Equal(v.Current.SHA256, p.version.SHA256)
}

func (p *put) announcement(action Action, version string) Change {
	return Change{Action: action, Path: p.req.Path, Kind: acl.Object, Version: version, Client: p.client.ID}
}

// errOtherwise ends a transaction that went by what does not hold any more.
var errOtherwise = errors.New("the object is not as it was")

// bindAgain adds the version to an object that was there already, with one look at it less: if it
// is as it was, the version is bound by the same step that looks. Otherwise it is errOtherwise,
// and nothing happened.
func (p *put) bindAgain(ctx context.Context) (*PutResult, error) {
	if p.object == 0 || p.soon || p.req.Draft != nil {
		return nil, errOtherwise
	}
	var result *PutResult
	err := p.dir.Update(ctx, func(tx store.Tx) error {
		version := *p.version
		version.NameID, version.Created = p.object, time.Now()
		r, err := tx.ResolveAndBind(ctx, p.req.Path, &version)
		switch store.KindOf(err) {
		case store.Exists, store.NotFound:
			return errOtherwise
		}
		if err != nil {
			return err
		}
		v := look(p.client, r)
		if !v.holds() || v.Name.ID != p.object || v.may(acl.AddVersion, "") != nil ||
			p.met(v) != nil || p.builds(v) != nil {
			return errOtherwise
		}
		result = &PutResult{Version: version}
		return nil
	})
	return result, err
}

// bind makes the staged content a version, or removes it again.
func (p *put) bind(ctx context.Context) (*PutResult, error) {
	result, err := p.bindAgain(ctx)
	var changes []Change
	if err == nil {
		changes = []Change{p.announcement(Updated, result.Version.Version)}
	} else if errors.Is(err, errOtherwise) {
		result, changes, err = p.bindAnew(ctx)
	}
	if err != nil {
		p.syncer.owe(p.req.Path, *p.version, err)
		p.discard(ctx, err)
		return nil, err
	}
	if !result.Unchanged {
		p.syncer.owe(p.req.Path, result.Version, nil)
	}
	p.changes.announce(changes...)
	return result, nil
}

// bindAnew looks at everything and makes what is missing.
func (p *put) bindAnew(ctx context.Context) (result *PutResult, changes []Change, err error) {
	err = p.update(ctx, func(tx store.Tx) error {
		result, changes = nil, nil
		r, err := tx.Resolve(ctx, p.req.Path, "")
		if err != nil {
			return err
		}
		v := look(p.client, r)
		b, err := v.planPut(p.req)
		if err != nil {
			return err
		}
		if err := p.met(v); err != nil {
			return err
		}
		if p.soon && p.same(v) {
			changes = append(changes, p.announcement(Described, v.Current.Version))
			result, err = p.keep(ctx, tx, v)
			return err
		}
		if err := p.builds(v); err != nil {
			return err
		}
		created := !v.live()
		if err := p.makeObject(ctx, tx, &v, b); err != nil {
			return err
		}
		version := p.complete(v)
		if err := tx.BindVersion(ctx, &version); err != nil {
			return err
		}
		result = &PutResult{Version: version, Created: created}
		if created {
			changes = append(b.announcements(p.client), p.announcement(Created, ""))
		}
		changes = append(changes, p.announcement(Updated, version.Version))
		return nil
	})
	return result, changes, err
}

// makeObject creates or revives the object, if it is not live.
func (p *put) makeObject(ctx context.Context, tx store.Tx, v *view, b birth) error {
	now := time.Now()
	seen := now
	if !p.req.Seen.IsZero() {
		seen = p.req.Seen
	}
	switch {
	case v.live():
		if err := v.mayTakeOver(ctx, tx); err != nil || v.holds() {
			return err
		}
		return tx.Touch(ctx, seen, v.Name.Parent)
	case v.Name != nil:
		v.Current = nil
		return revive(ctx, tx, v.Name, store.Attr{}, seen)
	}
	parent, err := v.makeParents(ctx, tx, b, now)
	if err != nil {
		return err
	}
	v.Name = &store.Name{
		Parent: parent, Path: p.req.Path, Kind: acl.Object,
		ACLs: owned(p.client, p.req.ACLs), Created: now, Seen: seen,
	}
	return create(ctx, tx, v.Name)
}

// complete returns the version with what depends on the object as it is now.
func (p *put) complete(v view) store.Version {
	version := *p.version
	version.NameID = v.Name.ID
	version.Created = time.Now()
	if last := v.Current; p.req.KeepMetadata && last != nil && last.Forward == nil && !p.req.changesKind(last) {
		if version.Metadata.ContentType == "" {
			version.Metadata.ContentType = last.Metadata.ContentType
		}
		if version.Metadata.ContentDisposition == "" {
			version.Metadata.ContentDisposition = last.Metadata.ContentDisposition
		}
	}
	return version
}

// discard removes staged content that surely is not bound. Where the outcome of the
// transaction is in doubt the sweeper decides later.
func (p *put) discard(ctx context.Context, cause error) {
	if p.version.Address == "" || !definite(cause) {
		return
	}
	if err := p.bulk.Remove(context.WithoutCancel(ctx), p.version.Address); err != nil {
		p.cfg.Log.Warn().Err(err).Msg("staged content is left to the sweeper")
	}
}

// definite reports whether an error of an update is a rule's own verdict, so that nothing can
// have been committed.
func definite(err error) bool {
	var known *store.Error
	if !errors.As(err, &known) {
		return false
	}
	switch known.Kind {
	case store.Internal, store.Unavailable, store.NoSpace, store.Interrupted:
		return false
	}
	return true
}
