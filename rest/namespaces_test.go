package rest

import (
	"strings"
	"testing"
	"time"
)

func TestOnlyContentComesInParts(t *testing.T) {
	s := newSite(t, options{})
	s.object("/o", "hello", "Content-Type: a/b")
	job := s.upload("/o", storyUpload)
	part := []string{"Range: bytes=0-1"}
	for _, target := range []string{
		"/", "/o;versions", "/o;acl", "/o;acl/owner", "/o;acl/owner/admin", "/o;metadata", "/o;metadata/content-type", "/o;upload", job,
	} {
		s.play(t, []step{
			{as: admin, method: "GET", target: target, headers: part, status: 501, has: map[string]string{"Etag": ""}},
			{as: admin, method: "HEAD", target: target, headers: part, status: 200},
			{as: nobody, method: "GET", target: target, headers: part, status: 401},
		})
	}
}

func TestTheFullListingTellsNamesAsTheyAre(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/%C3%A9%2Fx")
	if a := s.wants(200, s.do(admin, "GET", "/hatrac/", "", "Accept: "+typeListing)); !strings.Contains(a.body, `"name":"é/x"`) {
		t.Errorf("the listing is %s", a.body)
	}
}

func TestDeletingANamespaceTakesWhatIsBeneathIt(t *testing.T) {
	s := newSite(t, options{retention: time.Hour})
	for _, path := range []string{"/a", "/a/in", "/ab", "/a-b"} {
		s.namespace(path)
	}
	s.object("/a/in/o", "x")
	job := s.upload("/a/in/o", storyUpload)
	get := func(target string, status int, answer string) step {
		return step{as: admin, method: "GET", target: target, status: status, answer: answer}
	}
	s.play(t, []step{
		{as: admin, method: "DELETE", target: "/a", status: 204},
		get("/a", 404, ""), get("/a/in", 404, ""), get("/a/in/o", 404, ""), get(job, 404, ""),
		get("/", 200, `["/hatrac/a-b","/hatrac/ab"]`+"\n"),
		// Uploads do not come back with what they were for.
		{as: admin, method: "POST", target: "/a", body: restoring, headers: []string{asJSON}, status: 204},
		get("/a/in/o", 200, "x"), get("/a/in/o;upload", 200, "[]\n"), get(job, 404, ""),
	})
}
