package rest

import (
	"slices"
	"strings"
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// grantsOf are grants as "place list"; several places and lists are separated by commas.
func grantsOf(pairs ...string) (all []string) {
	for _, pair := range pairs {
		places, lists, _ := strings.Cut(pair, " ")
		for place := range strings.SplitSeq(places, ",") {
			for list := range strings.SplitSeq(lists, ",") {
				all = append(all, place+" "+list)
			}
		}
	}
	slices.Sort(all)
	return all
}

// Each operation is granted by exactly the lists that the table of the protocol names
// (rest-api §3). What is refused is refused before its condition, which nothing fulfils, is looked
// at; so nothing changes.
func TestEveryOperationAsksTheListsOfTheTable(t *testing.T) {
	s := newSite(t, options{})
	for _, name := range []string{"/a", "/a/b", "/mine"} {
		s.namespace(name)
	}
	s.grant("/mine", "subtree-owner", `["alice"]`)
	s.grant("/mine", "subtree-create", `["alice"]`)
	s.object("/mine/o", "x")
	url, _ := s.object("/a/b/o", "x")
	version := strings.TrimPrefix(url, "/hatrac")
	const upload, never = `{"chunk-length": 1, "content-length": 1}`, `If-Match: "never"`
	s.upload("/a/b/empty", upload)
	job, whole := s.upload("/a/b/o", upload), s.upload("/a/b/o", `{"chunk-length": 1, "content-length": 0}`)

	grantedBy := func(allowed func(place, list string) bool) (by []string) {
		for _, place := range []string{"/a", "/a/b", "/a/b/o", "/a/b/empty", "version"} {
			at, lists := place, []string{"owner", "create", "read", "subtree-owner", "subtree-create", "subtree-update", "subtree-read"}
			switch place {
			case "/a/b/o", "/a/b/empty":
				lists = []string{"owner", "update", "read", "subtree-owner", "subtree-read"}
			case "version":
				at, lists = version, []string{"owner", "read"}
			}
			for _, list := range lists {
				entry := "/hatrac" + at + ";acl/" + list + "/alices"
				s.wants(204, s.do(admin, "PUT", entry, ""))
				if allowed(place, list) {
					by = append(by, place+" "+list)
				}
				s.wants(204, s.do(admin, "DELETE", entry, ""))
			}
		}
		slices.Sort(by)
		return by
	}

	const above = "/a,/a/b "
	get := func(target string) step { return step{method: "GET", target: target} }
	try := func(method, target, body string, headers ...string) step {
		return step{method: method, target: target, body: body, headers: append(headers, never)}
	}
	rename := func(from, to string) step {
		return try("POST", to, `{"command":"rename_from","source_name":"`+from+`"}`, asJSON)
	}
	creating := grantsOf("/a/b owner,create,subtree-create", "/a subtree-owner,subtree-create")
	reading := grantsOf("version owner,read", "/a/b/o subtree-owner,subtree-read", above+"subtree-owner,subtree-read")
	adding := grantsOf("/a/b/o owner,update", above+"subtree-owner,subtree-update")
	owning := grantsOf("/a/b/o owner", above+"subtree-owner")
	changing := grantsOf("version owner", "/a/b/o subtree-owner", above+"subtree-owner")
	for _, deed := range []struct {
		step
		by []string
	}{
		{get("/a/b"), grantsOf("/a/b owner,read", "/a subtree-owner,subtree-read")},
		{try("PUT", "/a/b/new", "", asNamespace), creating},
		{try("PUT", "/a/b/new", "x"), creating},
		{try("POST", "/a/b/new;upload", upload, asJSON), creating},
		{rename("/mine/o", "/a/b/new"), creating},
		{get("/a/b/o;versions"), grantsOf("/a/b/o owner,read", above+"subtree-owner,subtree-read")},
		{get("/a/b/o"), reading},
		{get(version), reading},
		{get(version + ";metadata"), reading},
		{get("/a/b/o;metadata/content-disposition"), reading},
		{try("PUT", "/a/b/o", "x"), adding},
		{try("POST", "/a/b/o;upload", upload, asJSON), adding},
		{get("/a/b/o;upload"), owning},
		{get(job), nil},
		{try("PUT", job+"/9", "x"), nil},
		{try("POST", whole, ""), nil},
		{rename("/a/b/o", "/mine/new"), owning},
		{rename("/mine/o", "/a/b/o"), owning},
		{try("PUT", version+";metadata/content-type", "a/b", "Content-Type: text/plain"), changing},
		{try("DELETE", version+";metadata/content-type", ""), changing},
		{try("DELETE", version, ""), changing},
		{try("DELETE", "/a/b/empty", ""), grantsOf("/a/b/empty owner", above+"subtree-owner")},
		{get("/a/b;acl"), grantsOf("/a/b owner", "/a subtree-owner")},
		{try("PUT", "/a/b;acl/read/x", ""), grantsOf("/a/b owner", "/a subtree-owner")},
		{get("/a/b/o;acl/read"), owning},
		{try("PUT", "/a/b/o;acl/read", "[]", asJSON), owning},
		{get(version + ";acl/owner/admin"), changing},
		{try("DELETE", version+";acl/read", ""), changing},
	} {
		t.Run(deed.method+" "+deed.target+" "+deed.body, func(t *testing.T) {
			by := grantedBy(func(place, list string) bool {
				a := s.do(alice, deed.method, "/hatrac"+deed.target, deed.body, deed.headers...)
				if a.StatusCode == 403 {
					return false
				}
				if want := (a.StatusCode == 412) == (deed.method != "GET"); !want {
					t.Errorf("with %s of %s: %d %s", list, place, a.StatusCode, a.body)
				}
				return true
			})
			if !slices.Equal(by, deed.by) {
				t.Errorf("granted by %q, want %q", by, deed.by)
			}
		})
	}
	by := grantedBy(func(string, string) bool {
		return s.do(alice, "DELETE", "/hatrac"+s.upload("/a/b/o", upload), "").StatusCode != 403
	})
	if want := grantsOf(above + "subtree-owner"); !slices.Equal(by, want) {
		t.Errorf("cancelling an upload is granted by %q, want %q", by, want)
	}
}

// ungated makes resources of the admin past the firewall: a namespace /ns, the objects /o and /p, and
// two uploads to /o.
func (s *site) ungated(bulk store.Assembler) (version string, jobs [2]string) {
	s.t.Helper()
	ctx, client := s.t.Context(), acl.Client{ID: admin}
	open, err := service.New(service.Config{Directory: s.directory, Bulk: bulk, Firewall: acl.Open()})
	must(s.t, err)
	_, err = open.CreateNamespace(ctx, client, service.CreateNamespace{Path: "/ns"})
	must(s.t, err)
	for _, path := range []store.Path{"/p", "/o"} {
		made, err := open.PutObject(ctx, client, service.PutObject{Path: path, Content: strings.NewReader("x"), Size: 1})
		must(s.t, err)
		version = made.Version.Version
	}
	for i := range jobs {
		job, err := open.StartJob(ctx, client, service.StartJob{Path: "/o", Size: 1, ChunkSize: 1})
		must(s.t, err)
		jobs[i] = "/o;upload/" + job.Job.Job
	}
	return version, jobs
}

// Each list of the firewall stands before what it names, and before nothing else.
func TestEachListOfTheFirewallGatesItsOwn(t *testing.T) {
	firewall := acl.Open()
	gates := map[string]*acl.List{
		"create": &firewall.Create, "delete": &firewall.Delete, "lists": &firewall.ManageACLs, "metadata": &firewall.ManageMetadata,
	}
	for closed, list := range gates {
		t.Run(closed, func(t *testing.T) {
			*list = nil
			defer func() { *list = acl.List{acl.Everybody} }()
			var bulk store.Assembler
			s := newSite(t, options{firewall: &firewall, bulk: func(b store.Assembler) store.Assembler { bulk = b; return b }})
			id, jobs := s.ungated(bulk)
			version := "/o:" + id
			for _, c := range []struct {
				gate string
				step
			}{
				{"create", step{method: "PUT", target: "/new", headers: []string{asNamespace}, status: 201}},
				{"create", step{method: "PUT", target: "/x", body: "x", status: 201}},
				{"create", step{method: "PUT", target: "/o", body: "x", status: 201}},
				{"create", step{method: "POST", target: "/y;upload", body: storyUpload, headers: []string{asJSON}, status: 201}},
				{"create", step{method: "POST", target: "/z", body: `{"command":"rename_from","source_name":"/p"}`, headers: []string{asJSON}, status: 201}},
				{"", step{method: "PUT", target: jobs[0] + "/0", body: "x", status: 204}},
				{"create", step{method: "POST", target: jobs[0], status: 201}},
				{"", step{method: "DELETE", target: jobs[1], status: 204}},
				{"lists", step{method: "PUT", target: "/ns;acl/read", body: "[]", headers: []string{asJSON}, status: 204}},
				{"lists", step{method: "PUT", target: "/ns;acl/read/x", status: 204}},
				{"lists", step{method: "DELETE", target: version + ";acl/read", status: 204}},
				{"", step{method: "GET", target: "/ns;acl", status: 200}},
				{"metadata", step{method: "PUT", target: version + ";metadata/content-type", body: "a/b", headers: []string{"Content-Type: text/plain"}, status: 204}},
				{"metadata", step{method: "DELETE", target: version + ";metadata/content-type", status: 204}},
				{"", step{method: "GET", target: version, status: 200, answer: "x"}},
				{"delete", step{method: "DELETE", target: version, status: 204}},
				{"delete", step{method: "DELETE", target: "/ns", status: 204}},
				{"delete", step{method: "DELETE", target: "/p", status: 204}},
			} {
				c.as = admin
				if c.gate == closed {
					c.status = 403
				}
				s.play(t, []step{c.step})
			}
		})
	}
}
