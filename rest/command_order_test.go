package rest

import (
	"strings"
	"testing"
)

// commandBodies are commands that can be carried out and others that cannot, with what each of them asks
// of the name /ns/new.
var commandBodies = map[string]string{
	"rename_from":                          `{"command":"rename_from","source_name":"/ns/o"}`,
	"rename_from without a source":         `{"command":"rename_from"}`,
	"rename_from with an unknown field":    `{"command":"rename_from","source_name":"/ns/o","x":1}`,
	"rename_from of a field of a type":     `{"command":"rename_from","source_name":5}`,
	"rename_from of a malformed path":      `{"command":"rename_from","source_name":"/%zz"}`,
	"rename_namespace_from":                `{"command":"rename_namespace_from","source_name":"/ns/sub"}`,
	"rename_namespace_from with versions":  `{"command":"rename_namespace_from","source_name":"/ns/sub","versions":[]}`,
	"rename_namespace_from without source": `{"command":"rename_namespace_from"}`,
	"restore":                              restoring,
	"restore with a source":                `{"command":"restore","source_name":"/ns/o"}`,
	"an unknown one":                       `{"command":"explode"}`,
	"no JSON":                              `nonsense`,
	"nothing":                              ``,
}

// Whatever a command says, it is told what is wrong with the resource and with who asks before what is
// wrong with the command (rest-api §12).
func TestOrderOfChecksOfCommands(t *testing.T) {
	shut, s := newSite(t, options{firewall: readOnly()}), newSite(t, options{})
	s.namespace("/ns")
	s.namespace("/ns/sub")
	url, _ := s.object("/ns/o", "x")
	s.object("/ns/p", "x")
	s.object("/ns/dead", "x")
	s.wants(204, s.do(admin, "DELETE", "/hatrac/ns/dead", ""))
	version := strings.TrimPrefix(url, "/hatrac")
	for name, body := range commandBodies {
		t.Run(name, func(t *testing.T) {
			post := func(as, target string, status int, headers ...string) step {
				return step{as: as, method: "POST", target: target, body: body, headers: append(headers, asJSON), status: status}
			}
			const asPlain = "Content-Type: text/plain"
			shut.play(t, []step{
				post(admin, "/none/x", 403),
				post(nobody, "/none/x", 401),
				post(admin, "/:v", 403),
				{as: admin, method: "POST", target: "/none/x", body: body, headers: []string{asPlain}, status: 403},
			})
			s.play(t, []step{
				post(admin, "/none/x", 404),
				post(bob, "/none/x", 404),
				post(bob, "/ns/o:none", 404),
				post(bob, "/ns/p", 403),
				post(nobody, "/ns/p", 401),
				post(bob, "/ns/sub", 403),
				post(bob, "/ns/dead", 403),
				post(bob, version, 403),
				post(nobody, version, 401),
				{as: bob, method: "POST", target: "/ns/p", body: body, headers: []string{asPlain}, status: 403},
				{as: bob, method: "POST", target: version, body: body, headers: []string{asPlain}, status: 403},
				// A field of the header, then conditions, then what the body says.
				{as: admin, method: "POST", target: version, body: body, headers: []string{asPlain, `If-Match: "never"`}, status: 400},
				post(admin, version, 412, `If-Match: "never"`),
			})
			if !strings.HasPrefix(name, "rename") && name != "restore" {
				s.play(t, []step{post(admin, "/ns/p", 412, `If-Match: "never"`), post(admin, "/ns/p", 400)})
			}
			if name == "restore" {
				return // of what never was
			}
			s.play(t, []step{post(bob, "/ns/new", 403), post(nobody, "/ns/new", 401)})
			if strings.HasPrefix(name, "rename_") {
				s.play(t, []step{
					// The state of the name, then the command.
					post(admin, "/ns/sub", 409),
					post(admin, "/ns/dead", 409),
					{as: admin, method: "POST", target: "/ns/new", body: body, headers: []string{asPlain, `If-Match: "never"`}, status: 400},
					post(admin, "/ns/new", 412, `If-Match: "never"`),
				})
			}
		})
	}
}

// What a command says of another resource is looked at in the same order.
func TestOrderOfChecksOfBothEndsOfARename(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	s.namespace("/ns/sub")
	s.namespace("/bobs")
	s.object("/ns/o", "x")
	s.grant("/bobs", "create", `["bob"]`)
	rename := func(as, target, what, source string, status int) step {
		return step{
			as: as, method: "POST", target: target, status: status, headers: []string{asJSON},
			body: `{"command":"` + what + `","source_name":"` + source + `"}`,
		}
	}
	const object, namespace = "rename_from", "rename_namespace_from"
	s.play(t, []step{
		// The enclosing namespace of the target, then rights.
		rename(bob, "/none/x", object, "/ns/o", 404),
		rename(bob, "/none/x", namespace, "/ns/sub", 404),
		// Rights at either end, then state at either end.
		rename(bob, "/ns/o", object, "/ns/o", 403),
		rename(bob, "/ns/new", object, "/never", 403),
		rename(bob, "/ns/sub", object, "/never", 403),
		rename(bob, "/bobs/new", object, "/ns/o", 403),
		rename(bob, "/bobs/new", object, "/never", 409),
		rename(bob, "/ns/sub", namespace, "/ns/sub", 403),
		rename(bob, "/ns/sub/in", namespace, "/ns/sub", 403),
		rename(bob, "/ns/new", namespace, "/never", 403),
		rename(bob, "/ns/o", namespace, "/never", 403),
		rename(bob, "/bobs/new", namespace, "/ns/sub", 403),
		rename(bob, "/bobs/new", namespace, "/never", 409),
		// What was done before is no secret kept badly.
		rename(admin, "/ns/moved", namespace, "/ns/sub", 201),
		rename(bob, "/ns/moved", namespace, "/ns/sub", 403),
		rename(admin, "/ns/moved", namespace, "/ns/sub", 204),
	})
}
