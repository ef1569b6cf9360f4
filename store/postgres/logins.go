package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/hatrac/hatrac/store"
)

const (
	sessionColumns = `s.key, s.account, s.since, s.expires`
	tokenColumns   = `t.id, t.account, t.note, t.secret, t.created_on, t.expires`
)

type (
	sessionOf struct {
		session store.Session
		user    store.User
	}
	tokenOf struct {
		token store.Token
		user  store.User
	}
)

func scanSession(rows pgx.Rows) (s sessionOf, err error) {
	var user accountRow
	var since, expires pgtype.Timestamptz
	err = rows.Scan(append([]any{&s.session.Key, &s.session.User, &since, &expires}, user.targets()...)...)
	s.session.Since, s.session.Expires = moment(since), moment(expires)
	s.user = user.value()
	return s, err
}

// tokenRow reads tokenColumns.
type tokenRow struct {
	token            store.Token
	created, expires pgtype.Timestamptz
}

func (r *tokenRow) targets() []any {
	return []any{&r.token.ID, &r.token.User, &r.token.Note, &r.token.Secret, &r.created, &r.expires}
}

func (r *tokenRow) value() store.Token {
	r.token.Created, r.token.Expires = moment(r.created), moment(r.expires)
	return r.token
}

func scanToken(rows pgx.Rows) (store.Token, error) {
	var r tokenRow
	err := rows.Scan(r.targets()...)
	return r.value(), err
}

func scanTokenOf(rows pgx.Rows) (tokenOf, error) {
	var r tokenRow
	var user accountRow
	err := rows.Scan(append(r.targets(), user.targets()...)...)
	return tokenOf{r.value(), user.value()}, err
}

var (
	createSession = statement{"create a session", `
INSERT INTO account_session (key, account, since, expires) VALUES ($1, $2, $3, $4)`}
	getSession = statement{"look up a session", `
SELECT ` + sessionColumns + `, ` + accountColumns + `
FROM account_session AS s JOIN account AS a ON a.name = s.account WHERE s.key = $1 AND s.expires > $2`}
	extendSession = statement{"extend a session", `UPDATE account_session SET expires = $2 WHERE key = $1`}
	deleteSession = statement{"end a session", `DELETE FROM account_session WHERE key = $1`}
	dropSessions  = statement{"drop expired sessions", `DELETE FROM account_session WHERE expires <= $1`}
)

// CreateSession implements store.Accounts; NotFound if there is no such user.
func (a accounts) CreateSession(ctx context.Context, s store.Session) error {
	return a.exec(ctx, createSession.with(notNil(s.Key), s.User, stamp(s.Since), due(s.Expires)))
}

// Session implements store.Accounts.
func (a accounts) Session(ctx context.Context, key []byte, now time.Time) (store.Session, store.User, error) {
	s, err := find(ctx, a, getSession, scanSession, notNil(key), due(now))
	return s.session, s.user, err
}

// ExtendSession implements store.Accounts.
func (a accounts) ExtendSession(ctx context.Context, key []byte, expires time.Time) error {
	return a.must(ctx, extendSession.with(notNil(key), due(expires)))
}

// DeleteSession implements store.Accounts.
func (a accounts) DeleteSession(ctx context.Context, key []byte) error {
	return a.exec(ctx, deleteSession.with(notNil(key)))
}

var (
	createToken = statement{"create a token", `
INSERT INTO account_token (id, account, note, secret, created_on, expires) VALUES ($1, $2, $3, $4, $5, $6)`}
	getToken = statement{"look up a token", `
SELECT ` + tokenColumns + `, ` + accountColumns + `
FROM account_token AS t JOIN account AS a ON a.name = t.account
WHERE t.secret = $1 AND (t.expires IS NULL OR t.expires > $2)`}
	listTokens = statement{"list the tokens", `
SELECT ` + tokenColumns + ` FROM account_token AS t ORDER BY t.created_on NULLS FIRST, t.number`}
	listTokensOf = statement{"list the tokens of a user", `
SELECT ` + tokenColumns + ` FROM account_token AS t WHERE t.account = $1 ORDER BY t.created_on NULLS FIRST, t.number`}
	deleteToken = statement{"revoke a token", `DELETE FROM account_token WHERE id = $1`}
	dropTokens  = statement{"drop expired tokens", `DELETE FROM account_token WHERE expires <= $1`}
)

// CreateToken implements store.Accounts; Exists if there is one with that ID or secret.
func (a accounts) CreateToken(ctx context.Context, t store.Token) error {
	return a.exec(ctx, createToken.with(t.ID, t.User, t.Note, notNil(t.Secret), stamp(t.Created), stamp(t.Expires)))
}

// Token implements store.Accounts.
func (a accounts) Token(ctx context.Context, secret []byte, now time.Time) (store.Token, store.User, error) {
	t, err := find(ctx, a, getToken, scanTokenOf, notNil(secret), due(now))
	return t.token, t.user, err
}

// Tokens implements store.Accounts.
func (a accounts) Tokens(ctx context.Context, user string) ([]store.Token, error) {
	if user == "" {
		return all(ctx, reads(a), listTokens, scanToken)
	}
	return all(ctx, reads(a), listTokensOf, scanToken, user)
}

// DeleteToken implements store.Accounts.
func (a accounts) DeleteToken(ctx context.Context, id string) error {
	return a.must(ctx, deleteToken.with(id))
}

// DropExpired implements store.Accounts.
func (a accounts) DropExpired(ctx context.Context, now time.Time) error {
	return a.exec(ctx, dropSessions.with(due(now)), dropTokens.with(due(now)))
}
