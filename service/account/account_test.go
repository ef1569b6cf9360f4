package account_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service/account"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/sqlite"
)

func open(t *testing.T, cfg account.Config) *account.Accounts {
	t.Helper()
	dir, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "h.db"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	return account.New(dir.Accounts(), cfg)
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func want(t *testing.T, kind store.ErrorKind, err error) {
	t.Helper()
	if err == nil || store.KindOf(err) != kind {
		t.Fatalf("got %v, want: %s", err, kind.Sentence())
	}
}

func TestLoginBeginsASession(t *testing.T) {
	a, ctx := open(t, account.Config{}), t.Context()
	if err := a.CreateUser(ctx, "alice", []string{"staff"}, "correct horse"); err != nil {
		t.Fatal(err)
	}
	login := must(a.Login(ctx, "alice", "correct horse"))(t)
	session := must(a.Session(ctx, login.Secret))(t)
	alice := acl.Client{ID: "alice", DisplayName: "alice", Roles: []string{"staff"}}
	if diff := cmp.Diff(alice, session.Client); diff != "" {
		t.Error(diff)
	}
	if session.Secret != "" {
		t.Error("the secret is told again")
	}
	extended := must(a.Extend(ctx, login.Secret))(t)
	if extended.Expires.Before(session.Expires) || !extended.Since.Equal(session.Since) {
		t.Errorf("extended from %v to %v", session, extended)
	}
	if err := a.Logout(ctx, login.Secret); err != nil {
		t.Fatal(err)
	}
	_, err := a.Session(ctx, login.Secret)
	want(t, store.NotFound, err)
	_, err = a.Extend(ctx, login.Secret)
	want(t, store.NotFound, err)
}

func TestWrongLoginsLookAlike(t *testing.T) {
	a, ctx := open(t, account.Config{}), t.Context()
	for name, password := range map[string]string{"alice": "correct horse", "locked": ""} {
		if err := a.CreateUser(ctx, name, nil, password); err != nil {
			t.Fatal(err)
		}
	}
	var texts []string
	for _, c := range [][2]string{
		{"alice", "wrong horse"},
		{"nobody", "correct horse"},
		{"locked", ""},
		{"alice", ""},
		{"alice", strings.Repeat("x", 1<<20)},
	} {
		_, err := a.Login(ctx, c[0], c[1])
		want(t, store.Unauthenticated, err)
		texts = append(texts, err.Error())
	}
	for _, text := range texts {
		if text != texts[0] {
			t.Errorf("%q tells more than %q", text, texts[0])
		}
	}
}

func TestSessionEnds(t *testing.T) {
	a, ctx := open(t, account.Config{SessionLifetime: time.Nanosecond}), t.Context()
	if err := a.CreateUser(ctx, "alice", nil, "correct horse"); err != nil {
		t.Fatal(err)
	}
	login := must(a.Login(ctx, "alice", "correct horse"))(t)
	_, err := a.Session(ctx, login.Secret)
	want(t, store.NotFound, err)
}

func TestNewPasswordEndsSessions(t *testing.T) {
	a, ctx := open(t, account.Config{}), t.Context()
	if err := a.CreateUser(ctx, "alice", nil, "correct horse"); err != nil {
		t.Fatal(err)
	}
	login := must(a.Login(ctx, "alice", "correct horse"))(t)
	if err := a.SetPassword(ctx, "alice", "battery staple"); err != nil {
		t.Fatal(err)
	}
	_, err := a.Session(ctx, login.Secret)
	want(t, store.NotFound, err)
	_, err = a.Login(ctx, "alice", "correct horse")
	want(t, store.Unauthenticated, err)
	must(a.Login(ctx, "alice", "battery staple"))(t)
}

func TestTokenActsAsItsUser(t *testing.T) {
	a, ctx := open(t, account.Config{}), t.Context()
	if err := a.CreateUser(ctx, "alice", nil, ""); err != nil {
		t.Fatal(err)
	}
	secret, token, err := a.CreateToken(ctx, "alice", "for a test", 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.SetRoles(ctx, "alice", []string{"staff"}); err != nil {
		t.Fatal(err)
	}
	bearer := must(a.Bearer(ctx, secret))(t)
	if bearer.Client.ID != "alice" || !bearer.Client.In(acl.List{"staff"}) || !bearer.Expires.IsZero() {
		t.Errorf("got %+v", bearer)
	}
	if list := must(a.Tokens(ctx, "alice"))(t); len(list) != 1 || list[0].Note != "for a test" || strings.Contains(string(list[0].Secret), secret) {
		t.Errorf("got %+v", list)
	}
	if err := a.RevokeToken(ctx, token.ID); err != nil {
		t.Fatal(err)
	}
	want(t, store.NotFound, a.RevokeToken(ctx, token.ID))
	for _, wrong := range []string{secret, "", "hatrac_", secret[:len(secret)-1], "x" + secret} {
		_, err := a.Bearer(ctx, wrong)
		want(t, store.Unauthenticated, err)
	}
	short, _, err := a.CreateToken(ctx, "alice", "", time.Nanosecond)
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Bearer(ctx, short)
	want(t, store.Unauthenticated, err)
	_, _, err = a.CreateToken(ctx, "nobody", "", 0)
	want(t, store.NotFound, err)
}

func TestRemovedUserIsNobody(t *testing.T) {
	a, ctx := open(t, account.Config{}), t.Context()
	if err := a.CreateUser(ctx, "alice", nil, "correct horse"); err != nil {
		t.Fatal(err)
	}
	login := must(a.Login(ctx, "alice", "correct horse"))(t)
	secret, _, err := a.CreateToken(ctx, "alice", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.DeleteUser(ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	_, err = a.Session(ctx, login.Secret)
	want(t, store.NotFound, err)
	_, err = a.Bearer(ctx, secret)
	want(t, store.Unauthenticated, err)
	_, err = a.Client(ctx, "alice")
	want(t, store.NotFound, err)
	want(t, store.NotFound, a.DeleteUser(ctx, "alice"))
	want(t, store.NotFound, a.SetPassword(ctx, "alice", "correct horse"))
	want(t, store.NotFound, a.SetRoles(ctx, "alice", nil))
}

func TestNamesAndPasswordsHaveRules(t *testing.T) {
	a, ctx := open(t, account.Config{}), t.Context()
	for _, c := range []struct {
		name, role, password string
	}{
		{"", "r", "long enough"},
		{"*", "r", "long enough"},
		{" alice", "r", "long enough"},
		{"al\nice", "r", "long enough"},
		{"al\xffice", "r", "long enough"},
		{strings.Repeat("a", 257), "r", "long enough"},
		{"alice", "*", "long enough"},
		{"alice", "r", "short"},
		{"alice", "r", strings.Repeat("x", 1025)},
	} {
		want(t, store.Invalid, a.CreateUser(ctx, c.name, []string{c.role}, c.password))
	}
	if err := a.CreateUser(ctx, "https://example.org/users/ünï code", nil, account.GeneratePassword()); err != nil {
		t.Fatal(err)
	}
	want(t, store.Exists, a.CreateUser(ctx, "https://example.org/users/ünï code", nil, "long enough"))
	users := must(a.Users(ctx))(t)
	if len(users) != 1 || users[0].Hash != "" {
		t.Errorf("got %+v", users)
	}
}
