package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"pgregory.net/rapid"
)

// changeMetadata sets the content type of a version and reads it again.
func (st *story) changeMetadata() {
	client, name := st.client(), st.name()
	id := st.version(name)
	kind := rapid.SampledFrom([]string{"a/b", "c/d; e=f", "nonsense"}).Draw(st.T, "type")
	target := reference(name, id) + ";metadata/content-type"
	th := st.world.live(name)
	switch {
	case th == nil, th.namespace, id != "" && th.version(id) == nil:
		st.expect(st.send(client, "PUT", target, kind, "Content-Type: text/plain"), 404)
		st.expect(st.send(client, "GET", target, ""), 404)
		return
	case th.version(id) == nil:
		st.expect(st.send(client, "PUT", target, kind, "Content-Type: text/plain"), 409)
		st.expect(st.send(client, "GET", target, ""), 409)
		return
	}
	v := th.version(id)
	status := 204
	switch {
	case !st.world.changes(client, name, v):
		status = refused(client)
	case kind == "nonsense":
		status = http.StatusBadRequest
	default:
		v.kind = kind
	}
	st.expect(st.send(client, "PUT", target, " "+kind+"\n", "Content-Type: text/plain"), status)
	status = 200
	switch {
	case !st.world.reads(client, name, v):
		status = refused(client)
	case v.kind == "":
		status = http.StatusNotFound
	}
	st.expectBody(st.send(client, "GET", target, ""), status, v.kind+"\n")
}

// rename moves all versions of one name to another, sometimes to where they were before.
func (st *story) rename() {
	source, target := st.nameWith(isObject), st.nameWith(func(th *thing) bool { return th == nil || !th.namespace })
	if back := st.world.renamed(); len(back) > 0 && rapid.Bool().Draw(st.T, "back") {
		way := rapid.SampledFrom(back).Draw(st.T, "way")
		source, target = way[1], way[0]
	}
	client := st.oneOf(admin)
	to := st.world.live(target)
	query, parents := st.parents()
	held, before, missing := st.moves(client, source, target, parents)
	copying := rapid.Bool().Draw(st.T, "copy_acls")
	late := 0
	if before == 0 && to != nil {
		for _, v := range held {
			if _, replaceable := st.world.inTheWay(target, source, v.id); !replaceable {
				late = http.StatusConflict
			}
		}
	}
	headers, holds := st.condition(to.tag())
	success := http.StatusCreated
	if len(held) == 0 {
		success = http.StatusNoContent
	}
	status := verdict(holds, success, before, late)
	body := fmt.Sprintf(`{"command":"rename_from","source_name":%q,"copy_acls":%v}`, source, copying)
	a := st.send(client, "POST", target+query, body, append(headers, asJSON)...)
	st.expect(a, status)
	if status != http.StatusCreated {
		return
	}
	st.world.bindParents(client, missing)
	if moved := st.world.move(client, source, target, held, copying); a.body != moved {
		st.Fatalf("renamed %q, the model says %q", a.body, moved)
	}
	st.sameListsAt(source)
	st.sameListsAt(target)
}

// restore brings back a name or a version.
func (st *story) restore() {
	name := st.name()
	id := st.version(name)
	if gone := st.world.gone(); len(gone) > 0 && rapid.IntRange(0, 2).Draw(st.T, "gone") > 0 {
		what := rapid.SampledFrom(gone).Draw(st.T, "what")
		name, id = what[0], what[1]
	}
	client := st.oneOf(st.owner(name))
	headers, holds := st.condition(st.world.live(name).tag())
	status := verdict(holds, http.StatusNoContent, st.world.restores(client, name, id), 0)
	st.expect(st.send(client, "POST", reference(name, id), restoring, append(headers, asJSON)...), status)
	switch {
	case status != http.StatusNoContent:
	case id == "":
		st.world.restore(name)
	default:
		st.world.names[name].ever(id).deleted = false
	}
}

func isObject(th *thing) bool { return th != nil && !th.namespace }

// moves says which versions a rename would move and what comes of it before conditions.
func (st *story) moves(client, source, target string, parents bool) (held []*edition, status int, missing []string) {
	from, to := st.world.live(source), st.world.live(target)
	var leaves, arrives int
	switch {
	case from == nil || from.namespace:
		leaves = 409
	case !st.world.owns(client, source):
		leaves = refused(client)
	case source == target:
		leaves = 409
	}
	switch {
	case to == nil:
		arrives, missing = st.world.createsIn(client, target, parents)
	case !st.world.owns(client, target):
		arrives = refused(client)
	case to.namespace:
		arrives = 409
	}
	for _, wrong := range []int{404, 401, 403, 409} {
		if leaves == wrong || arrives == wrong {
			return nil, wrong, nil
		}
	}
	done, elsewhere := 0, false
	for _, v := range from.left() {
		switch v.chain {
		case "":
			held = append(held, v)
		case target:
			done++
		default:
			elsewhere = true
		}
	}
	if len(held) == 0 && (elsewhere || done == 0) {
		return nil, 409, nil
	}
	return held, 0, missing
}

// Each upload of a story has two chunks of two bytes.
const storyUpload = `{"chunk-length": 2, "content-length": "4"}`

func (st *story) startUpload() {
	name := st.name()
	client := st.oneOf(st.owner(name))
	headers, holds := st.condition(st.world.live(name).tag())
	query, parents := st.parents()
	before, late, missing := st.world.adds(client, name, parents)
	status := verdict(holds, 201, before, late)
	a := st.send(client, "POST", name+";upload"+query, storyUpload, append(headers, asJSON)...)
	st.expect(a, status)
	if status == 201 {
		st.world.bindParents(client, missing)
		st.addJob(client, name, a)
	}
}

func (st *story) addJob(client, name string, started answer) {
	th := st.world.bindObject(client, name)
	_, id, _ := strings.Cut(strings.TrimSpace(started.body), ";upload/")
	th.jobs = append(th.jobs, &chunked{id: id, lists: madeBy(client), chunks: make([]string, 2)})
}

// upload draws a job of a name, if it has one.
func (st *story) upload(name string) (target string, job *chunked) {
	ids := []string{"none"}
	th := st.world.live(name)
	if th != nil && len(th.jobs) > 0 {
		ids = nil
		for _, j := range th.jobs {
			ids = append(ids, j.id)
		}
	}
	id := rapid.SampledFrom(ids).Draw(st.T, "job")
	if th != nil {
		job = th.job(id)
	}
	return name + ";upload/" + id, job
}

func uploading(th *thing) bool { return th != nil && len(th.jobs) > 0 }

// owner is who made an upload.
func (job *chunked) owner() string {
	if job == nil || len(job.lists["owner"]) == 0 {
		return admin
	}
	return job.lists["owner"][0]
}

// uses says what comes of working with a job: 0 if the client may.
func uses(client string, job *chunked) int {
	switch {
	case job == nil:
		return 404
	case !job.lists.granted(client, "owner"):
		return refused(client)
	}
	return 0
}

// uploadOn sends a chunk and looks what was received.
func (st *story) uploadOn() {
	name := st.nameWith(uploading)
	target, job := st.upload(name)
	client := st.oneOf(job.owner())
	n := rapid.SampledFrom([]int{0, 0, 1, 1, 2}).Draw(st.T, "chunk")
	content := rapid.SampledFrom([]string{"ab", "cd", "ef", "g"}).Draw(st.T, "content")
	status := uses(client, job)
	if status == 0 && (n == 2 || len(content) != 2) {
		status = 409
	}
	if status == 0 {
		status, job.chunks[n] = 204, content
	}
	st.expect(st.send(client, "PUT", fmt.Sprintf("%s/%d", target, n), content), status)
	status = max(uses(client, job), 200)
	a := st.send(client, "GET", target, "")
	st.expect(a, status)
	if status != 200 {
		return
	}
	var document jobDocument
	if err := json.Unmarshal([]byte(a.body), &document); err != nil {
		st.Fatal(err)
	}
	got := fmt.Sprint(document.Received)
	want := map[[2]bool]string{{}: "[]", {true, false}: "[[0 0]]", {false, true}: "[[1 1]]", {true, true}: "[[0 1]]"}
	if w := want[[2]bool{job.chunks[0] != "", job.chunks[1] != ""}]; got != w {
		st.Fatalf("received %s, the model says %s", got, w)
	}
}

func (st *story) finishUpload() {
	name := st.nameWith(uploading)
	target, job := st.upload(name)
	client := st.oneOf(job.owner())
	th := st.world.live(name)
	headers, holds := st.condition(th.tag())
	before := uses(client, job)
	if before == 0 && (job.chunks[0] == "" || job.chunks[1] == "") {
		before = 409
	}
	status := verdict(holds, 201, before, 0)
	a := st.send(client, "POST", target, "", headers...)
	st.expect(a, status)
	if status == 201 {
		th.versions = append(th.versions, &edition{id: versionOf(a), content: strings.Join(job.chunks, ""), lists: job.lists})
		th.drop(job)
	}
}

func (st *story) cancelUpload() {
	name := st.nameWith(uploading)
	target, job := st.upload(name)
	client := st.oneOf(job.owner())
	status := 204
	switch {
	case job == nil:
		status = 404
	case !job.lists.granted(client, "owner") && !st.world.inherited(client, name, "owner"):
		status = refused(client)
	}
	st.expect(st.send(client, "DELETE", target, ""), status)
	if status == 204 {
		st.world.live(name).drop(job)
	}
}

func (th *thing) drop(job *chunked) {
	for i, j := range th.jobs {
		if j == job {
			th.jobs = append(th.jobs[:i:i], th.jobs[i+1:]...)
			return
		}
	}
}
