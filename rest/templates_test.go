package rest

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestErrorsHaveTheTextsOfTheConfiguration(t *testing.T) {
	s := newSite(t, options{rest: func(c *Config) {
		c.ErrorTemplates = map[string]map[string]string{
			"404": {
				"Text/HTML":        `<p title="%(title)s">%(code)s %(message)s</p> 100%% 50% %d`,
				"application/json": `{"status": %(code)s, "why": "%(description)s", "all": "%(message)s"}`,
			},
			"default": {"text/plain": "%(code)s: %(description)s"},
		}
	}})
	const detail = "There is no namespace or object of this name."
	for _, c := range []struct {
		name, method, target, accept string
		status                       int
		contentType, body            string
	}{
		{"own", "GET", "/a", "text/html", 404, "text/html; charset=utf-8", `<p title="Not Found">404 /hatrac/a: ` + detail + `</p> 100% 50% %d`},
		{"another type", "GET", "/a", "application/json", 404, "application/json", `{"status": 404, "why": "` + detail + `", "all": "/hatrac/a: ` + detail + `"}`},
		{"of the default", "GET", "/a", "", 404, "text/plain; charset=utf-8", "404: " + detail},
		{"for every status", "PATCH", "/a", "*/*", 405, "text/plain; charset=utf-8", "405: The resource does not have this method."},
		{"no body for HEAD", "HEAD", "/a", "", 404, "text/plain; charset=utf-8", ""},
		{"type that has none for the status", "PATCH", "/a", "application/json", 405, "text/plain; charset=utf-8", "405: The resource does not have this method."},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := s.wants(c.status, s.do(admin, c.method, "/hatrac"+c.target, "", "Accept: "+c.accept))
			if a.Header.Get("Content-Type") != c.contentType || a.body != c.body {
				t.Errorf("%s: %q", a.Header.Get("Content-Type"), a.body)
			}
		})
	}
	// What has no template is told as ever.
	a := s.wants(405, s.do(admin, "PATCH", "/hatrac/a", "", "Accept: text/html"))
	if !strings.Contains(a.body, "<footer>") {
		t.Errorf("got %s", a.body)
	}
	s.wants(404, s.do(admin, "GET", "/hatrac/a", "", "Accept: application/problem+json"))
}

// What a client sends cannot become more than text in the answer.
func TestValuesInTemplatesMeanThemselves(t *testing.T) {
	p := problem{Status: 400, Title: "Bad", Instance: `/<b>`, Detail: `"&' %(code)s`}
	template, err := parseErrorTemplate("%(message)s")
	must(t, err)
	for mediaType, want := range map[string]string{
		typeHTML:  `/&lt;b&gt;: &#34;&amp;&#39; %(code)s`,
		typePlain: `/<b>: "&' %(code)s`,
	} {
		if got := string(template.render(p, mediaType)); got != want {
			t.Errorf("%s: %s, want %s", mediaType, got, want)
		}
	}
	for _, mediaType := range []string{typeJSON, typeProblem} {
		var got string
		must(t, json.Unmarshal([]byte(`"`+string(template.render(p, mediaType))+`"`), &got))
		if got != p.message() {
			t.Errorf("%s: %q", mediaType, got)
		}
	}
}

func TestTemplatesThatCannotWorkAreRefused(t *testing.T) {
	for _, texts := range []map[string]map[string]string{
		{"200": {"text/html": ""}},
		{"999": {"text/html": ""}},
		{"all": {"text/html": ""}},
		{"404": {"html": ""}},
		{"404": {"text/html": "%(reason)s"}},
		{"404": {"text/html": "%(code)d"}},
		{"default": {"text/html": "%(code"}},
	} {
		if _, err := parseErrorTemplates(texts); err == nil {
			t.Errorf("%v was accepted", texts)
		}
	}
}
