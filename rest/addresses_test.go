package rest

import (
	"testing"

	"github.com/hatrac/hatrac/store"
)

// A byte that no URL has is wrong, and does not change what else the URL says: here that the slash is
// part of a name.
func TestWhatTheClientWroteIsRead(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/a")
	s.object("/a/b%5E", "x")
	s.wants(400, s.raw("GET", "GET /hatrac/a%2Fb^ HTTP/1.1\r\n"+s.authorized(admin)+"\r\n"))
}

func TestTheConfigurationWidensWhatMayStandBare(t *testing.T) {
	bare := store.DefaultBareCharacters()
	bare['@'] = true
	s := newSite(t, options{rest: func(c *Config) { c.BareCharacters = bare }})
	s.play(t, []step{
		{as: admin, method: "PUT", target: "/a@b", body: "x", status: 201},
		{as: admin, method: "GET", target: "/a%40b", status: 200, answer: "x"},
		{as: admin, method: "GET", target: "/", status: 200, answer: `["/hatrac/a%40b"]` + "\n"},
		{as: admin, method: "POST", target: "/c", body: `{"command":"rename_from","source_name":"/a@b"}`, headers: []string{asJSON}, status: 201},
		{as: admin, method: "GET", target: "/a+b", status: 400},
	})
}
