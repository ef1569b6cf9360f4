package service

import (
	"context"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// Past is what a name led to at a time in the past.
type Past struct {
	// Path is the name, as it was then.
	Path store.Path
	// Info describes the namespace, or the object with the version that was current then, both
	// as they are now: what was renamed since is under its new name, and Ref names that.
	Info
}

// LookAt returns what was bound to a name at a time: a namespace that was there, or the version
// that was current. It needs no right. NotFound: there was nothing then, the name was a forwarding
// record, or what it led to does not exist any more.
func (s *Service) LookAt(ctx context.Context, c acl.Client, path store.Path, at time.Time) (*Past, error) {
	r, err := s.dir.ResolveAt(ctx, path, at)
	if err != nil {
		return nil, err
	}
	v := look(c, r)
	if v.Name == nil {
		return nil, nothingThen(path)
	}
	if v.Name.Kind == acl.Namespace && !thereAt(v.Name, at) || v.Name.Kind == acl.Object && v.Version == nil {
		return nil, nothingThen(path)
	}
	return s.past(ctx, c, Past{Path: path, Info: Info{
		Ref: store.Ref{Path: v.Name.Path}, Name: *v.Name, Version: v.Version, client: c, enclosing: v.enclosing,
	}})
}

func nothingThen(path store.Path) error {
	return store.NewError(store.NotFound, string(path), "There was no namespace or object of this name then.")
}

// thereAt reports whether a namespace was there at a time. Unknown times come before all others.
func thereAt(n *store.Name, at time.Time) bool {
	return !n.Created.After(at) && (!n.Deleted || n.DeletedOn.After(at))
}

// past goes on from a version that was renamed since to where it is now, and makes Ref name it.
func (s *Service) past(ctx context.Context, c acl.Client, p Past) (*Past, error) {
	if p.Version == nil {
		return &p, nil
	}
	p.Ref.Version = p.Version.Version
	if p.Version.Forward == nil {
		return &p, nil
	}
	info, err := s.Follow(ctx, c, *p.Version.Forward)
	switch {
	case store.KindOf(err) == store.NotFound || store.KindOf(err) == store.Conflict:
		return nil, nothingThen(p.Path)
	case err != nil:
		return nil, err
	}
	p.Info = *info
	return &p, nil
}

// PastListing is one page of a namespace's children as they were.
type PastListing struct {
	// Children are sorted by the bytes of their encoded last segments.
	Children []Past
	// More is true if there may be children behind this page, which may be empty.
	More bool
	// After is the segment behind which the next page begins.
	After string
}

// ListAt returns one page of the children that a namespace had at a time, as LookAt finds them. The
// client must be allowed to list the namespace now. It asks once a page, and once more for every
// child that was renamed since.
func (s *Service) ListAt(ctx context.Context, c acl.Client, path store.Path, at time.Time, page ListPage) (*PastListing, error) {
	namespace, err := s.LookAt(ctx, c, path, at)
	if err != nil {
		return nil, err
	}
	if !namespace.IsNamespace() {
		return nil, store.NewError(store.WrongKind, string(path), "An object has no children.")
	}
	if err := namespace.refuseUnless(acl.ListNamespace, "You may not list this namespace."); err != nil {
		return nil, err
	}
	limit := page.limit()
	entries, err := s.dir.ChildrenAt(ctx, namespace.Name.ID, at, page.After, limit+1)
	if err != nil {
		return nil, err
	}
	listing := &PastListing{After: page.After}
	if listing.More = len(entries) > limit; listing.More {
		entries = entries[:limit]
	}
	for _, e := range entries {
		listing.After = e.Segment
		child, err := s.pastChild(ctx, c, namespace, e)
		switch {
		case err == nil:
			listing.Children = append(listing.Children, *child)
		case store.KindOf(err) != store.NotFound:
			return nil, err
		}
	}
	return listing, nil
}

// pastChild returns what an entry of a namespace's past tells of. Its rights are those at the path that
// it has now.
func (s *Service) pastChild(ctx context.Context, c acl.Client, namespace *Past, e store.Entry) (*Past, error) {
	past := Past{Path: beneath(namespace.Path, e.Segment), Info: Info{
		Ref: store.Ref{Path: e.Name.Path}, Name: e.Name, Version: e.Current, client: c,
		enclosing: append(namespace.enclosing[:len(namespace.enclosing):len(namespace.enclosing)], namespace.Name.ACLs),
	}}
	if e.Name.Parent != namespace.Name.ID {
		now, err := s.resolve(ctx, c, store.Ref{Path: e.Name.Path})
		if err != nil {
			return nil, err
		}
		past.enclosing = now.enclosing
	}
	return s.past(ctx, c, past)
}

// beneath returns the path of a segment in a namespace.
func beneath(namespace store.Path, segment string) store.Path {
	if namespace.IsRoot() {
		return store.Path("/" + segment)
	}
	return namespace + store.Path("/"+segment)
}
