package service

import (
	"context"
	"errors"

	"github.com/hatrac/hatrac/store"
)

// unsettled is the error of a change that would build on a version which is not durable.
type unsettled struct{ debt }

func (u *unsettled) Error() string { return u.ref().String() + " is not durable yet" }

// settled answers unsettled if the version is not durable.
func settled(path store.Path, v *store.Version) error {
	if v == nil || v.Unsynced == "" {
		return nil
	}
	return &unsettled{debt{path: path, version: *v, failed: true}}
}

// overtaken is the error of a change that found a name free which somebody else has bound before it
// could.
type overtaken struct{ error }

func (o *overtaken) Unwrap() error { return o.error }

// create binds a name that the transaction found free.
func create(ctx context.Context, tx store.Tx, n *store.Name) error {
	err := tx.CreateName(ctx, n)
	if err != nil && store.KindOf(err) == store.Exists {
		return &overtaken{err}
	}
	return err
}

// updateOn is Directory.Update for changes that create names or build on versions: what fn finds
// unsettled is made durable first, and fn runs again; so it does when it was overtaken.
func (s *Service) updateOn(ctx context.Context, fn func(store.Tx) error) error {
	return s.again(ctx, s.dir.Update, fn)
}

// updateSoon is updateOn for changes that may wait to be durable, as long as any may.
func (s *Service) updateSoon(ctx context.Context, fn func(store.Tx) error) error {
	if _, ok := s.syncer.begin(); !ok {
		return s.updateOn(ctx, fn)
	}
	defer s.syncer.finish()
	return s.again(ctx, s.dir.UpdateSoon, fn)
}

func (s *Service) again(ctx context.Context, update func(context.Context, func(store.Tx) error) error, fn func(store.Tx) error) error {
	for range maxForwards {
		err := update(ctx, fn)
		var found *unsettled
		var rival *overtaken
		switch {
		case errors.As(err, &found):
			if err := s.makeDurable(ctx, found.debt); err != nil {
				return err
			}
		case errors.As(err, &rival):
		default:
			return err
		}
	}
	return store.NewError(store.Unavailable, "", "Others change this faster than it can be changed here.")
}
