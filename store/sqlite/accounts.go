package sqlite

import (
	"context"

	"github.com/hatrac/hatrac/store"
)

// accounts implements store.Accounts. Its changes share commits with all others.
type accounts struct{ d *Directory }

// exec executes one statement as a change of its own; see tx.exec.
func (a accounts) exec(ctx context.Context, st statement, args ...any) error {
	return a.d.writer.update(ctx, func(t *tx) error {
		_, err := t.exec(ctx, st, args...)
		return err
	})
}

// change executes one statement as a change of its own; see tx.change.
func (a accounts) change(ctx context.Context, st statement, args ...any) error {
	return a.d.writer.update(ctx, func(t *tx) error { return t.change(ctx, st, args...) })
}

const userColumns = `u.name, u.roles, u.hash, u.created_on`

func scanUser(r *row) (u store.User, err error) {
	u.Name = r.text()
	if u.Roles, err = r.strings(); err != nil {
		return u, err
	}
	u.Hash = r.text()
	u.Created = r.time()
	return u, nil
}

var (
	createUser = statement{"create an account", `INSERT INTO user (name, roles, hash, created_on) VALUES (?, ?, ?, ?)`}
	getUser    = statement{"look up an account", `SELECT ` + userColumns + ` FROM user AS u WHERE u.name = ?`}
	listUsers  = statement{"list the accounts", `SELECT ` + userColumns + ` FROM user AS u ORDER BY u.name`}
)

// CreateUser implements store.Accounts.
func (a accounts) CreateUser(ctx context.Context, u store.User) error {
	roles, err := encodeStrings(u.Roles)
	if err != nil {
		return failed(createUser.doing, err)
	}
	return a.exec(ctx, createUser, u.Name, roles, u.Hash, nanos(u.Created))
}

// User implements store.Accounts.
func (a accounts) User(ctx context.Context, name string) (store.User, error) {
	return one(ctx, a, getUser, scanUser, name)
}

// one is first where no row is NotFound.
func one[T any](ctx context.Context, a accounts, st statement, scan func(*row) (T, error), args ...any) (T, error) {
	v, found, err := first(ctx, a.d.reads, st, scan, args...)
	if err == nil && !found {
		err = failed(st.doing, errNoRow)
	}
	return v, err
}

// Users implements store.Accounts.
func (a accounts) Users(ctx context.Context) ([]store.User, error) {
	return all(ctx, a.d.reads, listUsers, scanUser)
}

var (
	setPassword = statement{"change a password", `UPDATE user SET hash = ? WHERE name = ?`}
	endSessions = statement{"end the sessions of an account", `DELETE FROM session WHERE user = ?`}
	setRoles    = statement{"change the roles of an account", `UPDATE user SET roles = ? WHERE name = ?`}
	// deleteUser takes sessions and tokens with it by their foreign keys.
	deleteUser = statement{"delete an account", `DELETE FROM user WHERE name = ?`}
)

// SetPassword implements store.Accounts.
func (a accounts) SetPassword(ctx context.Context, name, hash string) error {
	return a.d.writer.update(ctx, func(t *tx) error {
		if err := t.change(ctx, setPassword, hash, name); err != nil {
			return err
		}
		_, err := t.exec(ctx, endSessions, name)
		return err
	})
}

// SetRoles implements store.Accounts.
func (a accounts) SetRoles(ctx context.Context, name string, roles []string) error {
	text, err := encodeStrings(roles)
	if err != nil {
		return failed(setRoles.doing, err)
	}
	return a.change(ctx, setRoles, text, name)
}

// DeleteUser implements store.Accounts.
func (a accounts) DeleteUser(ctx context.Context, name string) error {
	return a.change(ctx, deleteUser, name)
}
