package rest

import (
	"strings"
	"testing"
)

// What is done to a list or to an entry is done to nothing else, however often (rest-api §9).
func TestChangesOfListsAndEntries(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	url, _ := s.object("/ns/o", "x")
	for _, target := range []string{"/ns", "/ns/o", strings.TrimPrefix(url, "/hatrac")} {
		list, others := target+";acl/read", target+";acl/owner"
		get := func(entries string) step {
			return step{as: admin, method: "GET", target: list, status: 200, answer: entries + "\n"}
		}
		change := func(method, target, body string, status int, headers ...string) step {
			return step{
				as: admin, method: method, target: target, body: body, headers: headers, status: status,
				has: map[string]string{"Location": "", "Content-Type": ""},
			}
		}
		s.play(t, []step{
			{as: admin, method: "HEAD", target: list, status: 200, has: map[string]string{"Content-Type": "application/json", "Content-Length": "3"}},
			change("PUT", list, `["x"]`, 204, asJSON),
			change("PUT", list, `["a","b"]`, 204, asJSON),
			get(`["a","b"]`),
			change("PUT", list+"/c", ``, 204),
			change("PUT", list+"/c", `["x"]`, 204, asJSON),
			change("PUT", list+"/a", `nonsense`, 204, "Content-Type: text/plain"),
			get(`["a","b","c"]`),
			{as: admin, method: "GET", target: list + "/b/", status: 200, answer: "b\n"},
			{as: admin, method: "HEAD", target: list + "/b", status: 200, has: map[string]string{"Content-Type": "text/plain; charset=utf-8", "Content-Length": "2"}},
			{as: admin, method: "HEAD", target: list + "/x", status: 404},
			change("DELETE", list+"/b", ``, 204),
			{as: admin, method: "DELETE", target: list + "/b", status: 404},
			{as: admin, method: "DELETE", target: list + "/x", status: 404},
			get(`["a","c"]`),
			change("PUT", list+"/", `["d"]`, 204, asJSON),
			get(`["d"]`),
			change("DELETE", list+"/", ``, 204),
			change("DELETE", list, ``, 204),
			get(`[]`),
			{as: admin, method: "DELETE", target: list + "/d", status: 404},
			{as: admin, method: "GET", target: others, status: 200, answer: `["admin"]` + "\n"},
		})
		for _, c := range []step{
			{method: "GET", target: target + ";acl/none"},
			{method: "HEAD", target: target + ";acl/none"},
			{method: "GET", target: target + ";acl/none/x"},
			{method: "PUT", target: target + ";acl/none", body: `[]`, headers: []string{asJSON}},
			{method: "DELETE", target: target + ";acl/none"},
			{method: "PUT", target: target + ";acl/none/x"},
			{method: "DELETE", target: target + ";acl/none/x"},
		} {
			c.as, c.status = admin, 400
			s.play(t, []step{c})
		}
	}
}

// A change of a list is refused if nobody would own the resource any more, neither by its own lists nor
// by those around it (rest-api §9).
func TestNobodyGivesAResourceUp(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	url, _ := s.object("/ns/o", "x")
	version := strings.TrimPrefix(url, "/hatrac")
	change := func(as, method, target, body string, status int) step {
		return step{as: as, method: method, target: target, body: body, headers: []string{asJSON}, status: status}
	}
	owned := func(target string) step {
		return step{as: admin, method: "GET", target: target + ";acl/owner", status: 200, answer: `["admin"]` + "\n"}
	}
	s.play(t, []step{
		// Who owns all that is in the root owns these.
		change(admin, "DELETE", "/ns;acl/owner", ``, 204),
		change(admin, "DELETE", version+";acl/owner/admin", ``, 204),
		change(admin, "PUT", "/ns;acl/owner", `["admin"]`, 204),
		change(admin, "PUT", version+";acl/owner/admin", ``, 204),
		// Nobody does any more.
		change(admin, "DELETE", "/;acl/subtree-owner", ``, 204),
	})
	for _, target := range []string{"/", "/ns", "/ns/o", version} {
		s.play(t, []step{
			change(admin, "DELETE", target+";acl/owner", ``, 400),
			change(admin, "DELETE", target+";acl/owner/admin", ``, 400),
			change(admin, "PUT", target+";acl/owner", `[]`, 400),
			change(admin, "PUT", target+";acl/owner", `[""]`, 400),
			owned(target),
		})
	}
	s.play(t, []step{
		// Of a version its object may be.
		change(admin, "PUT", "/ns/o;acl/subtree-owner", `["bob"]`, 204),
		change(admin, "DELETE", version+";acl/owner", ``, 204),
		change(bob, "GET", version+";acl/owner", ``, 200),
		// Of an object that grants nothing.
		change(admin, "DELETE", "/ns/o;acl/owner", ``, 400),
		change(admin, "PUT", "/ns;acl/subtree-owner", `["bob"]`, 204),
		change(admin, "DELETE", "/ns/o;acl/owner", ``, 204),
		// Nor of a namespace what it grants beneath itself.
		change(admin, "DELETE", "/ns;acl/owner", ``, 400),
	})
}
