package rest

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// everywhere are the header fields that any answer may have. The description does not repeat
// them with each.
var everywhere = []string{
	"Cache-Control", "Connection", "Content-Length", "Content-Security-Policy", "Content-Type", "Date",
	"Vary", "X-Content-Type-Options", "X-Request-Id",
}

// check compares an answer with what is described of it.
func (d *description) check(t *testing.T, path string, a answer) {
	t.Helper()
	where := fmt.Sprintf("%s %s: %d", a.method(), path, a.StatusCode)
	operation := d.operations(path)[a.method()]
	status := strconv.Itoa(a.StatusCode)
	described := d.at(operation, "responses", status)
	if described == nil {
		described = d.at(operation, "responses", status[:1]+"XX")
	}
	if described == nil {
		t.Errorf("%s is not described: %s", where, a.body)
		return
	}
	fields, _ := d.at(described, "headers").(object)
	for name := range a.Header {
		known := slices.ContainsFunc(sorted(fields), func(field string) bool { return strings.EqualFold(field, name) })
		if !known && !slices.Contains(everywhere, name) {
			t.Errorf("%s has the header field %s, which is not described", where, name)
		}
	}
	if a.body == "" {
		return
	}
	mediaType, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	must(t, err)
	content, _ := d.at(described, "content").(object)
	kind := mediaType
	if content[kind] == nil {
		kind = "*/*"
	}
	if content[kind] == nil {
		t.Errorf("%s has a body of type %s, which is not described", where, mediaType)
		return
	}
	if strings.HasSuffix(mediaType, "json") {
		var document any
		must(t, json.Unmarshal([]byte(a.body), &document))
		if err := d.fits(document, d.at(content, kind, "schema")); err != nil {
			t.Errorf("%s: the body does not fit its schema: %v\n%s", where, err, a.body)
		}
	}
}

// fits compares a JSON document with a schema, as far as the description uses schemas.
func (d *description) fits(document, schema any) error {
	s, _ := d.at(schema).(object)
	if !isA(document, s["type"]) {
		return fmt.Errorf("%v is no %v", document, s["type"])
	}
	if allowed, ok := s["enum"].([]any); ok && !slices.Contains(allowed, document) {
		return fmt.Errorf("%v is none of %v", document, allowed)
	}
	switch document := document.(type) {
	case []any:
		for _, item := range document {
			if err := d.fits(item, s["items"]); err != nil {
				return err
			}
		}
	case object:
		return d.fitsMembers(document, s)
	}
	return nil
}

func (d *description) fitsMembers(document, schema object) error {
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, ok := document[name.(string)]; !ok {
			return fmt.Errorf("%v is missing", name)
		}
	}
	for name, value := range document {
		member := d.at(schema, "properties", name)
		if member == nil {
			member = schema["additionalProperties"]
		}
		if member == false {
			return fmt.Errorf("%s is not described", name)
		}
		if names := schema["propertyNames"]; names != nil {
			if err := d.fits(name, names); err != nil {
				return err
			}
		}
		if err := d.fits(value, member); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// isA reports whether a JSON value has the type, or one of the types, of a schema.
func isA(value, kind any) bool {
	if kinds, ok := kind.([]any); ok {
		return slices.ContainsFunc(kinds, func(kind any) bool { return isA(value, kind) })
	}
	switch value := value.(type) {
	case nil:
		return kind == "null"
	case string:
		return kind == "string"
	case bool:
		return kind == "boolean"
	case float64:
		return kind == "number" || kind == "integer" && value == float64(int64(value))
	case []any:
		return kind == "array"
	default:
		return kind == "object"
	}
}

// TestAnswersAreAsDescribed asks for everything once, and for some of what goes wrong.
func TestAnswersAreAsDescribed(t *testing.T) {
	d := readDescription(t)
	routed, fixed := d.described(t)
	s := newSite(t, options{})
	tried := make(map[string]bool)
	ask := func(status int, client, method, target, body string, headers ...string) string {
		t.Helper()
		a := s.wants(status, s.do(client, method, target, body, headers...))
		path := target
		if !slices.Contains(fixed, path) {
			address, err := s.server.scheme.parse(strings.TrimPrefix(targetPath(target), "/hatrac"))
			must(t, err)
			path = routed[address.resource()]
		}
		tried[method+" "+path] = true
		d.check(t, path, a)
		return strings.TrimSuffix(a.body, "\n")
	}
	reads := func(client, target string, headers ...string) {
		t.Helper()
		ask(http.StatusOK, client, http.MethodGet, target, "", headers...)
		ask(http.StatusOK, client, http.MethodHead, target, "", headers...)
		ask(http.StatusNoContent, client, http.MethodOptions, target, "")
	}
	const asJSON, asText = "Content-Type: application/json", "Content-Type: text/plain"

	ask(http.StatusCreated, admin, http.MethodPut, "/hatrac/ns", "", asNamespace, "Hatrac-ACL-Read: alice")
	one := ask(http.StatusCreated, admin, http.MethodPut, "/hatrac/ns/o", "hello",
		asText, "Content-MD5: XUFAKrxLKna5cZ2REBfFkg==", "Content-Disposition: filename*=UTF-8''o.txt")
	two := ask(http.StatusCreated, admin, http.MethodPut, "/hatrac/ns/o", "hello again")
	for _, format := range []string{typeJSON, typeURIList, typeHTML, typeListing} {
		reads(admin, "/hatrac/ns", "Accept: "+format)
		reads(admin, "/hatrac/ns/o;versions", "Accept: "+format)
	}
	ask(http.StatusOK, admin, http.MethodGet, "/hatrac/?limit=1", "")
	for _, target := range []string{"/hatrac/ns/o", one, two} {
		reads(admin, target)
		reads(admin, target+";metadata")
		reads(admin, target+";acl")
		reads(admin, target+";acl/owner")
		reads(admin, target+";acl/owner/admin")
		ask(http.StatusPartialContent, admin, http.MethodGet, target, "", "Range: bytes=1-2")
		ask(http.StatusRequestedRangeNotSatisfiable, admin, http.MethodGet, target, "", "Range: bytes=99-")
		ask(http.StatusNotImplemented, admin, http.MethodGet, target, "", "Range: bytes=0-0,2-2")
		ask(http.StatusNotModified, admin, http.MethodGet, target, "", "If-None-Match: *")
		ask(http.StatusNotImplemented, admin, http.MethodGet, target+";metadata", "", "Range: bytes=0-0")
		ask(http.StatusUnauthorized, nobody, http.MethodGet, target, "", "Accept: "+typeHTML)
		ask(http.StatusForbidden, bob, http.MethodGet, target, "", "Accept: "+typeProblem)
		ask(http.StatusNotFound, admin, http.MethodGet, target+";metadata/content-sha256", "")
		field := target + ";metadata/content-type"
		ask(http.StatusNoContent, admin, http.MethodPut, field, "text/csv", asText)
		ask(http.StatusBadRequest, admin, http.MethodPut, field, "text/csv", asJSON)
		ask(http.StatusRequestEntityTooLarge, admin, http.MethodPut, field, strings.Repeat("x", maxValue+1), asText)
		ask(http.StatusConflict, admin, http.MethodPut, target+";metadata/content-sha256", strings.Repeat("0", 64), asText)
		ask(http.StatusPreconditionFailed, admin, http.MethodDelete, field, "", `If-Match: "x"`)
		reads(admin, field)
		ask(http.StatusNoContent, admin, http.MethodDelete, field, "")
		ask(http.StatusNoContent, admin, http.MethodPut, target+";acl/read", `["bob"]`, asJSON)
		ask(http.StatusNoContent, admin, http.MethodPut, target+";acl/read/*", "")
		ask(http.StatusNoContent, admin, http.MethodDelete, target+";acl/read/bob", "")
		ask(http.StatusNotFound, admin, http.MethodDelete, target+";acl/read/bob", "")
		ask(http.StatusPreconditionFailed, admin, http.MethodDelete, target+";acl/read", "", `If-Match: "x"`)
		ask(http.StatusNoContent, admin, http.MethodDelete, target+";acl/read", "")
	}
	ask(http.StatusBadRequest, admin, http.MethodPut, "/hatrac/ns/o", "x", "Content-MD5: x")
	ask(http.StatusConflict, admin, http.MethodPut, "/hatrac/ns", "x")
	ask(http.StatusPreconditionFailed, admin, http.MethodPut, "/hatrac/ns/o", "x", "If-None-Match: *")

	job := ask(http.StatusCreated, admin, http.MethodPost, "/hatrac/ns/up;upload", `{"chunk-length": 3, "content-length": 5, "content-type": "text/csv"}`, asJSON)
	ask(http.StatusBadRequest, admin, http.MethodPost, "/hatrac/ns/up;upload", `{}`, asJSON)
	ask(http.StatusConflict, admin, http.MethodGet, "/hatrac/ns/up", "")
	for _, format := range []string{typeJSON, typeURIList, typeHTML, typeListing} {
		reads(admin, "/hatrac/ns/up;upload", "Accept: "+format)
	}
	ask(http.StatusNoContent, admin, http.MethodPut, job+"/1", "lo")
	ask(http.StatusConflict, admin, http.MethodPut, job+"/2", "lo")
	ask(http.StatusConflict, admin, http.MethodPost, job, "")
	ask(http.StatusNoContent, admin, http.MethodOptions, job+"/0", "")
	reads(admin, job)
	ask(http.StatusNoContent, admin, http.MethodPut, job+"/0", "hel")
	ask(http.StatusCreated, admin, http.MethodPost, job, "")
	ask(http.StatusNotFound, admin, http.MethodPost, job, "")
	job = ask(http.StatusCreated, admin, http.MethodPost, "/hatrac/ns/up;upload", `{"chunk-length": 3, "content-length": 5}`, asJSON)
	ask(http.StatusNoContent, admin, http.MethodDelete, job, "")

	rename := `{"command": "rename_from", "source_name": "/ns/up"}`
	ask(http.StatusCreated, admin, http.MethodPost, "/hatrac/ns/new", rename, asJSON)
	ask(http.StatusNoContent, admin, http.MethodPost, "/hatrac/ns/new", rename, asJSON)
	ask(http.StatusConflict, admin, http.MethodPost, "/hatrac/ns/new", `{"command": "rename_from", "source_name": "/no"}`, asJSON)
	ask(http.StatusNoContent, admin, http.MethodDelete, one, "")
	ask(http.StatusBadRequest, admin, http.MethodPost, one, rename, asJSON)
	ask(http.StatusForbidden, admin, http.MethodDelete, "/hatrac/", "")
	ask(http.StatusNoContent, admin, http.MethodDelete, "/hatrac/ns/new", "")

	s.elsewhere("/ns/away", "v", "https://elsewhere.example/")
	for _, target := range []string{"/hatrac/ns/away", "/hatrac/ns/away:v"} {
		ask(http.StatusSeeOther, admin, http.MethodGet, target, "")
		ask(http.StatusSeeOther, admin, http.MethodHead, target, "")
	}

	reads(alice, "/authn/session")
	ask(http.StatusNotFound, nobody, http.MethodGet, "/authn/session", "")
	ask(http.StatusOK, alice, http.MethodPut, "/authn/session", "")
	ask(http.StatusNotFound, nobody, http.MethodDelete, "/authn/session", "")
	const asForm = "Content-Type: application/x-www-form-urlencoded"
	ask(http.StatusConflict, alice, http.MethodPost, "/authn/session", "", asForm)
	ask(http.StatusUnauthorized, nobody, http.MethodPost, "/authn/session", "username=alice&password=wrong", asForm)
	ask(http.StatusOK, nobody, http.MethodPost, "/authn/session", "username=alice&password="+strings.ReplaceAll(password, " ", "+"), asForm)
	for _, path := range []string{"/authn/preauth", "/authn/discovery", "/healthz"} {
		reads(nobody, path)
	}
	for path := range d.root["paths"].(object) {
		for method := range d.operations(path) {
			if !tried[method+" "+path] {
				t.Errorf("%s %s was not tried", method, path)
			}
		}
	}
}
