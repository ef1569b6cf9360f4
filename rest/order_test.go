package rest

import (
	"strings"
	"testing"
)

// Of two things that are wrong, the one that comes first in the order of checks is told
// (rest-api §12).
func TestOrderOfChecks(t *testing.T) {
	s := newSite(t, options{rest: func(c *Config) { c.MaxRequestPayload = 10 }})
	s.namespace("/ns")
	s.object("/ns/o", "x", "Content-Type: a/b")
	s.namespace("/gone")
	s.wants(204, s.do(admin, "DELETE", "/hatrac/gone", ""))
	job := s.upload("/ns/o", `{"chunk-length": 20, "content-length": 30}`)
	otherMD5, _ := sums("other")
	const never, badMD5, asPlain = `If-Match: "never"`, "Content-MD5: nonsense", "Content-Type: text/plain"
	const upload = `{"chunk-length": 1, "content-length": 1}`
	large := strings.Repeat("x", 11)
	s.play(t, []step{
		// The resource, then rights.
		{as: bob, method: "PUT", target: "/none/o", body: "x", status: 404},
		{as: nobody, method: "POST", target: "/none/o;upload", body: upload, headers: []string{asJSON}, status: 404},
		{as: nobody, method: "GET", target: "/ns/o:none", status: 404},
		{as: nobody, method: "PUT", target: "/ns/o;upload/none/0", body: "x", status: 404},
		// Rights, then state.
		{as: bob, method: "PUT", target: "/gone", body: "x", status: 403},
		{as: nobody, method: "PUT", target: "/ns", headers: []string{asNamespace}, status: 401},
		{as: bob, method: "POST", target: job, status: 403},
		// State, then sizes.
		{as: admin, method: "PUT", target: "/gone", body: large, status: 409},
		{as: admin, method: "PUT", target: job + "/9", body: large, status: 409},
		// Sizes, then header fields.
		{as: admin, method: "PUT", target: "/ns/o", body: large, headers: []string{badMD5}, status: 413},
		{as: admin, method: "PUT", target: job + "/0", body: large, headers: []string{badMD5}, status: 413},
		// Header fields, then conditions.
		{as: admin, method: "PUT", target: "/ns/o", body: "x", headers: []string{badMD5, never}, status: 400},
		{as: admin, method: "PUT", target: "/ns;acl/read", body: "[]", headers: []string{asPlain, never}, status: 400},
		{as: admin, method: "PUT", target: "/ns/o;metadata/content-type", body: "a/b", headers: []string{asJSON, never}, status: 400},
		{as: admin, method: "POST", target: "/ns/o;upload", body: upload, headers: []string{asPlain, never}, status: 400},
		// Conditions, then what the body says.
		{as: admin, method: "PUT", target: "/ns/o", body: "x", headers: []string{"Content-MD5: " + otherMD5, never}, status: 412},
		{as: admin, method: "PUT", target: "/ns;acl/read", body: "nonsense", headers: []string{asJSON, never}, status: 412},
		{as: admin, method: "PUT", target: "/ns/o;metadata/content-type", body: "nonsense", headers: []string{asPlain, never}, status: 412},
		{as: admin, method: "PUT", target: "/ns/o;metadata/content-md5", body: otherMD5, headers: []string{asPlain, never}, status: 412},
		{as: admin, method: "POST", target: "/ns/o;upload", body: "nonsense", headers: []string{asJSON, never}, status: 412},
		{as: admin, method: "GET", target: "/ns/o", status: 200, answer: "x"},
	})
	head := "PUT /hatrac/ns/o HTTP/1.1\r\n" + s.authorized(admin)
	s.wants(411, s.raw("PUT", head+badMD5+"\r\n\r\n"))
	s.wants(411, s.raw("PUT", head+never+"\r\n\r\n"))
}

// Uploads and chunks have no entity tag, so nothing about them can be conditional; finishing one
// changes its object, which has.
func TestUploadsAreNotConditional(t *testing.T) {
	s := newSite(t, options{})
	_, id := s.object("/o", "x")
	job, other := s.upload("/o", `{"chunk-length": 1, "content-length": 1}`), s.upload("/o", `{"chunk-length": 1, "content-length": 1}`)
	never := []string{`If-Match: "never"`}
	s.play(t, []step{
		{as: admin, method: "GET", target: job, headers: []string{"If-None-Match: *"}, status: 200, has: map[string]string{"Etag": ""}},
		{as: admin, method: "GET", target: "/o;upload", headers: []string{"If-None-Match: *"}, status: 200, has: map[string]string{"Etag": ""}},
		{as: admin, method: "PUT", target: job + "/0", body: "y", headers: never, status: 204, has: map[string]string{"Etag": ""}},
		{as: admin, method: "DELETE", target: other, headers: never, status: 204},
		{as: admin, method: "POST", target: job, headers: never, status: 412, has: map[string]string{"Etag": `"` + id + `"`}},
		{as: admin, method: "POST", target: job, headers: []string{"If-None-Match: *"}, status: 412},
	})
	// It comes without a length, a type and a body.
	s.wants(201, s.raw("POST", "POST /hatrac"+job+" HTTP/1.1\r\n"+s.authorized(admin)+`If-Match: "`+id+`"`+"\r\n\r\n"))
	s.play(t, []step{{as: admin, method: "GET", target: "/o", status: 200, answer: "y"}})
}
