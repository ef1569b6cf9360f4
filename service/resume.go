package service

import (
	"bytes"
	"context"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// ResumePut is PutObject for a draft that was finished at the time since, by a process that died
// before it could tell whether it stored it. Nothing is stored twice: a version with this content
// that the object got since then is the result, as Unchanged.
//
// Precondition: the object got other content since then, or was deleted or moved away. What others
// did after the writer was done is not undone.
func (s *Service) ResumePut(ctx context.Context, c acl.Client, req PutObject, since time.Time) (*PutResult, error) {
	if err := req.Draft.digest(ctx); err != nil {
		return nil, err
	}
	done, err := s.boundSince(ctx, c, req, since)
	if done != nil || err != nil {
		return done, err
	}
	req.since = since
	return s.PutObject(ctx, c, req)
}

// boundSince returns the version with the content of a draft that the object got after a time, nil
// if there is none.
func (s *Service) boundSince(ctx context.Context, c acl.Client, req PutObject, since time.Time) (*PutResult, error) {
	v, err := s.resolve(ctx, c, store.Ref{Path: req.Path})
	if err != nil || !v.live() || v.Name.Kind != acl.Object {
		return nil, err
	}
	for before := int64(0); ; {
		versions, err := s.dir.Versions(ctx, v.Name.ID, before, pageSize)
		if err != nil {
			return nil, err
		}
		for i := range versions {
			if !versions[i].Created.After(since) {
				return nil, nil
			}
			if bytes.Equal(versions[i].SHA256, req.Draft.SHA256) {
				return &PutResult{Version: versions[i], Unchanged: true}, nil
			}
		}
		if len(versions) < pageSize {
			return nil, nil
		}
		before = versions[len(versions)-1].ID
	}
}

// met answers Precondition unless the conditions of the request hold.
func (p *put) met(v view) error {
	if !p.req.since.IsZero() && v.changedAfter(p.req.since) {
		return &store.Error{
			Kind: store.Precondition, Resource: string(p.req.Path), Tag: v.currentTag(),
			Message: "The object was changed by others since this was written.",
		}
	}
	return p.req.Hold(v.currentTag())
}

// changedAfter reports whether the name leads to something else than at that time, as far as is known.
func (v view) changedAfter(at time.Time) bool {
	switch {
	case v.Name == nil:
		return false
	case v.Name.Deleted:
		return v.Name.DeletedOn.After(at)
	case v.Current == nil:
		return v.Name.Created.After(at)
	}
	return v.Current.Created.After(at) || v.Current.ForwardedOn.After(at)
}
