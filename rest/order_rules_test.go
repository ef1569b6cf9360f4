package rest

import (
	"strings"
	"testing"
)

// Who may not change anything here is told so before anything is looked for (rest-api §12).
func TestTheFirewallComesBeforeWhatIsMissing(t *testing.T) {
	s := newSite(t, options{firewall: readOnly(), rest: func(c *Config) { c.MaxRequestPayload = 10 }})
	asPlain := "Content-Type: text/plain"
	for _, c := range []step{
		{method: "PUT", target: "/none/x", body: "x"},
		{method: "PUT", target: "/none/x", body: strings.Repeat("x", 11), headers: []string{"Content-MD5: nonsense"}},
		{method: "PUT", target: "/none/x", headers: []string{asNamespace}},
		{method: "DELETE", target: "/none"},
		{method: "DELETE", target: "/none:v"},
		{method: "PUT", target: "/none;acl/read", body: "nonsense", headers: []string{asJSON}},
		{method: "PUT", target: "/none;acl/read/x"},
		{method: "DELETE", target: "/none;acl/read"},
		{method: "DELETE", target: "/none:v;acl/read/x"},
		{method: "PUT", target: "/none;metadata/content-type", body: "a/b", headers: []string{asPlain}},
		{method: "DELETE", target: "/none:v;metadata/content-type"},
		{method: "POST", target: "/none/x;upload", body: "nonsense", headers: []string{asJSON}},
		{method: "POST", target: "/none/x;upload/none"},
		{method: "POST", target: "/none/x", body: restoring, headers: []string{asJSON}},
		{method: "POST", target: "/none:v", body: restoring, headers: []string{asJSON}},
		{method: "POST", target: "/none/x", body: `{"command":"rename_from","source_name":"/never"}`, headers: []string{asJSON}},
		{method: "POST", target: "/none/x", body: `{"command":"rename_namespace_from","source_name":"/never"}`, headers: []string{asJSON}},
		{method: "POST", target: "/none/x", body: "nonsense", headers: []string{asJSON}},
	} {
		known, anonymous := c, c
		known.as, known.status, anonymous.status = admin, 403, 401
		s.play(t, []step{known, anonymous})
	}
	// Neither the form of the URL nor the method is anything that is looked for.
	s.play(t, []step{
		{as: nobody, method: "PUT", target: "/none/..", body: "x", status: 400},
		{as: nobody, method: "PUT", target: "/none:v", body: "x", status: 405},
		{as: nobody, method: "DELETE", target: "/none;versions", status: 405},
	})
}

// Of a resource that may not be changed, or not be read, its state is not told (rest-api §12).
func TestRightsComeBeforeState(t *testing.T) {
	s := newSite(t, options{rest: func(c *Config) { c.MaxRequestPayload = 10 }})
	s.namespace("/ns")
	s.namespace("/gone")
	s.object("/ns/empty", "x")
	version := strings.TrimSpace(s.do(admin, "GET", "/hatrac/ns/empty;versions", "", "Accept: text/uri-list").body)
	s.wants(204, s.do(admin, "DELETE", version, ""))
	s.wants(204, s.do(admin, "DELETE", "/hatrac/gone", ""))
	job := s.upload("/ns/o", `{"chunk-length": 1, "content-length": 2}`)
	never, asPlain := `If-Match: "never"`, "Content-Type: text/plain"
	rename := `{"command":"rename_from","source_name":"/never"}`
	s.play(t, []step{
		{as: bob, method: "PUT", target: "/gone", headers: []string{asNamespace}, status: 403},
		{as: bob, method: "PUT", target: "/ns", headers: []string{asNamespace}, status: 403},
		{as: bob, method: "PUT", target: "/ns", body: "x", status: 403},
		{as: bob, method: "POST", target: "/gone;upload", body: "nonsense", headers: []string{asJSON}, status: 403},
		{as: bob, method: "POST", target: "/ns;upload", body: "nonsense", headers: []string{asPlain}, status: 403},
		{as: bob, method: "PUT", target: job + "/9", body: "x", status: 403},
		{as: bob, method: "PUT", target: job + "/0", body: strings.Repeat("x", 11), status: 403},
		{as: nobody, method: "POST", target: job, headers: []string{never}, status: 401},
		{as: bob, method: "GET", target: "/ns;acl/none", status: 403},
		{as: bob, method: "PUT", target: "/ns;acl/none", body: "nonsense", headers: []string{asPlain, never}, status: 403},
		{as: bob, method: "DELETE", target: "/ns;acl/owner/x", status: 403},
		{as: bob, method: "DELETE", target: "/ns", headers: []string{never}, status: 403},
		{as: bob, method: "DELETE", target: "/ns/empty", headers: []string{never}, status: 403},
		{as: bob, method: "POST", target: "/ns", body: rename, headers: []string{asJSON, never}, status: 403},
		{as: bob, method: "GET", target: "/ns", headers: []string{"If-None-Match: *"}, status: 403},
		// State, then the header and conditions.
		{as: admin, method: "POST", target: job, headers: []string{never, "If-None-Match: naked"}, status: 409},
		{as: admin, method: "POST", target: "/ns/new", body: rename, headers: []string{asJSON, never}, status: 409},
		{as: admin, method: "PUT", target: "/gone", headers: []string{asNamespace, "If-Match: naked"}, status: 409},
		{as: admin, method: "PUT", target: "/ns", body: "x", headers: []string{"Content-MD5: nonsense", never}, status: 409},
		{as: admin, method: "POST", target: "/gone;upload", body: "nonsense", headers: []string{asPlain, never}, status: 409},
		{as: admin, method: "PUT", target: "/ns/empty;metadata/content-type", body: "a/b", headers: []string{asJSON, never}, status: 409},
	})
	// The same for content of which nobody says how long it is.
	put := func(as, target string) answer {
		return s.raw("PUT", "PUT /hatrac"+target+" HTTP/1.1\r\n"+s.authorized(as)+"Content-MD5: nonsense\r\n\r\n")
	}
	s.wants(404, put(bob, "/none/o"))
	s.wants(403, put(bob, "/ns/new"))
	s.wants(409, put(admin, "/gone"))
	s.wants(409, put(admin, "/ns"))
	s.wants(404, put(admin, "/ns/o;upload/none/0"))
	s.wants(403, put(bob, job+"/0"))
	s.wants(409, put(admin, job+"/9"))
	s.wants(411, put(admin, job+"/0"))
	s.wants(411, put(admin, "/ns/new"))
}

// What content or a body says is looked at last (rest-api §12).
func TestContentComesAfterConditions(t *testing.T) {
	s := newSite(t, options{})
	md5Sum, _ := sums("other")
	s.object("/o", "x")
	job := s.upload("/o", `{"chunk-length": 1, "content-length": 1, "content-md5": "`+md5Sum+`"}`)
	never := `If-Match: "never"`
	s.play(t, []step{
		{as: admin, method: "PUT", target: job + "/0", body: "y", status: 204},
		{as: admin, method: "POST", target: job, headers: []string{never}, status: 412},
		{as: admin, method: "POST", target: job, status: 409},
		{as: admin, method: "PUT", target: "/o", body: "x", headers: []string{"Content-MD5: " + md5Sum, never}, status: 412},
		{as: admin, method: "PUT", target: "/o", body: "x", headers: []string{"Content-MD5: " + md5Sum}, status: 400},
		{as: admin, method: "DELETE", target: "/o;acl/read/x", headers: []string{"If-Match: *"}, status: 412},
		{as: admin, method: "DELETE", target: "/o;acl/owner/admin", headers: []string{"If-None-Match: *"}, status: 412},
	})
}
