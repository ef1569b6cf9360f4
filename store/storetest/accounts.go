package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/hatrac/hatrac/store"
)

// expectKind expects an error of the kind.
func expectKind(t *testing.T, what string, kind store.ErrorKind, err error) {
	t.Helper()
	if err == nil || store.KindOf(err) != kind {
		t.Errorf("%s: %v, want kind %d", what, err, kind)
	}
}

func expectOK(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func testAccounts(t *testing.T, db Database) {
	ctx, a := t.Context(), open(t, db).Accounts()
	users, err := a.Users(ctx)
	expectOK(t, "list nobody", err)
	same(t, "nobody", []store.User(nil), users)

	bob := store.User{Name: "bob", Roles: []string{"staff", `odd "é"`}, Hash: "$argon2id$v=19$x", Created: begun}
	ann := store.User{Name: "ann", Created: begun.Add(time.Hour)}
	odd := store.User{Name: "a@b/c:d é"}
	for _, u := range []store.User{bob, ann, odd} {
		expectOK(t, "create "+u.Name, a.CreateUser(ctx, u))
		got, err := a.User(ctx, u.Name)
		expectOK(t, "look up "+u.Name, err)
		same(t, "the account", u, got)
	}
	expectKind(t, "create an account again", store.Exists, a.CreateUser(ctx, store.User{Name: "bob"}))
	users, err = a.Users(ctx)
	expectOK(t, "list", err)
	same(t, "the accounts by name", []store.User{odd, ann, bob}, users)

	expectOK(t, "set a password", a.SetPassword(ctx, "bob", "another"))
	expectOK(t, "set roles", a.SetRoles(ctx, "bob", []string{"guest"}))
	bob.Hash, bob.Roles = "another", []string{"guest"}
	got, err := a.User(ctx, "bob")
	expectOK(t, "look up", err)
	same(t, "the changed account", bob, got)
	expectOK(t, "take all roles", a.SetRoles(ctx, "bob", nil))

	expectOK(t, "delete", a.DeleteUser(ctx, "bob"))
	_, err = a.User(ctx, "bob")
	expectKind(t, "look up a deleted account", store.NotFound, err)
	for what, err := range map[string]error{
		"password of nobody": a.SetPassword(ctx, "bob", ""),
		"roles of nobody":    a.SetRoles(ctx, "bob", nil),
		"delete nobody":      a.DeleteUser(ctx, "bob"),
		"token of nobody":    a.CreateToken(ctx, store.Token{ID: "t", User: "bob", Secret: []byte("s"), Created: begun}),
		"session of nobody":  a.CreateSession(ctx, store.Session{Key: []byte("k"), User: "bob", Since: begun, Expires: begun}),
	} {
		expectKind(t, what, store.NotFound, err)
	}
	expectOK(t, "create a deleted account again", a.CreateUser(ctx, bob))
}

// login is an account with a session and a token.
func login(t *testing.T, a store.Accounts, name string) (store.Session, store.Token) {
	t.Helper()
	ctx := t.Context()
	session := store.Session{Key: []byte(name + "\x00key"), User: name, Since: begun, Expires: begun.Add(time.Hour)}
	token := store.Token{ID: "id of " + name, User: name, Note: `for "scripts", é`, Secret: []byte(name + "\xffsecret"), Created: begun}
	expectOK(t, "create "+name, a.CreateUser(ctx, store.User{Name: name, Roles: []string{"r"}, Created: begun}))
	expectOK(t, "log in", a.CreateSession(ctx, session))
	expectOK(t, "create a token", a.CreateToken(ctx, token))
	return session, token
}

func testLogins(t *testing.T, db Database) {
	a := open(t, db).Accounts()
	for name, test := range map[string]func(t *testing.T, a store.Accounts){
		"a session lasts until it expires":      keepsSessions,
		"a token lasts until it expires":        keepsTokens,
		"logins end with their account":         endsLogins,
		"a new password ends sessions only":     endsSessions,
		"what has expired can be dropped":       dropsExpired,
		"tokens are listed and revoked by name": listsTokens,
	} {
		t.Run(name, func(t *testing.T) { test(t, a) })
	}
}

func sessionAt(ctx context.Context, a store.Accounts, s store.Session, now time.Time) error {
	_, _, err := a.Session(ctx, s.Key, now)
	return err
}

func tokenAt(ctx context.Context, a store.Accounts, t store.Token, now time.Time) error {
	_, _, err := a.Token(ctx, t.Secret, now)
	return err
}

func keepsSessions(t *testing.T, a store.Accounts) {
	ctx := t.Context()
	want, _ := login(t, a, "s")
	got, user, err := a.Session(ctx, want.Key, begun)
	expectOK(t, "look up", err)
	same(t, "the session", want, got)
	same(t, "its user", store.User{Name: "s", Roles: []string{"r"}, Created: begun}, user)
	expectOK(t, "at the last moment", sessionAt(ctx, a, want, want.Expires.Add(-time.Microsecond)))
	expectKind(t, "when it has expired", store.NotFound, sessionAt(ctx, a, want, want.Expires))
	expectKind(t, "a part of the key", store.NotFound, sessionAt(ctx, a, store.Session{Key: want.Key[:2]}, begun))
	expectOK(t, "extend", a.ExtendSession(ctx, want.Key, want.Expires.Add(time.Hour)))
	expectOK(t, "after extending", sessionAt(ctx, a, want, want.Expires))
	for range 2 {
		expectOK(t, "log out", a.DeleteSession(ctx, want.Key))
	}
	expectKind(t, "after the end", store.NotFound, sessionAt(ctx, a, want, begun))
	expectKind(t, "extend what is gone", store.NotFound, a.ExtendSession(ctx, want.Key, begun))
}

func keepsTokens(t *testing.T, a store.Accounts) {
	ctx := t.Context()
	_, eternal := login(t, a, "t")
	brief := store.Token{ID: "brief", User: "t", Secret: []byte("brief"), Created: begun, Expires: begun.Add(time.Minute)}
	expectOK(t, "create", a.CreateToken(ctx, brief))
	got, user, err := a.Token(ctx, brief.Secret, begun)
	expectOK(t, "look up", err)
	same(t, "the token", brief, got)
	same(t, "its user", "t", user.Name)
	expectKind(t, "when it has expired", store.NotFound, tokenAt(ctx, a, brief, brief.Expires))
	expectOK(t, "one without end", tokenAt(ctx, a, eternal, begun.AddDate(100, 0, 0)))
	expectKind(t, "an unknown one", store.NotFound, tokenAt(ctx, a, store.Token{Secret: []byte("brie")}, begun))
	expectKind(t, "a second one of that ID", store.Exists, a.CreateToken(ctx, store.Token{ID: "brief", User: "t", Secret: []byte("x"), Created: begun}))
}

func endsLogins(t *testing.T, a store.Accounts) {
	ctx := t.Context()
	session, token := login(t, a, "gone")
	other, others := login(t, a, "stays")
	expectOK(t, "delete", a.DeleteUser(ctx, "gone"))
	expectKind(t, "its session", store.NotFound, sessionAt(ctx, a, session, begun))
	expectKind(t, "its token", store.NotFound, tokenAt(ctx, a, token, begun))
	expectOK(t, "create again", a.CreateUser(ctx, store.User{Name: "gone"}))
	expectKind(t, "its session after it is there again", store.NotFound, sessionAt(ctx, a, session, begun))
	expectKind(t, "its token after it is there again", store.NotFound, tokenAt(ctx, a, token, begun))
	expectOK(t, "another's session", sessionAt(ctx, a, other, begun))
	expectOK(t, "another's token", tokenAt(ctx, a, others, begun))
}

func endsSessions(t *testing.T, a store.Accounts) {
	ctx := t.Context()
	session, token := login(t, a, "p")
	other, _ := login(t, a, "q")
	expectOK(t, "set a password", a.SetPassword(ctx, "p", "new"))
	expectKind(t, "the session", store.NotFound, sessionAt(ctx, a, session, begun))
	expectOK(t, "the token", tokenAt(ctx, a, token, begun))
	expectOK(t, "another's session", sessionAt(ctx, a, other, begun))
}

func dropsExpired(t *testing.T, a store.Accounts) {
	ctx := t.Context()
	session, eternal := login(t, a, "e")
	brief := store.Token{ID: "e-brief", User: "e", Secret: []byte("e-brief"), Created: begun, Expires: begun.Add(time.Hour)}
	expectOK(t, "create", a.CreateToken(ctx, brief))
	expectOK(t, "drop too early", a.DropExpired(ctx, begun.Add(time.Hour-time.Microsecond)))
	expectOK(t, "the session", sessionAt(ctx, a, session, begun))
	expectOK(t, "the token", tokenAt(ctx, a, brief, begun))
	expectOK(t, "drop", a.DropExpired(ctx, begun.Add(time.Hour)))
	expectKind(t, "the dropped session", store.NotFound, sessionAt(ctx, a, session, begun))
	expectKind(t, "the dropped token", store.NotFound, tokenAt(ctx, a, brief, begun))
	expectOK(t, "the token without end", tokenAt(ctx, a, eternal, begun))
}

func listsTokens(t *testing.T, a store.Accounts) {
	ctx := t.Context()
	_, first := login(t, a, "l")
	_, foreign := login(t, a, "m")
	newer := store.Token{ID: "a newer one", User: "l", Secret: []byte("l2"), Created: begun.Add(time.Minute)}
	older := store.Token{ID: "the oldest", User: "l", Secret: []byte("l0"), Created: begun.Add(-time.Minute)}
	expectOK(t, "create", a.CreateToken(ctx, newer))
	expectOK(t, "create", a.CreateToken(ctx, older))
	tokens, err := a.Tokens(ctx, "l")
	expectOK(t, "list", err)
	same(t, "the user's tokens, oldest first", []store.Token{older, first, newer}, tokens)
	everybodys, err := a.Tokens(ctx, "")
	expectOK(t, "list all", err)
	found := 0
	for _, token := range everybodys {
		if token.User == foreign.User || token.User == "l" {
			found++
		}
	}
	if found != 4 {
		t.Errorf("the list of all has %d of 4 tokens", found)
	}
	expectOK(t, "revoke", a.DeleteToken(ctx, first.ID))
	expectKind(t, "revoke again", store.NotFound, a.DeleteToken(ctx, first.ID))
	expectKind(t, "the revoked token", store.NotFound, tokenAt(ctx, a, first, begun))
	expectOK(t, "the other token", tokenAt(ctx, a, newer, begun))
}
