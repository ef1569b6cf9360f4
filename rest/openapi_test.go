package rest

import (
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/hatrac/hatrac/store"
)

// object is a mapping of a YAML or JSON document.
type object = map[string]any

// description is docs/openapi.yaml.
type description struct {
	root object
	used map[string]bool // the references that were followed
}

func readDescription(t *testing.T) *description {
	t.Helper()
	text, err := os.ReadFile("../docs/openapi.yaml")
	must(t, err)
	d := &description{used: make(map[string]bool)}
	must(t, yaml.Unmarshal(text, &d.root))
	return d
}

// at follows keys from a node down, and references on the way. It answers nil where there is
// nothing.
func (d *description) at(node any, keys ...string) any {
	for i := 0; ; i++ {
		m, ok := node.(object)
		if ref, isRef := m["$ref"].(string); isRef {
			d.used[ref] = true
			node = d.at(d.root, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
			i--
			continue
		}
		if i == len(keys) {
			return node
		}
		if !ok {
			return nil
		}
		node = m[keys[i]]
	}
}

// operations are the described methods of a path by name, in capitals.
func (d *description) operations(path string) map[string]object {
	found := make(map[string]object)
	for key, value := range d.at(d.root, "paths", path).(object) {
		if !slices.Contains([]string{"parameters", "servers", "summary", "description"}, key) {
			found[strings.ToUpper(key)] = value.(object)
		}
	}
	return found
}

// example puts values into the variables of a path.
func example(path string) string {
	return strings.NewReplacer(
		"{name}", "n", "{version}", "v", "{list}", "l", "{entry}", "e", "{field}", "f", "{job}", "j", "{chunk}", "0",
	).Replace(path)
}

// described are the methods of every path of the description with the resource that it means.
func (d *description) described(t *testing.T) (routed map[resource]string, fixed []string) {
	t.Helper()
	routed = make(map[resource]string)
	for path := range d.root["paths"].(object) {
		if d.at(d.root, "paths", path, "servers") != nil {
			fixed = append(fixed, path)
			continue
		}
		a, err := scheme{}.parse(example(path))
		must(t, err)
		if other, twice := routed[a.resource()]; twice {
			t.Errorf("%s and %s are the same resource", path, other)
		}
		routed[a.resource()] = path
	}
	return routed, fixed
}

func sorted[M ~map[string]V, V any](m M) []string { return slices.Sorted(maps.Keys(m)) }

func TestDescriptionHasExactlyTheRoutes(t *testing.T) {
	d := readDescription(t)
	routed, fixed := d.described(t)
	compare := func(path string, table methods) {
		want := slices.Sorted(slices.Values(append(sorted(table), http.MethodOptions)))
		if diff := cmp.Diff(want, sorted(d.operations(path))); diff != "" {
			t.Errorf("%s: methods (-served +described):\n%s", path, diff)
		}
	}
	for r, table := range routes() {
		path, ok := routed[r]
		if !ok {
			t.Errorf("nothing describes %+v", r)
			continue
		}
		compare(path, table)
		delete(routed, r)
	}
	for _, path := range routed {
		t.Errorf("%s is described but not served", path)
	}
	served := newSite(t, options{}).server.fixedPaths()
	slices.Sort(fixed)
	if diff := cmp.Diff(sorted(served), fixed); diff != "" {
		t.Errorf("fixed paths (-served +described):\n%s", diff)
	}
	for path, table := range served {
		compare(path, table)
	}
}

// statuses are those that an operation documents.
func statuses(operation object) []string { return sorted(operation["responses"].(object)) }

// expected are the kinds of errors that a method of the store answers whatever the resource.
func expected(method string) []store.ErrorKind {
	kinds := []store.ErrorKind{store.Invalid, store.Unauthenticated}
	if method != http.MethodOptions {
		kinds = append(kinds, store.Denied, store.NotFound)
	}
	return kinds
}

func TestDescriptionHasTheStatusesOfErrors(t *testing.T) {
	d := readDescription(t)
	routed, _ := d.described(t)
	documented := make(map[string]bool)
	for r, path := range routed {
		for method, operation := range d.operations(path) {
			got := statuses(operation)
			want := []string{"5XX"}
			for _, kind := range expected(method) {
				want = append(want, strconv.Itoa(statusOf(kind)))
			}
			want = append(want, statusesOf(r, method)...)
			for _, status := range want {
				if !slices.Contains(got, status) {
					t.Errorf("%s %s does not document %s", method, path, status)
				}
			}
			for _, status := range got {
				documented[status] = true
			}
		}
	}
	for kind := store.Internal; kind <= store.Interrupted; kind++ {
		status := strconv.Itoa(statusOf(kind))
		if status != strconv.Itoa(statusInterrupted) && !documented[status] && !documented[status[:1]+"XX"] {
			t.Errorf("nothing documents %s, which stands for %v", status, kind)
		}
	}
}

// statusesOf are those that the form of a resource brings with it.
func statusesOf(r resource, method string) []string {
	content := r.sub == ""
	tagged := r.sub != subUpload
	switch method {
	case http.MethodGet:
		if content {
			return []string{"200", "206", "304", "409", "416", "501"}
		}
		if tagged {
			return []string{"200", "304", "501"}
		}
		return []string{"200", "501"}
	case http.MethodHead:
		if tagged {
			return []string{"200", "304"}
		}
		return []string{"200"}
	case http.MethodPut:
		if r.sub == subUpload {
			return []string{"204", "409", "411", "413", "507"}
		}
		if content {
			return []string{"201", "409", "411", "412", "413", "507"}
		}
		return []string{"204", "412"}
	case http.MethodPost:
		return []string{"409", "412"}
	case http.MethodDelete:
		if tagged {
			return []string{"204", "412"}
		}
	}
	return []string{"204"}
}

func TestDescriptionHasNoLooseEnds(t *testing.T) {
	d := readDescription(t)
	d.walk(t, "", d.root)
	for section, named := range d.root["components"].(object) {
		for name := range named.(object) {
			if ref := "#/components/" + section + "/" + name; section != "securitySchemes" && !d.used[ref] {
				t.Errorf("nothing refers to %s", ref)
			}
		}
	}
	ids := make(map[string]string)
	for path, item := range d.root["paths"].(object) {
		parameters, _ := d.at(item, "parameters").([]any)
		template := path
		for _, parameter := range parameters {
			template = strings.Replace(template, "{"+d.at(parameter, "name").(string)+"}", "", 1)
		}
		if strings.ContainsAny(template, "{}") || len(parameters) != strings.Count(path, "{") {
			t.Errorf("%s does not have the parameters that it names", path)
		}
		for method, operation := range d.operations(path) {
			id, _ := operation["operationId"].(string)
			if ids[id] != "" || id == "" {
				t.Errorf("%s %s has the operationId %q, like %s", method, path, id, ids[id])
			}
			ids[id] = method + " " + path
		}
	}
}

// walk looks for references that lead nowhere, and for nothing where something should be: a
// comma too many makes that of the words behind it.
func (d *description) walk(t *testing.T, where string, node any) {
	t.Helper()
	switch node := node.(type) {
	case nil:
		t.Errorf("%s has no value", where)
	case object:
		if ref, ok := node["$ref"].(string); ok && d.at(node) == nil {
			t.Errorf("%s leads nowhere", ref)
		}
		for key, child := range node {
			d.walk(t, where+"/"+key, child)
		}
	case []any:
		for i, child := range node {
			d.walk(t, where+"/"+strconv.Itoa(i), child)
		}
	}
}
