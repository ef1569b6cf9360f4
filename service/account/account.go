// Package account knows who a client is: users with passwords and roles, their sessions and
// their tokens. Secrets are kept as digests only and compared by them.
package account

import (
	"context"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// DefaultSessionLifetime is how long a session lasts after its last extension.
const DefaultSessionLifetime = 30 * time.Minute

// Limits on what people type.
const (
	maxName     = 256
	minPassword = 8
	maxPassword = 1024
	maxRoles    = 256
	maxNote     = 256
)

// Config configures Accounts.
type Config struct {
	// SessionLifetime is how long a session lasts after its last extension; 0 means
	// DefaultSessionLifetime.
	SessionLifetime time.Duration
}

// Accounts are the accounts of a store. Its methods may be called concurrently.
type Accounts struct {
	db       store.Accounts
	lifetime time.Duration
	hashing  chan struct{} // bounds the memory that password hashing takes at one time
	decoy    func() string // the hash that a login of an unknown user is compared with
}

// New returns the accounts kept in db.
func New(db store.Accounts, cfg Config) *Accounts {
	if cfg.SessionLifetime <= 0 {
		cfg.SessionLifetime = DefaultSessionLifetime
	}
	return &Accounts{
		db:       db,
		lifetime: cfg.SessionLifetime,
		hashing:  make(chan struct{}, parallelHashes),
		decoy:    sync.OnceValue(func() string { return hash(randomText(16)) }),
	}
}

// CreateUser adds an account with its roles. Without a password nobody can log in as the
// user, but tokens can be made. Exists: there is one of that name. Invalid: the name, a role
// or the password cannot be used.
func (a *Accounts) CreateUser(ctx context.Context, name string, roles []string, password string) error {
	if err := checkName("A user name", name); err != nil {
		return err
	}
	if err := checkRoles(roles); err != nil {
		return err
	}
	hashed, err := a.hashNew(ctx, password)
	if err != nil {
		return err
	}
	err = a.db.CreateUser(ctx, store.User{Name: name, Roles: roles, Hash: hashed, Created: time.Now()})
	if store.KindOf(err) == store.Exists {
		return store.NewError(store.Exists, name, "There is a user of this name already.")
	}
	return err
}

// SetPassword replaces a password, or takes it away if it is empty, and ends the sessions of
// the user.
func (a *Accounts) SetPassword(ctx context.Context, name, password string) error {
	hashed, err := a.hashNew(ctx, password)
	if err != nil {
		return err
	}
	return noSuchUser(name, a.db.SetPassword(ctx, name, hashed))
}

// SetRoles replaces the roles of a user. They count from the next request on.
func (a *Accounts) SetRoles(ctx context.Context, name string, roles []string) error {
	if err := checkRoles(roles); err != nil {
		return err
	}
	return noSuchUser(name, a.db.SetRoles(ctx, name, roles))
}

// DeleteUser removes an account with its sessions and tokens. What the user owns stays.
func (a *Accounts) DeleteUser(ctx context.Context, name string) error {
	return noSuchUser(name, a.db.DeleteUser(ctx, name))
}

// Users returns all accounts, by name, without their password hashes.
func (a *Accounts) Users(ctx context.Context) ([]store.User, error) {
	users, err := a.db.Users(ctx)
	for i := range users {
		users[i].Hash = ""
	}
	return users, err
}

// Client returns the identity of an account with its roles.
func (a *Accounts) Client(ctx context.Context, name string) (acl.Client, error) {
	user, err := a.db.User(ctx, name)
	if err != nil {
		return acl.Client{}, noSuchUser(name, err)
	}
	return clientOf(user), nil
}

func clientOf(u store.User) acl.Client {
	return acl.Client{ID: u.Name, DisplayName: u.Name, Roles: u.Roles}
}

func noSuchUser(name string, err error) error {
	if store.KindOf(err) == store.NotFound {
		return store.NewError(store.NotFound, name, "There is no user of this name.")
	}
	return err
}

func checkRoles(roles []string) error {
	if len(roles) > maxRoles {
		return store.NewError(store.Invalid, "", "A user can have at most 256 roles.")
	}
	for _, role := range roles {
		if err := checkName("A role", role); err != nil {
			return err
		}
	}
	return nil
}

// checkName answers Invalid unless the text can stand in an access control list for somebody.
func checkName(what, name string) error {
	switch {
	case name == "" || name == acl.Everybody:
		return store.NewError(store.Invalid, name, what+" cannot be empty or *.")
	case len(name) > maxName:
		return store.NewError(store.Invalid, name, what+" can have at most 256 bytes.")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) || strings.TrimSpace(name) != name:
		return store.NewError(store.Invalid, name, what+" cannot begin or end with a space or contain control characters.")
	}
	return nil
}
