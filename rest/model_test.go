package rest

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
)

// world is what the store should hold and answer, as the page of the protocol tells it: no
// database, no HTTP. Methods return the status of an answer.
type world struct {
	names     map[string]*thing
	deletions int
}

// lists are access control lists by name.
type lists map[string][]string

// thing is a bound name.
type thing struct {
	namespace, deleted bool
	lists              lists
	versions           []*edition // oldest first
	jobs               []*chunked
	deletion           int // which one it fell to, counted from 1
}

// edition is a version; chain is where it was renamed to.
type edition struct {
	id, content, kind string
	lists             lists
	deleted           bool
	deletion          int
	chain             string
}

// chunked is an upload.
type chunked struct {
	id     string
	lists  lists
	chunks []string // empty ones are missing
}

// newWorld is the store of a new site.
func newWorld() *world {
	return &world{names: map[string]*thing{
		"/": {namespace: true, lists: lists{"owner": {admin}, "subtree-owner": {admin}}},
	}}
}

func madeBy(client string) lists {
	if client == nobody {
		return lists{}
	}
	return lists{"owner": {client}}
}

// live returns what is bound to a name and not deleted, or nil.
func (w *world) live(name string) *thing {
	if th := w.names[name]; th != nil && !th.deleted {
		return th
	}
	return nil
}

func (th *thing) left() (live []*edition) {
	for _, v := range th.versions {
		if !v.deleted {
			live = append(live, v)
		}
	}
	return live
}

// version returns the version of that id, or the current one; nil if there is none.
func (th *thing) version(id string) *edition {
	for _, v := range slices.Backward(th.versions) {
		if !v.deleted && (id == "" || v.id == id) {
			return v
		}
	}
	return nil
}

func (th *thing) tag() string {
	if th == nil {
		return ""
	}
	if v := th.version(""); v != nil {
		return v.id
	}
	return ""
}

func (th *thing) job(id string) *chunked {
	for _, j := range th.jobs {
		if j.id == id {
			return j
		}
	}
	return nil
}

// enclosing are the namespaces that should be above a name, the root first.
func enclosing(name string) (above []string) {
	for name != "/" {
		name = path.Dir(name)
		above = append(above, name)
	}
	slices.Reverse(above)
	return above
}

func refused(client string) int {
	if client == nobody {
		return 401
	}
	return 403
}

// granted reports whether one of the lists names the client.
func (l lists) granted(client string, names ...string) bool {
	for _, name := range names {
		for _, entry := range l[name] {
			if entry == "*" || client != nobody && (entry == client || entry == client+"s") {
				return true
			}
		}
	}
	return false
}

// inherited reports whether one of the subtree lists above a name names the client.
func (w *world) inherited(client, name string, kinds ...string) bool {
	for _, above := range enclosing(name) {
		for _, kind := range kinds {
			if th := w.names[above]; th != nil && th.lists.granted(client, "subtree-"+kind) {
				return true
			}
		}
	}
	return false
}

func (w *world) owns(client, name string) bool {
	return w.names[name].lists.granted(client, "owner") || w.inherited(client, name, "owner")
}

// changes reports whether a client may change a version.
func (w *world) changes(client, name string, v *edition) bool {
	return v.lists.granted(client, "owner") || w.names[name].lists.granted(client, "subtree-owner") ||
		w.inherited(client, name, "owner")
}

func (w *world) reads(client, name string, v *edition) bool {
	return v.lists.granted(client, "owner", "read") || w.names[name].lists.granted(client, "subtree-owner", "subtree-read") ||
		w.inherited(client, name, "owner", "read")
}

func (w *world) lists(client, name string) bool {
	return w.names[name].lists.granted(client, "owner", "read") || w.inherited(client, name, "owner", "read")
}

// creates says what comes of binding a name: 0 if it may be bound.
func (w *world) creates(client, name string) int {
	for _, above := range enclosing(name) {
		switch th := w.names[above]; {
		case th == nil:
			return 404
		case !th.namespace:
			return 409
		case th.deleted:
			return 404
		}
	}
	parent := path.Dir(name)
	if !w.names[parent].lists.granted(client, "owner", "create", "subtree-create") &&
		!w.inherited(client, parent, "owner", "create") {
		return refused(client)
	}
	if th := w.names[name]; th != nil && th.deleted {
		return 409
	}
	return 0
}

// createsIn says what comes of binding a name and, with parents, what is missing above it. To make
// them along is to make each in turn, or nothing.
func (w *world) createsIn(client, name string, parents bool) (status int, missing []string) {
	for _, above := range enclosing(name) {
		th := w.names[above]
		switch {
		case !parents:
		case th == nil && status == 0:
			if status = w.creates(client, above); status == 0 {
				missing = append(missing, above)
				w.names[above] = &thing{namespace: true, lists: madeBy(client)}
			}
		case th != nil && th.namespace && th.deleted && status == 0:
			status = 409
		}
	}
	if status == 0 {
		status = w.creates(client, name)
	}
	for _, above := range missing {
		delete(w.names, above)
	}
	return status, missing
}

// bindParents makes the namespaces that a name needs.
func (w *world) bindParents(client string, missing []string) {
	for _, above := range missing {
		w.names[above] = &thing{namespace: true, lists: madeBy(client)}
	}
}

// adds says what comes of adding a version to a name, before conditions and, in late, after.
func (w *world) adds(client, name string, parents bool) (status, late int, missing []string) {
	th := w.live(name)
	if th != nil {
		status, late = w.addsTo(client, name, th)
		return status, late, nil
	}
	if status, missing = w.createsIn(client, name, parents); status != 0 {
		return status, 0, nil
	}
	if client == nobody && !w.inherited(client, name, "owner", "update") {
		return 401, 0, nil
	}
	return 0, 0, missing
}

func (w *world) addsTo(client, name string, th *thing) (status, late int) {
	switch {
	case th.namespace && w.owns(client, name):
		return 409, 0
	case th.namespace:
		return refused(client), 0
	case th.lists.granted(client, "owner", "update") || w.inherited(client, name, "owner", "update"):
		return 0, 0
	}
	if v := th.version(""); v == nil || v.chain == "" || w.creates(client, name) != 0 {
		return refused(client), 0
	}
	for _, v := range th.left() {
		if v.chain == "" {
			return 0, refused(client)
		}
	}
	return 0, 0
}

// bindObject makes an object, unless there is one.
func (w *world) bindObject(client, name string) *thing {
	if th := w.live(name); th != nil {
		return th
	}
	th := &thing{lists: madeBy(client)}
	w.names[name] = th
	return th
}

// get says what a GET of a name or version answers.
func (w *world) get(client, name, id string) (int, string) {
	th := w.live(name)
	switch {
	case th == nil, id != "" && th.version(id) == nil:
		return 404, ""
	case th.namespace && !w.lists(client, name):
		return refused(client), ""
	case th.namespace:
		return 200, w.listing(name)
	}
	v := th.version(id)
	for v != nil && v.chain != "" {
		name = v.chain
		if th = w.live(name); th == nil {
			return 409, ""
		}
		v = th.version(v.id)
	}
	switch {
	case v == nil:
		return 409, ""
	case !w.reads(client, name, v):
		return refused(client), ""
	}
	return 200, v.content
}

func (w *world) listing(parent string) string {
	children := []string{}
	for name := range w.names {
		if name != "/" && path.Dir(name) == parent && w.live(name) != nil {
			children = append(children, "/hatrac"+name)
		}
	}
	slices.Sort(children)
	return asText(children)
}

// versionsOf says what GET ;versions answers.
func (w *world) versionsOf(client, name string) (int, string) {
	th := w.live(name)
	switch {
	case th == nil || th.namespace:
		return 404, ""
	case !w.lists(client, name):
		return refused(client), ""
	}
	urls := []string{}
	for _, v := range slices.Backward(th.left()) {
		urls = append(urls, "/hatrac"+name+":"+v.id)
	}
	return 200, asText(urls)
}

func asText(document any) string {
	text, err := json.Marshal(document)
	if err != nil {
		panic(err)
	}
	return string(text) + "\n"
}

// deletes says what comes of deleting a name with everything beneath it, before conditions.
func (w *world) deletes(client, name string) int {
	if w.live(name) == nil {
		return 404
	}
	for _, beneath := range w.tree(name) {
		if !w.owns(client, beneath) {
			return refused(client)
		}
		for _, v := range w.names[beneath].left() {
			if !w.changes(client, beneath, v) {
				return refused(client)
			}
		}
	}
	return 0
}

// tree returns the live names from one on down.
func (w *world) tree(top string) (names []string) {
	for name := range w.names {
		if (name == top || strings.HasPrefix(name, top+"/")) && w.live(name) != nil {
			names = append(names, name)
		}
	}
	return names
}

func (w *world) remove(name string) {
	w.deletions++
	for _, beneath := range w.tree(name) {
		th := w.names[beneath]
		th.deleted, th.jobs, th.deletion = true, nil, w.deletions
		for _, v := range th.left() {
			w.fall(v)
		}
	}
}

// fall makes a version part of the present deletion.
func (w *world) fall(v *edition) { v.deleted, v.deletion = true, w.deletions }
