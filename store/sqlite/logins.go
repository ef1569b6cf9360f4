package sqlite

import (
	"context"
	"time"

	"github.com/hatrac/hatrac/store"
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

func scanSession(r *row) (s sessionOf, err error) {
	s.session = store.Session{Key: r.blob(), User: r.text(), Since: r.time(), Expires: r.time()}
	s.user, err = scanUser(r)
	return s, err
}

func scanToken(r *row) (store.Token, error) {
	return store.Token{
		ID: r.text(), User: r.text(), Note: r.text(), Secret: r.blob(), Created: r.time(), Expires: r.time(),
	}, nil
}

func scanTokenOf(r *row) (t tokenOf, err error) {
	if t.token, err = scanToken(r); err != nil {
		return t, err
	}
	t.user, err = scanUser(r)
	return t, err
}

var (
	createSession = statement{"create a session", `INSERT INTO session (key, user, since, expires) VALUES (?, ?, ?, ?)`}
	getSession    = statement{"look up a session", `
SELECT s.key, s.user, s.since, s.expires, ` + userColumns + `
FROM session AS s JOIN user AS u ON u.name = s.user WHERE s.key = ? AND s.expires > ?`}
	extendSession = statement{"extend a session", `UPDATE session SET expires = ?2 WHERE key = ?1`}
	deleteSession = statement{"end a session", `DELETE FROM session WHERE key = ?`}
	dropSessions  = statement{"drop expired sessions", `DELETE FROM session WHERE expires <= ?`}
)

// CreateSession implements store.Accounts; NotFound if there is no such user.
func (a accounts) CreateSession(ctx context.Context, s store.Session) error {
	return a.exec(ctx, createSession, notNil(s.Key), s.User, nanos(s.Since), dueNanos(s.Expires))
}

// Session implements store.Accounts.
func (a accounts) Session(ctx context.Context, key []byte, now time.Time) (store.Session, store.User, error) {
	s, err := one(ctx, a, getSession, scanSession, notNil(key), dueNanos(now))
	return s.session, s.user, err
}

// ExtendSession implements store.Accounts.
func (a accounts) ExtendSession(ctx context.Context, key []byte, expires time.Time) error {
	return a.change(ctx, extendSession, notNil(key), dueNanos(expires))
}

// DeleteSession implements store.Accounts.
func (a accounts) DeleteSession(ctx context.Context, key []byte) error {
	return a.exec(ctx, deleteSession, notNil(key))
}

const tokenColumns = `t.id, t.user, t.note, t.secret, t.created_on, t.expires`

var (
	createToken = statement{"create a token", `
INSERT INTO token (id, user, note, secret, created_on, expires) VALUES (?, ?, ?, ?, ?, ?)`}
	getToken = statement{"look up a token", `
SELECT ` + tokenColumns + `, ` + userColumns + `
FROM token AS t JOIN user AS u ON u.name = t.user
WHERE t.secret = ? AND (t.expires IS NULL OR t.expires > ?)`}
	listTokens = statement{"list the tokens", `
SELECT ` + tokenColumns + ` FROM token AS t ORDER BY t.created_on, t.rowid`}
	listTokensOf = statement{"list the tokens of a user", `
SELECT ` + tokenColumns + ` FROM token AS t WHERE t.user = ? ORDER BY t.created_on, t.rowid`}
	deleteToken = statement{"revoke a token", `DELETE FROM token WHERE id = ?`}
	dropTokens  = statement{"drop expired tokens", `DELETE FROM token WHERE expires <= ?`}
)

// CreateToken implements store.Accounts; Exists if there is one with that ID or secret.
func (a accounts) CreateToken(ctx context.Context, t store.Token) error {
	return a.exec(ctx, createToken, t.ID, t.User, t.Note, notNil(t.Secret), nanos(t.Created), nanos(t.Expires))
}

// Token implements store.Accounts.
func (a accounts) Token(ctx context.Context, secret []byte, now time.Time) (store.Token, store.User, error) {
	t, err := one(ctx, a, getToken, scanTokenOf, notNil(secret), dueNanos(now))
	return t.token, t.user, err
}

// Tokens implements store.Accounts.
func (a accounts) Tokens(ctx context.Context, user string) ([]store.Token, error) {
	if user == "" {
		return all(ctx, a.d.reads, listTokens, scanToken)
	}
	return all(ctx, a.d.reads, listTokensOf, scanToken, user)
}

// DeleteToken implements store.Accounts.
func (a accounts) DeleteToken(ctx context.Context, id string) error {
	return a.change(ctx, deleteToken, id)
}

// DropExpired implements store.Accounts.
func (a accounts) DropExpired(ctx context.Context, now time.Time) error {
	return a.d.writer.update(ctx, func(t *tx) error {
		if _, err := t.exec(ctx, dropSessions, dueNanos(now)); err != nil {
			return err
		}
		_, err := t.exec(ctx, dropTokens, dueNanos(now))
		return err
	})
}
