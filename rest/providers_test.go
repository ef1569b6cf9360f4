package rest

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service/account"
	"github.com/hatrac/hatrac/store"
)

// sister knows one client by the cookie "sister" or by a token, until told otherwise.
type sister struct {
	err   error
	asked atomic.Int64
	ended atomic.Bool
	last  atomic.Value // account.Credentials
}

func (s *sister) Find(_ context.Context, c account.Credentials) (*account.Session, error) {
	s.asked.Add(1)
	s.last.Store(c)
	token, bearer := c.Bearer()
	switch {
	case s.err != nil:
		return nil, s.err
	case s.ended.Load(), token != "theirs" && len(c.Cookies["sister"]) == 0:
		return nil, nil
	}
	return &account.Session{
		Client:   acl.Client{ID: "https://sister/ada", DisplayName: "ada", Roles: []string{"bobs", "g"}},
		FullName: "Ada L", Email: "ada@example.org", Identities: json.RawMessage(`["https://sister/ada"]`),
		RoleNames: map[string]string{"g": "Group"}, Ambient: !bearer, Expires: time.Now().Add(time.Hour),
	}, nil
}

func (s *sister) Extend(ctx context.Context, c account.Credentials) (*account.Session, error) {
	return s.Find(ctx, c)
}

func (s *sister) End(context.Context, account.Credentials) (bool, error) {
	return !s.ended.Swap(true), nil
}

// withSister puts a sister service before or behind the accounts.
func withSister(s *sister, first bool) options {
	return options{rest: func(c *Config) {
		own := c.Accounts.Sessions(DefaultCookie)
		c.Sessions = []Sessions{own, s}
		if first {
			c.Sessions = []Sessions{s, own}
		}
	}}
}

func TestAllWhoKnowClientsAreAskedInOrder(t *testing.T) {
	for _, first := range []bool{true, false} {
		knows := &sister{}
		s := newSite(t, withSister(knows, first))
		s.grant("/", "read", `["bobs"]`)
		s.wants(200, s.do(nobody, "GET", "/hatrac/", "", "Cookie: sister=x; other=y"))
		if c := knows.last.Load().(account.Credentials); c.CookieHeader != "sister=x; other=y" || c.TLS {
			t.Errorf("the credentials are %+v", c)
		}
		s.wants(200, s.do(nobody, "GET", "/hatrac/", "", "Authorization: Bearer theirs"))
		s.wants(401, s.do(nobody, "GET", "/hatrac/", "", "Authorization: Bearer nobodys"))
		s.wants(401, s.do(nobody, "GET", "/hatrac/", "", "Cookie: webauthn=x"))
		s.wants(200, s.do(bob, "GET", "/hatrac/", ""))
		cookie := s.login()
		before := knows.asked.Load()
		s.wants(403, s.do(nobody, "GET", "/hatrac/", "", cookie))
		if asked := knows.asked.Load() > before; asked != first {
			t.Errorf("the sister service is asked: %v, although it comes first: %v", asked, first)
		}
	}
}

func TestASessionOfASisterServiceFromLoginToLogout(t *testing.T) {
	s := newSite(t, withSister(&sister{}, false))
	const cookie = "Cookie: sister=x"
	for _, method := range []string{"GET", "PUT"} {
		var doc map[string]any
		must(t, json.Unmarshal([]byte(s.wants(200, s.do(nobody, method, "/authn/session", "", cookie)).body), &doc))
		client := map[string]any{
			"id": "https://sister/ada", "display_name": "ada", "full_name": "Ada L", "email": "ada@example.org",
			"identities": []any{"https://sister/ada"},
		}
		if diff := cmp.Diff(client, doc["client"]); diff != "" {
			t.Error(diff)
		}
		attributes := []any{
			map[string]any{"id": "bobs", "display_name": "bobs"}, map[string]any{"id": "g", "display_name": "Group"},
		}
		if diff := cmp.Diff(attributes, doc["attributes"]); diff != "" {
			t.Error(diff)
		}
	}
	s.wants(409, s.do(nobody, "POST", "/authn/session", loginBody(alice, password), asForm, cookie))
	s.wants(403, s.do(nobody, "DELETE", "/authn/session", "", cookie, "Origin: https://evil.example"))
	s.wants(200, s.do(nobody, "DELETE", "/authn/session", "", cookie))
	s.wants(404, s.do(nobody, "GET", "/authn/session", "", cookie))
}

func TestAPageOfAnotherOriginCannotUseTheCookieOfASisterService(t *testing.T) {
	s := newSite(t, withSister(&sister{}, true))
	s.grant("/", "create", `["bobs"]`)
	s.wants(403, s.do(nobody, "PUT", "/hatrac/x", "x", "Cookie: sister=x", "Origin: https://evil.example"))
	s.wants(201, s.do(nobody, "PUT", "/hatrac/x", "x", "Cookie: sister=x", "Origin: "+s.url))
	s.wants(201, s.do(nobody, "PUT", "/hatrac/y", "x", "Authorization: Bearer theirs", "Origin: https://evil.example"))
}

func TestNobodyBecomesAnonymousBecauseASisterServiceFails(t *testing.T) {
	for _, first := range []bool{true, false} {
		s := newSite(t, withSister(&sister{err: store.NewError(store.Unavailable, "", "")}, first))
		s.wants(503, s.do(nobody, "GET", "/hatrac/", "", "Cookie: sister=x"))
		s.wants(503, s.do(nobody, "GET", "/authn/session", "", "Cookie: sister=x"))
	}
}

func TestWithoutAccountsLoginsAreElsewhere(t *testing.T) {
	only := func(login string) options {
		return options{rest: func(c *Config) { c.Sessions, c.LoginURL = []Sessions{&sister{}}, login }}
	}
	s := newSite(t, only(""))
	s.wants(403, s.do(nobody, "POST", "/authn/session", loginBody(alice, password), asForm))
	s.wants(404, s.do(nobody, "GET", "/authn/preauth", ""))
	a := newSite(t, only("/login")).do(nobody, "GET", "/authn/preauth", "")
	if a.StatusCode != 200 || a.body != `{"redirect_url":"/login"}`+"\n" {
		t.Errorf("preauth answers %d %s", a.StatusCode, a.body)
	}
}

func TestSettingsAreCheckedAtOnce(t *testing.T) {
	err := Config{
		Prefix: "/authn", AllowedOrigins: []string{"portal"}, TrustedProxies: []string{"proxy"},
		ErrorTemplates: map[string]map[string]string{"200": {}},
	}.Check()
	for _, word := range []string{`"/authn"`, `"portal"`, `"proxy"`, `"200"`} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%v does not mention %s", err, word)
		}
	}
	must(t, Config{}.Check())
}
