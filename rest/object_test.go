package rest

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func (s *site) authorized(client string) string {
	return "Host: x\r\nAuthorization: Bearer " + s.tokens[client] + "\r\n"
}

func TestWhatContentNeeds(t *testing.T) {
	s := newSite(t, options{rest: func(c *Config) { c.MaxRequestPayload = 10 }})
	s.namespace("/ns")
	s.object("/ns/o", "old")
	md5Sum, sha256Sum := sums("hello")
	otherMD5, otherSHA256 := sums("other")
	put := func(status int, headers ...string) step {
		return step{as: admin, method: "PUT", target: "/ns/new", body: "hello", headers: headers, status: status}
	}
	s.play(t, []step{
		put(400, "Content-MD5: nonsense"),
		put(400, "Content-MD5: "+otherMD5),
		put(400, "Content-SHA256: "+otherSHA256),
		put(400, "Content-SHA256: "+md5Sum),
		put(400, "Content-Type: nonsense"),
		put(400, "Content-Disposition: attachment; filename=x"),
		put(400, "Content-Disposition: filename*=UTF-8''a%2Fb"),
		put(400, "Content-Disposition: filename*=UTF-8''a%5Cb"),
		put(400, "Content-Disposition: filename*=UTF-8''a b"),
		put(400, "If-Match: naked"),
		put(400, "Hatrac-ACL-create: x"),
		put(412, `If-Match: *`),
		put(412, `If-Match: "x"`),
		// Rights and state come first, then sizes, then malformed fields, then conditions.
		{as: bob, method: "PUT", target: "/ns/new", body: strings.Repeat("x", 11), headers: []string{"Content-MD5: x"}, status: 403},
		{as: admin, method: "PUT", target: "/ns", body: strings.Repeat("x", 11), headers: []string{"Content-MD5: x"}, status: 409},
		{as: admin, method: "PUT", target: "/ns/new", body: strings.Repeat("x", 11), headers: []string{"Content-MD5: x", "If-Match: *"}, status: 413},
		{as: admin, method: "PUT", target: "/ns/new", body: "hello", headers: []string{"Content-MD5: x", "If-Match: *"}, status: 400},
		{as: admin, method: "PUT", target: "/ns/new", body: "hello", headers: []string{"Content-MD5: " + otherMD5, "If-Match: *"}, status: 412},
		{as: admin, method: "GET", target: "/ns/new", status: 404},
		put(201, "Content-MD5: "+md5Sum, "Content-SHA256: "+sha256Sum, "If-None-Match: *"),
		put(412, "If-None-Match: *"),
		put(201),
	})
}

func TestContentNeedsALength(t *testing.T) {
	s := newSite(t, options{})
	put := func(target, rest string) answer {
		return s.raw("PUT", "PUT /hatrac"+target+" HTTP/1.1\r\n"+s.authorized(admin)+rest)
	}
	s.wants(http.StatusLengthRequired, put("/o", "\r\n"))
	s.wants(http.StatusNotFound, put("/no/o", "\r\n"))
	s.wants(http.StatusNotFound, s.do(admin, "GET", "/hatrac/o", ""))
	s.wants(http.StatusCreated, put("/empty", "Content-Length: 0\r\n\r\n"))
	s.wants(http.StatusCreated, put("/chunked", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"))
	s.wants(http.StatusCreated, put("/none", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"))
	s.wants(http.StatusCreated, put("/ns", "Content-Type: "+typeNamespace+"\r\n\r\n"))
	s.wants(http.StatusNoContent, put("/ns;acl/read/x", "\r\n"))
	s.play(t, []step{
		{as: admin, method: "GET", target: "/chunked", status: 200, answer: "abcde", has: map[string]string{"Content-Length": "5"}},
		{as: admin, method: "GET", target: "/none", status: 200, has: map[string]string{"Content-Length": "0"}},
	})
}

func TestTooMuchContentIsRefusedBeforeItIsRead(t *testing.T) {
	s := newSite(t, options{rest: func(c *Config) { c.MaxRequestPayload = 1000 }})
	head := "PUT /hatrac/o HTTP/1.1\r\n" + s.authorized(admin)
	// No byte of the content is sent, and nobody waits for it.
	s.wants(http.StatusRequestEntityTooLarge, s.raw("PUT", head+"Content-Length: 5000000000\r\nExpect: 100-continue\r\n\r\n"))
	s.wants(http.StatusRequestEntityTooLarge, s.raw("PUT", head+"Content-Length: 5000000000\r\n\r\n"))
	// A chunked one is refused while it still goes on.
	chunk := "258\r\n" + strings.Repeat("x", 600) + "\r\n"
	endless := strings.Repeat(chunk, 1000)
	conn := s.dial()
	go func() { _, _ = io.WriteString(conn, head+"Transfer-Encoding: chunked\r\n\r\n"+endless) }()
	s.wants(http.StatusRequestEntityTooLarge, s.read(conn, "PUT"))
	s.wants(http.StatusCreated, s.do(admin, "PUT", "/hatrac/o", strings.Repeat("x", 1000)))
	s.wants(http.StatusCreated, s.raw("PUT", head+"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n3E8\r\n"+strings.Repeat("x", 1000)+"\r\n0\r\n\r\n"))
	s.wants(http.StatusRequestEntityTooLarge, s.raw("PUT", head+"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n3E9\r\n"+strings.Repeat("x", 1001)+"\r\n0\r\n\r\n"))
}

func TestRefusedClientsNeedNotSendContent(t *testing.T) {
	s := newSite(t, options{})
	head := "PUT /hatrac/o HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\nExpect: 100-continue\r\n"
	s.wants(http.StatusUnauthorized, s.raw("PUT", head+"\r\n"))
	s.wants(http.StatusForbidden, s.raw("PUT", head+"Authorization: Bearer "+s.tokens[bob]+"\r\n\r\n"))
	s.wants(http.StatusPreconditionFailed, s.raw("PUT", head+"If-Match: *\r\nAuthorization: Bearer "+s.tokens[admin]+"\r\n\r\n"))
}

func TestContentThatEndsEarlyCreatesNothing(t *testing.T) {
	for _, encoding := range []string{"Content-Length: 100\r\n\r\nshort", "Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n"} {
		s := newSite(t, options{direct: true})
		conn := s.dial()
		_, err := io.WriteString(conn, "PUT /hatrac/o HTTP/1.1\r\n"+s.authorized(admin)+encoding)
		must(t, err)
		must(t, conn.CloseWrite())
		s.wants(http.StatusBadRequest, s.read(conn, "PUT"))
		s.wants(http.StatusNotFound, s.do(admin, "GET", "/hatrac/o", ""))
	}
}

func TestAStalledClientIsGivenUp(t *testing.T) {
	s := newSite(t, options{rest: func(c *Config) { c.Stall = 50 * time.Millisecond }})
	conn := s.dial()
	_, err := io.WriteString(conn, "PUT /hatrac/o HTTP/1.1\r\n"+s.authorized(admin)+"Content-Length: 100\r\n\r\nshort")
	must(t, err)
	a := s.wants(http.StatusBadRequest, s.read(conn, "PUT"))
	if !a.Close {
		t.Error("the connection stays open, with the rest of the content to come")
	}
	// Nor does a refused one hold anything by keeping its content back.
	conn = s.dial()
	_, err = io.WriteString(conn, "PUT /hatrac/no/o HTTP/1.1\r\n"+s.authorized(admin)+"Content-Length: 100\r\n\r\n")
	must(t, err)
	s.wants(http.StatusNotFound, s.read(conn, "PUT"))
}

func TestManyAtOnceMakeAVersionEach(t *testing.T) {
	s := newSite(t, options{})
	const n = rivals
	put := func(headers ...string) map[int]int {
		var mu sync.Mutex // guards got
		got := map[int]int{}
		var wait sync.WaitGroup
		for i := range n {
			wait.Go(func() {
				a := s.do(admin, "PUT", "/hatrac/o", fmt.Sprint("content ", i), headers...)
				mu.Lock()
				defer mu.Unlock()
				got[a.StatusCode]++
			})
		}
		wait.Wait()
		return got
	}
	if got := put(); got[201] != n {
		t.Errorf("unconditional: %v", got)
	}
	if got := strings.Count(s.do(admin, "GET", "/hatrac/o;versions", "", "Accept: text/uri-list").body, "\n"); got != n {
		t.Errorf("there are %d versions", got)
	}
	tag := s.do(admin, "HEAD", "/hatrac/o", "").Header.Get("Etag")
	if got := put("If-Match: " + tag); got[201] != 1 || got[412] != n-1 {
		t.Errorf("If-Match: %v", got)
	}
}

func TestInitialLists(t *testing.T) {
	s := newSite(t, options{})
	s.wants(201, s.do(admin, "PUT", "/hatrac/ns", "", asNamespace, "Hatrac-ACL-Create: alice, b%6Fb", "Hatrac-ACL-create: x%2Cy", "Hatrac-ACL-subtree-read: *"))
	s.wants(201, s.do(alice, "PUT", "/hatrac/ns/o", "x", "Hatrac-ACL-owner: bob"))
	s.play(t, []step{
		{as: admin, method: "GET", target: "/ns;acl/create", status: 200, answer: `["alice","bob","x,y"]` + "\n"},
		{as: admin, method: "GET", target: "/ns;acl/owner", status: 200, answer: `["admin"]` + "\n"},
		{as: nobody, method: "GET", target: "/ns/o", status: 200, answer: "x"},
		{as: admin, method: "GET", target: "/ns/o;acl/owner", status: 200, answer: `["bob"]` + "\n"},
		{as: admin, method: "PUT", target: "/ns/p", headers: []string{asNamespace, "Hatrac-ACL-nothing: x"}, status: 400},
		{as: admin, method: "PUT", target: "/ns/p", headers: []string{asNamespace, "Hatrac-ACL-read: %zz"}, status: 400},
		{as: admin, method: "GET", target: "/ns/p", status: 404},
	})
}

func TestHTTP10CanStoreAndFetch(t *testing.T) {
	s := newSite(t, options{})
	content := strings.Repeat("x", 100)
	s.wants(201, s.raw("PUT", "PUT /hatrac/o HTTP/1.0\r\n"+s.authorized(admin)+"Content-Length: "+strconv.Itoa(len(content))+"\r\n\r\n"+content))
	if a := s.wants(200, s.raw("GET", "GET /hatrac/o HTTP/1.0\r\n"+s.authorized(admin)+"\r\n")); a.body != content {
		t.Errorf("got %q", a.body)
	}
}

func FuzzContentDisposition(f *testing.F) {
	for _, value := range []string{"filename*=UTF-8''a%20b.txt", "filename*=UTF-8''a%2Fb", "filename*=utf-8''x", "attachment", "filename*=UTF-8''%"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		m, err := describedContent(http.Header{"Content-Disposition": {value}})
		if err != nil || m.ContentDisposition == "" {
			return
		}
		name, ok := strings.CutPrefix(m.ContentDisposition, "filename*=UTF-8''")
		raw, decodes := unescape(name)
		if !ok || !decodes || strings.ContainsAny(raw, "/\\") || strings.Trim(name, "-_.~%ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") != "" {
			t.Fatalf("%q was taken as %q", value, m.ContentDisposition)
		}
	})
}
