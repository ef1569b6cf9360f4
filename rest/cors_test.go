package rest

import (
	"strings"
	"testing"
)

const portal = "https://portal.example"

func allowing(c *Config) { c.AllowedOrigins = []string{portal} }

// corsHeader returns what an answer says to browsers about other origins.
func (a answer) corsHeader() map[string]string {
	found := map[string]string{}
	for name, values := range a.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			found[name] = strings.Join(values, ", ")
		}
	}
	return found
}

func TestPagesOfAllowedOriginsMayReadAnswers(t *testing.T) {
	s := newSite(t, options{rest: allowing})
	s.object("/o", "x")
	for _, c := range []struct {
		name, as, method, target string
		headers                  []string
		status                   int
	}{
		{"content", admin, "GET", "/hatrac/o", nil, 200},
		{"head", admin, "HEAD", "/hatrac/o", nil, 200},
		{"a range", admin, "GET", "/hatrac/o", []string{"Range: bytes=5-"}, 416},
		{"an error", admin, "GET", "/hatrac/none", nil, 404},
		{"a refusal", nobody, "GET", "/hatrac/o", nil, 401},
		{"a bad token", nobody, "GET", "/hatrac/o", []string{"Authorization: Bearer x"}, 401},
		{"a bad URL", admin, "GET", "/hatrac/o;x", nil, 400},
		{"no method", admin, "PATCH", "/hatrac/o", nil, 405},
		{"a session", nobody, "GET", "/authn/session", nil, 404},
		{"nothing", nobody, "GET", "/nothing", nil, 404},
		{"not modified", admin, "GET", "/hatrac/o", []string{"If-None-Match: *"}, 304},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := s.wants(c.status, s.do(c.as, c.method, c.target, "", append(c.headers, "Origin: "+portal)...))
			got := a.corsHeader()
			if got["Access-Control-Allow-Origin"] != portal || got["Access-Control-Allow-Credentials"] != "true" {
				t.Errorf("the answer tells %v", got)
			}
			for _, name := range []string{
				"ETag", "Location", "Content-Location", "Content-Range", "Content-Disposition", "Content-MD5",
				"Content-SHA256", "Repr-Digest", "Link", "X-Request-Id",
			} {
				if !strings.Contains(got["Access-Control-Expose-Headers"], name) {
					t.Errorf("%s is not exposed", name)
				}
			}
			for _, other := range [][]string{nil, {"Origin: https://evil.example"}, {"Origin: null"}, {"Origin: " + portal + ".evil.example"}} {
				a := s.wants(c.status, s.do(c.as, c.method, c.target, "", append(c.headers, other...)...))
				if got := a.corsHeader(); len(got) > 0 {
					t.Errorf("%v is told %v", other, got)
				}
				if !strings.Contains(strings.Join(a.Header.Values("Vary"), ", "), "Origin") {
					t.Error("a cache may give the answer to another origin")
				}
			}
		})
	}
}

func TestPreflights(t *testing.T) {
	s := newSite(t, options{rest: allowing})
	ask := []string{
		"Origin: " + portal, "Access-Control-Request-Method: PUT",
		"Access-Control-Request-Headers: content-md5,deriva-client-context, bad header",
	}
	for target, allow := range map[string]string{
		"/hatrac/none":            "DELETE, GET, HEAD, OPTIONS, POST, PUT",
		"/hatrac/none;upload/j/0": "OPTIONS, PUT",
		"/authn/session":          "DELETE, GET, HEAD, OPTIONS, POST, PUT",
		"/authn/preauth":          "GET, HEAD, OPTIONS",
	} {
		a := s.wants(204, s.do(nobody, "OPTIONS", target, "", ask...))
		got := a.corsHeader()
		if a.Header.Get("Allow") != allow || got["Access-Control-Allow-Methods"] != allow ||
			got["Access-Control-Allow-Headers"] != "content-md5, deriva-client-context" ||
			got["Access-Control-Max-Age"] == "" || got["Access-Control-Allow-Origin"] != portal {
			t.Errorf("%s: %v", target, a.Header)
		}
		plain := s.wants(204, s.do(nobody, "OPTIONS", target, "", ask[1:]...))
		if got := plain.corsHeader(); len(got) > 0 || plain.Header.Get("Allow") != allow {
			t.Errorf("%s without an origin: %v", target, plain.Header)
		}
	}
}

func TestPagesOfAllowedOriginsMayUseTheCookie(t *testing.T) {
	s := newSite(t, options{rest: allowing})
	s.grant("/", "create", `["alice"]`)
	cookie := s.login()
	s.wants(201, s.do(nobody, "PUT", "/hatrac/x", "x", cookie, "Origin: "+portal))
	s.wants(403, s.do(nobody, "PUT", "/hatrac/y", "x", cookie, "Origin: https://evil.example"))
}

func TestWithoutAllowedOriginsNothingIsSaidAboutThem(t *testing.T) {
	s := newSite(t, options{})
	a := s.wants(200, s.do(admin, "GET", "/hatrac/", "", "Origin: "+portal))
	if got := a.corsHeader(); len(got) > 0 || strings.Contains(strings.Join(a.Header.Values("Vary"), ", "), "Origin") {
		t.Errorf("the answer tells %v", a.Header)
	}
}
