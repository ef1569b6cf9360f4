package rest

import (
	"strings"
	"testing"
)

// Whoever deletes a name must own all that is beneath it, versions too; until then all of it stays
// (rest-api §3).
func TestWhatIsBeneathANameIsDeletedByOwnersOfAllOfIt(t *testing.T) {
	s := newSite(t, options{})
	for _, top := range []string{"/versions", "/object", "/namespace"} {
		t.Run("by the lists of the "+top[1:], func(t *testing.T) {
			object := top + "/in/o"
			s.namespace(top)
			s.namespace(top + "/in")
			one, _ := s.object(object, "one")
			two, _ := s.object(object, "two")
			one, two = strings.TrimPrefix(one, "/hatrac"), strings.TrimPrefix(two, "/hatrac")
			own := func(target, list string) step {
				return step{as: admin, method: "PUT", target: target + ";acl/" + list + "/alice", status: 204}
			}
			remove := func(target string, status int) step {
				return step{as: alice, method: "DELETE", target: target, status: status}
			}
			s.play(t, []step{
				remove(top, 403), own(top, "owner"),
				remove(top, 403), own(top+"/in", "owner"), own(one, "owner"), own(two, "owner"),
				remove(top, 403), own(object, "owner"),
				{as: admin, method: "DELETE", target: two + ";acl/owner/alice", status: 204},
				remove(object, 403), remove(top, 403),
				{as: admin, method: "DELETE", target: one + ";acl/owner/alice", status: 204},
				remove(object, 403), remove(top, 403),
				{as: admin, method: "GET", target: object, status: 200, answer: "two"},
				{as: admin, method: "GET", target: one, status: 200, answer: "one"},
			})
			switch top {
			case "/versions":
				s.play(t, []step{own(one, "owner"), own(two, "owner")})
			case "/object":
				s.play(t, []step{own(object, "subtree-owner")})
			case "/namespace":
				s.play(t, []step{own(top+"/in", "subtree-owner")})
			}
			s.play(t, []step{remove(top, 204), {as: admin, method: "GET", target: one, status: 404}})
		})
	}
}

func TestWhoCreatesOwns(t *testing.T) {
	s := newSite(t, options{})
	s.grant("/", "create", `["alices"]`)
	owner := func(target, want string) step {
		return step{as: admin, method: "GET", target: target + ";acl/owner", status: 200, answer: `["` + want + `"]` + "\n"}
	}
	s.play(t, []step{
		{as: alice, method: "PUT", target: "/x/y?parents=true", headers: []string{asNamespace}, status: 201},
		owner("/x", alice), owner("/x/y", alice),
		{as: alice, method: "PUT", target: "/x/o", body: "x", status: 201},
		owner("/x/o", alice),
		{as: alice, method: "PUT", target: "/x/o;acl/update/bobs", status: 204},
	})
	newest := func() string {
		url := s.wants(200, s.do(admin, "HEAD", "/hatrac/x/o", "")).Header.Get("Content-Location")
		return strings.TrimPrefix(url, "/hatrac")
	}
	s.play(t, []step{owner(newest(), alice), {as: bob, method: "PUT", target: "/x/o", body: "x", status: 201}})
	s.play(t, []step{owner(newest(), bob)})
	job := strings.TrimSpace(s.wants(201, s.do(alice, "POST", "/hatrac/x/new;upload", `{"chunk-length": 1, "content-length": 0}`, asJSON)).body)
	s.wants(403, s.do(bob, "GET", job, ""))
	s.wants(200, s.do(alice, "GET", job, ""))
	job = strings.TrimSpace(s.wants(201, s.do(bob, "POST", "/hatrac/x/o;upload", `{"chunk-length": 1, "content-length": 0}`, asJSON)).body)
	s.wants(201, s.do(alice, "PUT", "/hatrac/x/o", "x"))
	s.wants(201, s.do(bob, "POST", job, ""))
	s.play(t, []step{owner("/x/new", alice), owner(newest(), bob)})
}

// Where everybody owns what comes to be, also nobody in particular may bring it.
func TestAnOpenSubtreeTakesAnonymousContent(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/drop")
	s.grant("/drop", "create", `["*"]`)
	s.play(t, []step{
		{as: nobody, method: "PUT", target: "/drop/o", body: "x", status: 401},
		{as: admin, method: "PUT", target: "/drop;acl/subtree-owner/*", status: 204},
		{as: nobody, method: "PUT", target: "/drop/o", body: "x", status: 201},
		{as: nobody, method: "POST", target: "/drop/up;upload", body: storyUpload, headers: []string{asJSON}, status: 201},
	})
}
