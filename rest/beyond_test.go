package rest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/hatrac/hatrac/store"
)

// What an upload says of lists is for the object that it creates (rest-api §11).
func TestAnUploadMayGiveItsObjectLists(t *testing.T) {
	s := newSite(t, options{})
	s.object("/there", "x")
	lists := []string{asJSON, "Hatrac-ACL-read: alice, b%6Fb", "Hatrac-ACL-owner: bob"}
	s.play(t, []step{
		{as: admin, method: "POST", target: "/new;upload", body: storyUpload, headers: lists, status: 201},
		{as: admin, method: "GET", target: "/new;acl/read", status: 200, answer: `["alice","bob"]` + "\n"},
		{as: admin, method: "GET", target: "/new;acl/owner", status: 200, answer: `["bob"]` + "\n"},
		{as: admin, method: "POST", target: "/there;upload", body: storyUpload, headers: lists, status: 201},
		{as: admin, method: "PUT", target: "/there", body: "y", headers: lists[1:], status: 201},
		{as: admin, method: "GET", target: "/there;acl/read", status: 200, answer: "[]\n"},
		{as: admin, method: "GET", target: "/there;acl/owner", status: 200, answer: `["admin"]` + "\n"},
	})
}

// indiscreet is a storage that tells where it looked.
type indiscreet struct{ store.Assembler }

func (indiscreet) Open(context.Context, store.Address) (store.Content, error) {
	return nil, store.Wrap(store.Internal, "open content", errors.New("open /secret/place: not there; SELECT 1 FROM name"))
}

// Whatever went wrong, the client is told one sentence about the resource and nothing of how the server is
// made, nor what stood in its query (rest-api §11).
func TestAnErrorTellsNothingOfTheInside(t *testing.T) {
	s := newSite(t, options{direct: true, bulk: func(b store.Assembler) store.Assembler { return indiscreet{b} }})
	s.object("/o", strings.Repeat("x", 10))
	for target, status := range map[string]int{"/hatrac/o?hush": 500, "/hatrac/a@b?hush": 400, "/hatrac/o;x?hush": 400, "/nothing?hush": 404} {
		for _, accept := range []string{typePlain, typeHTML, typeProblem} {
			a := s.wants(status, s.do(admin, "GET", target, "", "Accept: "+accept))
			for _, secret := range []string{"secret", "SELECT", "hush", "goroutine", ".go:"} {
				if strings.Contains(a.body, secret) {
					t.Errorf("%s tells %q", target, a.body)
				}
			}
			path, _, _ := strings.Cut(target, "?")
			if accept != typeHTML && !strings.Contains(a.body, path) || a.Header.Get("X-Request-Id") == "" {
				t.Errorf("%s is told as %q", target, a.body)
			}
		}
	}
	if text := s.log.String(); !strings.Contains(text, "/secret/place") {
		t.Errorf("the log tells %s", text)
	}
}
