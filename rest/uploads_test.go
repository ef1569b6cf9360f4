package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const asJSON = "Content-Type: application/json"

// upload begins an upload as the admin and returns its path without prefix.
func (s *site) upload(path, description string) string {
	s.t.Helper()
	a := s.wants(http.StatusCreated, s.do(admin, "POST", "/hatrac"+path+";upload", description, asJSON))
	return strings.TrimPrefix(strings.TrimSuffix(a.body, "\n"), "/hatrac")
}

func TestAnUploadFromItsBeginToItsEnd(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	md5Sum, sha256Sum := sums("hello world")
	partMD5, partSHA256 := sums("hello")
	otherMD5, _ := sums("other")
	a := s.wants(201, s.do(admin, "POST", "/hatrac/ns/o;upload", `{"chunk-length": 5, "content-length": 11,
		"content-type": "text/plain", "content-md5": "`+md5Sum+`", "content-sha256": "`+sha256Sum+`",
		"content-disposition": "filename*=UTF-8''x"}`, asJSON))
	url := strings.TrimSuffix(a.body, "\n")
	if !strings.HasPrefix(url, "/hatrac/ns/o;upload/") || a.Header.Get("Location") != url || a.Header.Get("Content-Type") != typeURIList {
		t.Fatalf("started %q, %v", a.body, a.Header)
	}
	job := strings.TrimPrefix(url, "/hatrac")
	put := func(n, body string, status int, headers ...string) step {
		return step{as: admin, method: "PUT", target: job + "/" + n, body: body, headers: headers, status: status}
	}
	s.play(t, []step{
		{as: admin, method: "GET", target: "/ns/o", status: 409},
		{as: admin, method: "GET", target: "/ns/o;versions", status: 200, answer: "[]\n"},
		put("x", "hello", 400),
		put("-1", "hello", 400),
		put("+1", "hello", 400),
		put("3", "hello", 409),
		put("99999999999999999999", "hello", 409),
		put("0", "hell", 409),
		put("0", "hello!", 409),
		put("2", "world", 409),
		put("0", "hello", 400, "Content-MD5: nonsense"),
		put("0", "hello", 400, "Content-MD5: "+otherMD5),
		// Conflicts come before malformed fields.
		put("0", "hell", 409, "Content-MD5: nonsense"),
		{as: admin, method: "POST", target: job, status: 409},
		put("2", "d", 204, "Content-Type: application/x-other"),
		put("0", "jello", 204),
		put("0", "hello", 204, "Content-MD5: "+partMD5, "Content-SHA256: "+partSHA256),
		{as: admin, method: "GET", target: job + "/0", status: 405, has: map[string]string{"Allow": "OPTIONS, PUT"}},
		{as: admin, method: "HEAD", target: job + "/0", status: 405},
		{as: admin, method: "OPTIONS", target: job + "/0", status: 204, has: map[string]string{"Allow": "OPTIONS, PUT"}},
		{as: admin, method: "PUT", target: job, status: 405, has: map[string]string{"Allow": "DELETE, GET, HEAD, OPTIONS, POST"}},
		{as: admin, method: "HEAD", target: job, status: 200, has: map[string]string{"Content-Type": "application/json"}},
		{as: admin, method: "GET", target: job, headers: []string{"Range: bytes=0-1"}, status: 501},
		{as: admin, method: "GET", target: "/ns/o;upload/", status: 200, answer: `["` + url + `"]` + "\n"},
		{as: admin, method: "GET", target: "/ns/o;upload", headers: []string{"Accept: text/uri-list"}, status: 200, answer: url + "\n"},
		{as: admin, method: "GET", target: "/ns/o;upload", headers: []string{"Range: bytes=0-1"}, status: 501},
		// Others may not even look.
		{as: bob, method: "GET", target: job, status: 403},
		{as: nobody, method: "GET", target: job, status: 401},
		{as: bob, method: "GET", target: "/ns/o;upload", status: 403},
		{as: bob, method: "PUT", target: job + "/1", body: " worl", status: 403},
		{as: nobody, method: "PUT", target: job + "/1", body: " worl", status: 401},
		{as: bob, method: "POST", target: job, status: 403},
		{as: bob, method: "DELETE", target: job, status: 403},
	})
	missing := s.wants(409, s.do(admin, "POST", url, ""))
	if !strings.Contains(missing.body, "missing: 1.") {
		t.Errorf("the missing chunk is not named: %q", missing.body)
	}
	s.play(t, []step{
		put("1", " worl", 204),
		{as: admin, method: "POST", target: job, headers: []string{`If-Match: "x"`}, status: 412},
		{as: admin, method: "POST", target: job, headers: []string{`If-Match: naked`}, status: 400},
	})
	done := s.wants(201, s.do(admin, "POST", url, "", "If-None-Match: *"))
	made := strings.TrimSuffix(done.body, "\n")
	if !strings.HasPrefix(made, "/hatrac/ns/o:") || done.Header.Get("Location") != made {
		t.Errorf("finished as %q", done.body)
	}
	s.play(t, []step{
		{as: admin, method: "GET", target: "/ns/o", status: 200, answer: "hello world", has: map[string]string{
			"Content-Type": "text/plain", "Content-MD5": md5Sum, "Content-SHA256": sha256Sum,
			"Content-Disposition": "filename*=UTF-8''x", "Content-Location": made,
		}},
		{as: admin, method: "POST", target: job, status: 404},
		{as: admin, method: "GET", target: job, status: 404},
		{as: admin, method: "DELETE", target: job, status: 404},
		put("0", "hello", 404),
		{as: admin, method: "GET", target: "/ns/o;upload", status: 200, answer: "[]\n"},
	})
}

func TestTheUploadDocument(t *testing.T) {
	s := newSite(t, options{})
	job := s.upload("/o", `{"chunk-length": 1, "content-length": "4", "content-type": "a/b"}`)
	for _, n := range []string{"0", "1", "3"} {
		s.wants(204, s.do(admin, "PUT", "/hatrac"+job+"/"+n, "x"))
	}
	var doc map[string]any
	must(t, json.Unmarshal([]byte(s.wants(200, s.do(admin, "GET", "/hatrac"+job, "")).body), &doc))
	created, err := time.Parse(time.RFC3339, fmt.Sprint(doc["created"]))
	must(t, err)
	expires, err := time.Parse(time.RFC3339, fmt.Sprint(doc["expires"]))
	must(t, err)
	if expires.Before(created.Add(7 * 24 * time.Hour)) {
		t.Errorf("created %v, expires %v", created, expires)
	}
	delete(doc, "created")
	delete(doc, "expires")
	want := map[string]any{
		"url": "/hatrac" + job, "target": "/hatrac/o", "owner": []any{"admin"},
		"chunk-length": 1.0, "content-length": 4.0, "content-type": "a/b",
		"chunks-received": []any{[]any{0.0, 1.0}, []any{3.0, 3.0}},
	}
	if diff := cmp.Diff(want, doc); diff != "" {
		t.Error(diff)
	}
}

func TestWhatAnUploadNeeds(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	s.object("/ns/o", "x")
	s.object("/ns/dead", "x")
	s.wants(204, s.do(admin, "DELETE", "/hatrac/ns/dead", ""))
	const whole = `{"chunk-length": 1, "content-length": 1}`
	post := func(as, target, body string, status int, headers ...string) step {
		if len(headers) == 0 {
			headers = []string{asJSON}
		}
		return step{as: as, method: "POST", target: target, body: body, headers: headers, status: status}
	}
	const ok = "/ns/new;upload"
	s.play(t, []step{
		post(admin, ok, `{"content-length": 1}`, 400),
		post(admin, ok, `{"chunk-length": 1}`, 400),
		post(admin, ok, `{"chunk-length": 0, "content-length": 1}`, 400),
		post(admin, ok, `{"chunk-length": -1, "content-length": 1}`, 400),
		post(admin, ok, `{"chunk-length": 1, "content-length": -1}`, 400),
		post(admin, ok, `{"chunk-length": 1.5, "content-length": 1}`, 400),
		post(admin, ok, `{"chunk-length": "0x1", "content-length": 1}`, 400),
		post(admin, ok, `{"chunk-length": "", "content-length": 1}`, 400),
		post(admin, ok, `{"chunk-length": true, "content-length": 1}`, 400),
		post(admin, ok, `{"chunk-length": null, "content-length": 1}`, 400),
		post(admin, ok, `{"chunk-length": 1, "content-length": 99999999999999999999}`, 400),
		post(admin, ok, `{"chunk-length": 1, "content-length": 9223372036854775807}`, 400),
		post(admin, ok, `{"chunk-length": 1, "content-length": 1, "content-md5": "x"}`, 400),
		post(admin, ok, `{"chunk-length": 1, "content-length": 1, "content-type": 5}`, 400),
		post(admin, ok, `{"chunk-length": 1, "content-length": 1, "content-disposition": "attachment"}`, 400),
		post(admin, ok, `[]`, 400),
		post(admin, ok, `null`, 400),
		post(admin, ok, whole+whole, 400),
		post(admin, ok, ``, 400),
		post(admin, ok, whole, 400, "Content-Type: text/plain"),
		post(admin, ok, strings.Repeat(" ", maxJob+1), 413),
		{as: admin, method: "GET", target: "/ns/new", status: 404},

		post(nobody, ok, whole, 401),
		post(bob, ok, whole, 403),
		post(bob, ok, `[]`, 403),
		post(bob, "/ns/o;upload", whole, 403),
		post(admin, "/no/o;upload", whole, 404),
		post(admin, "/ns/dead;upload", whole, 409),
		post(admin, "/ns;upload", whole, 409),
		post(admin, "/ns;upload", `[]`, 409),
		post(admin, "/ns/o;upload", whole, 412, asJSON, "If-None-Match: *"),
		post(admin, "/ns/o;upload", whole, 400, asJSON, "Hatrac-ACL-create: x"),
		{as: admin, method: "GET", target: "/ns;upload", status: 404},
		{as: admin, method: "GET", target: "/none;upload", status: 404},
		{as: admin, method: "GET", target: "/ns/o;upload/none", status: 404},
		{as: admin, method: "PUT", target: "/ns/o;upload/none/0", body: "x", status: 404},
		{as: admin, method: "DELETE", target: "/ns/o;upload", status: 405, has: map[string]string{"Allow": "GET, HEAD, OPTIONS, POST"}},
		{as: admin, method: "GET", target: "/ns/o:v;upload", status: 404},

		post(admin, ok, `{"chunk_bytes": "7", "total_bytes": "9", "content_type": "a/b", "content_md5": "", "content-sha256": null, "x": [1]}`, 201),
		post(admin, ok, whole, 201, "Content-Type: Application/JSON; charset=utf-8"),
		post(admin, "/a/b/c;upload?parents=true", whole, 201),
		{as: admin, method: "GET", target: "/a/b/c;versions", status: 200, answer: "[]\n"},
	})
}

func TestAnEmptyUploadNeedsNoChunks(t *testing.T) {
	s := newSite(t, options{})
	job := s.upload("/o", `{"chunk-length": 10, "content-length": 0}`)
	s.play(t, []step{
		{as: admin, method: "PUT", target: job + "/0", body: "x", status: 409},
		{as: admin, method: "POST", target: job, status: 201},
		{as: admin, method: "GET", target: "/o", status: 200, has: map[string]string{"Content-Length": "0"}},
	})
}

func TestAnUploadWithAnotherDigestStays(t *testing.T) {
	s := newSite(t, options{})
	sum, _ := sums("ok")
	job := s.upload("/o", `{"chunk-length": 2, "content-length": 2, "content-md5": "`+sum+`"}`)
	s.play(t, []step{
		{as: admin, method: "PUT", target: job + "/0", body: "no", status: 204},
		{as: admin, method: "POST", target: job, status: 409},
		{as: admin, method: "PUT", target: job + "/0", body: "ok", status: 204},
		{as: admin, method: "POST", target: job, status: 201},
		{as: admin, method: "GET", target: "/o", status: 200, answer: "ok"},
	})
}

func TestUploadsEndWithTheirObject(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	job, other := s.upload("/ns/o", `{"chunk-length": 2, "content-length": 2}`), s.upload("/ns/p", `{"chunk-length": 2, "content-length": 2}`)
	s.play(t, []step{
		{as: admin, method: "DELETE", target: job, status: 204},
		{as: admin, method: "GET", target: job, status: 404},
		{as: admin, method: "DELETE", target: "/ns", status: 204},
		{as: admin, method: "PUT", target: other + "/0", body: "ok", status: 404},
		{as: admin, method: "GET", target: "/ns/p;upload", status: 404},
	})
}

func TestWhatAChunkNeeds(t *testing.T) {
	s := newSite(t, options{rest: func(c *Config) { c.MaxRequestPayload = 4 }})
	large := s.upload("/large", `{"chunk-length": 5, "content-length": 5}`)
	small := s.upload("/small", `{"chunk-length": 4, "content-length": 4}`)
	put := func(job, rest string) answer {
		return s.raw("PUT", "PUT /hatrac"+job+"/0 HTTP/1.1\r\n"+s.authorized(admin)+rest)
	}
	s.wants(411, put(small, "\r\n"))
	s.wants(413, put(large, "Content-Length: 5\r\n\r\nabcde"))
	s.wants(413, put(small, "Content-Length: 5\r\n\r\nabcde"))
	s.wants(404, put("/small;upload/none", "\r\n"))
	s.wants(409, put(small, "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
	s.wants(204, put(small, "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n"))
	s.wants(201, s.do(admin, "POST", "/hatrac"+small, ""))
}

func TestChunksMayComeAllAtOnce(t *testing.T) {
	s := newSite(t, options{})
	content := strings.Repeat("0123456789abcdef", 1000)
	job := s.upload("/o", `{"chunk-length": 1000, "content-length": 16000}`)
	var all sync.WaitGroup
	for n := range 16 {
		all.Go(func() {
			a := s.do(admin, "PUT", fmt.Sprintf("/hatrac%s/%d", job, n), content[n*1000:(n+1)*1000])
			if a.StatusCode != 204 {
				t.Errorf("chunk %d: %d %s", n, a.StatusCode, a.body)
			}
		})
	}
	all.Wait()
	s.wants(201, s.do(admin, "POST", "/hatrac"+job, ""))
	if s.wants(200, s.do(admin, "GET", "/hatrac/o", "")).body != content {
		t.Error("the content is another")
	}
}

func TestAllUploadsOfAnObjectAreListed(t *testing.T) {
	s := newSite(t, options{})
	var want []string
	for range 5 {
		want = append(want, "/hatrac"+s.upload("/o", `{"chunk-length": 1, "content-length": 1}`))
	}
	var got []string
	must(t, json.Unmarshal([]byte(s.wants(200, s.do(admin, "GET", "/hatrac/o;upload", "")).body), &got))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	page := s.wants(200, s.do(admin, "GET", "/hatrac/o;upload", "", "Accept: text/html"))
	for _, url := range want {
		if !strings.Contains(page.body, `href="`+url+`"`) {
			t.Errorf("the page does not lead to %s", url)
		}
	}
}

func TestOnlyTheFirewallForCreatingGuardsUploads(t *testing.T) {
	s := newSite(t, options{firewall: readOnly()})
	s.play(t, []step{
		{as: admin, method: "POST", target: "/no/o;upload", body: `[]`, headers: []string{asJSON}, status: 403},
		{as: nobody, method: "POST", target: "/no/o;upload/none", status: 401},
		{as: admin, method: "PUT", target: "/no/o;upload/none/0", body: "x", status: 404},
		{as: admin, method: "DELETE", target: "/no/o;upload/none", status: 404},
		{as: admin, method: "POST", target: "/no", body: `{"command":"restore"}`, headers: []string{asJSON}, status: 403},
	})
}
