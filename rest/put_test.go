package rest

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// The limit of the configuration's default is that of the protocol.
func TestHowMuchContentOneRequestMayBring(t *testing.T) {
	s := newSite(t, options{})
	for size, status := range map[int]int{134_217_728: http.StatusContinue, 134_217_729: http.StatusRequestEntityTooLarge} {
		head := "PUT /hatrac/o HTTP/1.1\r\n" + s.authorized(admin) + "Content-Length: " + strconv.Itoa(size) + "\r\nExpect: 100-continue\r\n\r\n"
		s.wants(status, s.raw("PUT", head))
	}
}

// What else a request brings is not asked for its length, nor measured by the limit of content.
func TestOnlyContentNeedsALengthAndHasALimit(t *testing.T) {
	s := newSite(t, options{rest: func(c *Config) { c.MaxRequestPayload = 10 }})
	s.object("/o", "x", "Content-Type: a/b")
	bare, full := s.upload("/o", emptyUpload), s.upload("/o", emptyUpload)
	for _, request := range []string{
		"PUT /hatrac/bare HTTP/1.1\r\n" + asNamespace + "\r\n",
		"PUT /hatrac/o;acl/read/bare HTTP/1.1\r\n",
		"POST /hatrac" + bare + " HTTP/1.1\r\n",
	} {
		if a := s.raw("", request+s.authorized(admin)+"\r\n"); a.StatusCode >= 300 {
			t.Errorf("without a length: %q: %d %s", request, a.StatusCode, a.body)
		}
	}
	const much = "more than content may have"
	asPlain := []string{"Content-Type: text/plain"}
	s.play(t, []step{
		{as: admin, method: "PUT", target: "/full", body: much, headers: []string{asNamespace}, status: 201},
		{as: admin, method: "PUT", target: "/o;acl/read/full", body: much, status: 204},
		{as: admin, method: "POST", target: full, body: much, status: 201},
		{as: admin, method: "PUT", target: "/o;acl/read", body: `["alice", "bob"]`, headers: []string{asJSON}, status: 204},
		{as: admin, method: "PUT", target: "/o;metadata/content-type", body: "text/plain; charset=utf-8", headers: asPlain, status: 204},
		{as: admin, method: "POST", target: "/o", body: restoring, headers: []string{asJSON}, status: 204},
	})
}

const emptyUpload = `{"chunk-length": 1, "content-length": 0}`

func TestANewVersionIsWhereItsURLSays(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	a := s.wants(http.StatusCreated, s.do(admin, "PUT", "/hatrac/ns/a%20b", "x"))
	url, whole := strings.CutSuffix(a.body, "\n")
	if !whole || !strings.HasPrefix(url, "/hatrac/ns/a%20b:") || a.Header.Get("Location") != url || a.Header.Get("Content-Type") != typeURIList {
		t.Fatalf("the version is told as %q, at %q", a.body, a.Header.Get("Location"))
	}
	there := map[string]string{"Content-Location": url, "Content-Disposition": "filename*=UTF-8''a%20b"}
	s.play(t, []step{
		{as: admin, method: "GET", target: strings.TrimPrefix(url, "/hatrac"), status: 200, answer: "x", has: there},
		{as: admin, method: "GET", target: "/ns/a%20b", status: 200, answer: "x", has: there},
	})
}
