package rest

import "testing"

func TestAccessControlLists(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	s.object("/ns/o", "x")
	const asJSON = "Content-Type: application/json; charset=utf-8"
	tag := s.do(admin, "GET", "/hatrac/ns;acl/read", "").Header.Get("Etag")
	all := s.do(admin, "GET", "/hatrac/ns;acl", "").Header.Get("Etag")
	other := s.do(admin, "GET", "/hatrac/ns;acl/create", "").Header.Get("Etag")
	if tag == "" || tag == other {
		t.Fatalf("lists have the tags %q and %q", tag, other)
	}
	s.play(t, []step{
		{as: admin, method: "GET", target: "/ns;acl", status: 200, has: map[string]string{"Content-Type": "application/json"}, answer: `{"create":[],"owner":["admin"],` +
			`"read":[],"subtree-create":[],"subtree-owner":[],"subtree-read":[],"subtree-update":[]}` + "\n"},
		{as: admin, method: "GET", target: "/ns/o;acl/", status: 200, answer: `{"owner":["admin"],"read":[],"subtree-owner":[],"subtree-read":[],"update":[]}` + "\n"},
		{as: admin, method: "HEAD", target: "/ns;acl", status: 200, has: map[string]string{"Etag": all}},
		{as: admin, method: "GET", target: "/ns;acl/owner/", status: 200, answer: `["admin"]` + "\n"},
		{as: admin, method: "GET", target: "/ns;acl/read", status: 200, answer: "[]\n"},
		{as: admin, method: "GET", target: "/ns;acl/owner/admin", status: 200, answer: "admin\n", has: map[string]string{"Content-Type": "text/plain; charset=utf-8"}},
		{as: admin, method: "HEAD", target: "/ns;acl/owner/admin", status: 200},
		{as: admin, method: "GET", target: "/ns;acl/owner/bob", status: 404},
		{as: admin, method: "GET", target: "/ns;acl/update", status: 400},
		{as: admin, method: "GET", target: "/ns/o;acl/create", status: 400},
		{as: admin, method: "GET", target: "/ns/o;acl/create/x", status: 400},
		{as: admin, method: "GET", target: "/none;acl", status: 404},
		{as: bob, method: "GET", target: "/ns;acl", status: 403},
		{as: bob, method: "GET", target: "/ns;acl/update", status: 403},
		{as: nobody, method: "GET", target: "/ns;acl", status: 401},

		{as: admin, method: "PUT", target: "/ns;acl/read", body: `["bob","*"]`, headers: []string{asJSON, "If-Match: " + tag}, status: 204},
		{as: admin, method: "PUT", target: "/ns;acl/read", body: `[]`, headers: []string{asJSON, "If-Match: " + tag}, status: 412},
		{as: admin, method: "GET", target: "/ns;acl", headers: []string{"If-None-Match: " + all}, status: 200},
		{as: admin, method: "GET", target: "/ns;acl/create", headers: []string{"If-None-Match: " + other}, status: 304, has: map[string]string{"Etag": other}},
		{as: nobody, method: "GET", target: "/ns", status: 200},
		{as: admin, method: "PUT", target: "/ns;acl/read", body: `["x"]`, headers: []string{"Content-Type: text/plain"}, status: 400},
		{as: admin, method: "PUT", target: "/ns;acl/read", body: `["x"]`, status: 400},
		{as: admin, method: "PUT", target: "/ns;acl/read", body: `["x"`, headers: []string{asJSON}, status: 400},
		{as: admin, method: "PUT", target: "/ns;acl/read", body: `["x"]]`, headers: []string{asJSON}, status: 400},
		{as: admin, method: "PUT", target: "/ns;acl/read", body: `{"x":1}`, headers: []string{asJSON}, status: 400},
		{as: admin, method: "PUT", target: "/ns;acl/read", body: `["x",1]`, headers: []string{asJSON}, status: 400},
		{as: admin, method: "PUT", target: "/ns;acl/read", body: `["x",null]`, headers: []string{asJSON}, status: 400},
		{as: admin, method: "PUT", target: "/ns;acl/read", body: `null`, headers: []string{asJSON}, status: 400},
		{as: admin, method: "PUT", target: "/ns;acl/read", body: `"x"`, headers: []string{asJSON}, status: 400},
		{as: admin, method: "PUT", target: "/ns;acl/read", body: `["\u0000"]`, headers: []string{asJSON}, status: 400},
		{as: bob, method: "PUT", target: "/ns;acl/read", body: `nonsense`, status: 403},
		{as: admin, method: "PUT", target: "/ns;acl/update", body: `[]`, headers: []string{asJSON}, status: 400},
		{as: admin, method: "GET", target: "/ns;acl/read", status: 200, answer: `["bob","*"]` + "\n"},

		{as: admin, method: "PUT", target: "/ns;acl/read/https%3A%2F%2Fid.org%2Fa+b", body: "ignored", headers: []string{"Content-Type: a/b"}, status: 204},
		{as: admin, method: "PUT", target: "/ns;acl/read/https%3A%2F%2Fid.org%2Fa+b", status: 204},
		{as: admin, method: "GET", target: "/ns;acl/read", status: 200, answer: `["bob","*","https://id.org/a+b"]` + "\n"},
		{as: admin, method: "DELETE", target: "/ns;acl/read/*", status: 204},
		{as: admin, method: "DELETE", target: "/ns;acl/read/*", status: 404},
		{as: admin, method: "DELETE", target: "/ns;acl/read", status: 204},
		{as: admin, method: "GET", target: "/ns;acl/read", status: 200, answer: "[]\n"},
	})
}

func TestListsOfAVersion(t *testing.T) {
	s := newSite(t, options{})
	url, _ := s.object("/o", "x")
	version := url[len("/hatrac"):]
	s.play(t, []step{
		{as: admin, method: "GET", target: version + ";acl", status: 200, answer: `{"owner":["admin"],"read":[]}` + "\n"},
		{as: bob, method: "GET", target: "/o", status: 403},
		{as: admin, method: "PUT", target: version + ";acl/read/bobs", status: 204},
		{as: bob, method: "GET", target: "/o", status: 200, answer: "x"},
		{as: admin, method: "GET", target: version + ";acl/update", status: 400},
		{as: admin, method: "GET", target: "/o:none;acl", status: 404},
	})
}

func TestSomebodyAlwaysOwnsAResource(t *testing.T) {
	s := newSite(t, options{})
	s.play(t, []step{
		{as: admin, method: "DELETE", target: "/;acl/owner", status: 400},
		{as: admin, method: "DELETE", target: "/;acl/owner/admin", status: 400},
		{as: admin, method: "PUT", target: ";acl/owner/alice", status: 204},
		{as: alice, method: "DELETE", target: ";acl/owner/admin", status: 204},
		{as: admin, method: "GET", target: ";acl", status: 403},
	})
}
