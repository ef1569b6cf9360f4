package rest

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

func TestConditions(t *testing.T) {
	list := func(tags ...string) *service.Tags { return &service.Tags{List: tags} }
	for _, c := range []struct {
		name   string
		header http.Header
		want   service.Conditions
	}{
		{"none", http.Header{}, service.Conditions{}},
		{"one tag", http.Header{"If-Match": {`"a"`}}, service.Conditions{IfMatch: list("a")}},
		{"any", http.Header{"If-None-Match": {" * "}}, service.Conditions{IfNoneMatch: &service.Tags{Any: true}}},
		{"list", http.Header{"If-Match": {`"a", "b" ,"c,d"`}}, service.Conditions{IfMatch: list("a", "b", "c,d")}},
		{"several fields", http.Header{"If-Match": {`"a"`, `"b"`}}, service.Conditions{IfMatch: list("a", "b")}},
		{"empty elements", http.Header{"If-Match": {`, "a",,`}}, service.Conditions{IfMatch: list("a")}},
		{"empty tag", http.Header{"If-Match": {`""`}}, service.Conditions{IfMatch: list("")}},
		{"weak tags match nothing in If-Match", http.Header{"If-Match": {`W/"a"`}}, service.Conditions{IfMatch: list()}},
		{"weak tags match in If-None-Match", http.Header{"If-None-Match": {`W/"a"`}}, service.Conditions{IfNoneMatch: list("a")}},
		{
			"both",
			http.Header{"If-Match": {`"a"`}, "If-None-Match": {`"b"`}},
			service.Conditions{IfMatch: list("a"), IfNoneMatch: list("b")},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := conditions(c.header)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMalformedConditionsAreInvalid(t *testing.T) {
	for _, value := range []string{"", " ", ",", "a", `"a`, `a"`, `"a" "b"`, `"a"b`, `"a" x`, `*, "a"`, `"a", *`, "w/\"a\"", "\"a b\"", "\"a\x7f\""} {
		if got, err := conditions(http.Header{"If-Match": {value}}); store.KindOf(err) != store.Invalid || err == nil {
			t.Errorf("%q was read as %+v, error %v", value, got.IfMatch, err)
		}
	}
}

func TestEachFormatOfAListingHasItsTag(t *testing.T) {
	seen := map[string]bool{}
	for _, format := range []string{typeJSON, typeURIList, typeHTML, typeListing} {
		tag := formatTag("5-7", format)
		if seen[tag] {
			t.Errorf("%s shares the tag %s", format, tag)
		}
		seen[tag] = true
		got := unmarked(service.Conditions{IfMatch: &service.Tags{List: []string{tag, bodyTag("5-7", format, []byte("body"))}}})
		if format == typeJSON {
			got.IfMatch.List[1] = "5-7" // it tells nothing but the list
		}
		if diff := cmp.Diff([]string{"5-7", "5-7"}, got.IfMatch.List); diff != "" {
			t.Errorf("a change that is conditional on %s: %s", tag, diff)
		}
	}
}

func FuzzConditions(f *testing.F) {
	for _, value := range []string{`"a"`, `*`, `W/"a", "b"`, `, ,"x"`, `"a""b"`} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got, err := conditions(http.Header{"If-None-Match": {value}})
		if err != nil {
			return
		}
		for _, tag := range got.IfNoneMatch.List {
			again, err := conditions(http.Header{"If-None-Match": {quoteTag(tag)}})
			if err != nil || len(again.IfNoneMatch.List) != 1 || again.IfNoneMatch.List[0] != tag {
				t.Fatalf("%q has the tag %q, which is read as %+v, %v", value, tag, again.IfNoneMatch, err)
			}
		}
	})
}
