package rest

import (
	"strings"
	"testing"
)

func TestRename(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	_, one := s.object("/old", "one", "Content-Type: text/plain")
	_, two := s.object("/old", "two")
	s.object("/other", "x")
	post := func(as, target, body string, status int, headers ...string) step {
		if len(headers) == 0 {
			headers = []string{"Content-Type: application/json"}
		}
		return step{as: as, method: "POST", target: target, body: body, headers: headers, status: status}
	}
	const whole = `{"command":"rename_from","source_name":"/old"}`
	done := post(admin, "/ns/new", `{"command":"rename_from","source_name":"//ol%64/","copy_acls":false,"source_versions":null}`, 201)
	done.answer = "/hatrac/ns/new:" + one + "\n/hatrac/ns/new:" + two + "\n"
	done.has = map[string]string{"Content-Type": "text/uri-list", "Location": "/hatrac/ns/new"}
	s.play(t, []step{
		post(admin, "/new", `{"command":"rename_from"}`, 400),
		post(admin, "/new", `{"source_name":"/old"}`, 400),
		post(admin, "/new", `{"command":"restore_all","source_name":"/old"}`, 400),
		post(admin, "/new", `{"command":"rename_from","source_name":"old"}`, 400),
		post(admin, "/new", `{"command":"rename_from","source_name":"/o:v"}`, 400),
		post(admin, "/new", `{"command":"rename_from","source_name":5}`, 400),
		post(admin, "/new", `{"command":"rename_from","source_name":"/old","x":1}`, 400),
		post(admin, "/new", `{"command":"rename_from","source_name":"/old","copy_acls":"no"}`, 400),
		post(admin, "/new", `{"command":"rename_from","source_name":"/old","source_versions":"v"}`, 400),
		post(admin, "/new", whole+whole, 400),
		post(admin, "/new", `[]`, 400),
		post(admin, "/new", whole, 400, "Content-Type: text/plain"),
		post(admin, "/new", whole, 400, "Content-Type: application/json", "If-Match: x"),
		post(nobody, "/new", whole, 401),
		post(bob, "/new", whole, 403),
		post(admin, "/none/new", whole, 404),
		post(admin, "/ns", whole, 409),
		post(admin, "/old", whole, 409),
		post(admin, "/new", `{"command":"rename_from","source_name":"/none"}`, 409),
		post(admin, "/new", `{"command":"rename_from","source_name":"/old","versions":["none"]}`, 409),
		post(admin, "/ns/new", whole, 412, "Content-Type: application/json", "If-Match: *"),
		done,
		post(admin, "/ns/new", whole, 204),
		post(admin, "/other", whole, 409),
		{as: admin, method: "GET", target: "/old", status: 200, answer: "two", has: map[string]string{"Content-Location": "/hatrac/ns/new:" + two, "Etag": `"` + two + `"`}},
		{as: admin, method: "GET", target: "/old:" + one, status: 200, answer: "one", has: map[string]string{
			"Content-Location": "/hatrac/ns/new:" + one, "Content-Type": "text/plain", "Content-Disposition": "filename*=UTF-8''new",
		}},
		{as: admin, method: "DELETE", target: "/ns/new", status: 204},
		{as: admin, method: "GET", target: "/old", status: 409},
		{as: admin, method: "DELETE", target: "/old", status: 204},
	})
}

func TestRenameOfOneVersionToAPlaceToBeMade(t *testing.T) {
	s := newSite(t, options{})
	_, one := s.object("/old", "one")
	s.object("/old", "two")
	body := `{"command":"rename_from","source_name":"/old","versions":["` + one + `"]}`
	a := s.wants(201, s.do(admin, "POST", "/hatrac/a/b/new?parents=true", body, "Content-Type: application/json"))
	if strings.Count(a.body, "\n") != 1 {
		t.Errorf("moved %q", a.body)
	}
	s.play(t, []step{
		{as: admin, method: "GET", target: "/a/b/new", status: 200, answer: "one"},
		{as: admin, method: "GET", target: "/old", status: 200, answer: "two"},
	})
}

func TestRenameTakesTheListsAlongOnlyOnRequest(t *testing.T) {
	s := newSite(t, options{})
	_, v := s.object("/old", "one")
	rename := func(to, from, acls string) step {
		return step{
			as: admin, method: "POST", target: to, status: 201, headers: []string{"Content-Type: application/json"},
			body: `{"command":"rename_from","source_name":"` + from + `","copy_acls":` + acls + `}`,
		}
	}
	s.play(t, []step{
		{as: admin, method: "PUT", target: "/old:" + v + ";acl/read/bob", status: 204},
		{as: admin, method: "PUT", target: "/old;acl/update/bob", status: 204},
		rename("/kept", "/old", "true"),
		{as: bob, method: "GET", target: "/old", status: 200, answer: "one"},
		{as: admin, method: "GET", target: "/kept;acl/update", status: 200, answer: "[\"bob\"]\n"},
		{as: admin, method: "GET", target: "/kept:" + v + ";acl/read", status: 200, answer: "[\"bob\"]\n"},
		rename("/fresh", "/kept", "false"),
		{as: bob, method: "GET", target: "/old", status: 403},
		{as: admin, method: "GET", target: "/fresh;acl/update", status: 200, answer: "[]\n"},
		{as: admin, method: "GET", target: "/fresh:" + v + ";acl/owner", status: 200, answer: "[\"" + admin + "\"]\n"},
		rename("/old", "/fresh", "false"),
		{as: admin, method: "GET", target: "/old", status: 200, answer: "one", has: map[string]string{"Content-Location": "/hatrac/old:" + v}},
		{as: admin, method: "GET", target: "/kept", status: 200, answer: "one", has: map[string]string{"Content-Location": "/hatrac/old:" + v}},
	})
}

// The old name leads to content alone: what is known of it otherwise is its own.
func TestOnlyContentIsForwarded(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	md5Sum, _ := sums("one")
	_, v := s.object("/old", "one", "Content-MD5: "+md5Sum, "Content-Type: a/b")
	rename := func(to, body string, status int) step {
		return step{as: admin, method: "POST", target: to, body: body, headers: []string{asJSON}, status: status}
	}
	const whole = `{"command":"rename_from","source_name":"/old"}`
	s.play(t, []step{
		rename("/new", `{"command":"rename_from","source_name":"/ns"}`, 409),
		rename("/new", `{"command":"rename_from","source_name":"/hatrac/old"}`, 409),
		rename("/new", whole, 201),
		{as: admin, method: "GET", target: "/new", status: 200, answer: "one", has: map[string]string{"Content-Md5": md5Sum, "Content-Type": "a/b"}},
		{as: admin, method: "GET", target: "/old;versions", status: 200, answer: `["/hatrac/old:` + v + `"]` + "\n"},
		{as: admin, method: "GET", target: "/new;versions", status: 200, answer: `["/hatrac/new:` + v + `"]` + "\n"},
		{as: admin, method: "PUT", target: "/new;metadata/content-type", body: "c/d", headers: []string{"Content-Type: text/plain"}, status: 204},
		{as: admin, method: "GET", target: "/old;metadata/content-type", status: 200, answer: "a/b\n"},
		{as: admin, method: "GET", target: "/old", status: 200, has: map[string]string{"Content-Type": "c/d"}},
		{as: admin, method: "PUT", target: "/new;acl/subtree-read/bob", status: 204},
		{as: admin, method: "GET", target: "/old;acl/subtree-read", status: 200, answer: "[]\n"},
		{as: bob, method: "GET", target: "/old", status: 200, answer: "one"},
		{as: bob, method: "GET", target: "/old;metadata", status: 403},
		// Nor does the new name hang on the old one.
		{as: admin, method: "DELETE", target: "/old", status: 204},
		{as: admin, method: "GET", target: "/old:" + v, status: 404},
		{as: admin, method: "GET", target: "/new:" + v, status: 200, answer: "one"},
		// Versions that were renamed elsewhere cannot be renamed again from here.
		{as: admin, method: "PUT", target: "/a", body: "x", status: 201},
		rename("/b", `{"command":"rename_from","source_name":"/a"}`, 201),
		rename("/c", `{"command":"rename_from","source_name":"/a"}`, 409),
		rename("/c", `{"command":"rename_from","source_name":"/b"}`, 201),
		{as: admin, method: "GET", target: "/a", status: 200, answer: "x"},
		{as: admin, method: "DELETE", target: "/c", status: 204},
		{as: admin, method: "GET", target: "/a", status: 409},
		{as: admin, method: "HEAD", target: "/b", status: 409},
		{as: admin, method: "DELETE", target: "/a", status: 204},
	})
}
