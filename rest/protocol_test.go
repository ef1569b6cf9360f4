package rest

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Sentences of the protocol's page that have no other place, in its order.

func TestAddressesOfTheProtocol(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	s.object("/ns/a%2Fb%3Ac%3Bd", "slash")
	s.object("/ns/~tilde", "tilde")
	get := func(target string, status int, answer string) step {
		return step{as: admin, method: "GET", target: target, status: status, answer: answer}
	}
	s.play(t, []step{
		get("/ns/a%2fb%3ac%3bd", 200, "slash"),
		get("/ns/a/b", 404, ""),
		get("/ns/%7Etilde", 200, "tilde"),
		get("//ns///~tilde//", 200, "tilde"),
		get("/ns/~tilde?parents=true&limit=1&cid=a%zz", 200, "tilde"),
		get("/ns/~tilde;versions/?x", 200, ""),
		get("/ns", 200, `["/hatrac/ns/a%2Fb%3Ac%3Bd","/hatrac/ns/~tilde"]`+"\n"),
		get("/ns/%2e", 400, ""),
		get("/ns/~tilde;acl/read/", 200, "[]\n"),
		get("/ns/~tilde;acl/read/x/y", 400, ""),
		get("/ns/~tilde;versions/x", 400, ""),
		get("/ns/~tilde;upload/j/0/x", 400, ""),
		{as: admin, method: "PUT", target: "/ns/~tilde;acl/read/https%3A%2F%2Fid.example%2Fgroup%3Fa+b", status: 204},
		get("/ns/~tilde;acl/read", 200, `["https://id.example/group?a+b"]`+"\n"),
		get("/ns/~tilde;acl/read/https%3a%2f%2fid.example%2fgroup%3fa+b", 200, "https://id.example/group?a+b\n"),
		{as: admin, method: "PUT", target: "/ns/~tilde;acl/read/a@b", status: 204},
		{as: admin, method: "PUT", target: "/ns/~tilde;acl/read/*", status: 204},
		{as: nobody, method: "GET", target: "/ns/~tilde;versions", status: 200},
		{as: nobody, method: "GET", target: "/ns/~tilde", status: 401},
	})
}

func TestRightsOfTheProtocol(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	s.namespace("/ns/in")
	url, _ := s.object("/ns/in/o", "x")
	version := strings.TrimPrefix(url, "/hatrac")
	get := func(as, target string, status int) step {
		return step{as: as, method: "GET", target: target, status: status}
	}
	put := func(as, target string, status int) step {
		return step{as: as, method: "PUT", target: target, body: "x", status: status}
	}
	give := func(target, list, entries string) step {
		return step{as: admin, method: "PUT", target: target + ";acl/" + list, body: entries, headers: []string{asJSON}, status: 204}
	}
	s.play(t, []step{
		// What a namespace's subtree lists grant is beneath it, not on itself.
		give("/ns", "subtree-read", `["alices"]`),
		get(alice, "/ns", 403), get(alice, "/ns/in", 200), get(alice, "/ns/in/o", 200), get(alice, "/ns/in/o;versions", 200),
		get(alice, "/ns/in/o;metadata", 200), get(alice, "/ns/in/o;acl", 403), get(alice, "/ns/in/o;upload", 403),
		put(alice, "/ns/in/o", 403),
		give("/ns", "subtree-read", `[]`),
		give("/ns", "subtree-update", `["alice"]`),
		put(alice, "/ns/in/o", 201), put(alice, "/ns/in/new", 403), get(alice, "/ns/in/o;versions", 403),
		give("/ns", "subtree-update", `[]`),
		give("/ns", "subtree-owner", `["alice"]`),
		get(alice, "/ns;acl", 403), get(alice, "/ns/in;acl", 200), get(alice, "/ns", 403),
		give("/ns", "subtree-owner", `[]`),
		// Only subtree-create grants creating directly in it as well.
		give("/ns", "subtree-create", `["alice"]`),
		put(alice, "/ns/one", 201), put(alice, "/ns/in/two", 201), get(alice, "/ns/in", 403),
		give("/ns", "subtree-create", `[]`),
		give("/ns", "create", `["alice"]`),
		put(alice, "/ns/three", 201), put(alice, "/ns/in/four", 403),
		// To read an object is to see its versions, not their content.
		give("/ns/in/o", "read", `["bob"]`),
		get(bob, "/ns/in/o;versions", 200), get(bob, "/ns/in/o", 403), get(bob, version, 403), get(bob, version+";metadata", 403),
		give(version, "read", `["bob"]`),
		get(bob, version, 200), get(bob, version+";metadata", 200), get(bob, "/ns/in/o", 403),
		give("/ns/in/o", "subtree-read", `["bobs"]`),
		get(bob, "/ns/in/o", 200),
		// Anonymous clients make nothing that nobody owns.
		give("/ns", "create", `["*"]`),
		put(nobody, "/ns/five", 401), get(admin, "/ns/five", 404),
		{as: nobody, method: "POST", target: "/ns/five;upload", body: storyUpload, headers: []string{asJSON}, status: 401},
		give("/ns", "subtree-update", `["*"]`),
		put(nobody, "/ns/five", 201),
		get(admin, "/ns/five;acl/owner", 200),
		// Whoever does not own everything beneath a name deletes nothing.
		{as: admin, method: "PUT", target: "/ns;acl/owner/alice", status: 204},
		{as: alice, method: "DELETE", target: "/ns", status: 403},
		get(admin, "/ns/one", 200),
	})
}

func TestConditionsOfTheProtocol(t *testing.T) {
	s := newSite(t, options{})
	s.object("/o", "x")
	asPlain := "Content-Type: text/plain"
	s.wants(204, s.do(admin, "PUT", "/hatrac/o;metadata/content-type", "a/b", asPlain))
	s.wants(204, s.do(admin, "PUT", "/hatrac/o;acl/read/bob", ""))
	for _, target := range []string{
		"/hatrac/", "/hatrac/o", "/hatrac/o;versions", "/hatrac/o;acl", "/hatrac/o;acl/read", "/hatrac/o;acl/read/bob",
		"/hatrac/o;metadata", "/hatrac/o;metadata/content-type",
	} {
		t.Run(target, func(t *testing.T) {
			for _, method := range []string{"GET", "HEAD"} {
				tag := s.wants(200, s.do(admin, method, target, "")).Header.Get("ETag")
				if !strings.HasPrefix(tag, `"`) || tag == `""` {
					t.Fatalf("the tag is %s", tag)
				}
				for header, status := range map[string]int{
					"If-Match: " + tag:              200,
					`If-Match: "x", ` + tag:         200,
					"If-Match: *":                   200,
					`If-Match: "x"`:                 304,
					"If-Match: W/" + tag:            304,
					"If-None-Match: " + tag:         304,
					"If-None-Match: *":              304,
					`If-None-Match: "x"`:            200,
					"If-None-Match: x":              400,
					"If-Modified-Since: " + farAway: 200,
				} {
					a := s.wants(status, s.do(admin, method, target, "", header))
					if status == 304 && (a.Header.Get("ETag") != tag || a.body != "" || a.Header.Get("Repr-Digest") != "") {
						t.Errorf("%s: %v %q", header, a.Header, a.body)
					}
				}
			}
		})
	}
	for _, change := range []step{
		{method: "PUT", target: "/o;acl/read", body: `[]`, headers: []string{asJSON}},
		{method: "DELETE", target: "/o;acl/read"},
		{method: "PUT", target: "/o;acl/read/alice"},
		{method: "DELETE", target: "/o;acl/read/bob"},
		{method: "PUT", target: "/o;metadata/content-type", body: "c/d", headers: []string{asPlain}},
		{method: "DELETE", target: "/o;metadata/content-type"},
		{method: "PUT", target: "/o", body: "x"},
		{method: "POST", target: "/o;upload", body: storyUpload, headers: []string{asJSON}},
		{method: "DELETE", target: "/o"},
	} {
		a := s.do(admin, change.method, "/hatrac"+change.target, change.body, append(change.headers, `If-Match: "x"`)...)
		if s.wants(http.StatusPreconditionFailed, a).Header.Get("ETag") == "" && change.target != "/o;acl/read/alice" {
			t.Errorf("%s %s is refused without the tag", change.method, change.target)
		}
	}
}

// farAway is a date after everything.
const farAway = "Fri, 31 Dec 2100 00:00:00 GMT"

func TestDigestsOfTheProtocol(t *testing.T) {
	s := newSite(t, options{})
	md5Sum, sha256Sum := sums("hello")
	otherMD5, _ := sums("other")
	inHex := func(sum string) string {
		raw, err := base64.StdEncoding.DecodeString(sum)
		must(t, err)
		return hex.EncodeToString(raw)
	}
	asPlain := []string{"Content-Type: text/plain"}
	set := func(field, value string, status int) step {
		return step{as: admin, method: "PUT", target: "/o;metadata/" + field, body: value, headers: asPlain, status: status}
	}
	s.object("/given", "hello", "Content-MD5: "+inHex(md5Sum), "Content-SHA256: "+strings.ToUpper(inHex(sha256Sum)))
	s.object("/o", "hello")
	s.play(t, []step{
		{as: admin, method: "GET", target: "/given", status: 200, has: map[string]string{"Content-MD5": md5Sum, "Content-SHA256": sha256Sum}},
		{as: admin, method: "GET", target: "/given", headers: []string{"Range: bytes=1-2"}, status: 206, answer: "el", has: map[string]string{"Content-MD5": "", "Content-SHA256": "", "Repr-Digest": ""}},
		// What the server computes by itself is no metadata.
		{as: admin, method: "GET", target: "/o", status: 200, has: map[string]string{"Content-MD5": "", "Content-SHA256": "", "Repr-Digest": "sha-256=:" + sha256Sum + ":"}},
		{as: admin, method: "GET", target: "/o;metadata", status: 200, answer: "{}\n"},
		set("content-md5", otherMD5, 409),
		set("content-md5", " "+inHex(md5Sum)+"\n", 204),
		set("Content-MD5", md5Sum, 204),
		set("content-md5", otherMD5, 409),
		{as: admin, method: "GET", target: "/o;metadata/content-md5", status: 200, answer: md5Sum + "\n"},
		{as: admin, method: "DELETE", target: "/o;metadata/content-md5", status: 204},
		{as: admin, method: "DELETE", target: "/o;metadata/content-md5", status: 204},
		{as: admin, method: "GET", target: "/o;metadata/content-md5", status: 404},
		set("content-md5", otherMD5, 409),
		set("content-md5", md5Sum, 204),
		set("content-sha1", md5Sum, 400),
	})
}

// A client that was made for the original works with what this server sends.
func TestMediaTypesAreSentExactly(t *testing.T) {
	s := newSite(t, options{})
	s.object("/o", "x", "Content-Type: text/html; charset=ISO-8859-1")
	s.object("/plain", "x", "Content-Type: text/plain")
	for target, want := range map[string]string{
		"/hatrac/": typeJSON, "/hatrac/o;versions": typeJSON, "/hatrac/o;acl": typeJSON, "/hatrac/o;acl/owner": typeJSON,
		"/hatrac/o;metadata": typeJSON, "/hatrac/o;upload": typeJSON, "/hatrac/o": "text/html; charset=ISO-8859-1", "/hatrac/plain": "text/plain",
		"/hatrac/o;metadata/content-type": "text/plain; charset=utf-8", "/hatrac/o;acl/owner/admin": "text/plain; charset=utf-8",
	} {
		a := s.wants(200, s.do(admin, "GET", target, "", "Deriva-Client-Context: x"))
		if got := a.Header.Get("Content-Type"); got != want {
			t.Errorf("%s is %s, want %s", target, got, want)
		}
	}
	for _, target := range []string{"/hatrac/", "/hatrac/o;versions", "/hatrac/o;upload"} {
		a := s.wants(200, s.do(admin, "GET", target, "", "Accept: text/uri-list"))
		if a.Header.Get("Content-Type") != typeURIList || !strings.HasSuffix(a.body, "\n") || strings.HasSuffix(a.body, "\n\n") {
			t.Errorf("%s: %s %q", target, a.Header.Get("Content-Type"), a.body)
		}
	}
}

func TestEveryResourceHasOptions(t *testing.T) {
	s := newSite(t, options{firewall: readOnly()})
	for form, table := range routes() {
		target := "/hatrac/none"
		if form.version {
			target += ":v"
		}
		if form.sub != "" {
			target += ";" + string(form.sub)
		}
		target += strings.Repeat("/0", form.args)
		a := s.wants(204, s.do(nobody, "OPTIONS", target, ""))
		if a.Header.Get("Allow") != table.allow() {
			t.Errorf("%s allows %s", target, a.Header.Get("Allow"))
		}
		a = s.wants(405, s.do(nobody, "LINK", target, ""))
		if a.Header.Get("Allow") != table.allow() {
			t.Errorf("%s allows %s", target, a.Header.Get("Allow"))
		}
	}
	for _, target := range []string{"/authn/session", "/authn/preauth", "/authn/discovery", "/healthz"} {
		s.wants(204, s.do(nobody, "OPTIONS", target, ""))
		for _, method := range []string{"PATCH", "LINK", "TRACE"} {
			if a := s.wants(405, s.do(nobody, method, target, "")); a.Header.Get("Allow") == "" {
				t.Errorf("%s %s does not say what is allowed", method, target)
			}
		}
	}
}

func TestLastModifiedIsNoCondition(t *testing.T) {
	s := newSite(t, options{})
	s.object("/o", "0123456789")
	a := s.wants(200, s.do(admin, "GET", "/hatrac/o", ""))
	modified := a.Header.Get("Last-Modified")
	if _, err := time.Parse(http.TimeFormat, modified); err != nil {
		t.Error(err)
	}
	s.wants(200, s.do(admin, "GET", "/hatrac/o", "", "If-Modified-Since: "+modified))
	s.wants(206, s.do(admin, "GET", "/hatrac/o", "", "Range: bytes=0-1", "If-Range: "+modified))
	s.wants(200, s.do(admin, "GET", "/hatrac/o", "", "Range: bytes=0-1", "If-Range: "+farAway))
	s.wants(206, s.do(admin, "GET", "/hatrac/o", "", "Range: bytes=0-1", "If-Range: "+a.Header.Get("ETag")))
	s.wants(200, s.do(admin, "GET", "/hatrac/o", "", "Range: bytes=0-1", `If-Range: "x"`))
}
