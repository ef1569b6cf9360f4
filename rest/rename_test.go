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

// renamingStep is a step that moves what source has to target, as the admin.
func renamingStep(source, target, more string, status int) step {
	return step{
		as: admin, method: "POST", target: target, status: status, headers: []string{asJSON},
		body: `{"command":"rename_from","source_name":"` + source + `"` + more + `}`,
	}
}

// Chosen versions move together or not at all, with their ids and in their order.
func TestWhichVersionsARenameMoves(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	_, one := s.object("/old", "one")
	_, two := s.object("/old", "two")
	_, three := s.object("/old", "three")
	moves := func(target, ids string, status int) step {
		return renamingStep("/old", target, `,"source_versions":[`+ids+`]`, status)
	}
	some := moves("/new", `"`+three+`","`+one+`"`, 201)
	some.answer = "/hatrac/new:" + one + "\n/hatrac/new:" + three + "\n"
	rest := renamingStep("/old", "/new", "", 201)
	rest.answer = "/hatrac/new:" + two + "\n"
	at := func(target, answer, place string) step {
		return step{as: admin, method: "GET", target: target, status: 200, answer: answer, has: map[string]string{"Content-Location": "/hatrac" + place}}
	}
	s.play(t, []step{
		some,
		at("/new", "three", "/new:"+three),
		at("/old", "three", "/new:"+three),
		at("/old:"+one, "one", "/new:"+one),
		at("/old:"+two, "two", "/old:"+two),
		// A version that was renamed elsewhere, or is not there, keeps the others.
		moves("/other", `"`+one+`","`+two+`"`, 409),
		moves("/new", `"`+two+`","none"`, 409),
		{as: admin, method: "GET", target: "/other", status: 404},
		at("/old:"+two, "two", "/old:"+two),
		rest,
		moves("/new", `"`+two+`"`, 204),
		renamingStep("/old", "/new", "", 204),
		moves("/new", `5`, 400),
		renamingStep("/old", "/x", `,"versions":{}`, 400),
		{as: admin, method: "POST", target: "/x", body: `{"command":5,"source_name":"/old"}`, headers: []string{asJSON}, status: 400},
		{as: admin, method: "POST", target: "/x", body: `{"command":"rename_from","source_name":null}`, headers: []string{asJSON}, status: 400},
	})
}

// A request that comes again changes nothing of what happened since.
func TestARepeatedRenameChangesNothing(t *testing.T) {
	s := newSite(t, options{})
	_, v := s.object("/old", "x")
	first := renamingStep("/old", "/new", `,"copy_acls":true`, 201)
	again := first
	again.status, again.has = 204, map[string]string{"Location": "", "Content-Type": "", "Content-Length": ""}
	s.play(t, []step{
		first,
		{as: admin, method: "PUT", target: "/new;acl/update/bob", status: 204},
		{as: admin, method: "PUT", target: "/new:" + v + ";acl/read/bob", status: 204},
	})
	tag := s.do(admin, "HEAD", "/hatrac/new;versions", "").Header.Get("Etag")
	s.play(t, []step{
		again,
		{as: admin, method: "GET", target: "/new;acl/update", status: 200, answer: "[\"bob\"]\n"},
		{as: admin, method: "GET", target: "/new:" + v + ";acl/read", status: 200, answer: "[\"bob\"]\n"},
		{as: admin, method: "HEAD", target: "/new;versions", status: 200, has: map[string]string{"Etag": tag}},
	})
}

func TestARenameThatCannotBe(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	s.object("/o", "x")
	s.object("/gone", "x")
	url, _ := s.object("/empty", "x")
	s.play(t, []step{
		{as: admin, method: "DELETE", target: "/gone", status: 204},
		{as: admin, method: "DELETE", target: strings.TrimPrefix(url, "/hatrac"), status: 204},
		renamingStep("/none", "/new", "", 409),
		renamingStep("/gone", "/new", "", 409),
		renamingStep("/ns", "/new", "", 409),
		renamingStep("/empty", "/new", "", 409),
		renamingStep("/o", "/ns", "", 409),
		renamingStep("/o", "/gone", "", 409),
		renamingStep("/o", "/o", "", 409),
		renamingStep("/o", "/empty/new", "", 409),
		renamingStep("/o", "/none/new", "", 404),
		{as: admin, method: "GET", target: "/new", status: 404},
		{as: admin, method: "GET", target: "/o", status: 200, answer: "x", has: map[string]string{"Content-Location": "/hatrac/o:" + s.currentOf("/o")}},
	})
}

// currentOf is the id of an object's current version.
func (s *site) currentOf(path string) string {
	s.t.Helper()
	return strings.Trim(s.wants(200, s.do(admin, "HEAD", "/hatrac"+path, "")).Header.Get("Etag"), `"`)
}

func TestARenameBackMakesTheRecordTheHolderAgain(t *testing.T) {
	s := newSite(t, options{})
	_, v := s.object("/a", "x")
	at := func(target, place string) step {
		return step{as: admin, method: "GET", target: target, status: 200, answer: "x", has: map[string]string{"Content-Location": "/hatrac" + place + ":" + v}}
	}
	steps := []step{renamingStep("/a", "/b", "", 201), renamingStep("/b", "/c", "", 201), at("/a", "/c"), at("/a:"+v, "/c")}
	for range 2 {
		steps = append(steps, renamingStep("/c", "/a", "", 201), at("/a", "/a"), at("/b:"+v, "/a"), at("/c", "/a"))
		steps = append(steps, renamingStep("/a", "/c", "", 201), at("/a", "/c"), at("/b", "/c"), at("/c:"+v, "/c"))
	}
	s.play(t, append(steps,
		step{as: admin, method: "GET", target: "/a;versions", status: 200, answer: `["/hatrac/a:` + v + `"]` + "\n"},
		step{as: admin, method: "GET", target: "/c;versions", status: 200, answer: `["/hatrac/c:` + v + `"]` + "\n"},
	))
}

// Whoever may update a name that was moved away may use it again, and whoever may create there.
func TestWhoMayUseANameThatWasMovedAway(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	s.namespace("/to")
	s.grant("/ns", "create", `["bob"]`)
	s.object("/ns/o", "one")
	_, two := s.object("/ns/o", "two")
	s.object("/p", "x")
	s.grant("/p", "update", `["bob"]`)
	put := func(as, target string, status int) step {
		return step{as: as, method: "PUT", target: target, body: "again", status: status}
	}
	upload := func(as, target string, status int) step {
		return step{as: as, method: "POST", target: target + ";upload", body: emptyUpload, headers: []string{asJSON}, status: status}
	}
	s.play(t, []step{
		renamingStep("/ns/o", "/to/o", `,"versions":["`+two+`"]`, 201),
		put(bob, "/ns/o", 403), upload(bob, "/ns/o", 403), // one is still there
		renamingStep("/ns/o", "/to/o", "", 201),
		put(alice, "/ns/o", 403), put(nobody, "/ns/o", 401),
		upload(alice, "/ns/o", 403), upload(bob, "/ns/o", 201),
		put(bob, "/ns/o", 201),
		{as: bob, method: "GET", target: "/ns/o", status: 200, answer: "again"},
		renamingStep("/p", "/to/p", "", 201),
		put(alice, "/p", 403), put(bob, "/p", 201),
	})
}

// Content is found under the old name as long as it is there, and the old name is nobody's hostage.
func TestTheEndOfARenamedVersion(t *testing.T) {
	s := newSite(t, options{})
	s.object("/old", "one")
	_, two := s.object("/old", "two")
	s.play(t, []step{
		renamingStep("/old", "/new", "", 201),
		{as: admin, method: "HEAD", target: "/old", status: 200, has: map[string]string{"Content-Location": "/hatrac/new:" + two, "Content-Length": "3"}},
		{as: admin, method: "DELETE", target: "/new:" + two, status: 204},
		{as: admin, method: "GET", target: "/new", status: 200, answer: "one"},
		{as: admin, method: "GET", target: "/old:" + two, status: 409},
		{as: admin, method: "HEAD", target: "/old", status: 409},
		{as: admin, method: "DELETE", target: "/old:" + two, status: 204},
		{as: admin, method: "GET", target: "/old", status: 200, answer: "one"},
		{as: admin, method: "DELETE", target: "/new", status: 204},
		{as: admin, method: "GET", target: "/old", status: 409},
		{as: admin, method: "DELETE", target: "/old", status: 204},
	})
}

// Without copy_acls what is new belongs to who asked for it.
func TestARenamedVersionBelongsToWhoRenamedIt(t *testing.T) {
	s := newSite(t, options{})
	s.grant("/", "create", `["alice"]`)
	_, v := s.object("/old", "x")
	owner := func(target string) step {
		return step{as: admin, method: "GET", target: target + ";acl/owner", status: 200, answer: "[\"alice\"]\n"}
	}
	rename := renamingStep("/old", "/new", "", 201)
	rename.as = alice
	s.play(t, []step{
		{as: admin, method: "PUT", target: "/old;acl/owner/alice", status: 204},
		rename, owner("/new"), owner("/new:" + v),
	})
}
