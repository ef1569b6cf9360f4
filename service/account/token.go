package account

import (
	"context"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/hatrac/hatrac/store"
)

// tokenPrefix begins every token, so that people and secret scanners recognize one.
const tokenPrefix = "hatrac_"

// CreateToken makes a token that acts as the user, for lifetime or, if that is 0, until it is
// revoked. The secret is told this once only.
func (a *Accounts) CreateToken(ctx context.Context, user, note string, lifetime time.Duration) (secret string, t store.Token, err error) {
	if len(note) > maxNote {
		return "", t, store.NewError(store.Invalid, "", "A note can have at most 256 bytes.")
	}
	if lifetime < 0 {
		return "", t, store.NewError(store.Invalid, "", "The lifetime of a token cannot be negative.")
	}
	secret = tokenPrefix + randomText(30)
	t = store.Token{ID: ulid.Make().String(), User: user, Note: note, Secret: digest(secret), Created: time.Now()}
	if lifetime > 0 {
		t.Expires = t.Created.Add(lifetime)
	}
	if err := a.db.CreateToken(ctx, t); err != nil {
		return "", t, noSuchUser(user, err)
	}
	return secret, t, nil
}

// Tokens returns the tokens of a user, or of all users if the name is empty, oldest first.
func (a *Accounts) Tokens(ctx context.Context, user string) ([]store.Token, error) {
	return a.db.Tokens(ctx, user)
}

// RevokeToken ends the token with that ID.
func (a *Accounts) RevokeToken(ctx context.Context, id string) error {
	err := a.db.DeleteToken(ctx, id)
	if store.KindOf(err) == store.NotFound {
		return store.NewError(store.NotFound, id, "There is no token of this ID.")
	}
	return err
}

// Bearer returns who a token acts as. Unauthenticated: it is unknown, revoked or over.
func (a *Accounts) Bearer(ctx context.Context, token string) (*Session, error) {
	wrong := store.NewError(store.Unauthenticated, "", "The token is not valid.")
	if !strings.HasPrefix(token, tokenPrefix) {
		return nil, wrong
	}
	t, user, err := a.db.Token(ctx, digest(token), time.Now())
	switch {
	case err == nil:
		return &Session{Client: clientOf(user), Since: t.Created, Expires: t.Expires}, nil
	case store.KindOf(err) == store.NotFound:
		return nil, wrong
	}
	return nil, err
}
