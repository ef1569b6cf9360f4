package rest

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// step is one request of a conformance table with what must come of it.
type step struct {
	as      string
	method  string
	target  string // without prefix
	body    string
	headers []string
	status  int
	// has are header fields that must be there with that value; an empty value means
	// that the field must not be there.
	has map[string]string
	// answer is the body, if it is given.
	answer string
}

func (st step) name() string {
	who := st.as
	if who == nobody {
		who = "nobody"
	}
	return who + " " + st.method + " " + st.target + " " + strings.Join(st.headers, " ")
}

// sentence is how errors are told: of which resource, and what is wrong.
var sentence = regexp.MustCompile(`^/[^\n]*: [A-Z][^\n]+\.\n$`)

func (s *site) play(t *testing.T, steps []step) {
	t.Helper()
	for i, st := range steps {
		t.Run(strconv.Itoa(i)+" "+st.name(), func(t *testing.T) {
			a := s.do(st.as, st.method, "/hatrac"+st.target, st.body, st.headers...)
			if a.StatusCode != st.status {
				t.Errorf("status %d, want %d; %s", a.StatusCode, st.status, a.body)
			}
			for name, want := range st.has {
				if got := strings.Join(a.Header.Values(name), ", "); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if st.answer != "" && a.body != st.answer {
				t.Errorf("body %q, want %q", a.body, st.answer)
			}
			if a.Header.Get("X-Request-Id") == "" {
				t.Error("the answer has no request id")
			}
			if a.StatusCode >= 400 && st.method != http.MethodHead && !sentence.MatchString(a.body) {
				t.Errorf("the error is told as %q", a.body)
			}
			if st.method == http.MethodHead && a.body != "" {
				t.Errorf("HEAD has a body: %q", a.body)
			}
		})
	}
}

const asNamespace = "Content-Type: " + typeNamespace

// What can happen to a name: (method × state × client → status).
func TestStatusOfNames(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	s.namespace("/ns/sub")
	s.namespace("/gone")
	s.object("/ns/obj", "hello")
	s.object("/ns/empty", "x")
	s.object("/ns/dead", "x")
	s.grant("/ns", "read", `["alice"]`)
	s.grant("/ns", "create", `["alice"]`)
	s.wants(http.StatusNoContent, s.do(admin, http.MethodDelete, "/hatrac/gone", ""))
	s.wants(http.StatusNoContent, s.do(admin, http.MethodDelete, "/hatrac/ns/dead", ""))
	versions := s.do(admin, http.MethodGet, "/hatrac/ns/empty;versions", "", "Accept: text/uri-list").body
	s.wants(http.StatusNoContent, s.do(admin, http.MethodDelete, strings.TrimSpace(versions), ""))

	s.play(t, []step{
		// Reading.
		{as: admin, method: "GET", target: "/", status: 200, answer: `["/hatrac/ns"]` + "\n"},
		{as: admin, method: "GET", target: "", status: 200, answer: `["/hatrac/ns"]` + "\n"},
		{as: alice, method: "GET", target: "/ns", status: 200, answer: `["/hatrac/ns/empty","/hatrac/ns/obj","/hatrac/ns/sub"]` + "\n"},
		{as: alice, method: "GET", target: "/ns/", status: 200},
		{as: alice, method: "GET", target: "/ns?cid=x;y&z", status: 200},
		{as: bob, method: "GET", target: "/ns", status: 403},
		{as: nobody, method: "GET", target: "/ns", status: 401, has: map[string]string{"WWW-Authenticate": `Bearer realm="hatrac"`}},
		{as: nobody, method: "HEAD", target: "/ns", status: 401},
		{as: admin, method: "GET", target: "/nothing", status: 404},
		{as: nobody, method: "GET", target: "/nothing", status: 404},
		{as: admin, method: "HEAD", target: "/nothing", status: 404},
		{as: admin, method: "GET", target: "/gone", status: 404},
		{as: admin, method: "GET", target: "/ns/dead", status: 404},
		{as: admin, method: "GET", target: "/ns/empty", status: 409},
		{as: admin, method: "HEAD", target: "/ns/empty", status: 409},
		{as: admin, method: "GET", target: "/ns/obj", status: 200, answer: "hello"},
		{as: alice, method: "GET", target: "/ns/obj", status: 403},
		{as: nobody, method: "GET", target: "/ns/obj", status: 401},
		{as: admin, method: "GET", target: "/ns/obj:none", status: 404},
		{as: admin, method: "GET", target: "/ns:v", status: 404},
		{as: admin, method: "GET", target: "/ns/obj/below", status: 404},

		// Syntax comes before everything.
		{as: nobody, method: "GET", target: "/ns/..", status: 400},
		{as: nobody, method: "GET", target: "/ns/%2e%2e", status: 400},
		{as: nobody, method: "GET", target: "/ns/a%00b", status: 400},
		{as: nobody, method: "GET", target: "/ns/a@b", status: 400},
		{as: nobody, method: "GET", target: "/ns;nothing", status: 400},
		{as: nobody, method: "PATCH", target: "/ns;nothing", status: 400},

		// Then the method.
		{as: nobody, method: "PATCH", target: "/nothing", status: 405, has: map[string]string{"Allow": "DELETE, GET, HEAD, OPTIONS, POST, PUT"}},
		{as: nobody, method: "PUT", target: "/nothing:v", status: 405, has: map[string]string{"Allow": "DELETE, GET, HEAD, OPTIONS, POST"}},
		{as: nobody, method: "PUT", target: "/ns;versions", status: 405, has: map[string]string{"Allow": "GET, HEAD, OPTIONS"}},
		{as: nobody, method: "PUT", target: "/ns;acl", status: 405, has: map[string]string{"Allow": "GET, HEAD, OPTIONS"}},
		{as: nobody, method: "DELETE", target: "/ns;metadata", status: 405},
		{as: nobody, method: "POST", target: "/ns;acl/read", status: 405, has: map[string]string{"Allow": "DELETE, GET, HEAD, OPTIONS, PUT"}},
		{as: nobody, method: "OPTIONS", target: "/nothing", status: 204, has: map[string]string{"Allow": "DELETE, GET, HEAD, OPTIONS, POST, PUT"}},

		// Creating namespaces.
		{as: alice, method: "PUT", target: "/ns/new", headers: []string{asNamespace}, status: 201, has: map[string]string{
			"Location": "/hatrac/ns/new", "Content-Type": "text/uri-list", "Content-Length": "15",
		}, answer: "/hatrac/ns/new\n"},
		{as: alice, method: "PUT", target: "/ns/new2/", headers: []string{"Content-Type: Application/X-Hatrac-Namespace; a=b"}, status: 201, answer: "/hatrac/ns/new2\n"},
		{as: alice, method: "PUT", target: "/ns/%7eb%c3%a9", headers: []string{asNamespace}, status: 201, answer: "/hatrac/ns/~b%C3%A9\n"},
		{as: alice, method: "PUT", target: "/ns/new", headers: []string{asNamespace}, status: 409},
		{as: admin, method: "PUT", target: "/", headers: []string{asNamespace}, status: 409},
		{as: bob, method: "PUT", target: "/ns/other", headers: []string{asNamespace}, status: 403},
		{as: nobody, method: "PUT", target: "/ns/other", headers: []string{asNamespace}, status: 401},
		{as: admin, method: "PUT", target: "/missing/x", headers: []string{asNamespace}, status: 404},
		{as: admin, method: "PUT", target: "/missing/x?parents=false", headers: []string{asNamespace}, status: 404},
		{as: admin, method: "PUT", target: "/missing/x?parents=1", headers: []string{asNamespace}, status: 404},
		{as: admin, method: "PUT", target: "/made/on/the/way?parents=TRUE", headers: []string{asNamespace}, status: 201},
		{as: admin, method: "GET", target: "/made/on", status: 200, answer: `["/hatrac/made/on/the"]` + "\n"},
		{as: admin, method: "PUT", target: "/ns/obj/x", headers: []string{asNamespace}, status: 409},
		{as: admin, method: "PUT", target: "/gone", headers: []string{asNamespace}, status: 409},
		{as: admin, method: "PUT", target: "/ns/dead", headers: []string{asNamespace}, status: 409},
		{as: admin, method: "PUT", target: "/ns/" + strings.Repeat("a", 255), headers: []string{asNamespace}, status: 201},
		{as: admin, method: "PUT", target: "/ns/" + strings.Repeat("a", 256), headers: []string{asNamespace}, status: 400},
		{as: admin, method: "PUT", target: "/ns/" + strings.Repeat("%c3%a9", 128), headers: []string{asNamespace}, status: 400},

		// Creating objects, and versions of them whatever the type says.
		{as: alice, method: "PUT", target: "/ns/mine", body: "one", status: 201},
		{as: alice, method: "GET", target: "/ns/mine", status: 200, answer: "one"},
		{as: alice, method: "PUT", target: "/ns/mine", body: "two", headers: []string{asNamespace}, status: 201},
		{as: alice, method: "GET", target: "/ns/mine", status: 200, answer: "two", has: map[string]string{"Content-Type": typeNamespace}},
		{as: bob, method: "PUT", target: "/ns/mine", body: "x", status: 403},
		{as: nobody, method: "PUT", target: "/ns/mine", body: "x", status: 401},
		{as: nobody, method: "PUT", target: "/ns/other", body: "x", status: 401},
		{as: admin, method: "PUT", target: "/ns/sub", body: "x", status: 409},
		{as: bob, method: "PUT", target: "/ns/sub", body: "x", status: 403},
		{as: nobody, method: "PUT", target: "/ns/sub", body: "x", status: 401},
		{as: admin, method: "PUT", target: "/missing/x", body: "x", status: 404},
		{as: admin, method: "PUT", target: "/also/made/x?parents=true", body: "x", status: 201},
		{as: admin, method: "PUT", target: "/ns/obj/x", body: "x", status: 409},
		{as: admin, method: "PUT", target: "/ns/dead", body: "x", status: 409},
		{as: admin, method: "PUT", target: "/ns/empty", body: "x", headers: []string{"If-None-Match: *"}, status: 201},

		// Deleting.
		{as: nobody, method: "DELETE", target: "/ns/mine", status: 401},
		{as: bob, method: "DELETE", target: "/ns/mine", status: 403},
		{as: admin, method: "DELETE", target: "/nothing", status: 404},
		{as: admin, method: "DELETE", target: "/gone", status: 404},
		{as: alice, method: "DELETE", target: "/ns", status: 403},
		{as: alice, method: "DELETE", target: "/ns/mine", status: 204, has: map[string]string{"Content-Type": "", "Content-Length": ""}},
		{as: alice, method: "DELETE", target: "/ns/mine", status: 404},
		{as: admin, method: "DELETE", target: "/", status: 403},
		{as: nobody, method: "DELETE", target: "/", status: 401},
		{as: admin, method: "DELETE", target: "/ns", status: 204},
		{as: admin, method: "GET", target: "/ns/obj", status: 404},
		{as: admin, method: "PUT", target: "/ns/x", body: "x", status: 404},
	})
}

func TestVersionsOfAnObject(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	one, first := s.object("/ns/o", "one")
	two, second := s.object("/ns/o", "two")
	path := func(url string) string { return strings.TrimPrefix(url, "/hatrac") }
	s.play(t, []step{
		{as: admin, method: "GET", target: "/ns/o;versions", status: 200, answer: `["` + two + `","` + one + `"]` + "\n"},
		{as: admin, method: "GET", target: "/ns/o;versions/", headers: []string{"Accept: text/uri-list"}, status: 200, answer: two + "\n" + one + "\n"},
		{as: admin, method: "GET", target: "/ns/o;versions", headers: []string{"Accept: text/html"}, status: 200, has: map[string]string{"Content-Type": "text/html; charset=utf-8"}},
		{as: admin, method: "HEAD", target: "/ns/o;versions", status: 200, has: map[string]string{"Content-Type": "application/json"}},
		{as: admin, method: "GET", target: "/ns;versions", status: 404},
		{as: admin, method: "GET", target: "/none;versions", status: 404},
		{as: bob, method: "GET", target: "/ns/o;versions", status: 403},
		{as: nobody, method: "GET", target: "/ns/o;versions", status: 401},
		{as: admin, method: "GET", target: path(one) + ";versions", status: 404},
		{as: admin, method: "GET", target: path(one), status: 200, answer: "one", has: map[string]string{
			"Etag": `"` + first + `"`, "Content-Location": one,
		}},
		{as: admin, method: "GET", target: "/ns/o", status: 200, answer: "two", has: map[string]string{
			"Etag": `"` + second + `"`, "Content-Location": two,
		}},
		{as: bob, method: "DELETE", target: path(two), status: 403},
		{as: bob, method: "DELETE", target: path(two), headers: []string{"If-Match: naked"}, status: 403},
		{as: admin, method: "DELETE", target: path(two), headers: []string{"If-Match: naked"}, status: 400},
		{as: bob, method: "DELETE", target: "/ns/o", headers: []string{"If-None-Match: naked"}, status: 403},
		{as: admin, method: "DELETE", target: "/ns/o", headers: []string{"If-None-Match: naked"}, status: 400},
		{as: admin, method: "DELETE", target: path(two), headers: []string{`If-Match: "x"`}, status: 412, has: map[string]string{"Etag": `"` + second + `"`}},
		{as: admin, method: "DELETE", target: path(two), status: 204},
		{as: admin, method: "DELETE", target: path(two), status: 404},
		{as: admin, method: "GET", target: path(two), status: 404},
		{as: admin, method: "GET", target: "/ns/o", status: 200, answer: "one"},
		{as: admin, method: "DELETE", target: path(one), status: 204},
		{as: admin, method: "GET", target: "/ns/o;versions", status: 200, answer: "[]\n"},
		{as: admin, method: "GET", target: "/ns/o;versions", headers: []string{"Accept: text/uri-list"}, status: 200, answer: "\n"},
		{as: admin, method: "GET", target: "/ns/o", status: 409},
		{as: admin, method: "GET", target: "/ns/o;metadata", status: 409},
		{as: admin, method: "PUT", target: "/ns/o", body: "three", headers: []string{`If-Match: *`}, status: 412},
		{as: admin, method: "PUT", target: "/ns/o", body: "three", headers: []string{`If-None-Match: *`}, status: 201},
	})
}

func TestFirewallComesBeforeTheResource(t *testing.T) {
	s := newSite(t, options{firewall: readOnly()})
	s.play(t, []step{
		{as: admin, method: "PUT", target: "/none/x", body: "x", status: 403},
		{as: nobody, method: "PUT", target: "/none/x", headers: []string{asNamespace}, status: 401},
		{as: admin, method: "DELETE", target: "/none", status: 403},
		{as: admin, method: "PUT", target: "/none;acl/read/x", status: 403},
		{as: admin, method: "PUT", target: "/none;metadata/content-type", body: "a/b", headers: []string{"Content-Type: text/plain"}, status: 403},
		{as: admin, method: "GET", target: "/", status: 200, answer: "[]\n"},
	})
}
