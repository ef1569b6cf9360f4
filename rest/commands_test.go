package rest

import (
	"strings"
	"testing"
	"time"
)

const restoring = `{"command":"restore"}`

func TestWhatWasDeletedCanBeRestored(t *testing.T) {
	s := newSite(t, options{retention: time.Hour})
	s.namespace("/ns")
	s.namespace("/ns/deep")
	_, one := s.object("/ns/deep/o", "one")
	_, two := s.object("/ns/deep/o", "two")
	s.object("/ns/earlier", "x")
	post := func(as, target string, status int) step {
		return step{as: as, method: "POST", target: target, body: restoring, headers: []string{asJSON}, status: status, has: map[string]string{"Location": ""}}
	}
	remove := func(target string) step { return step{as: admin, method: "DELETE", target: target, status: 204} }
	get := func(target string, status int, answer string) step {
		return step{as: admin, method: "GET", target: target, status: status, answer: answer}
	}
	const all = "/ns/deep/o;versions"
	both := `["/hatrac/ns/deep/o:` + two + `","/hatrac/ns/deep/o:` + one + `"]` + "\n"
	s.play(t, []step{
		// A version, which becomes what it was.
		remove("/ns/deep/o:" + two),
		get("/ns/deep/o", 200, "one"),
		post(nobody, "/ns/deep/o:"+two, 401),
		post(bob, "/ns/deep/o:"+two, 403),
		{as: admin, method: "POST", target: "/ns/deep/o:" + two, body: restoring, headers: []string{asJSON, `If-Match: "` + two + `"`}, status: 412},
		{as: admin, method: "POST", target: "/ns/deep/o:" + two, body: restoring, headers: []string{asJSON, `If-Match: "` + one + `"`}, status: 204},
		get("/ns/deep/o", 200, "two"),
		get(all, 200, both),
		post(admin, "/ns/deep/o:"+two, 204),
		post(admin, "/ns/deep/o:none", 404),

		// A name with all its versions.
		remove("/ns/deep/o"),
		post(nobody, "/ns/deep/o", 401),
		post(bob, "/ns/deep/o", 403),
		post(admin, "/ns/deep/o", 204),
		post(admin, "/ns/deep/o", 204),
		get(all, 200, both),
		get("/ns/deep/o", 200, "two"),

		// A namespace with what was deleted together with it.
		remove("/ns/earlier"),
		remove("/ns"),
		post(admin, "/ns/deep/o", 404),
		post(admin, "/ns", 204),
		get("/ns", 200, `["/hatrac/ns/deep"]`+"\n"),
		get(all, 200, both),
		get("/ns/earlier", 404, ""),
		post(admin, "/ns/earlier", 204),
		get("/ns/earlier", 200, "x"),

		post(admin, "/never", 404),
		post(admin, "/never/was", 404),
		post(admin, "/", 204),
	})
}

func TestCommands(t *testing.T) {
	s := newSite(t, options{})
	url, _ := s.object("/o", "x")
	post := func(target, body string, status int, headers ...string) step {
		return step{as: admin, method: "POST", target: target, body: body, headers: append(headers, asJSON), status: status}
	}
	s.play(t, []step{
		post("/o", ``, 400),
		post("/o", `null`, 400),
		post("/o", `{"command":null}`, 400),
		post("/o", `{"command":"restore","source_name":"/x"}`, 400),
		post("/o", `{"command":"restore","copy_acls":true}`, 400),
		post("/o", `{"command":"restore","x":1}`, 400),
		post("/o", `{"command":"Restore"}`, 400),
		post("/o", restoring+restoring, 400),
		post("/o", restoring, 400, "If-Match: naked"),
		{as: admin, method: "POST", target: "/o", body: restoring, headers: []string{"Content-Type: text/plain"}, status: 400},
		{as: admin, method: "POST", target: "/o", body: restoring, headers: []string{"Content-Type: application/JSON; charset=utf-8"}, status: 204},
		post(strings.TrimPrefix(url, "/hatrac"), `{"command":"rename_from","source_name":"/x"}`, 400),
		post("/o", strings.Repeat(" ", 1000)+restoring+"\n", 204),
	})
}
