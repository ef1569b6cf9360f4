package rest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hatrac/hatrac/store/postgres"
	"github.com/hatrac/hatrac/store/postgres/pgtest"
)

// newPostgresSite is a site whose directory is in PostgreSQL, behind a proxy.
func newPostgresSite(t *testing.T, o options) (*site, *pgtest.Proxy) {
	t.Helper()
	server, err := pgtest.New("fsync=off")
	must(t, err)
	t.Cleanup(func() { must(t, server.Remove()) })
	must(t, server.Start())
	t.Cleanup(func() { must(t, server.Stop()) })
	proxy, err := server.Proxy()
	must(t, err)
	t.Cleanup(func() { must(t, proxy.Close()) })
	// One connection knows all statements after the first request of each kind.
	o.directory, err = postgres.Open(t.Context(), postgres.Config{DSN: proxy.DSN("postgres"), Migrate: true, Connections: 1})
	must(t, err)
	directory := o.directory
	t.Cleanup(func() { must(t, directory.Close()) })
	return newSite(t, o), proxy
}

func TestRequestsTakeFewRoundTripsToTheDatabase(t *testing.T) {
	s, proxy := newPostgresSite(t, options{})
	s.grant("/", "subtree-read", `["*"]`)
	s.namespace("/ns")
	s.object("/ns/o", "content")
	// A client that logs in is looked up, with one round trip more.
	for _, c := range []struct {
		as, method, target string
		status             int
		most               int64
	}{
		{nobody, "GET", "/ns/o", 200, 1},
		{nobody, "HEAD", "/ns/o", 200, 1},
		{nobody, "GET", "/ns/none", 404, 1},
		{nobody, "GET", "/ns", 200, 3},
		{admin, "GET", "/ns/o", 200, 2},
		{admin, "HEAD", "/ns/o", 200, 2},
		{admin, "PUT", "/ns/o", 201, 4},
		{admin, "PUT", "/ns/new", 201, 6},
	} {
		target := "/hatrac" + c.target
		if c.method != "PUT" {
			s.wants(c.status, s.do(c.as, c.method, target, ""))
		}
		before := proxy.Trips()
		s.wants(c.status, s.do(c.as, c.method, target, map[bool]string{true: "content"}[c.method == "PUT"]))
		if used := proxy.Trips() - before; used > c.most || used == 0 {
			t.Errorf("%s %s as %q takes %d round trips, want at most %d", c.method, c.target, c.as, used, c.most)
		}
	}
}

// Who hears of a commit that was lost can look. Nothing was made twice, or taken away.
func TestALostCommitIsAnsweredAsUnavailable(t *testing.T) {
	for name, o := range map[string]options{"inline": {}, "files": {direct: true}} {
		t.Run(name, func(t *testing.T) {
			s, proxy := newPostgresSite(t, o)
			s.object("/o", "old")
			proxy.Lose(pgtest.Answers)
			lost := s.wants(http.StatusServiceUnavailable, s.do(admin, "PUT", "/hatrac/o", "new"))
			proxy.Lose(pgtest.Commits)
			never := s.wants(http.StatusServiceUnavailable, s.do(admin, "PUT", "/hatrac/o", "never"))
			proxy.Lose(pgtest.Nothing)
			for _, a := range []answer{lost, never} {
				if a.Header.Get("Retry-After") == "" {
					t.Errorf("the answer does not say when to try again: %v", a.Header)
				}
			}
			if got := s.wants(http.StatusOK, s.do(admin, "GET", "/hatrac/o", "")).body; got != "new" {
				t.Errorf("the object has %q", got)
			}
			if got := s.wants(http.StatusOK, s.do(admin, "GET", "/hatrac/o;versions", "", "Accept: text/uri-list")).body; len(lines(got)) != 2 {
				t.Errorf("the versions are %q", got)
			}
		})
	}
}

func lines(text string) []string { return strings.Split(strings.TrimSpace(text), "\n") }
