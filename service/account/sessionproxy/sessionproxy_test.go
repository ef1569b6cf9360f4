package sessionproxy

import (
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service/account"
	"github.com/hatrac/hatrac/store"
)

const session = `{"client": {"id": "ada", "display_name": "Ada"}, "attributes": [{"id": "g1"}, "g2"],
	"since": "2026-01-02 03:04:05.678901+00:00", "expires": "2026-01-02 04:04:05+00:00", "seconds_remaining": 1800}`

// host is a real server that answers what the test says and remembers what it was asked.
type host struct {
	*httptest.Server

	mu     sync.Mutex // guards all below
	handle http.HandlerFunc
	asked  []*http.Request
}

func newHost(t *testing.T, encrypted bool, handle http.HandlerFunc) *host {
	t.Helper()
	h := &host{handle: handle}
	h.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		h.asked = append(h.asked, r)
		handle := h.handle
		h.mu.Unlock()
		handle(w, r)
	}))
	h.Config.ErrorLog = log.New(io.Discard, "", 0)
	if encrypted {
		h.StartTLS()
	} else {
		h.Start()
	}
	t.Cleanup(h.Close)
	return h
}

// answer changes what the host answers.
func (h *host) answer(handle http.HandlerFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.handle = handle
}

func (h *host) requests() []*http.Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked
}

// config leads to the host.
func (h *host) config() Config {
	return Config{
		Host: h.Listener.Addr().String(), Path: "/authn/session", Cookie: "webauthn", MaxAge: time.Hour, MaxEntries: 100,
		Resources: []string{"urn:a", "urn:b&c"}, Pause: time.Millisecond,
	}
}

func open(t *testing.T, cfg Config) *Sessions {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func tell(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func cookie(value string) account.Credentials {
	return account.Credentials{Cookies: map[string][]string{"webauthn": {value}}, CookieHeader: "a=b; webauthn=" + value}
}

func TestTheHostIsAskedAsEver(t *testing.T) {
	h := newHost(t, false, tell(200, session))
	s := open(t, h.config())
	c := cookie("x")
	c.Authorization = "Basic eDp5"
	got, err := s.Find(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	want := acl.Client{ID: "ada", DisplayName: "Ada", Roles: []string{"g1", "g2"}}
	if diff := cmp.Diff(want, got.Client); diff != "" || !got.Ambient {
		t.Errorf("%s %+v", diff, got)
	}
	if left := time.Until(got.Expires); left < 29*time.Minute || left > 31*time.Minute {
		t.Errorf("the session lasts %v", left)
	}
	if !got.Since.Equal(time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)) {
		t.Errorf("the session began at %v", got.Since)
	}
	r := h.requests()[0]
	if r.Method != "PUT" || r.RequestURI != "/authn/session?resource=urn%3Aa&resource=urn%3Ab%26c" || r.Host != h.config().Host ||
		r.Header.Get("Cookie") != "a=b; webauthn=x" || r.Header.Get("Authorization") != "Basic eDp5" {
		t.Errorf("the request is %s %s of %s with %v", r.Method, r.RequestURI, r.Host, r.Header)
	}
}

func TestTheSchemeIsThatOfTheClient(t *testing.T) {
	h := newHost(t, true, tell(200, session))
	c := cookie("x")
	if got, err := open(t, h.config()).Find(t.Context(), c); got != nil || err != nil || len(h.requests()) > 0 {
		t.Errorf("a request without TLS went by TLS: %v, %v", got, err)
	}
	c.TLS = true
	if got, err := open(t, h.config()).Find(t.Context(), c); err != nil || got == nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestTheCertificateIsChecked(t *testing.T) {
	h := newHost(t, true, tell(200, session))
	c := cookie("x")
	c.TLS = true
	cfg := h.config()
	cfg.Verify = true
	if _, err := open(t, cfg).Find(t.Context(), c); store.KindOf(err) != store.Unavailable || len(h.requests()) > 0 {
		t.Errorf("an unknown certificate is believed: %v", err)
	}
	cfg.Authorities = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.Certificate().Raw})
	if err := os.WriteFile(cfg.Authorities, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := open(t, cfg).Find(t.Context(), c); err != nil || got == nil {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"/nowhere/ca.pem", "sessionproxy_test.go"} {
		cfg.Authorities = bad
		if _, err := New(cfg); err == nil {
			t.Errorf("%s has authorities", bad)
		}
	}
}

func TestAnotherStatusIsAnonymous(t *testing.T) {
	for _, status := range []int{204, 301, 302, 307, 401, 403, 404, 409, 429} {
		h := newHost(t, false, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			tell(status, "")(w, r)
		})
		if got, err := open(t, h.config()).Find(t.Context(), cookie("x")); got != nil || err != nil || len(h.requests()) != 1 {
			t.Errorf("%d: %v, %v after %d requests", status, got, err, len(h.requests()))
		}
	}
	for _, body := range []string{`{}`, `{"client": null, "attributes": ["g"]}`} {
		h := newHost(t, false, tell(200, body))
		if got, err := open(t, h.config()).Find(t.Context(), cookie("x")); got != nil || err != nil {
			t.Errorf("%s: %v, %v", body, got, err)
		}
	}
}

func TestAHostThatFailsMakesNobodyAnonymous(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	abort := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for name, c := range map[string]struct {
		handle   http.HandlerFunc
		attempts int
	}{
		"500":              {tell(500, session), attempts},
		"503":              {tell(503, ""), attempts},
		"no end":           {hang, attempts},
		"broken off":       {abort, 1}, // and more, by the client of HTTP itself
		"no JSON":          {tell(200, "<html>"), 1},
		"a strange client": {tell(200, `{"client": 7}`), 1},
		"too much":         {tell(200, strings.Repeat(" ", maxAnswer+1)), attempts},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, false, c.handle)
			cfg := h.config()
			if name == "no end" {
				cfg.Timeout = 50 * time.Millisecond
			}
			got, err := open(t, cfg).Find(t.Context(), cookie("hunter2"))
			if got != nil || store.KindOf(err) != store.Unavailable {
				t.Errorf("got %v, %v", got, err)
			}
			if n := len(h.requests()); n < c.attempts {
				t.Errorf("it was asked %d times, want %d", n, c.attempts)
			}
			if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(store.Sentence(err), "127.0.0.1")) {
				t.Errorf("the error tells too much: %v", err)
			}
		})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nowhere := Config{Host: l.Addr().String(), Path: "/", Cookie: "webauthn", Pause: time.Millisecond}
	_ = l.Close()
	s := open(t, nowhere)
	if _, err := s.Find(t.Context(), cookie("x")); store.KindOf(err) != store.Unavailable {
		t.Errorf("got %v", err)
	}
	if s.Check(t.Context()) == nil {
		t.Error("the check finds nothing wrong")
	}
}

func TestARetryFindsTheSession(t *testing.T) {
	var n atomic.Int64
	h := newHost(t, false, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) < attempts {
			tell(502, "")(w, r)
			return
		}
		tell(200, session)(w, r)
	})
	if got, err := open(t, h.config()).Find(t.Context(), cookie("x")); err != nil || got == nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestAnswersCountForAWhile(t *testing.T) {
	h := newHost(t, false, tell(200, session))
	find := func(s *Sessions, c account.Credentials, want int) {
		t.Helper()
		if got, err := s.Find(t.Context(), c); err != nil || got == nil || len(h.requests()) != want {
			t.Errorf("got %v, %v after %d requests, want %d", got, err, len(h.requests()), want)
		}
	}
	s := open(t, h.config())
	find(s, cookie("x"), 1)
	find(s, cookie("x"), 1)
	other := cookie("x")
	other.CookieHeader = "something=else; webauthn=x" // other cookies do not matter
	find(s, other, 1)
	find(s, cookie("y"), 2)
	other.Authorization = "Bearer t"
	find(s, other, 3)
	if _, err := s.Extend(t.Context(), cookie("x")); err != nil || len(h.requests()) != 4 {
		t.Errorf("an extension is not asked for: %v", err)
	}

	// An end is told to the host and forgets the answer.
	h.answer(tell(404, ""))
	if ended, err := s.End(t.Context(), cookie("y")); ended || err != nil {
		t.Errorf("ended: %v, %v", ended, err)
	}
	if r := h.requests(); r[len(r)-1].Method != "DELETE" {
		t.Errorf("the host is asked %s", r[len(r)-1].Method)
	}
	if got, err := s.Find(t.Context(), cookie("y")); got != nil || err != nil {
		t.Errorf("a session lasts after its end: %v, %v", got, err)
	}

	h.answer(tell(200, session))
	cfg := h.config()
	cfg.MaxAge = 0
	once := open(t, cfg)
	n := len(h.requests())
	find(once, cookie("x"), n+1)
	find(once, cookie("x"), n+2)

	cfg.MaxAge, cfg.MaxEntries = time.Hour, 1
	small := open(t, cfg)
	find(small, cookie("x"), n+3)
	find(small, cookie("y"), n+4)
	find(small, cookie("x"), n+5)

	h.answer(tell(200, `{"client": "ada", "seconds_remaining": 0}`))
	over := open(t, h.config())
	find(over, cookie("x"), n+6)
	find(over, cookie("x"), n+7) // no answer counts for longer than its session
}

func TestWhatIsNobodysBusinessIsNotTold(t *testing.T) {
	h := newHost(t, false, tell(200, session))
	s := open(t, h.config())
	for _, c := range []account.Credentials{
		{},
		{Cookies: map[string][]string{"other": {"x"}}, CookieHeader: "other=x"},
		{Authorization: "Bearer hatrac_secret"},
	} {
		got, err := s.Find(t.Context(), c)
		extended, failed := s.Extend(t.Context(), c)
		ended, wrong := s.End(t.Context(), c)
		if got != nil || extended != nil || ended || err != nil || failed != nil || wrong != nil || len(h.requests()) > 0 {
			t.Errorf("%+v: %v, %d requests", c, got, len(h.requests()))
		}
	}
}
