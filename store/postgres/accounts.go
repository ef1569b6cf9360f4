package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/hatrac/hatrac/store"
)

// accounts implements store.Accounts.
type accounts struct{ d *Directory }

// exec executes steps as a change of its own.
func (a accounts) exec(ctx context.Context, steps ...*step) error {
	return a.d.change(ctx, func(t *tx) error { return t.do(ctx, steps...) })
}

// must executes steps as a change of its own, of which the first one has to change something,
// or else what it is about is NotFound.
func (a accounts) must(ctx context.Context, steps ...*step) error {
	return a.d.change(ctx, func(t *tx) error { return t.must(ctx, 0, steps...) })
}

// find is first where no row is NotFound.
func find[T any](ctx context.Context, a accounts, st statement, scan func(pgx.Rows) (T, error), args ...any) (T, error) {
	v, found, err := first(ctx, reads(a), st, scan, args...)
	if err == nil && !found {
		err = failed(st.doing, errNoRow)
	}
	return v, err
}

const accountColumns = `a.name, a.roles, a.hash, a.created_on`

type accountRow struct {
	name, hash string
	roles      texts
	created    pgtype.Timestamptz
}

func (r *accountRow) targets() []any { return []any{&r.name, &r.roles, &r.hash, &r.created} }

func (r *accountRow) value() store.User {
	return store.User{Name: r.name, Roles: elements(r.roles), Hash: r.hash, Created: moment(r.created)}
}

func scanUser(rows pgx.Rows) (store.User, error) {
	var r accountRow
	err := rows.Scan(r.targets()...)
	return r.value(), err
}

var (
	createUser = statement{"create an account", `INSERT INTO account (name, roles, hash, created_on) VALUES ($1, $2, $3, $4)`}
	getUser    = statement{"look up an account", `SELECT ` + accountColumns + ` FROM account AS a WHERE a.name = $1`}
	listUsers  = statement{"list the accounts", `SELECT ` + accountColumns + ` FROM account AS a ORDER BY a.name COLLATE "C"`}
)

// CreateUser implements store.Accounts.
func (a accounts) CreateUser(ctx context.Context, u store.User) error {
	return a.exec(ctx, createUser.with(u.Name, u.Roles, u.Hash, stamp(u.Created)))
}

// User implements store.Accounts.
func (a accounts) User(ctx context.Context, name string) (store.User, error) {
	return find(ctx, a, getUser, scanUser, name)
}

// Users implements store.Accounts.
func (a accounts) Users(ctx context.Context) ([]store.User, error) {
	return all(ctx, reads(a), listUsers, scanUser)
}

var (
	setPassword = statement{"change a password", `UPDATE account SET hash = $2 WHERE name = $1`}
	endSessions = statement{"end the sessions of an account", `DELETE FROM account_session WHERE account = $1`}
	setRoles    = statement{"change the roles of an account", `UPDATE account SET roles = $2 WHERE name = $1`}
	// deleteUser takes sessions and tokens with it by their foreign keys.
	deleteUser = statement{"delete an account", `DELETE FROM account WHERE name = $1`}
)

// SetPassword implements store.Accounts.
func (a accounts) SetPassword(ctx context.Context, name, hash string) error {
	return a.must(ctx, setPassword.with(name, hash), endSessions.with(name))
}

// SetRoles implements store.Accounts.
func (a accounts) SetRoles(ctx context.Context, name string, roles []string) error {
	return a.must(ctx, setRoles.with(name, roles))
}

// DeleteUser implements store.Accounts.
func (a accounts) DeleteUser(ctx context.Context, name string) error {
	return a.must(ctx, deleteUser.with(name))
}
