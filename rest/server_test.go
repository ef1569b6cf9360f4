package rest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/service/account"
	"github.com/hatrac/hatrac/store"
)

func TestHealth(t *testing.T) {
	s := newSite(t, options{})
	s.wants(200, s.do(nobody, "GET", "/healthz", ""))
	s.wants(200, s.do(nobody, "HEAD", "/healthz", ""))
	s.wants(405, s.do(nobody, "POST", "/healthz", "", "Content-Type: a/b"))
	sick := newSite(t, options{rest: func(c *Config) {
		c.Health = func(context.Context) error { return errors.New("no disk at /secret") }
	}})
	a := sick.wants(503, sick.do(nobody, "GET", "/healthz", ""))
	if strings.Contains(a.body, "secret") {
		t.Errorf("the answer tells %q", a.body)
	}
}

func TestErrorsComeInTheFormatThatTheClientLikes(t *testing.T) {
	s := newSite(t, options{})
	const detail = "There is no namespace or object of this name."
	a := s.wants(404, s.do(admin, "GET", "/hatrac/%c3%a9?secret", ""))
	if want := "/hatrac/%C3%A9: " + detail + "\n"; a.body != want || a.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("got %q, want %q", a.body, want)
	}
	a = s.wants(404, s.do(admin, "GET", "/hatrac/a", "", "Accept: application/problem+json"))
	var p problem
	must(t, json.Unmarshal([]byte(a.body), &p))
	const members = `{"type":"about:blank","title":"Not Found","status":404,"detail":"` + detail + `","instance":"/hatrac/a",`
	if !strings.HasPrefix(a.body, members) {
		t.Errorf("the problem is %s", a.body)
	}
	want := problem{Type: "about:blank", Title: "Not Found", Status: 404, Detail: detail, Instance: "/hatrac/a", Request: a.Header.Get("X-Request-Id")}
	if p != want || a.Header.Get("Content-Type") != typeProblem {
		t.Errorf("got %+v, want %+v", p, want)
	}
	a = s.wants(404, s.do(admin, "GET", "/hatrac/a", "", "Accept: text/html, */*;q=0.1"))
	if a.Header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(a.body, detail) || !strings.Contains(a.body, "<footer>") {
		t.Errorf("got %s", a.body)
	}
	head := s.wants(404, s.do(admin, "HEAD", "/hatrac/a", ""))
	if head.body != "" || head.Header.Get("Content-Length") == "" {
		t.Errorf("HEAD has %q", head.body)
	}
	s.wants(404, s.do(admin, "GET", "/other", ""))
	s.wants(404, s.do(admin, "GET", "/hatracs", ""))
	s.wants(404, s.do(admin, "GET", "/authn/../hatrac", ""))
}

func TestEveryKindOfErrorHasAStatus(t *testing.T) {
	for kind, want := range map[store.ErrorKind]int{
		store.Internal: 500, store.NotFound: 404, store.Exists: 409, store.WrongKind: 409, store.NotEmpty: 409,
		store.Unauthenticated: 401, store.Denied: 403, store.Precondition: 412, store.Conflict: 409,
		store.Invalid: 400, store.TooLong: 400, store.TooLarge: 413, store.LengthRequired: 411,
		store.ReadOnly: 403, store.NoSpace: 507, store.Unavailable: 503, store.Interrupted: 499,
	} {
		if got := statusOf(kind); got != want {
			t.Errorf("kind %d: %d, want %d", kind, got, want)
		}
	}
}

func TestTheLogHasOneLineForEachRequest(t *testing.T) {
	s := newSite(t, options{})
	a := s.do(bob, "GET", "/hatrac/a?password=hush", "", "Cookie: webauthn=hush")
	s.do(admin, "PUT", "/hatrac/b", "12345")
	lines := s.log.lines(2)
	var line map[string]any
	must(t, json.Unmarshal([]byte(lines[0]), &line))
	delete(line, "ms")
	for name, want := range map[string]any{
		"level": "info", "message": "request", "method": "GET", "path": "/hatrac/a", "status": 404.0,
		"client": "bob", "remote": "127.0.0.1", "request": a.Header.Get("X-Request-Id"),
		"error": "/a: There is no namespace or object of this name.",
	} {
		if line[name] != want {
			t.Errorf("%s is %v, want %v", name, line[name], want)
		}
	}
	var put map[string]any
	must(t, json.Unmarshal([]byte(lines[1]), &put))
	if put["in"] != 5.0 || put["status"] != 201.0 || put["error"] != nil {
		t.Errorf("the line of the PUT is %s", lines[1])
	}
	if text := s.log.String(); strings.Contains(text, "hush") || strings.Contains(text, s.tokens[bob]) {
		t.Errorf("the log tells secrets: %s", text)
	}
}

func TestTheLogBelievesTrustedProxiesOnly(t *testing.T) {
	for want, proxies := range map[string][]string{"10.1.2.3": {"127.0.0.0/8"}, "127.0.0.1": nil} {
		s := newSite(t, options{rest: func(c *Config) { c.TrustedProxies = proxies }})
		s.do(nobody, "GET", "/hatrac/", "", "X-Forwarded-For: 10.1.2.3")
		if line := s.log.lines(1)[0]; !strings.Contains(line, `"remote":"`+want+`"`) {
			t.Errorf("proxies %v: %s", proxies, line)
		}
	}
}

func TestAPanicIsAnInternalErrorThatTellsNothing(t *testing.T) {
	s := newSite(t, options{rest: func(c *Config) {
		c.Health = func(context.Context) error { panic("secret") }
	}})
	a := s.wants(500, s.do(nobody, "GET", "/healthz", ""))
	if strings.Contains(a.body, "secret") || strings.Contains(a.body, "goroutine") {
		t.Errorf("the answer tells %q", a.body)
	}
	if text := s.log.lines(1)[0]; !strings.Contains(text, "secret") || !strings.Contains(text, "goroutine") {
		t.Errorf("the log tells %q", text)
	}
}

// A client that has gone gets no answer, and the log says so.
func TestNobodyIsAnsweredWhoHasGone(t *testing.T) {
	s := newSite(t, options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req := httptest.NewRequest("GET", "/hatrac/", nil).WithContext(ctx)
	req.Header.Set("Authorization", "Bearer "+s.tokens[admin])
	defer func() {
		if cause := recover(); cause != http.ErrAbortHandler { //nolint:errorlint // thrown as it is
			t.Errorf("recovered %v", cause)
		}
		if !strings.Contains(s.log.String(), `"status":499`) {
			t.Errorf("the log tells %s", s.log)
		}
	}()
	s.server.ServeHTTP(httptest.NewRecorder(), req)
}

func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no service":             func(c *Config) { c.Service = nil },
		"no accounts":            func(c *Config) { c.Accounts = nil },
		"prefix is the root":     func(c *Config) { c.Prefix = "/" },
		"prefix is authn":        func(c *Config) { c.Prefix = "/authn" },
		"prefix in authn":        func(c *Config) { c.Prefix = "/authn/x" },
		"prefix is healthz":      func(c *Config) { c.Prefix = "/healthz" },
		"prefix is not a path":   func(c *Config) { c.Prefix = "/a b" },
		"sessions in the store":  func(c *Config) { c.SessionPath = "/hatrac/session" },
		"sessions at a pattern":  func(c *Config) { c.SessionPath = "/:x" },
		"sessions at preauth":    func(c *Config) { c.SessionPath = "/authn/preauth" },
		"sessions at healthz":    func(c *Config) { c.SessionPath = "/healthz" },
		"proxy is not a network": func(c *Config) { c.TrustedProxies = []string{"proxy.example"} },
		"origin is not one":      func(c *Config) { c.TrustedOrigins = []string{"friend"} },
	} {
		cfg := Config{Service: &service.Service{}, Accounts: &account.Accounts{}}
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestAnotherPrefix(t *testing.T) {
	s := newSite(t, options{rest: func(c *Config) { c.Prefix = "/files/v1/" }})
	s.wants(404, s.do(admin, "GET", "/hatrac/", ""))
	a := s.wants(201, s.do(admin, "PUT", "/files/v1/o", "x"))
	if !strings.HasPrefix(a.Header.Get("Location"), "/files/v1/o:") {
		t.Errorf("Location is %s", a.Header.Get("Location"))
	}
}

// Whatever a request has in it, its line of the log is one, and says so.
func TestNothingInARequestForgesALineOfTheLog(t *testing.T) {
	s := newSite(t, options{})
	const path, agent = `/hatrac/%0A","status":200,"x":"\`, `x","status":200,"level":"error","x":"\`
	a := s.wants(400, s.raw("PUT", "PUT "+path+" HTTP/1.1\r\nUser-Agent: "+agent+"\r\n"+s.authorized(bob)+"Content-Length: 0\r\n\r\n"))
	lines := s.log.lines(1)
	var line map[string]any
	must(t, json.Unmarshal([]byte(lines[0]), &line))
	for name, want := range map[string]any{
		"path": path, "agent": agent, "status": 400.0, "level": "info", "method": "PUT", "client": bob, "request": a.Header.Get("X-Request-Id"),
	} {
		if line[name] != want {
			t.Errorf("%s is %v, want %v", name, line[name], want)
		}
	}
	if line["x"] != nil || len(lines) != 1 {
		t.Errorf("the log has %q", lines)
	}
}

func TestEveryRequestHasAnIdOfItsOwn(t *testing.T) {
	s := newSite(t, options{})
	seen := map[string]bool{}
	for _, c := range []struct{ method, target string }{
		{"GET", "/hatrac/"},
		{"GET", "/hatrac/"},
		{"PUT", "/hatrac/o"},
		{"LINK", "/hatrac/"},
		{"GET", "/hatrac/.."},
		{"GET", "/none"},
		{"GET", "/healthz"},
		{"GET", "/authn/session"},
		{"OPTIONS", "/hatrac/"},
		{"DELETE", "/hatrac/none"},
	} {
		a := s.do(admin, c.method, c.target, "")
		if id := a.Header.Get("X-Request-Id"); len(id) < 16 || seen[id] {
			t.Errorf("%s %s has the id %q", c.method, c.target, id)
		}
		seen[a.Header.Get("X-Request-Id")] = true
	}
}
