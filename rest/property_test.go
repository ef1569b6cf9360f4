package rest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// story is one random story of several clients on one site, told to the site and to the model.
type story struct {
	*rapid.T
	site  *site
	world *world
	base  string
}

// TestTheServerAnswersLikeTheModel tells random stories and compares status and content after
// each step.
func TestTheServerAnswersLikeTheModel(t *testing.T) {
	s := newSite(t, options{retention: time.Hour})
	count := 0
	rapid.Check(t, func(t *rapid.T) {
		count++
		st := &story{T: t, site: s, world: newWorld(), base: fmt.Sprint("/story", count)}
		st.expect(st.send(admin, "PUT", st.base, "", asNamespace), 201)
		st.world.names[st.base] = &thing{namespace: true, lists: madeBy(admin)}
		st.putList(admin, st.base, "", "create", []string{"alices", bob})
		st.begin()
		t.Repeat(map[string]func(*rapid.T){
			"":                st.same,
			"make namespace":  func(*rapid.T) { st.makeNamespace() },
			"put object":      func(*rapid.T) { st.putObject() },
			"get":             func(*rapid.T) { st.get() },
			"list versions":   func(*rapid.T) { st.listVersions() },
			"delete name":     func(*rapid.T) { st.deleteName() },
			"delete version":  func(*rapid.T) { st.deleteVersion() },
			"change list":     func(*rapid.T) { st.changeList() },
			"change metadata": func(*rapid.T) { st.changeMetadata() },
			"rename":          func(*rapid.T) { st.rename() },
			"start upload":    func(*rapid.T) { st.startUpload() },
			"go on uploading": func(*rapid.T) { st.uploadOn() },
			"finish upload":   func(*rapid.T) { st.finishUpload() },
			"cancel upload":   func(*rapid.T) { st.cancelUpload() },
			"restore":         func(*rapid.T) { st.restore() },
		})
	})
}

// send asks the real handler.
func (st *story) send(client, method, target, body string, headers ...string) answer {
	req := httptest.NewRequest(method, "/hatrac"+target, strings.NewReader(body))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	req.Header.Set("Content-Length", fmt.Sprint(len(body)))
	if client != nobody {
		req.Header.Set("Authorization", "Bearer "+st.site.tokens[client])
	}
	w := httptest.NewRecorder()
	st.site.server.ServeHTTP(w, req)
	a := answer{w.Result(), w.Body.String()}
	a.Request = req
	st.Logf("%q %s %s %q %v: %d %s", client, method, target, body, headers, a.StatusCode, strings.TrimSpace(a.body))
	return a
}

func (st *story) expect(a answer, status int) {
	st.Helper()
	if a.StatusCode != status {
		st.Fatalf("%s %s: the model says %d", a.Request.Method, a.Request.URL, status)
	}
}

func (st *story) expectBody(a answer, status int, body string) {
	st.Helper()
	st.expect(a, status)
	if status == http.StatusOK && a.body != body {
		st.Fatalf("%s %s: the model says %q", a.Request.Method, a.Request.URL, body)
	}
}

// same compares all names as the admin sees them, who may see everything.
func (st *story) same(*rapid.T) {
	for _, name := range append(st.names(), st.base) {
		status, body := st.world.get(admin, name, "")
		st.expectBody(st.send(admin, "GET", name, ""), status, body)
	}
}

// sameListsAt compares all lists of a name and its versions.
func (st *story) sameListsAt(name string) {
	th := st.world.live(name)
	st.sameLists(name, "", th.lists)
	for _, v := range th.left() {
		st.sameLists(name, v.id, v.lists)
	}
}

// sameLists compares all lists of a name or version.
func (st *story) sameLists(name, id string, own lists) {
	want := map[string][]string{}
	for _, list := range st.kindLists(name, id) {
		want[list] = append([]string{}, own[list]...)
	}
	st.expectBody(st.send(admin, "GET", reference(name, id)+";acl", ""), 200, asText(want))
}

func (st *story) names() []string {
	return []string{st.base + "/a", st.base + "/a/b", st.base + "/a/b/c", st.base + "/d", st.base + "/d/e", st.base + "/f", st.base + "/f/g"}
}

// begin makes some names, so that there is something to talk about.
func (st *story) begin() {
	a, b, d := st.names()[0], st.names()[1], st.names()[3]
	st.expect(st.send(alice, "PUT", a, "", asNamespace), 201)
	st.world.names[a] = &thing{namespace: true, lists: madeBy(alice)}
	st.putList(admin, a, "", "subtree-create", []string{bob})
	st.store(bob, b, "one")
	st.store(alice, d, "one")
	st.store(alice, d, "two")
	job := st.send(alice, "POST", d+";upload", storyUpload, asJSON)
	st.expect(job, 201)
	st.addJob(alice, d, job)
}

// store puts a version of an object.
func (st *story) store(client, name, content string) {
	a := st.send(client, "PUT", name, content)
	st.expect(a, 201)
	th := st.world.bindObject(client, name)
	th.versions = append(th.versions, &edition{id: versionOf(a), content: content, lists: madeBy(client)})
}

// name draws one of all names, or twice as often one that exists.
func (st *story) name() string {
	return st.nameWith(func(th *thing) bool { return th != nil })
}

// nameWith draws a name, twice as often one that is so.
func (st *story) nameWith(so func(*thing) bool) string {
	var those []string
	for _, name := range st.names() {
		if so(st.world.live(name)) {
			those = append(those, name)
		}
	}
	if len(those) > 0 && rapid.IntRange(0, 2).Draw(st.T, "which") > 0 {
		return rapid.SampledFrom(those).Draw(st.T, "name")
	}
	return rapid.SampledFrom(st.names()).Draw(st.T, "name")
}

// client is mostly one who may do something.
func (st *story) client() string {
	return rapid.SampledFrom([]string{admin, admin, alice, alice, bob, bob, nobody}).Draw(st.T, "client")
}

// oneOf draws a client, as often as any other the one who should be able to.
func (st *story) oneOf(likely string) string {
	if rapid.Bool().Draw(st.T, "likely") {
		return likely
	}
	return st.client()
}

// owner is the one who made a name, or the admin.
func (st *story) owner(name string) string {
	if th := st.world.live(name); th != nil {
		for _, entry := range th.lists["owner"] {
			if entry == alice || entry == bob {
				return entry
			}
		}
	}
	return admin
}

// version draws the id of a version of a name, or none.
func (st *story) version(name string) string {
	ids := []string{"", "none"}
	if th := st.world.names[name]; th != nil {
		for _, v := range th.versions {
			ids = append(ids, v.id)
		}
	}
	return rapid.SampledFrom(ids).Draw(st.T, "version")
}

// parents draws whether missing namespaces are to be made along.
func (st *story) parents() (query string, parents bool) {
	if parents = rapid.IntRange(0, 2).Draw(st.T, "parents") == 0; parents {
		query = "?parents=true"
	}
	return query, parents
}

func reference(name, id string) string {
	if id == "" {
		return name
	}
	return name + ":" + id
}

// condition draws a condition on a tag and tells whether it holds.
func (st *story) condition(tag string) (headers []string, holds bool) {
	switch rapid.IntRange(0, 5).Draw(st.T, "condition") {
	case 0:
		return []string{"If-None-Match: *"}, tag == ""
	case 1:
		return []string{`If-Match: "other"`}, false
	case 2:
		return []string{`If-Match: "x", "` + tag + `"`}, tag != ""
	}
	return nil, true
}

// verdict is the first status that is one, or else that of success.
func verdict(holds bool, success int, before, late int) int {
	switch {
	case before != 0:
		return before
	case !holds:
		return http.StatusPreconditionFailed
	case late != 0:
		return late
	}
	return success
}

func (st *story) makeNamespace() {
	client, name := st.client(), st.name()
	if th := st.world.live(name); th != nil && !th.namespace {
		return // that would be a new version
	}
	headers, holds := st.condition("")
	query, parents := st.parents()
	status, missing := st.world.createsIn(client, name, parents)
	if status == 0 && st.world.live(name) != nil {
		status = http.StatusConflict
	}
	status = verdict(holds, 201, status, 0)
	st.expect(st.send(client, "PUT", name+query, "", append(headers, asNamespace)...), status)
	if status == 201 {
		st.world.bindParents(client, missing)
		st.world.names[name] = &thing{namespace: true, lists: madeBy(client)}
	}
}

func (st *story) putObject() {
	client, name := st.client(), st.name()
	content := rapid.SampledFrom([]string{"", "x", "some content"}).Draw(st.T, "content")
	headers, holds := st.condition(st.world.live(name).tag())
	query, parents := st.parents()
	before, late, missing := st.world.adds(client, name, parents)
	status := verdict(holds, 201, before, late)
	a := st.send(client, "PUT", name+query, content, headers...)
	st.expect(a, status)
	if status == 201 {
		st.world.bindParents(client, missing)
		th := st.world.bindObject(client, name)
		th.versions = append(th.versions, &edition{id: versionOf(a), content: content, lists: madeBy(client)})
	}
}

// versionOf is the id of the version that an answer says was made.
func versionOf(a answer) string {
	_, id, _ := strings.Cut(strings.TrimSpace(a.body), ":")
	return id
}

func (st *story) get() {
	client, name := st.client(), st.name()
	id := st.version(name)
	status, body := st.world.get(client, name, id)
	st.expectBody(st.send(client, "GET", reference(name, id), ""), status, body)
}

func (st *story) listVersions() {
	client, name := st.client(), st.name()
	status, body := st.world.versionsOf(client, name)
	st.expectBody(st.send(client, "GET", name+";versions", ""), status, body)
}

func (st *story) deleteName() {
	if rapid.IntRange(0, 2).Draw(st.T, "rarely") > 0 {
		return
	}
	client, name := st.client(), st.name()
	th := st.world.live(name)
	var headers []string
	holds := true
	if th != nil && !th.namespace {
		headers, holds = st.condition(th.tag())
	}
	status := verdict(holds, 204, st.world.deletes(client, name), 0)
	st.expect(st.send(client, "DELETE", name, "", headers...), status)
	if status == 204 {
		st.world.remove(name)
	}
}

func (st *story) deleteVersion() {
	client, name := st.client(), st.name()
	id := st.version(name)
	if id == "" {
		return
	}
	before, holds := 404, true
	var headers []string
	var v *edition
	if th := st.world.live(name); th != nil && th.version(id) != nil {
		v = th.version(id)
		headers, holds = st.condition(id)
		if before = 0; !st.world.changes(client, name, v) {
			before = refused(client)
		}
	}
	status := verdict(holds, 204, before, 0)
	st.expect(st.send(client, "DELETE", reference(name, id), "", headers...), status)
	if status == 204 {
		st.world.deletions++
		st.world.fall(v)
	}
}

// changeList replaces a list of a name or a version.
func (st *story) changeList() {
	client, name := st.client(), st.name()
	id := st.version(name)
	list := rapid.SampledFrom([]string{
		"owner", "create", "read", "update", "subtree-owner", "subtree-create", "subtree-update", "subtree-read",
	}).Draw(st.T, "list")
	entries := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{alice, "bobs", "*"}), 0, 2, rapid.ID).Draw(st.T, "entries")
	st.putList(client, name, id, list, entries)
}

func (st *story) putList(client, name, id, list string, entries []string) {
	status, own := st.listsOf(client, name, id)
	if status == 0 && !slices.Contains(st.kindLists(name, id), list) {
		status = http.StatusBadRequest
	}
	if status == 0 {
		status = 204
		own[list] = entries
	}
	target := reference(name, id) + ";acl/" + list
	st.expect(st.send(client, "PUT", target, asText(append([]string{}, entries...)), asJSON), status)
	if status == 204 {
		if status, _ := st.listsOf(client, name, id); status == 0 {
			st.expectBody(st.send(client, "GET", target, ""), 200, asText(append([]string{}, entries...)))
		}
	}
}

// listsOf says whether a client may manage the lists of a name or version, and gives them.
func (st *story) listsOf(client, name, id string) (int, lists) {
	th := st.world.live(name)
	switch {
	case th == nil, id != "" && th.version(id) == nil:
		return 404, nil
	case id == "" && st.world.owns(client, name):
		return 0, th.lists
	case id != "" && st.world.changes(client, name, th.version(id)):
		return 0, th.version(id).lists
	}
	return refused(client), nil
}

func (st *story) kindLists(name, id string) []string {
	switch {
	case id != "":
		return []string{"owner", "read"}
	case st.world.names[name].namespace:
		return []string{"owner", "create", "read", "subtree-owner", "subtree-create", "subtree-update", "subtree-read"}
	}
	return []string{"owner", "update", "read", "subtree-owner", "subtree-read"}
}
