package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/google/go-cmp/cmp"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

func TestFormatsOfAListing(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	s.namespace("/ns/b")
	s.object("/ns/a%3Cb%3E", "hello", "Content-Type: text/plain")
	tags := map[string]bool{}
	for _, c := range []struct{ accept, contentType, body string }{
		{"*/*", "application/json", `["/hatrac/ns/a%3Cb%3E","/hatrac/ns/b"]` + "\n"},
		{"text/uri-list", "text/uri-list", "/hatrac/ns/a%3Cb%3E\n/hatrac/ns/b\n"},
		{"text/html", "text/html; charset=utf-8", ""},
		{typeListing, typeListing, ""},
	} {
		a := s.wants(http.StatusOK, s.do(admin, "GET", "/hatrac/ns", "", "Accept: "+c.accept))
		if got := a.Header.Get("Content-Type"); got != c.contentType {
			t.Errorf("%s: type %s", c.accept, got)
		}
		if c.body != "" && a.body != c.body {
			t.Errorf("%s: %q", c.accept, a.body)
		}
		if a.ContentLength != int64(len(a.body)) {
			t.Errorf("%s: length %d for %d bytes", c.accept, a.ContentLength, len(a.body))
		}
		if got := strings.Join(a.Header.Values("Vary"), ", "); got != "Cookie, Authorization, Accept" {
			t.Errorf("%s: Vary %s", c.accept, got)
		}
		tag := a.Header.Get("Etag")
		if tags[tag] {
			t.Errorf("%s shares its tag with another format", c.accept)
		}
		tags[tag] = true
		s.wants(http.StatusNotModified, s.do(admin, "GET", "/hatrac/ns", "", "Accept: "+c.accept, "If-None-Match: "+tag))
		head := s.wants(http.StatusOK, s.do(admin, "HEAD", "/hatrac/ns", "", "Accept: "+c.accept))
		for _, h := range []*http.Header{&head.Header, &a.Header} {
			h.Del("Date")
			h.Del("X-Request-Id")
		}
		if diff := cmp.Diff(a.Header, head.Header); diff != "" {
			t.Errorf("%s: HEAD differs: %s", c.accept, diff)
		}
	}
}

func TestTheTagOfAListingFollowsTheList(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	s.namespace("/other")
	tag := func(accept string) string {
		return s.do(admin, "GET", "/hatrac/ns", "", "Accept: "+accept).Header.Get("Etag")
	}
	before := tag(typeHTML)
	s.namespace("/other/x")
	if tag(typeHTML) != before {
		t.Error("a change elsewhere changed the tag")
	}
	s.object("/ns/o", "x")
	if tag(typeHTML) == before {
		t.Error("a new child left the tag as it was")
	}
	s.wants(http.StatusPreconditionFailed, s.do(admin, "DELETE", "/hatrac/ns", "", "If-Match: "+before))
	s.wants(http.StatusNoContent, s.do(admin, "DELETE", "/hatrac/ns", "", "If-Match: "+tag(typeHTML)))
	s.wants(http.StatusPreconditionFailed, s.do(admin, "DELETE", "/hatrac/other", "", "If-None-Match: *"))
}

// What tells more than the list has a tag that says so: else caches would keep what is not so any more.
func TestTheTagOfAListingFollowsAllThatItTells(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	url, _ := s.object("/ns/o", "one", "Content-Type: a/b")
	tag := func(target, accept string) string {
		return s.wants(200, s.do(admin, "GET", "/hatrac"+target, "", "Accept: "+accept)).Header.Get("Etag")
	}
	for _, c := range []struct {
		target string
		change func()
	}{
		{"/ns", func() { s.object("/ns/o", "two and more") }},
		{"/ns/o;versions", func() {
			s.wants(204, s.do(admin, "PUT", url+";metadata/content-type", "c/d", "Content-Type: text/plain"))
		}},
	} {
		formats := []string{typeJSON, typeURIList, typeHTML, typeListing}
		before := map[string]string{}
		for _, format := range formats {
			before[format] = tag(c.target, format)
		}
		c.change()
		for _, format := range formats {
			tells := format == typeHTML || format == typeListing
			if after := tag(c.target, format); after == "" || (after == before[format]) == tells {
				t.Errorf("%s as %s had the tag %s and has %s", c.target, format, before[format], after)
			}
		}
	}
	s.wants(204, s.do(admin, "DELETE", "/hatrac/ns", "", "If-Match: "+tag("/ns", typeListing)))
}

func TestAPageForPeopleIsWholeAndHarmless(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	s.namespace("/ns/%3Cscript%3Ealert(1)%3C%2Fscript%3E"[:len("/ns/%3Cscript%3E")])
	s.object("/ns/%FFraw", "x", "Content-Type: text/html")
	a := s.do(admin, "GET", "/hatrac/ns", "", "Accept: text/html")
	if strings.Contains(a.body, "<script") || !strings.Contains(a.body, "&lt;script&gt;") {
		t.Errorf("names are not escaped: %s", a.body)
	}
	if !strings.HasSuffix(a.body, "</html>\n") || !strings.Contains(a.body, "2 entries") {
		t.Errorf("the page does not end: %s", a.body)
	}
	if !strings.Contains(a.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Error("the page may load things")
	}
	e := s.do(admin, "GET", "/hatrac/no%3Cb%3E", "", "Accept: text/html")
	if e.StatusCode != 404 || !strings.HasSuffix(e.body, "</html>\n") || strings.Contains(e.body, "<b>") {
		t.Errorf("status %d: %s", e.StatusCode, e.body)
	}
	if !strings.Contains(e.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Error("the page of an error may load things")
	}
}

func TestListingsTellOnlyWhatTheClientMayRead(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	s.namespace("/ns/sub")
	md5Sum, sha256Sum := sums("hello")
	_, id := s.object("/ns/o", "hello", "Content-Type: text/plain", "Content-MD5: "+md5Sum)
	s.grant("/ns", "read", `["bob"]`)
	s.grant("/ns/o", "read", `["bob"]`)
	list := func(client, target string) []map[string]any {
		var rows []map[string]any
		must(t, json.Unmarshal([]byte(s.wants(200, s.do(client, "GET", "/hatrac"+target, "", "Accept: "+typeListing)).body), &rows))
		for i := range rows {
			if _, ok := rows[i]["last-modified"]; ok != (rows[i]["content-length"] != nil) {
				t.Errorf("last-modified is told of %v: %v", rows[i], ok)
			}
			delete(rows[i], "last-modified")
		}
		return rows
	}
	sub := map[string]any{"url": "/hatrac/ns/sub", "name": "sub", "type": "namespace"}
	for _, c := range []struct {
		client, target string
		want           []map[string]any
	}{
		{admin, "/ns", []map[string]any{{
			"url": "/hatrac/ns/o", "name": "o", "type": "object", "version": id, "content-length": 5.0, "content-type": "text/plain",
		}, sub}},
		{bob, "/ns", []map[string]any{{"url": "/hatrac/ns/o", "name": "o", "type": "object"}, sub}},
		{admin, "/ns/o;versions", []map[string]any{{
			"url": "/hatrac/ns/o:" + id, "name": id, "type": "version", "version": id, "content-length": 5.0,
			"content-type": "text/plain", "content-md5": md5Sum, "content-sha256": sha256Sum, "owner": []any{"admin"},
		}}},
		{bob, "/ns/o;versions", []map[string]any{{"url": "/hatrac/ns/o:" + id, "name": id, "type": "version", "version": id}}},
	} {
		if diff := cmp.Diff(c.want, list(c.client, c.target)); diff != "" {
			t.Errorf("%s %s: %s", c.client, c.target, diff)
		}
	}
}

func TestPagesOfAListing(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	for _, name := range []string{"a", "b%20b", "c%2Fc", "d", "e"} {
		s.namespace("/ns/" + name)
	}
	var got []string
	target := "/hatrac/ns?limit=2"
	for target != "" {
		a := s.wants(200, s.do(admin, "GET", target, "", "Accept: text/uri-list"))
		got = append(got, a.body)
		next, _, ok := strings.Cut(strings.TrimPrefix(a.Header.Get("Link"), "<"), `>; rel="next"`)
		if !ok {
			break
		}
		target = next
	}
	want := []string{"/hatrac/ns/a\n/hatrac/ns/b%20b\n", "/hatrac/ns/c%2Fc\n/hatrac/ns/d\n", "/hatrac/ns/e\n"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for query, want := range map[string]int{"limit=0": 5, "limit=x": 5, "limit=-1": 5, "after=c%2Fc": 2, "limit=5": 5, "after=z": 1} {
		a := s.wants(200, s.do(admin, "GET", "/hatrac/ns?"+query, "", "Accept: text/uri-list"))
		if n := strings.Count(a.body, "\n"); n != want || a.Header.Get("Link") != "" {
			t.Errorf("?%s gave %d names and the link %q", query, n, a.Header.Get("Link"))
		}
	}
}

// A listing of many pages comes whole, in order and without a length.
func TestLongListingsAreStreamed(t *testing.T) {
	s := newSite(t, options{})
	const names = 1200
	client := acl.Client{ID: admin}
	long := strings.Repeat("%C3%A9", 125)
	var want bytes.Buffer
	for i := range names {
		path := store.Path(fmt.Sprintf("/%s%04d", long, i))
		_, err := s.service.CreateNamespace(t.Context(), client, service.CreateNamespace{Path: path})
		must(t, err)
		want.WriteString("/hatrac" + string(path) + "\n")
	}
	a := s.wants(200, s.do(admin, "GET", "/hatrac/", "", "Accept: text/uri-list"))
	if a.body != want.String() {
		t.Errorf("%d bytes of %d came", len(a.body), want.Len())
	}
	if a.ContentLength != -1 {
		t.Errorf("the length %d was told", a.ContentLength)
	}
	var urls []string
	must(t, json.Unmarshal([]byte(s.do(admin, "GET", "/hatrac/", "").body), &urls))
	if len(urls) != names {
		t.Errorf("%d names came as JSON", len(urls))
	}
	if a := s.do(admin, "GET", "/hatrac/", "", "Accept: text/html"); !strings.HasSuffix(a.body, "</html>\n") || strings.Count(a.body, "<tr><td>") != names {
		t.Error("the page for people is not whole")
	}
	head := s.wants(200, s.do(admin, "HEAD", "/hatrac/", ""))
	if head.Header.Get("ETag") == "" || head.ContentLength != -1 {
		t.Errorf("HEAD has %v", head.Header)
	}
	// It is not known in time what all of it tells.
	if a := s.do(admin, "GET", "/hatrac/", "", "Accept: "+typeListing); a.StatusCode != 200 || a.Header.Get("ETag") != "" {
		t.Errorf("the full listing: %d with the tag %s", a.StatusCode, a.Header.Get("ETag"))
	}
}

func TestAllVersionsOfAnObjectAreListed(t *testing.T) {
	s := newSite(t, options{})
	const versions = 1003
	want := make([]string, versions)
	for i := range versions {
		result, err := s.service.PutObject(t.Context(), acl.Client{ID: admin}, service.PutObject{
			Path: "/o", Content: strings.NewReader("x"), Size: 1,
		})
		must(t, err)
		want[versions-1-i] = "/hatrac/o:" + result.Version.Version
	}
	var got []string
	must(t, json.Unmarshal([]byte(s.wants(200, s.do(admin, "GET", "/hatrac/o;versions", "")).body), &got))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// gathering remembers how much was gathered at one time.
type gathering struct {
	jsonArray
	most int
}

func (g *gathering) rows(b *bytes.Buffer, rows []row) error {
	err := g.jsonArray.rows(b, rows)
	g.most = max(g.most, b.Len())
	return err
}

// longListing has n pages of a thousand names.
func longListing(n int) (l listing, fetched *int) {
	page := make([]row, 1000)
	for i := range page {
		page[i].URL = "/hatrac/" + strings.Repeat("n", 92)
	}
	fetched = new(int)
	return listing{rows: page, next: func() ([]row, bool, error) {
		*fetched++
		return page, *fetched < n-1, nil
	}}, fetched
}

func TestTheMemoryOfAListingDoesNotGrowWithIt(t *testing.T) {
	recorder := httptest.NewRecorder()
	c, _ := gin.CreateTestContext(recorder)
	c.Request = httptest.NewRequest("GET", "/hatrac/", nil)
	format := &gathering{}
	l, _ := longListing(201)
	must(t, (&exchange{c: c}).writeListing(l, format, typeJSON))
	var urls []string
	must(t, json.Unmarshal(recorder.Body.Bytes(), &urls))
	if len(urls) != 201_000 {
		t.Errorf("%d names came", len(urls))
	}
	if format.most > maxBuffered+len(l.rows)*110 {
		t.Errorf("%d bytes were gathered at one time", format.most)
	}
}

func TestHeadOfLongListingsHasNoBody(t *testing.T) {
	recorder := httptest.NewRecorder()
	c, _ := gin.CreateTestContext(recorder)
	c.Request = httptest.NewRequest("HEAD", "/hatrac/", nil)
	l, fetched := longListing(201)
	must(t, (&exchange{c: c}).writeListing(l, &jsonArray{}, typeJSON))
	if recorder.Body.Len() != 0 || recorder.Code != 200 || recorder.Header().Get("Content-Type") != typeJSON {
		t.Errorf("%d bytes came: %d, %v", recorder.Body.Len(), recorder.Code, recorder.Header())
	}
	if *fetched > 10 {
		t.Errorf("%d pages were fetched for nothing", *fetched)
	}
}
