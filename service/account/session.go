package account

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// Session is a client that proved who it is.
type Session struct {
	Client acl.Client
	// Since is when it logged in, Expires when the session ends unless it is extended;
	// Expires is zero for a token without an end.
	Since, Expires time.Time
	// Secret is what the client has to show from now on, after Login, or has shown in a cookie.
	Secret string
	// Ambient says that browsers send what proves the session by themselves, also for pages of
	// other origins.
	Ambient bool
	// FullName, Email and Identities are what a sister service tells about the client besides,
	// Identities in JSON; all may be empty.
	FullName, Email string
	Identities      json.RawMessage
	// RoleNames are names for people of the client's roles, as far as there are any.
	RoleNames map[string]string
}

// Login checks a password and begins a session. Unauthenticated: user or password is wrong; the
// answer does not tell which, and takes as long for unknown users.
func (a *Accounts) Login(ctx context.Context, name, password string) (*Session, error) {
	user, err := a.db.User(ctx, name)
	unknown := store.KindOf(err) == store.NotFound
	if err != nil && !unknown {
		return nil, err
	}
	right, err := a.verify(ctx, user.Hash, password)
	if err != nil {
		return nil, err
	}
	if unknown || !right {
		return nil, store.NewError(store.Unauthenticated, "", "The user name or the password is wrong.")
	}
	if err := a.modernize(ctx, user, password); err != nil {
		return nil, err
	}
	now := time.Now()
	s := &Session{Client: clientOf(user), Since: now, Expires: now.Add(a.lifetime), Secret: randomText(24)}
	row := store.Session{Key: digest(s.Secret), User: user.Name, Since: s.Since, Expires: s.Expires}
	if err := a.db.CreateSession(ctx, row); err != nil {
		return nil, err
	}
	return s, nil
}

// verify compares a password with a hash; without a hash it does the same work in vain.
func (a *Accounts) verify(ctx context.Context, hashed, password string) (bool, error) {
	if len(password) > maxPassword {
		return false, nil
	}
	if err := a.enter(ctx); err != nil {
		return false, err
	}
	defer a.leave()
	if hashed == "" {
		matches(password, a.decoy())
		return false, nil
	}
	if old, ok := parseLegacy(hashed); ok {
		right := old.matches(password)
		if !right {
			matches(password, a.decoy()) // what modernize would take
		}
		return right, nil
	}
	return matches(password, hashed), nil
}

func digest(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// Session returns the session that the secret belongs to, or NotFound.
func (a *Accounts) Session(ctx context.Context, secret string) (*Session, error) {
	row, user, err := a.db.Session(ctx, digest(secret), time.Now())
	if err != nil {
		return nil, err
	}
	return &Session{Client: clientOf(user), Since: row.Since, Expires: row.Expires}, nil
}

// Extend makes a session last its full lifetime from now, or answers NotFound.
func (a *Accounts) Extend(ctx context.Context, secret string) (*Session, error) {
	s, err := a.Session(ctx, secret)
	if err != nil {
		return nil, err
	}
	s.Expires = time.Now().Add(a.lifetime)
	return s, a.db.ExtendSession(ctx, digest(secret), s.Expires)
}

// Logout ends a session; one that is over already is no error.
func (a *Accounts) Logout(ctx context.Context, secret string) error {
	return a.db.DeleteSession(ctx, digest(secret))
}

// DropExpired forgets sessions and tokens that are over.
func (a *Accounts) DropExpired(ctx context.Context) error {
	return a.db.DropExpired(ctx, time.Now())
}
