package rest

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// Clients take the id of an upload from the end of its URL and put it into others as it is.
func TestIDsStandBareInURLs(t *testing.T) {
	s := newSite(t, options{})
	_, version := s.object("/o", "x")
	job := strings.TrimPrefix(s.upload("/o", storyUpload), "/o;upload/")
	for _, id := range []string{version, job} {
		if id == "" || id != url.PathEscape(id) || strings.ContainsAny(id, "/?:;%") {
			t.Errorf("%q is an id", id)
		}
	}
}

// Not even the same content brings an id back.
func TestEveryVersionHasAnIDOfItsOwn(t *testing.T) {
	s := newSite(t, options{})
	finish := func() string {
		job := s.upload("/o", `{"chunk-length": 1, "content-length": 0}`)
		return strings.TrimSpace(s.wants(201, s.do(admin, "POST", "/hatrac"+job, "")).body)
	}
	put := func() string {
		url, _ := s.object("/o", "")
		return url
	}
	var seen []string
	for i, add := range []func() string{put, put, finish, finish, put, finish} {
		url := add()
		if slices.Contains(seen, url) {
			t.Errorf("%s is there again", url)
		}
		seen = append(seen, url)
		if i >= 3 {
			s.wants(204, s.do(admin, "DELETE", url, ""))
		}
	}
}
