package rest

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// uploadDocument is the document of an upload, without its times.
func (s *site) uploadDocument(job string) (doc map[string]any) {
	s.t.Helper()
	must(s.t, json.Unmarshal([]byte(s.wants(200, s.do(admin, "GET", "/hatrac"+job, "")).body), &doc))
	delete(doc, "created")
	delete(doc, "expires")
	return doc
}

// An upload may be described by either of two names for each member, with numbers or strings of digits
// (rest-api §10).
func TestAnUploadIsDescribedByEitherName(t *testing.T) {
	s := newSite(t, options{})
	md5Sum, sha256Sum := sums("hello")
	raw, err := base64.StdEncoding.DecodeString(md5Sum)
	must(t, err)
	for name, body := range map[string]string{
		"names": `{"chunk-length": 3, "content-length": 5, "content-type": "a/b", "content-md5": "` + md5Sum +
			`", "content-sha256": "` + sha256Sum + `", "content-disposition": "filename*=UTF-8''x"}`,
		"aliases": `{"chunk_bytes": 3, "total_bytes": 5, "content_type": "a/b", "content_md5": "` + md5Sum +
			`", "content_sha256": "` + sha256Sum + `", "content_disposition": "filename*=UTF-8''x"}`,
		"strings and more": `{"chunk-length": "3", "total_bytes": "5", "content-type": "a/b", "content_md5": "` + hex.EncodeToString(raw) +
			`", "content-sha256": "` + sha256Sum + `", "content-disposition": "filename*=UTF-8''x", "colour": {"of": ["sky"]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			job := s.upload("/o", body)
			want := map[string]any{
				"url": "/hatrac" + job, "target": "/hatrac/o", "owner": []any{"admin"}, "chunk-length": 3.0, "content-length": 5.0,
				"content-type": "a/b", "content-md5": md5Sum, "content-sha256": sha256Sum,
				"content-disposition": "filename*=UTF-8''x", "chunks-received": []any{},
			}
			if diff := cmp.Diff(want, s.uploadDocument(job)); diff != "" {
				t.Error(diff)
			}
		})
	}
	bare := s.uploadDocument(s.upload("/o", `{"chunk-length": 3, "content-length": 0}`))
	for _, field := range contentHeaders() {
		if value, given := bare[field]; given {
			t.Errorf("an upload that was given no %s has %v", field, value)
		}
	}
}

// What is sent as a chunk has to fit, or nothing is received (rest-api §10).
func TestWhatDoesNotFitIsNoChunk(t *testing.T) {
	s := newSite(t, options{})
	job := s.upload("/o", `{"chunk-length": 2, "content-length": 6}`)
	md5Sum, sha256Sum := sums("ab")
	otherMD5, otherSHA256 := sums("xx")
	put := func(n, body string, status int, headers ...string) step {
		return step{as: admin, method: "PUT", target: job + "/" + n, body: body, headers: headers, status: status}
	}
	s.play(t, []step{
		put("0", "ab", 400, "Content-SHA256: "+otherSHA256),
		put("0", "ab", 400, "Content-SHA256: nonsense"),
		put("0", "ab", 400, "Content-MD5: "+otherMD5),
		put("0", "ab", 400, "Content-MD5: "+md5Sum, "Content-SHA256: "+otherSHA256),
		put("0", "a", 409), put("0", "abc", 409), put("0", "", 409),
		put("3", "ab", 409), put("3", "", 409), put("4", "ab", 409), put("1x", "ab", 400), put("0x1", "ab", 400), put("1.0", "ab", 400), put("%20", "ab", 400),
	})
	if got := s.uploadDocument(job)["chunks-received"]; fmt.Sprint(got) != "[]" {
		t.Errorf("received are %v", got)
	}
	s.play(t, []step{
		put("2", "ef", 204), put("0", "xx", 204), put("01", "cd", 204),
		put("0", "ab", 204, "Content-MD5: "+md5Sum, "Content-SHA256: "+sha256Sum, "Content-Type: any/thing"),
	})
	a := s.wants(204, s.do(admin, "PUT", "/hatrac"+job+"/2", "ef"))
	if a.body != "" || a.Header.Get("Location") != "" {
		t.Errorf("a chunk is answered with %v %q", a.Header, a.body)
	}
	if got := s.uploadDocument(job)["chunks-received"]; fmt.Sprint(got) != "[[0 2]]" {
		t.Errorf("received are %v", got)
	}
	s.play(t, []step{
		{as: admin, method: "POST", target: job, status: 201},
		{as: admin, method: "GET", target: "/o", status: 200, answer: "abcdef"},
		{as: admin, method: "POST", target: job, status: 404},
		{as: admin, method: "POST", target: "/o;upload/none", status: 404},
		{as: admin, method: "POST", target: "/none;upload/none", status: 404},
	})
}

// Chunks that are missing are named, in ranges; a finish that fails changes nothing (rest-api §10).
func TestAnUploadThatCannotBeFinishedGoesOn(t *testing.T) {
	s := newSite(t, options{})
	_, sha256Sum := sums("abcdefghij")
	job := s.upload("/o", `{"chunk-length": 1, "content-length": 10, "content-sha256": "`+sha256Sum+`"}`)
	put := func(n int, text string) {
		s.wants(204, s.do(admin, "PUT", fmt.Sprintf("/hatrac%s/%d", job, n), text))
	}
	finish := func(status int) string { return s.wants(status, s.do(admin, "POST", "/hatrac"+job, "")).body }
	for _, n := range []int{0, 4, 5, 9} {
		put(n, string(rune('a'+n)))
	}
	if got := finish(409); !strings.Contains(got, ": 1-3, 6-8.") {
		t.Errorf("missing are told as %q", got)
	}
	for _, n := range []int{1, 2, 3, 6, 7, 8} {
		put(n, "x")
	}
	if got := finish(409); !strings.Contains(got, "digest") {
		t.Errorf("a wrong digest is told as %q", got)
	}
	s.play(t, []step{
		{as: admin, method: "GET", target: "/o;versions", status: 200, answer: "[]\n"},
		{as: admin, method: "GET", target: job, status: 200},
	})
	for n := range 10 {
		put(n, string(rune('a'+n)))
	}
	finish(201)
	s.play(t, []step{{as: admin, method: "GET", target: "/o", status: 200, answer: "abcdefghij"}})
}

// An upload lasts a week from when it was last heard of, unless the configuration says otherwise.
func TestAnUploadLastsAWeek(t *testing.T) {
	s := newSite(t, options{})
	job := s.upload("/o", `{"chunk-length": 1, "content-length": 1}`)
	times := func() (created, expires time.Time) {
		var doc struct{ Created, Expires time.Time }
		must(t, json.Unmarshal([]byte(s.wants(http.StatusOK, s.do(admin, "GET", "/hatrac"+job, "")).body), &doc))
		return doc.Created, doc.Expires
	}
	const week = 7 * 24 * time.Hour
	created, first := times()
	if got := first.Sub(created); got != week {
		t.Errorf("an upload lasts %v", got)
	}
	s.wants(204, s.do(admin, "PUT", "/hatrac"+job+"/0", "x"))
	if _, then := times(); !then.After(first) {
		t.Errorf("it ends at %v although a chunk came, and did at %v before", then, first)
	}
}
