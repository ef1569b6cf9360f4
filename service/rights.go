package service

import (
	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// refuse is the answer to a client that may not: Unauthenticated to the anonymous one, who may
// want to log in, Denied to others.
func refuse(c acl.Client, resource, message string) error {
	if c.Anonymous() {
		return store.NewError(store.Unauthenticated, resource, message)
	}
	return store.NewError(store.Denied, resource, message)
}

func gate(c acl.Client, list acl.List, path store.Path) error {
	if c.In(list) {
		return nil
	}
	return refuse(c, string(path), "The configuration of this server does not allow you this kind of change.")
}

// view is what a client sees of a resolved path.
type view struct {
	*store.Resolution
	client    acl.Client
	enclosing []acl.Lists
}

func look(c acl.Client, r *store.Resolution) view {
	return view{Resolution: r, client: c, enclosing: r.EnclosingLists()}
}

// live reports whether the path leads to a name that exists.
func (v view) live() bool { return v.Name != nil && !v.Name.Deleted }

// parentLives reports whether there is a live namespace around the path.
func (v view) parentLives() bool {
	parent := v.Parent()
	return v.Path.IsRoot() || parent != nil && !parent.Deleted
}

// exists answers NotFound unless the path leads to a live name.
func (v view) exists() error {
	if !v.live() {
		return store.NewError(store.NotFound, string(v.Path), "There is no namespace or object of this name.")
	}
	return nil
}

// versionExists answers NotFound unless the version that was asked for is there.
func (v view) versionExists(ref store.Ref) error {
	if err := v.exists(); err != nil {
		return err
	}
	if ref.Version != "" && (v.Version == nil || v.Version.Deleted) {
		return store.NewError(store.NotFound, ref.String(), "There is no such version.")
	}
	return nil
}

// info describes the name and the version that the resolution holds.
func (v view) info(ref store.Ref) Info {
	info := Info{Ref: ref, Name: *v.Name, client: v.client, enclosing: v.enclosing}
	if v.Version != nil && !v.Version.Deleted {
		info.Version = v.Version
	}
	return info
}

// may answers a refusal unless the client may do op with the name.
func (v view) may(op acl.Operation, message string) error {
	scope := acl.Scope{Kind: v.Name.Kind, Own: v.Name.ACLs, Enclosing: v.enclosing}
	if acl.Allowed(op, v.client, scope) {
		return nil
	}
	return refuse(v.client, string(v.Path), message)
}

// mayVersion answers a refusal unless the client may do op with the version.
func (v view) mayVersion(op acl.Operation, version *store.Version, message string) error {
	scope := acl.Scope{Kind: acl.Version, Own: version.ACLs, Object: v.Name.ACLs, Enclosing: v.enclosing}
	if acl.Allowed(op, v.client, scope) {
		return nil
	}
	ref := store.Ref{Path: v.Path, Version: version.Version}
	return refuse(v.client, ref.String(), message)
}

// owned returns the initial lists of something that the client creates: those asked for, and
// the client as owner unless an owner was asked for. An anonymous client adds nobody.
func owned(c acl.Client, asked acl.Lists) acl.Lists {
	lists := asked.Clone()
	if _, ok := lists[acl.Owner]; !ok && !c.Anonymous() {
		lists[acl.Owner] = acl.List{c.ID}
	}
	return lists
}

// checkInitial answers Invalid unless the lists that a client asks for are ones that kind has,
// within the limits, and somebody will own what it creates. An anonymous client need not.
func (v view) checkInitial(kind acl.Kind, lists acl.Lists, enclosing []acl.Lists) error {
	for name, list := range lists {
		if !kind.Has(name) {
			return noSuchList(kind, name)
		}
		if err := checkList(list); err != nil {
			return err
		}
	}
	scope := acl.Scope{Kind: kind, Own: owned(v.client, lists), Enclosing: enclosing}
	if !v.client.Anonymous() && !acl.Owned(scope) {
		return store.NewError(store.Invalid, string(v.Path), "Nobody would own this.")
	}
	return nil
}
