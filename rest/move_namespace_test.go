package rest

import "testing"

func TestRenameOfANamespace(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/a")
	s.namespace("/a/b")
	s.namespace("/taken")
	_, one := s.object("/a/b/o", "one")
	_, two := s.object("/a/b/o", "two")
	s.object("/object", "x")
	post := func(as, target, body string, status int, headers ...string) step {
		return step{
			as: as, method: "POST", target: target, body: body,
			headers: append(headers, "Content-Type: application/json"), status: status,
		}
	}
	const whole = `{"command":"rename_namespace_from","source_name":"/a"}`
	done := post(admin, "/to/new?parents=true", whole, 201)
	done.answer, done.has = "/hatrac/to/new\n", map[string]string{"Location": "/hatrac/to/new", "Content-Type": "text/uri-list"}
	s.play(t, []step{
		post(admin, "/new", `{"command":"rename_namespace_from"}`, 400),
		post(admin, "/new", `{"command":"rename_namespace_from","source_name":"a"}`, 400),
		post(admin, "/new", `{"command":"rename_namespace_from","source_name":"/a","copy_acls":true}`, 400),
		post(admin, "/new", `{"command":"rename_namespace_from","source_name":"/a","source_versions":["v"]}`, 400),
		post(nobody, "/new", whole, 401),
		post(bob, "/new", whole, 403),
		post(admin, "/to/new", whole, 404),
		post(admin, "/taken", whole, 409),
		post(admin, "/a/b/c", whole, 409),
		post(admin, "/new", `{"command":"rename_namespace_from","source_name":"/object"}`, 409),
		post(admin, "/new", `{"command":"rename_from","source_name":"/a"}`, 409),
		post(admin, "/new", whole, 412, "If-Match: *"),
		done,
		post(admin, "/to/new", whole, 204),
		{as: admin, method: "GET", target: "/a/b/o", status: 200, answer: "two", has: map[string]string{"Content-Location": "/hatrac/to/new/b/o:" + two}},
		{as: admin, method: "GET", target: "/a/b/o:" + one, status: 200, answer: "one", has: map[string]string{"Content-Location": "/hatrac/to/new/b/o:" + one}},
		{as: admin, method: "GET", target: "/a/b", status: 200, answer: `["/hatrac/to/new/b/o"]` + "\n", has: map[string]string{"Content-Location": "/hatrac/to/new/b"}},
		{as: admin, method: "GET", target: "/a/none", status: 404},
		{as: admin, method: "DELETE", target: "/a/b/o", status: 404},
		{as: admin, method: "GET", target: "/", status: 200, answer: `["/hatrac/object","/hatrac/taken","/hatrac/to"]` + "\n"},
		{as: admin, method: "PUT", target: "/a", body: "x", status: 409},
		{as: admin, method: "PUT", target: "/a/b/o?parents=true", body: "three", headers: []string{"Content-Length: 5"}, status: 201},
		{as: admin, method: "GET", target: "/a/b/o", status: 200, answer: "three"},
		{as: admin, method: "GET", target: "/a/b/o:" + one, status: 200, answer: "one"},
	})
}
