package rest

import (
	"net/http"
	"slices"
	"testing"
)

func TestNegotiation(t *testing.T) {
	offers := []string{typeJSON, typeURIList, typeHTML, typeListing}
	for accept, want := range map[string]string{
		"":                            typeJSON,
		"*/*":                         typeJSON,
		"application/json":            typeJSON,
		"application/*":               typeJSON,
		"text/*":                      typeURIList,
		"text/html":                   typeHTML,
		"TEXT/HTML":                   typeHTML,
		"text/uri-list":               typeURIList,
		typeListing:                   typeListing,
		"text/html, application/json": typeJSON,
		"text/html, */*;q=0.1":        typeHTML,
		"text/html;q=0.5, */*;q=0.1":  typeHTML,
		"*/*, application/json;q=0":   typeURIList,
		"*/*;q=0.5, application/json;q=0, text/*;q=0.2": typeListing,
		"text/html;q=0":            typeJSON,
		"image/png":                typeJSON,
		"text/html;q=2, */*;q=0.1": typeJSON,
		"text/html;q=x":            typeJSON,
		"nonsense, text/uri-list":  typeURIList,
		"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8": typeHTML,
		"application/json;charset=utf-8, text/html;q=0.9":                            typeJSON,
	} {
		h := http.Header{}
		if accept != "" {
			h.Set("Accept", accept)
		}
		if got := negotiate(h, offers...); got != want {
			t.Errorf("Accept %q: got %s, want %s", accept, got, want)
		}
	}
}

func FuzzNegotiation(f *testing.F) {
	for _, accept := range []string{"", "text/html;q=0.5, */*", "a/b;c=\"d,e\";q=1", ";;,q=", "*/*;q=NaN"} {
		f.Add(accept)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		offers := []string{typePlain, typeHTML, typeProblem}
		if got := negotiate(http.Header{"Accept": {accept}}, offers...); !slices.Contains(offers, got) {
			t.Fatalf("Accept %q chose %q", accept, got)
		}
	})
}

func TestContentTypesAreComparedWithoutParametersAndCase(t *testing.T) {
	for value, want := range map[string]bool{
		"application/json":                true,
		"Application/JSON; charset=utf-8": true,
		" application/json ;x=y":          true,
		"application/jsonx":               false,
		"":                                false,
	} {
		if got := isType(http.Header{"Content-Type": {value}}, typeJSON); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}
