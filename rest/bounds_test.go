package rest

import (
	"fmt"
	"strings"
	"testing"
)

func TestNoHeaderIsLargerThanAnybodyNeeds(t *testing.T) {
	s := newSite(t, options{})
	s.wants(200, s.do(admin, "GET", "/hatrac/", "", "X: "+strings.Repeat("x", maxHeader/2)))
	s.wants(431, s.do(admin, "GET", "/hatrac/", "", "X: "+strings.Repeat("x", maxHeader)))
	s.wants(431, s.do(admin, "GET", "/authn/session", "", "X-"+strings.Repeat("x", maxHeader)+": x"))
	var many []string
	for i := range maxFields {
		many = append(many, fmt.Sprintf("X-%d: x", i))
	}
	a := s.wants(431, s.do(nobody, "PUT", "/hatrac/o", "x", many...))
	if !strings.Contains(a.body, "header fields") || a.Header.Get("X-Request-Id") == "" {
		t.Errorf("%q, %v", a.body, a.Header)
	}
	s.wants(404, s.do(admin, "GET", "/hatrac/o", ""))
}

func TestDocumentsAreBounded(t *testing.T) {
	s := newSite(t, options{})
	s.object("/o", "x")
	const commandHead = `{"command":"rename_from","source_name":"/o","source_versions":["`
	s.play(t, []step{
		{as: admin, method: "POST", target: "/new", body: commandHead + strings.Repeat("x", maxCommand) + `"]}`, headers: []string{asJSON}, status: 413},
		{as: admin, method: "PUT", target: "/o;acl/read", body: `["` + strings.Repeat("x", maxDocument) + `"]`, headers: []string{asJSON}, status: 413},
		{as: admin, method: "PUT", target: "/o;acl/read", body: `["` + strings.Repeat("x", 1025) + `"]`, headers: []string{asJSON}, status: 400},
		{as: admin, method: "PUT", target: "/o;acl/read", body: `[` + strings.Repeat(`"x",`, 4096) + `"x"]`, headers: []string{asJSON}, status: 400},
		{as: admin, method: "PUT", target: "/o;metadata/content-type", body: strings.Repeat("x", maxValue+1), headers: []string{"Content-Type: text/plain"}, status: 413},
		{as: admin, method: "PUT", target: "/o;metadata/content-type", body: "a/b;c=" + strings.Repeat("x", 4096), headers: []string{"Content-Type: text/plain"}, status: 400},
		{as: admin, method: "PUT", target: "/new", body: "x", headers: []string{"Content-Type: a/b;c=" + strings.Repeat("x", 4096)}, status: 400},
		{as: admin, method: "PUT", target: "/new", body: "x", headers: []string{"Hatrac-ACL-read: " + strings.Repeat("x", 1025)}, status: 400},
		{as: admin, method: "PUT", target: "/new", body: "x", headers: []string{"Hatrac-ACL-read: " + strings.Repeat("x,", 4096) + "x"}, status: 400},
		{as: admin, method: "GET", target: "/" + strings.Repeat("x", 33<<10), status: 400},
		{as: admin, method: "GET", target: "/new", status: 404},
	})
}
