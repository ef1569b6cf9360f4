package rest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// Names that are longer than new ones may be are found where they exist (rest-api §1).
func TestLongNamesThatExistStayReachable(t *testing.T) {
	s := newSite(t, options{})
	long := "/" + strings.Repeat("%C3%A9", 200)
	must(t, s.directory.Update(t.Context(), func(tx store.Tx) error {
		root, err := tx.Resolve(t.Context(), store.Root, "")
		if err != nil {
			return err
		}
		for _, path := range []string{long, long + "/in"} {
			n := store.Name{Parent: root.Name.ID, Path: store.Path(path), Kind: acl.Namespace, ACLs: acl.Lists{acl.Owner: {admin}}}
			if err := tx.CreateName(t.Context(), &n); err != nil {
				return err
			}
			root.Name = &n
		}
		return nil
	}))
	s.play(t, []step{
		{as: admin, method: "GET", target: long, status: 200, answer: `["/hatrac` + long + `/in"]` + "\n"},
		{as: admin, method: "PUT", target: long + "/o", body: "x", status: 201},
		{as: admin, method: "GET", target: long + "/o", status: 200, answer: "x"},
		{as: admin, method: "PUT", target: long + "x", body: "x", status: 400},
		{as: admin, method: "POST", target: long + "x;upload", body: storyUpload, headers: []string{asJSON}, status: 400},
		{as: admin, method: "POST", target: long + "x", body: `{"command":"rename_from","source_name":"` + long + `/o"}`, headers: []string{asJSON}, status: 400},
		{as: admin, method: "PUT", target: long + "x/o?parents=true", body: "x", status: 400},
		{as: admin, method: "DELETE", target: long, status: 204},
	})
}

// Every URL that the server issues begins with the prefix of the configuration.
func TestEveryURLHasThePrefix(t *testing.T) {
	s := newSite(t, options{rest: func(c *Config) { c.Prefix = "/files/v1" }})
	url := strings.TrimSpace(s.wants(201, s.do(admin, "PUT", "/files/v1/o", "x")).body)
	if a := s.do(admin, "GET", url, ""); !strings.HasPrefix(url, "/files/v1/o:") || a.Header.Get("Content-Location") != url {
		t.Errorf("%q is at %q", url, a.Header.Get("Content-Location"))
	}
	job := s.wants(201, s.do(admin, "POST", "/files/v1/o;upload", storyUpload, asJSON))
	if !strings.HasPrefix(job.body, "/files/v1/o;upload/") || job.Header.Get("Location")+"\n" != job.body {
		t.Errorf("the upload is %q", job.body)
	}
	var document jobDocument
	must(t, json.Unmarshal([]byte(s.do(admin, "GET", job.Header.Get("Location"), "").body), &document))
	if document.URL+"\n" != job.body || document.Target != "/files/v1/o" {
		t.Errorf("the upload is told as %+v", document)
	}
	const rename = `{"command":"rename_from","source_name":"/o"}`
	if a := s.wants(201, s.do(admin, "POST", "/files/v1/p", rename, asJSON)); !strings.HasPrefix(a.body, "/files/v1/p:") {
		t.Errorf("renamed to %q", a.body)
	}
	for target, want := range map[string]string{"": `["/files/v1/o","/files/v1/p"]`, "/o;versions": `["` + url + `"]`, "/o;upload": `["` + strings.TrimSpace(job.body) + `"]`} {
		if a := s.wants(200, s.do(admin, "GET", "/files/v1"+target, "")); a.body != want+"\n" {
			t.Errorf("%s lists %q", target, a.body)
		}
	}
	if a := s.do(admin, "GET", "/files/v1?limit=1", ""); a.Header.Get("Link") != `</files/v1/?after=o&limit=1>; rel="next"` {
		t.Errorf("the next page is at %q", a.Header.Get("Link"))
	}
	if a := s.do(admin, "GET", "/files/v1/none", ""); !strings.HasPrefix(a.body, "/files/v1/none: ") {
		t.Errorf("the error is of %q", a.body)
	}
}

// What a name was it stays, and what an id meant it never means again (rest-api §2).
func TestNamesAndIdsAreNeverUsedAgain(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	s.namespace("/ns/in")
	one, id := s.object("/ns/o", "one")
	path := strings.TrimPrefix(one, "/hatrac")
	job := s.upload("/ns/o", storyUpload)
	s.play(t, []step{
		{as: admin, method: "DELETE", target: path, status: 204},
		{as: admin, method: "HEAD", target: path, status: 404},
		{as: admin, method: "GET", target: path + ";metadata", status: 404},
		{as: admin, method: "GET", target: path + ";acl", status: 404},
		{as: admin, method: "PUT", target: "/ns/o", body: "two", headers: []string{"If-None-Match: *"}, status: 201},
	})
	two := s.wants(200, s.do(admin, "HEAD", "/hatrac/ns/o", "")).Header.Get("Content-Location")
	if two == one || strings.ContainsAny(id, "/?:;") {
		t.Errorf("the versions are %s and %s", one, two)
	}
	s.play(t, []step{
		{as: admin, method: "DELETE", target: "/ns/o", status: 204},
		{as: admin, method: "GET", target: strings.TrimPrefix(two, "/hatrac"), status: 404},
		{as: admin, method: "GET", target: job, status: 404},
		{as: admin, method: "HEAD", target: "/ns/o", status: 404},
		{as: admin, method: "GET", target: "/ns/o;versions", status: 404},
		{as: admin, method: "GET", target: "/ns/o;acl", status: 404},
		{as: admin, method: "DELETE", target: "/ns/in", status: 204},
		{as: admin, method: "HEAD", target: "/ns/in", status: 404},
		// To use a deleted name again is a conflict, for those who may create.
		{as: admin, method: "PUT", target: "/ns/o", body: "x", status: 409},
		{as: admin, method: "PUT", target: "/ns/o", headers: []string{asNamespace}, status: 409},
		{as: admin, method: "PUT", target: "/ns/in", body: "x", status: 409},
		{as: admin, method: "PUT", target: "/ns/in", headers: []string{asNamespace}, status: 409},
		{as: admin, method: "POST", target: "/ns/in;upload", body: storyUpload, headers: []string{asJSON}, status: 409},
		{as: bob, method: "PUT", target: "/ns/o", body: "x", status: 403},
		{as: nobody, method: "PUT", target: "/ns/in", headers: []string{asNamespace}, status: 401},
	})
}

// Nothing stays of what was refused, and nobody owns what nobody in particular has made.
func TestAnonymousCreatorsOwnNothing(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	s.grant("/ns", "create", `["*"]`)
	owner := func(target string) step {
		return step{as: admin, method: "GET", target: target + ";acl/owner", status: 200, answer: "[]\n"}
	}
	upload := step{as: nobody, method: "POST", target: "/ns/up;upload", body: storyUpload, headers: []string{asJSON}, status: 401}
	allowed := upload
	allowed.status = 201
	s.play(t, []step{
		upload,
		{as: admin, method: "GET", target: "/ns/up;upload", status: 404},
		{as: nobody, method: "PUT", target: "/ns/in", headers: []string{asNamespace}, status: 201},
		owner("/ns/in"),
		{as: admin, method: "PUT", target: "/ns;acl/subtree-update/*", status: 204},
		allowed,
		owner("/ns/up"),
		{as: nobody, method: "PUT", target: "/ns/o", body: "x", status: 201},
		owner("/ns/o"),
	})
	version := s.do(admin, "GET", "/hatrac/ns/o;versions", "", "Accept: text/uri-list").body
	s.play(t, []step{owner(strings.TrimSpace(strings.TrimPrefix(version, "/hatrac")))})
	// Nor does anybody: the firewall's everybody is not an owner.
	job := strings.TrimSpace(s.do(admin, "GET", "/hatrac/ns/up;upload", "", "Accept: text/uri-list").body)
	s.wants(401, s.do(nobody, "GET", job, ""))
	s.wants(403, s.do(alice, "PUT", job+"/0", "xx"))
}

// The entity tag of each thing changes with it, and with nothing else (rest-api §4).
func TestTagsChangeWithWhatTheyAreOf(t *testing.T) {
	s := newSite(t, options{retention: time.Hour})
	s.namespace("/ns")
	one, _ := s.object("/ns/o", "one", "Content-Type: a/b", "Content-Disposition: filename*=UTF-8''x")
	asPlain := "Content-Type: text/plain"
	content, versions, children := "/hatrac/ns/o", "/hatrac/ns/o;versions", "/hatrac/ns"
	lists, list, entry, other := content+";acl", content+";acl/read", content+";acl/read/bob", content+";acl/update"
	fields, field, otherField := one+";metadata", one+";metadata/content-type", one+";metadata/content-disposition"
	s.wants(204, s.do(admin, "PUT", entry, ""))
	all := []string{content, one, versions, children, lists, list, entry, other, fields, field, otherField}
	look := func() map[string]string {
		tags := map[string]string{}
		for _, target := range all {
			tags[target] = s.do(admin, "HEAD", target, "").Header.Get("ETag")
		}
		return tags
	}
	before := look()
	for _, c := range []struct {
		name    string
		change  func() answer
		changed []string
	}{
		{"a list", func() answer { return s.do(admin, "PUT", list, `["bob","alice"]`, asJSON) }, []string{lists, list, entry}},
		{"another list", func() answer { return s.do(admin, "PUT", other, `["bob"]`, asJSON) }, []string{lists, other}},
		{"a field", func() answer { return s.do(admin, "PUT", field, "c/d", asPlain) }, []string{fields, field}},
		{"a version", func() answer { return s.do(admin, "PUT", content, "two") }, []string{content, versions}},
		{"a deleted version", func() answer {
			return s.do(admin, "DELETE", s.do(admin, "HEAD", content, "").Header.Get("Content-Location"), "")
		}, []string{content, versions}},
		{"a child", func() answer { return s.do(admin, "PUT", children+"/p", "x") }, []string{children}},
		{"a deleted child", func() answer { return s.do(admin, "DELETE", children+"/p", "") }, []string{children}},
		{"a restored child", func() answer { return s.do(admin, "POST", children+"/p", restoring, asJSON) }, []string{children}},
	} {
		if a := c.change(); a.StatusCode >= 300 {
			t.Fatalf("%s: %d %s", c.name, a.StatusCode, a.body)
		}
		after := look()
		for _, target := range all {
			changed := false
			for _, want := range c.changed {
				changed = changed || want == target
			}
			if after[target] == "" || (after[target] != before[target]) != changed {
				t.Errorf("%s changed: the tag of %s was %s and is %s", c.name, target, before[target], after[target])
			}
		}
		before = after
	}
}
