package rest

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/hatrac/hatrac/store"
)

func sums(content string) (md5Sum, sha256Sum string) {
	m, s := md5.Sum([]byte(content)), sha256.Sum256([]byte(content))
	return base64.StdEncoding.EncodeToString(m[:]), base64.StdEncoding.EncodeToString(s[:])
}

func TestHeadersOfContent(t *testing.T) {
	s := newSite(t, options{})
	md5Sum, sha256Sum := sums("hello")
	hexMD5 := md5.Sum([]byte("hello"))
	plain, plainID := s.object("/a%20name", "hello")
	full, fullID := s.object("/full", "hello",
		"Content-Type: text/plain; charset=latin1", "Content-MD5: "+hex.EncodeToString(hexMD5[:]),
		"Content-SHA256: "+sha256Sum, "Content-Disposition: filename*=UTF-8''x%20y.txt")
	fullHeaders := map[string]string{
		"Content-Type": "text/plain; charset=latin1", "Content-Length": "5", "Etag": `"` + fullID + `"`,
		"Content-Location": full, "Content-Disposition": "filename*=UTF-8''x%20y.txt",
		"Content-Md5": md5Sum, "Content-Sha256": sha256Sum, "Accept-Ranges": "bytes", "Vary": "Cookie, Authorization",
		"Repr-Digest": "sha-256=:" + sha256Sum + ":", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "sandbox",
	}
	notModified := map[string]string{
		"Etag": `"` + fullID + `"`, "Content-Location": full, "Content-Md5": "", "Content-Sha256": "",
		"Repr-Digest": "", "Content-Length": "", "Content-Type": "",
	}
	s.play(t, []step{
		{as: admin, method: "GET", target: "/a%20name", status: 200, answer: "hello", has: map[string]string{
			"Content-Type": "application/octet-stream", "Content-Length": "5", "Etag": `"` + plainID + `"`,
			"Content-Location": plain, "Content-Disposition": "filename*=UTF-8''a%20name",
			"Content-Md5": "", "Content-Sha256": "", "Repr-Digest": "sha-256=:" + sha256Sum + ":",
		}},
		{as: admin, method: "GET", target: "/full", status: 200, answer: "hello", has: fullHeaders},
		{as: admin, method: "HEAD", target: "/full", status: 200, has: fullHeaders},
		{as: admin, method: "HEAD", target: "/full", headers: []string{"Range: bytes=0-0"}, status: 200, has: fullHeaders},
		{as: admin, method: "GET", target: "/full", headers: []string{"Range: bytes=1-2"}, status: 206, answer: "el", has: map[string]string{
			"Content-Range": "bytes 1-2/5", "Content-Length": "2", "Content-Md5": "", "Content-Sha256": "", "Repr-Digest": "",
			"Etag": `"` + fullID + `"`, "Content-Type": "text/plain; charset=latin1",
		}},
		{as: admin, method: "GET", target: "/full", headers: []string{`If-None-Match: "` + fullID + `"`}, status: 304, has: notModified},
		{as: admin, method: "HEAD", target: "/full", headers: []string{`If-None-Match: W/"` + fullID + `", "x"`}, status: 304, has: notModified},
		{as: admin, method: "GET", target: "/full", headers: []string{`If-Match: "other"`}, status: 304, has: notModified},
		{as: admin, method: "GET", target: "/full", headers: []string{`If-Match: "` + fullID + `"`}, status: 200, answer: "hello"},
		{as: admin, method: "GET", target: "/full", headers: []string{`If-None-Match: *`}, status: 304},
		{as: admin, method: "GET", target: "/full", headers: []string{"If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT"}, status: 200},
		{as: admin, method: "GET", target: "/full", headers: []string{"If-Match: naked"}, status: 400},
		// A condition that fails hides what is wrong with the range.
		{as: admin, method: "GET", target: "/full", headers: []string{`If-None-Match: *`, "Range: bytes=9-"}, status: 304},
		{as: bob, method: "GET", target: "/full", headers: []string{`If-None-Match: *`}, status: 403},
	})
}

func TestRangesOfContent(t *testing.T) {
	s := newSite(t, options{})
	url, id := s.object("/o", "abcdef")
	s.object("/none", "")
	modified := s.do(admin, http.MethodHead, url, "").Header.Get("Last-Modified")
	if modified == "" {
		t.Fatal("the content has no Last-Modified")
	}
	ranged := func(field string, status int, answer, contentRange string, more ...string) step {
		return step{
			as: admin, method: "GET", target: "/o", headers: append([]string{"Range: " + field}, more...),
			status: status, answer: answer, has: map[string]string{"Content-Range": contentRange},
		}
	}
	empty := func(field string, status int, contentRange string) step {
		st := ranged(field, status, "", contentRange)
		st.target = "/none"
		return st
	}
	s.play(t, []step{
		ranged("bytes=0-1", 206, "ab", "bytes 0-1/6"),
		ranged("bytes=-2", 206, "ef", "bytes 4-5/6"),
		ranged("bytes=3-", 206, "def", "bytes 3-5/6"),
		ranged("bytes=-100", 200, "abcdef", ""),
		ranged("bytes=0-5", 200, "abcdef", ""),
		ranged("bytes=9-3", 200, "abcdef", ""),
		ranged("bytes=-0", 200, "abcdef", ""),
		ranged("bytes=0-0,100-", 206, "a", "bytes 0-0/6"),
		ranged("bytes=6-", 416, "", "bytes */6"),
		ranged("bytes=0-0,2-3", 501, "", ""),
		ranged("lines=0-0", 501, "", ""),
		ranged("bytes=0-1", 206, "ab", "bytes 0-1/6", `If-Range: "`+id+`"`),
		ranged("bytes=0-1", 200, "abcdef", "", `If-Range: "other"`),
		ranged("bytes=0-1", 200, "abcdef", "", `If-Range: W/"`+id+`"`),
		ranged("bytes=9-", 200, "abcdef", "", `If-Range: "other"`),
		ranged("bytes=0-1,3-4", 200, "abcdef", "", `If-Range: "other"`),
		ranged("bytes=0-1", 206, "ab", "bytes 0-1/6", "If-Range: "+modified),
		ranged("bytes=0-1", 200, "abcdef", "", "If-Range: Fri, 01 Jan 2100 00:00:00 GMT"),
		empty("bytes=0-", 416, "bytes */0"),
		empty("bytes=-5", 416, "bytes */0"),
		empty("bytes=-0", 200, ""),
		{as: admin, method: "GET", target: "/none", status: 200, has: map[string]string{"Content-Length": "0"}},
	})
}

func TestOnlyContentCanBeHadInParts(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	s.object("/o", "x", "Content-Type: a/b")
	for _, target := range []string{"/ns", "/o;versions", "/o;acl", "/o;acl/owner", "/o;acl/owner/admin", "/o;metadata", "/o;metadata/content-type"} {
		s.wants(http.StatusNotImplemented, s.do(admin, http.MethodGet, "/hatrac"+target, "", "Range: bytes=0-0"))
		s.wants(http.StatusForbidden, s.do(bob, http.MethodGet, "/hatrac"+target, "", "Range: bytes=0-0"))
		s.wants(http.StatusOK, s.do(admin, http.MethodHead, "/hatrac"+target, "", "Range: bytes=0-0"))
	}
}

// Content that is large enough for the kernel to send, and its parts, come out as they went in.
func TestLargeContentComesBackWhole(t *testing.T) {
	s := newSite(t, options{})
	content := make([]byte, 3<<20+17)
	source := rand.NewChaCha8([32]byte{1})
	_, _ = source.Read(content)
	a := s.wants(http.StatusCreated, s.send(admin, http.MethodPut, "/hatrac/big", bytes.NewReader(content)))
	url := strings.TrimSpace(a.body)
	if got := s.do(admin, http.MethodGet, url, ""); got.body != string(content) || got.ContentLength != int64(len(content)) {
		t.Errorf("the content came back with %d bytes", len(got.body))
	}
	for _, part := range []span{{0, 100}, {5, 1 << 20}, {1 << 20, 2 << 20}, {3 << 20, 17}} {
		field := "Range: bytes=" + strconv.FormatInt(part.first, 10) + "-" + strconv.FormatInt(part.first+part.length-1, 10)
		got := s.wants(http.StatusPartialContent, s.do(admin, http.MethodGet, url, "", field))
		if got.body != string(content[part.first:part.first+part.length]) {
			t.Errorf("%s gave %d other bytes", field, len(got.body))
		}
	}
}

// brittle is a bulk store whose content fails.
type brittle struct {
	store.Assembler
	open  bool  // fail already when content is opened
	after int64 // bytes that can be read before the failure
}

func (b *brittle) Open(ctx context.Context, a store.Address) (store.Content, error) {
	if b.open {
		return nil, store.NewError(store.Unavailable, "", "")
	}
	content, err := b.Assembler.Open(ctx, a)
	return brittleContent{content, b.after}, err
}

type brittleContent struct {
	store.Content
	after int64
}

func (c brittleContent) Section(ctx context.Context, off, n int64) (io.ReadCloser, error) {
	r, err := c.Content.Section(ctx, off, n)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(r, c.after), failing{}), r}, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the disk of /secret/place broke") }

func TestContentThatBreaksOffIsNoticed(t *testing.T) {
	for _, after := range []int64{0, 1, 300 << 10} {
		s := newSite(t, options{bulk: func(b store.Assembler) store.Assembler { return &brittle{Assembler: b, after: after} }})
		url, _ := s.object("/o", strings.Repeat("x", 1<<20))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+url, nil)
		must(t, err)
		req.Header.Set("Authorization", "Bearer "+s.tokens[admin])
		response, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			continue // that nothing comes is noticed as well
		}
		got, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err == nil {
			t.Errorf("broken off after %d bytes: %d bytes were taken for all of the content", after, len(got))
		}
		if !strings.Contains(strings.Join(s.log.lines(2), "\n"), "the disk of /secret/place broke") {
			t.Error("the log does not say why")
		}
	}
}

func TestContentThatCannotBeOpenedIsAnErrorWithoutItsHeaders(t *testing.T) {
	s := newSite(t, options{bulk: func(b store.Assembler) store.Assembler { return &brittle{Assembler: b, open: true} }})
	url, _ := s.object("/o", strings.Repeat("x", 1<<20))
	s.play(t, []step{
		{as: admin, method: "GET", target: strings.TrimPrefix(url, "/hatrac"), status: 503, has: map[string]string{
			"Retry-After": "5", "Etag": "", "Content-Location": "", "Content-Type": "text/plain; charset=utf-8",
			"Content-Disposition": "", "Accept-Ranges": "", "Cache-Control": "", "Content-Security-Policy": "",
		}},
		{as: admin, method: "HEAD", target: "/o", status: 200, has: map[string]string{"Content-Length": "1048576"}},
	})
}
