package service

import (
	"context"
	"errors"
	"slices"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

const (
	// maxForwards bounds how many renames one reference is followed through.
	maxForwards = 64
	// maxPlaces bounds at how many paths a name is looked for whose namespace was moved.
	maxPlaces = 4096
)

// Follow is like Look, but where the version is a forwarding record it goes on to the version that
// holds the content: Info describes that one, and Info.Ref names it. Conflict: the object has no
// current version, or what it was renamed to is gone.
//
// Where the name is not there, but a namespace that encloses it was moved away, the search goes on
// at its new path.
func (s *Service) Follow(ctx context.Context, c acl.Client, ref store.Ref) (*Info, error) {
	return (&pursuit{service: s, client: c}).follow(ctx, ref)
}

var errTooFar = errors.New("the chain of renames is too long")

// pursuit is the search for what a reference means now.
type pursuit struct {
	service *Service
	client  acl.Client
	asked   store.Ref
	seen    map[store.Ref]bool // where it was looked
}

func (p *pursuit) follow(ctx context.Context, ref store.Ref) (*Info, error) {
	p.asked = ref
	return p.at(ctx, ref, 0)
}

// at goes on at a reference to which that many renames have led.
func (p *pursuit) at(ctx context.Context, ref store.Ref, renames int) (*Info, error) {
	if renames >= maxForwards || len(p.seen) >= maxPlaces {
		return nil, &store.Error{
			Kind: store.Conflict, Resource: p.asked.String(),
			Message: "This was renamed too many times to be followed.", Err: errTooFar,
		}
	}
	v, err := p.service.resolve(ctx, p.client, ref)
	if err != nil {
		return nil, err
	}
	if err := v.versionExists(ref); err != nil {
		return p.elsewhere(ctx, v, ref, renames, err)
	}
	if v.Name.Kind == acl.Object && v.Version == nil {
		return nil, noCurrent(ref.Path)
	}
	if v.Version != nil && v.Version.Forward != nil {
		info, err := p.at(ctx, *v.Version.Forward, renames+1)
		if renames == 0 {
			err = p.deadEnd(err)
		}
		return info, err
	}
	if v.Version != nil {
		ref.Version = v.Version.Version
	}
	info := v.info(ref)
	return &info, nil
}

// elsewhere goes on where moves of namespaces have led. What was deleted at the path itself, and
// what nobody finds, is the error.
func (p *pursuit) elsewhere(ctx context.Context, v view, ref store.Ref, renames int, err error) (*Info, error) {
	deleted := v.Name != nil && !v.Name.MovedAway() && (ref.Version == "" || v.Version != nil)
	if deleted {
		return nil, err
	}
	for _, path := range v.movedTo() {
		next := store.Ref{Path: path, Version: ref.Version}
		if p.seen[next] || next == p.asked {
			continue
		}
		if p.seen == nil {
			p.seen = make(map[store.Ref]bool)
		}
		p.seen[next] = true
		info, nextErr := p.at(ctx, next, renames)
		if store.KindOf(nextErr) != store.NotFound {
			return info, nextErr
		}
	}
	return nil, err
}

// movedTo returns where the path is to be looked for after moves of the namespaces that it lies
// in, and of itself: the innermost and the latest move first.
func (v view) movedTo() []store.Path {
	names := slices.Clone(v.Enclosing)
	if v.Name != nil {
		names = append(names, *v.Name)
	}
	var paths []store.Path
	for _, n := range slices.Backward(names) {
		for _, to := range n.MovedTo {
			paths = append(paths, to+v.Path[len(n.Path):])
		}
	}
	return paths
}

// deadEnd makes an error at the end of a rename, which nothing was found behind, a Conflict of
// what was asked for.
func (p *pursuit) deadEnd(err error) error {
	switch kind := store.KindOf(err); {
	case errors.Is(err, errTooFar):
	case kind == store.NotFound, kind == store.Conflict:
		return &store.Error{
			Kind: store.Conflict, Resource: p.asked.String(),
			Message: "What this was renamed to does not exist any more.", Err: err,
		}
	}
	return err
}
