package rest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// elsewhere gives an object, which it makes, a version whose content lives at a URL.
func (s *site) elsewhere(path, version, url string) {
	s.t.Helper()
	s.upload(path, `{"chunk-length": 1, "content-length": 1}`)
	must(s.t, s.directory.Update(s.t.Context(), func(tx store.Tx) error {
		r, err := tx.Resolve(s.t.Context(), store.Path(path), "")
		if err != nil {
			return err
		}
		return tx.BindVersion(s.t.Context(), &store.Version{
			NameID: r.Name.ID, Version: version, Size: 5, URL: url, ACLs: acl.Lists{acl.Owner: {admin}},
			Metadata: store.Metadata{MD5: make([]byte, 16)}, SHA256: make([]byte, 32),
		})
	}))
}

// redirected are the header fields of a redirect: those of the content are not among them.
func redirected(location string) map[string]string {
	return map[string]string{
		"Location": location, "Content-Type": "text/uri-list", "Vary": "Cookie, Authorization", "Cache-Control": "no-store",
		"Etag": "", "Content-Md5": "", "Content-Sha256": "", "Repr-Digest": "", "Content-Location": "",
		"Content-Disposition": "", "Last-Modified": "", "Accept-Ranges": "", "Content-Range": "",
	}
}

func TestContentThatLivesElsewhereIsOnlyPointedTo(t *testing.T) {
	s := newSite(t, options{})
	const url = "https://elsewhere.example/a%20b?c=d"
	s.elsewhere("/o", "away", url)
	digest := strings.Repeat("0", 31) + "1"
	s.play(t, []step{
		{as: admin, method: "GET", target: "/o", status: 303, answer: url + "\n", has: redirected(url)},
		{as: admin, method: "GET", target: "/o:away", status: 303, answer: url + "\n", has: redirected(url)},
		{as: admin, method: "HEAD", target: "/o", status: 303, has: redirected(url)},
		{as: admin, method: "GET", target: "/o", headers: []string{"Range: bytes=0-1"}, status: 303, answer: url + "\n", has: redirected(url)},
		{as: admin, method: "GET", target: "/o", headers: []string{`If-None-Match: "away"`}, status: 304, has: map[string]string{"Location": ""}},
		{as: nobody, method: "GET", target: "/o", status: 401, has: map[string]string{"Location": ""}},
		{as: bob, method: "HEAD", target: "/o", status: 403, has: map[string]string{"Location": ""}},
		{as: admin, method: "GET", target: "/o;versions", status: 200, answer: `["/hatrac/o:away"]` + "\n"},
		{as: admin, method: "GET", target: "/o;metadata/content-md5", status: 200, answer: strings.Repeat("A", 22) + "==\n"},
		// Nobody here can tell whether another digest fits.
		{as: admin, method: "PUT", target: "/o;metadata/content-md5", body: digest, headers: []string{"Content-Type: text/plain"}, status: 409},
		{as: admin, method: "DELETE", target: "/o;metadata/content-md5", status: 204},
		{as: admin, method: "PUT", target: "/o;metadata/content-md5", body: digest, headers: []string{"Content-Type: text/plain"}, status: 204},
		// Its reference can move, and it can be replaced.
		{as: admin, method: "POST", target: "/p", body: `{"command":"rename_from","source_name":"/o"}`, headers: []string{asJSON}, status: 201},
		{as: admin, method: "GET", target: "/o", status: 303, answer: url + "\n"},
		{as: admin, method: "PUT", target: "/p", body: "here", headers: []string{`If-Match: "away"`}, status: 201},
		{as: admin, method: "GET", target: "/p", status: 200, answer: "here"},
		{as: admin, method: "DELETE", target: "/p:away", status: 204},
	})
}

func TestAPlaceThatIsNoneIsNotPointedTo(t *testing.T) {
	for _, url := range []string{"elsewhere", "/hatrac/o", "https:", "mailto:x@y.example", "https://x.example/\r\nSet-Cookie: a=b"} {
		s := newSite(t, options{})
		s.elsewhere("/o", "away", url)
		s.play(t, []step{{as: admin, method: "GET", target: "/o", status: 500, has: map[string]string{"Location": "", "Set-Cookie": ""}}})
	}
}

// signing is a bulk store that gives large content out by itself.
type signing struct {
	store.Assembler
	from  int64 // size in bytes
	fault error
}

func (b *signing) Presign(_ context.Context, a store.Address, size int64, m store.Metadata) (string, bool, error) {
	url := "https://storage.example/" + string(a) + "?type=" + m.ContentType + "&name=" + m.ContentDisposition
	return url, size > b.from, b.fault
}

func TestLargeContentMayComeFromTheStorageItself(t *testing.T) {
	bulk := &signing{from: 10}
	s := newSite(t, options{direct: true, bulk: func(b store.Assembler) store.Assembler {
		bulk.Assembler = b
		return bulk
	}})
	_, sha256Sum := sums("large content")
	s.object("/small", "0123456789")
	url, id := s.object("/large", "large content", "Content-SHA256: "+sha256Sum)
	s.object("/typed", "large content", "Content-Type: a/b", "Content-Disposition: filename*=UTF-8''x")
	a := s.wants(http.StatusSeeOther, s.do(admin, "GET", "/hatrac/large", ""))
	place := a.Header.Get("Location")
	if !strings.HasPrefix(place, "https://storage.example/") || !strings.HasSuffix(place, "?type=application/octet-stream&name=filename*=UTF-8''large") {
		t.Errorf("the place is %s", place)
	}
	if typed := s.do(admin, "GET", "/hatrac/typed", "").Header.Get("Location"); !strings.HasSuffix(typed, "?type=a/b&name=filename*=UTF-8''x") {
		t.Errorf("the place is %s", typed)
	}
	s.play(t, []step{
		{as: admin, method: "GET", target: "/large", status: 303, answer: place + "\n", has: redirected(place)},
		{as: admin, method: "GET", target: "/large:" + id, status: 303, answer: place + "\n"},
		{as: admin, method: "GET", target: "/small", status: 200, answer: "0123456789"},
		{as: admin, method: "HEAD", target: "/large", status: 200, has: map[string]string{
			"Location": "", "Content-Length": "13", "Etag": `"` + id + `"`, "Content-Location": url,
			"Content-Sha256": sha256Sum, "Repr-Digest": "sha-256=:" + sha256Sum + ":",
		}},
		{as: admin, method: "GET", target: "/large", headers: []string{"Range: bytes=0-4"}, status: 206, answer: "large"},
		{as: admin, method: "GET", target: "/large", headers: []string{"Range: bytes=0-"}, status: 200, answer: "large content"},
		{as: admin, method: "GET", target: "/large", headers: []string{"Range: bytes=99-"}, status: 416},
		{as: admin, method: "GET", target: "/large", headers: []string{`If-None-Match: "` + id + `"`}, status: 304, has: map[string]string{"Etag": `"` + id + `"`, "Location": ""}},
		{as: nobody, method: "GET", target: "/large", status: 401, has: map[string]string{"Location": ""}},
		{as: bob, method: "GET", target: "/large", status: 403, has: map[string]string{"Location": ""}},
	})
	if strings.Contains(s.log.String(), "storage.example") {
		t.Error("the log tells the place")
	}
	bulk.fault = errors.New("the secret of the storage")
	s.play(t, []step{
		{as: admin, method: "GET", target: "/large", status: 500, has: map[string]string{"Location": "", "Etag": ""}},
		{as: admin, method: "HEAD", target: "/large", status: 200},
	})
}
