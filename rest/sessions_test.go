package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hatrac/hatrac/service/account"
	"github.com/hatrac/hatrac/store"
)

const asForm = "Content-Type: application/x-www-form-urlencoded"

func loginBody(name, password string) string {
	return url.Values{"username": {name}, "password": {password}}.Encode()
}

// login logs alice in and returns her cookie as a header.
func (s *site) login() string {
	s.t.Helper()
	a := s.wants(http.StatusOK, s.do(nobody, "POST", "/authn/session", loginBody(alice, password), asForm))
	return "Cookie: " + a.Cookies()[0].Name + "=" + a.Cookies()[0].Value
}

func TestASessionFromLoginToLogout(t *testing.T) {
	s := newSite(t, options{rest: func(c *Config) { c.SessionPath = "/my/session" }})
	for _, path := range []string{"/authn/session", "/my/session"} {
		s.wants(404, s.do(nobody, "GET", path+"?cid=x&referrer=y", ""))
		s.wants(404, s.do(nobody, "PUT", path, ""))
		s.wants(404, s.do(nobody, "DELETE", path, ""))
		cookie := s.login()
		s.wants(200, s.do(nobody, "GET", path, "", cookie))
		s.wants(200, s.do(nobody, "HEAD", path, "", cookie))
		s.wants(200, s.do(nobody, "PUT", path+"?resource=urn:x", "", cookie))
		s.wants(409, s.do(nobody, "POST", path, loginBody(alice, password), asForm, cookie))
		s.wants(405, s.do(nobody, "PATCH", path, "", cookie))
		a := s.wants(200, s.do(nobody, "DELETE", path+"?logout_url=/bye", "", cookie))
		if a.body != `{"logout_url":"/bye"}`+"\n" || a.Cookies()[0].MaxAge >= 0 {
			t.Errorf("logout: %s, %v", a.body, a.Cookies())
		}
		a = s.wants(404, s.do(nobody, "DELETE", path, "", cookie))
		if a.body != `{"logout_url":"/"}`+"\n" {
			t.Errorf("logout without a session: %s", a.body)
		}
		// What is left of the session is as good as nothing.
		s.wants(404, s.do(nobody, "GET", path, "", cookie))
		s.wants(401, s.do(nobody, "GET", "/hatrac/", "", cookie))
	}
}

func TestTheSessionDocument(t *testing.T) {
	s := newSite(t, options{})
	var doc map[string]any
	must(t, json.Unmarshal([]byte(s.wants(200, s.do(nobody, "GET", "/authn/session", "", s.login())).body), &doc))
	for _, name := range []string{"since", "expires"} {
		if text, _ := doc[name].(string); !regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00:00$`).MatchString(text) {
			t.Errorf("%s is %v", name, doc[name])
		}
		delete(doc, name)
	}
	if n, _ := doc["seconds_remaining"].(float64); n < 1 || n > 1800 {
		t.Errorf("seconds_remaining is %v", doc["seconds_remaining"])
	}
	delete(doc, "seconds_remaining")
	want := map[string]any{
		"client":       map[string]any{"id": "alice", "display_name": "alice"},
		"attributes":   []any{map[string]any{"id": "alices", "display_name": "alices"}},
		"vary_headers": []any{"cookie", "authorization"},
		"tracking":     nil,
	}
	if diff := cmp.Diff(want, doc); diff != "" {
		t.Error(diff)
	}
	s.wants(200, s.do(bob, "GET", "/authn/session", ""))
	s.wants(200, s.do(bob, "PUT", "/authn/session", ""))
	s.wants(404, s.do(bob, "DELETE", "/authn/session", ""))
}

func TestAFailedLoginDoesNotSayWhatWasWrong(t *testing.T) {
	s := newSite(t, options{})
	wrong := s.wants(401, s.do(nobody, "POST", "/authn/session", loginBody(alice, "wrong"), asForm))
	unknown := s.wants(401, s.do(nobody, "POST", "/authn/session", loginBody("mallory", "wrong"), asForm))
	none := s.wants(401, s.do(nobody, "POST", "/authn/session", loginBody(bob, ""), asForm))
	if wrong.body != unknown.body || wrong.body != none.body {
		t.Errorf("%q, %q and %q differ", wrong.body, unknown.body, none.body)
	}
	for _, a := range []answer{wrong, unknown, none} {
		if len(a.Cookies()) > 0 {
			t.Errorf("a failed login sets %v", a.Cookies())
		}
	}
	for _, form := range []string{"", "username=alice", "password=x", "username=%zz&password=x"} {
		s.wants(400, s.do(nobody, "POST", "/authn/session", form, asForm))
	}
	s.wants(400, s.do(nobody, "POST", "/authn/session?"+loginBody(alice, password), "", asForm))
	s.wants(400, s.do(nobody, "POST", "/authn/session", `{"username":"alice"}`, "Content-Type: application/json"))
	s.wants(413, s.do(nobody, "POST", "/authn/session", strings.Repeat("x", maxForm+1), asForm))
	if strings.Contains(s.log.String(), "correct") || strings.Contains(s.log.String(), "password=") {
		t.Error("a password is in the log")
	}
}

func TestTheCookieIsOutOfReach(t *testing.T) {
	s := newSite(t, options{rest: func(c *Config) { c.TrustedProxies = []string{"127.0.0.1"} }})
	wild := newSite(t, options{})
	forced := newSite(t, options{rest: func(c *Config) { c.SecureCookie, c.Cookie = true, "other" }})
	for _, c := range []struct {
		name    string
		site    *site
		headers []string
		secure  bool
		cookie  string
	}{
		{"plain", s, nil, false, "webauthn"},
		{"by TLS through a trusted proxy", s, []string{"X-Forwarded-Proto: https"}, true, "webauthn"},
		{"plain through a trusted proxy", s, []string{"X-Forwarded-Proto: http"}, false, "webauthn"},
		{"a client that claims to be a proxy", wild, []string{"X-Forwarded-Proto: https"}, false, "webauthn"},
		{"always", forced, nil, true, "other"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := c.site.wants(200, c.site.do(nobody, "POST", "/authn/session", loginBody(alice, password), append(c.headers, asForm)...))
			got := a.Cookies()[0]
			if got.Name != c.cookie || got.Path != "/" || !got.HttpOnly || got.SameSite != http.SameSiteLaxMode || got.Secure != c.secure {
				t.Errorf("the cookie is %s", got.Raw)
			}
		})
	}
}

func TestAPageOfAnotherOriginCannotUseTheCookie(t *testing.T) {
	s := newSite(t, options{rest: func(c *Config) { c.TrustedOrigins = []string{"https://friend.example"} }})
	s.grant("/", "create", `["alice","bob"]`)
	cookie := s.login()
	const foreign, friend = "Origin: https://evil.example", "Origin: https://friend.example"
	s.wants(403, s.do(nobody, "PUT", "/hatrac/x", "x", cookie, foreign))
	s.wants(403, s.do(nobody, "PUT", "/hatrac/x", "x", cookie, "Sec-Fetch-Site: cross-site"))
	s.wants(403, s.do(nobody, "DELETE", "/authn/session", "", cookie, foreign))
	s.wants(403, s.do(nobody, "POST", "/authn/session", loginBody(alice, password), asForm, foreign))
	s.wants(200, s.do(nobody, "GET", "/authn/session", "", cookie, foreign))
	s.wants(201, s.do(nobody, "PUT", "/hatrac/y", "x", cookie, "Origin: "+s.url))
	s.wants(201, s.do(nobody, "PUT", "/hatrac/z", "x", cookie, friend))
	s.wants(201, s.do(bob, "PUT", "/hatrac/w", "x", foreign))
	s.wants(404, s.do(admin, "GET", "/hatrac/x", ""))
}

func TestTokens(t *testing.T) {
	s := newSite(t, options{})
	for _, value := range []string{"Bearer wrong", "Bearer ", "Bearer", "bearer hatrac_wrong"} {
		s.wants(401, s.do(nobody, "GET", "/hatrac/", "", "Authorization: "+value))
		s.wants(401, s.do(nobody, "GET", "/authn/session", "", "Authorization: "+value))
	}
	s.wants(200, s.do(nobody, "GET", "/hatrac/", "", "Authorization: bearer "+s.tokens[admin]))
	s.grant("/", "read", `["*"]`)
	s.wants(401, s.do(nobody, "GET", "/hatrac/", "", "Authorization: Bearer wrong"))
	s.wants(200, s.do(nobody, "GET", "/hatrac/", "", "Authorization: Basic eDp5"))
	s.wants(200, s.do(nobody, "GET", "/hatrac/", "", "Cookie: webauthn=stale"))
}

// brokenLogins is a directory of accounts that does not answer.
type brokenLogins struct{ store.Accounts }

func (brokenLogins) Session(context.Context, []byte, time.Time) (store.Session, store.User, error) {
	return store.Session{}, store.User{}, store.NewError(store.Unavailable, "", "")
}

func (brokenLogins) Token(context.Context, []byte, time.Time) (store.Token, store.User, error) {
	return store.Token{}, store.User{}, store.NewError(store.Unavailable, "", "")
}

func TestNobodyBecomesAnonymousBecauseTheDirectoryFails(t *testing.T) {
	s := newSite(t, options{rest: func(c *Config) { c.Accounts = account.New(brokenLogins{}, account.Config{}) }})
	a := s.wants(503, s.do(nobody, "GET", "/hatrac/", "", "Cookie: webauthn=x"))
	if a.Header.Get("Retry-After") == "" {
		t.Error("the client is not told when to try again")
	}
	s.wants(503, s.do(admin, "GET", "/hatrac/", ""))
	s.wants(503, s.do(nobody, "GET", "/authn/session", "", "Cookie: webauthn=x"))
	s.wants(401, s.do(nobody, "GET", "/hatrac/", ""))
}

func TestHowToLogIn(t *testing.T) {
	s := newSite(t, options{})
	a := s.wants(200, s.do(nobody, "GET", "/authn/preauth?referrer=x", ""))
	want := `{"authentication-type":"database","login_form":{"method":"post","action":"/authn/session",` +
		`"input_fields":[{"type":"text","name":"username"},{"type":"password","name":"password"}]}}` + "\n"
	if a.body != want {
		t.Errorf("preauth: %s", a.body)
	}
	if a := s.wants(200, s.do(nobody, "GET", "/authn/discovery", "")); a.body != "{}\n" {
		t.Errorf("discovery: %s", a.body)
	}
}
