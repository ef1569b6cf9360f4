package account

import (
	"context"
	"strings"

	"github.com/hatrac/hatrac/store"
)

// Credentials are what a request brings to prove who its client is.
type Credentials struct {
	// Authorization is the field of that name.
	Authorization string
	// Cookies are the values of all cookies by their names, CookieHeader the field that they
	// came in.
	Cookies      map[string][]string
	CookieHeader string
	// TLS says that the client's request came by TLS.
	TLS bool
}

// Bearer returns the token of the Authorization field, if it has one.
func (c Credentials) Bearer() (token string, ok bool) {
	scheme, token, _ := strings.Cut(c.Authorization, " ")
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
}

// OwnToken reports whether the credentials are a token that only Accounts can have made.
func (c Credentials) OwnToken() bool {
	token, _ := c.Bearer()
	return strings.HasPrefix(token, tokenPrefix)
}

// OwnSessions knows clients by tokens of Accounts, and by sessions that began with a login there.
type OwnSessions struct {
	accounts *Accounts
	cookie   string
}

// Sessions returns who knows clients by their tokens, and by their session in a cookie of that
// name.
func (a *Accounts) Sessions(cookie string) *OwnSessions { return &OwnSessions{a, cookie} }

// Find returns the session that the credentials lead to, or nil. Unauthenticated: there is a
// token that is not valid. A cookie that leads to no session is as good as none.
func (s *OwnSessions) Find(ctx context.Context, c Credentials) (*Session, error) {
	if token, ok := c.Bearer(); ok {
		return s.accounts.Bearer(ctx, token)
	}
	for _, secret := range c.Cookies[s.cookie] {
		session, err := s.accounts.Session(ctx, secret)
		switch {
		case err == nil:
			session.Ambient, session.Secret = true, secret
			return session, nil
		case store.KindOf(err) != store.NotFound:
			return nil, err
		}
	}
	return nil, nil
}

// Extend makes the session of the credentials last its full lifetime from now. Tokens last as
// long as they were made to.
func (s *OwnSessions) Extend(ctx context.Context, c Credentials) (*Session, error) {
	session, err := s.Find(ctx, c)
	if err != nil || session == nil || !session.Ambient {
		return session, err
	}
	return s.accounts.Extend(ctx, session.Secret)
}

// End ends the session of the credentials. It reports false for a token, which goes on.
func (s *OwnSessions) End(ctx context.Context, c Credentials) (ended bool, err error) {
	session, err := s.Find(ctx, c)
	if err != nil || session == nil || !session.Ambient {
		return false, err
	}
	return true, s.accounts.Logout(ctx, session.Secret)
}

// Login is that of Accounts.
func (s *OwnSessions) Login(ctx context.Context, name, password string) (*Session, error) {
	return s.accounts.Login(ctx, name, password)
}
