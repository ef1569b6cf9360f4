package store

import (
	"context"
	"time"
)

// Accounts keeps users, their sessions and their tokens. Secrets come and go as digests only.
// Errors are those of Directory, and NotFound and Exists where said.
type Accounts interface {
	// CreateUser adds an account; Exists if there is one of that name.
	CreateUser(ctx context.Context, u User) error
	// User returns an account, or NotFound.
	User(ctx context.Context, name string) (User, error)
	// Users returns all accounts, by name.
	Users(ctx context.Context) ([]User, error)
	// SetPassword replaces the password hash and ends the user's sessions; NotFound.
	SetPassword(ctx context.Context, name, hash string) error
	// SetRoles replaces the roles; NotFound.
	SetRoles(ctx context.Context, name string, roles []string) error
	// DeleteUser removes an account with its sessions and tokens; NotFound.
	DeleteUser(ctx context.Context, name string) error

	// CreateSession adds a session.
	CreateSession(ctx context.Context, s Session) error
	// Session returns the session whose key has that digest with its user, or NotFound,
	// also when it has expired at now.
	Session(ctx context.Context, key []byte, now time.Time) (Session, User, error)
	// ExtendSession moves the expiry; a session that is gone is NotFound.
	ExtendSession(ctx context.Context, key []byte, expires time.Time) error
	// DeleteSession ends a session; one that is gone already is no error.
	DeleteSession(ctx context.Context, key []byte) error
	// DropExpired removes sessions and tokens that have expired at now.
	DropExpired(ctx context.Context, now time.Time) error

	// CreateToken adds a token; NotFound if there is no such user.
	CreateToken(ctx context.Context, t Token) error
	// Token returns the token whose secret has that digest with its user, or NotFound, also
	// when it has expired at now.
	Token(ctx context.Context, secret []byte, now time.Time) (Token, User, error)
	// Tokens returns the tokens of a user (empty: of all), oldest first.
	Tokens(ctx context.Context, user string) ([]Token, error)
	// DeleteToken revokes the token with that ID, or NotFound.
	DeleteToken(ctx context.Context, id string) error
}

// User is an account. Its name is its identity in access control lists.
type User struct {
	Name    string
	Roles   []string
	Hash    string // of the password, in PHC string format; empty: no login by password
	Created time.Time
}

// Session is a login.
type Session struct {
	Key     []byte // SHA-256 of the cookie's value
	User    string
	Since   time.Time
	Expires time.Time
}

// Token lets a program act as a user.
type Token struct {
	ID      string // names the token in lists; no secret
	User    string
	Note    string // what it is for, in the user's words
	Secret  []byte // SHA-256 of the token
	Created time.Time
	Expires time.Time // zero: never
}
