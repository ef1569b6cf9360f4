package rest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEveryChangeIsInTheAuditLog(t *testing.T) {
	s := newSite(t, options{})
	for _, c := range []struct {
		as, method, target, body string
		headers                  []string
		want                     map[string]any
	}{
		{admin, "PUT", "/hatrac/%7en", "", []string{asNamespace}, map[string]any{"change": "put", "resource": "/hatrac/~n", "made": "/hatrac/~n", "status": 201.0}},
		{admin, "PUT", "/hatrac/o", "x", nil, map[string]any{"change": "put", "resource": "/hatrac/o", "status": 201.0}},
		{bob, "PUT", "/hatrac/o", "x", nil, map[string]any{"change": "put", "resource": "/hatrac/o", "status": 403.0}},
		{nobody, "DELETE", "/hatrac/o", "", nil, map[string]any{"change": "delete", "resource": "/hatrac/o", "status": 401.0}},
		{admin, "DELETE", "/hatrac/o:none", "", nil, map[string]any{"change": "delete", "resource": "/hatrac/o:none", "status": 404.0}},
		{admin, "POST", "/hatrac/p", `{"command":"rename_from","source_name":"/o"}`, []string{asJSON}, map[string]any{"change": "command", "resource": "/hatrac/p", "from": "/hatrac/o", "made": "/hatrac/p", "status": 201.0}},
		{admin, "POST", "/hatrac/p", `{"command":"restore"}`, []string{asJSON}, map[string]any{"change": "command", "resource": "/hatrac/p", "status": 204.0}},
		{admin, "POST", "/hatrac/o:v", `{"command":"restore"}`, []string{asJSON}, map[string]any{"change": "command", "resource": "/hatrac/o:v", "status": 404.0}},
		{admin, "PUT", "/hatrac/p;acl/read", `["x"]`, []string{asJSON}, map[string]any{"change": "replace list", "resource": "/hatrac/p;acl/read", "status": 204.0}},
		{admin, "DELETE", "/hatrac/p;acl/read", "", nil, map[string]any{"change": "clear list", "resource": "/hatrac/p;acl/read", "status": 204.0}},
		{admin, "PUT", "/hatrac/p;acl/read/%0Aforged", "", nil, map[string]any{"change": "add entry", "resource": "/hatrac/p;acl/read/%0Aforged", "status": 204.0}},
		{admin, "DELETE", "/hatrac/p;acl/read/x", "", nil, map[string]any{"change": "remove entry", "resource": "/hatrac/p;acl/read/x", "status": 404.0}},
		{admin, "PUT", "/hatrac/p;metadata/content-type", "a/b", []string{"Content-Type: text/plain"}, map[string]any{"change": "set field", "resource": "/hatrac/p;metadata/content-type", "status": 204.0}},
		{admin, "DELETE", "/hatrac/p;metadata/content-type", "", nil, map[string]any{"change": "clear field", "resource": "/hatrac/p;metadata/content-type", "status": 204.0}},
		{admin, "POST", "/hatrac/u;upload", `{"chunk-length":1,"content-length":1}`, []string{asJSON}, map[string]any{"change": "start upload", "resource": "/hatrac/u;upload", "status": 201.0}},
		{admin, "PUT", "/hatrac/u;upload/none/0", "x", nil, map[string]any{"change": "put chunk", "resource": "/hatrac/u;upload/none/0", "status": 404.0}},
		{admin, "POST", "/hatrac/u;upload/none", "", nil, map[string]any{"change": "finish upload", "resource": "/hatrac/u;upload/none", "status": 404.0}},
		{admin, "DELETE", "/hatrac/u;upload/none", "", nil, map[string]any{"change": "cancel upload", "resource": "/hatrac/u;upload/none", "status": 404.0}},
		{nobody, "POST", "/authn/session", loginBody(alice, password), []string{asForm}, map[string]any{"change": "log in", "resource": "/authn/session", "status": 200.0, "client": alice}},
		{bob, "PUT", "/authn/session", "", nil, map[string]any{"change": "extend session", "resource": "/authn/session", "status": 200.0}},
		{nobody, "DELETE", "/authn/session", "", nil, map[string]any{"change": "log out", "resource": "/authn/session", "status": 404.0}},
	} {
		t.Run(c.want["change"].(string), func(t *testing.T) {
			before := strings.Count(s.audit.String(), "\n")
			a := s.do(c.as, c.method, c.target, c.body, c.headers...)
			lines := s.audit.lines(before + 1)
			var got map[string]any
			must(t, json.Unmarshal([]byte(lines[before]), &got))
			if status := got["status"].(float64); (got["error"] == nil) == (status >= 400) && c.want["change"] != "log out" || got["done"] != (status < 300) {
				t.Errorf("the line tells %v", got)
			}
			delete(got, "error")
			delete(got, "done")
			if c.want["client"] == nil {
				c.want["client"] = c.as
			}
			if c.want["made"] == nil && a.Header.Get("Location") != "" {
				c.want["made"] = a.Header.Get("Location")
			}
			c.want["remote"], c.want["request"] = "127.0.0.1", a.Header.Get("X-Request-Id")
			c.want["level"], c.want["message"] = "info", "change"
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if text := s.audit.String(); strings.Contains(text, "correct") || strings.Contains(text, "Bearer") {
		t.Errorf("the audit log tells secrets: %s", text)
	}
}

func TestTheDispatchTableNamesEveryChange(t *testing.T) {
	tables := []methods{sessionMethods()}
	for _, table := range routes() {
		tables = append(tables, table)
	}
	for _, table := range tables {
		for method, do := range table {
			if reading := method == "GET" || method == "HEAD"; reading != (do.change == "") {
				t.Errorf("%s is called %q", method, do.change)
			}
		}
	}
}

func TestWhatIsReadIsNotInTheAuditLog(t *testing.T) {
	s := newSite(t, options{})
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "PATCH"} {
		s.do(admin, method, "/hatrac/", "")
	}
	s.log.lines(4)
	if text := s.audit.String(); text != "" {
		t.Errorf("the audit log tells %s", text)
	}
}

func TestTheAuditGoesToTheLogUnlessItHasItsOwn(t *testing.T) {
	s := newSite(t, options{rest: func(c *Config) { c.Audit = nil }})
	s.object("/o", "x")
	if lines := s.log.lines(2); !strings.Contains(lines[0], `"message":"change"`) || s.audit.String() != "" {
		t.Errorf("the log tells %s", lines)
	}
}
