package account_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service/account"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/sqlite"
)

// The hash was made by another program: 1000 rounds over "correct horse".
func imported() account.Imported {
	return account.Imported{
		Name: "alice", Roles: []string{"staff"}, Hash: "FBB27F172F5CE49B21B0311F57E4D97A", Salt: "00ff10", Rounds: 1000,
	}
}

func TestAnImportedPasswordIsHashedAnewAtItsFirstLogin(t *testing.T) {
	ctx := t.Context()
	dir := must(sqlite.Open(ctx, sqlite.Config{Path: t.TempDir() + "/h.db", Migrate: true}))(t)
	t.Cleanup(func() { _ = dir.Close() })
	a := account.New(dir.Accounts(), account.Config{})
	if err := a.Import(ctx, imported()); err != nil {
		t.Fatal(err)
	}
	hash := func() string { return must(dir.Accounts().User(ctx, "alice"))(t).Hash }
	_, err := a.Login(ctx, "alice", "wrong horse")
	want(t, store.Unauthenticated, err)
	if !strings.HasPrefix(hash(), "$webauthn2$") {
		t.Fatalf("a wrong password changed the hash to %s", hash())
	}
	first := must(a.Login(ctx, "alice", "correct horse"))(t)
	modern := hash()
	if !strings.HasPrefix(modern, "$argon2id$") {
		t.Errorf("the hash is still %s", modern)
	}
	must(a.Session(ctx, first.Secret))(t)
	second := must(a.Login(ctx, "alice", "correct horse"))(t)
	if hash() != modern {
		t.Error("the second login hashed again")
	}
	must(a.Session(ctx, first.Secret))(t)
	must(a.Session(ctx, second.Secret))(t)
	_, err = a.Login(ctx, "alice", "wrong horse")
	want(t, store.Unauthenticated, err)
}

func TestWhatCannotBeImportedIsRefused(t *testing.T) {
	a, ctx := open(t, account.Config{}), t.Context()
	for name, change := range map[string]func(*account.Imported){
		"a name for everybody": func(u *account.Imported) { u.Name = "*" },
		"a role for everybody": func(u *account.Imported) { u.Roles = []string{"*"} },
		"a hash not in hex":    func(u *account.Imported) { u.Hash = "xyz" },
		"a short hash":         func(u *account.Imported) { u.Hash = "abcd" },
		"a salt not in hex":    func(u *account.Imported) { u.Salt = "$" },
		"no rounds":            func(u *account.Imported) { u.Rounds = 0 },
		"endless rounds":       func(u *account.Imported) { u.Rounds = 1 << 30 },
	} {
		u := imported()
		change(&u)
		if err := a.Import(ctx, u); store.KindOf(err) != store.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := a.Import(ctx, account.Imported{Name: "bob"}); err != nil {
		t.Fatal(err)
	}
	_, err := a.Login(ctx, "bob", "")
	want(t, store.Unauthenticated, err)
	want(t, store.Exists, a.Import(ctx, account.Imported{Name: "bob"}))
}

func TestSessionsOfSisterServicesAreUnderstood(t *testing.T) {
	for _, c := range []struct {
		name, client string
		attributes   []string
		want         *account.Session
	}{
		{
			"whole", `{"id": "https://x/1", "display_name": "ada", "full_name": "Ada L", "email": "a@x", "identities": ["https://x/1"]}`,
			[]string{`{"id": "g1", "display_name": "Group 1"}`, `"g2"`, `{"id": 7}`, `null`, `""`},
			&account.Session{
				Client:   acl.Client{ID: "https://x/1", DisplayName: "ada", Roles: []string{"g1", "g2"}},
				FullName: "Ada L", Email: "a@x", Identities: json.RawMessage(`["https://x/1"]`),
				RoleNames: map[string]string{"g1": "Group 1"},
			},
		},
		{"old", `"ada"`, nil, &account.Session{Client: acl.Client{ID: "ada"}, RoleNames: map[string]string{}}},
		{"nobody", `null`, []string{`"g"`}, nil},
		{"nothing", ``, nil, nil},
		{"without an id", `{"display_name": "x"}`, nil, nil},
	} {
		var attributes []json.RawMessage
		for _, text := range c.attributes {
			attributes = append(attributes, json.RawMessage(text))
		}
		got, err := account.ParseSession(json.RawMessage(c.client), attributes)
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", c.name, err, diff)
		}
	}
	for _, client := range []string{`7`, `{"id": 7}`, `[`} {
		if _, err := account.ParseSession(json.RawMessage(client), nil); err == nil {
			t.Errorf("the client %s is understood", client)
		}
	}
}
