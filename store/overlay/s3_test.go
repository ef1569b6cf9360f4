package overlay_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/overlay"
	"github.com/hatrac/hatrac/store/s3"
	"github.com/hatrac/hatrac/store/s3/s3test"
)

// TestTheLastLayerIsNotLookedAtTwice: what no other layer has is read in one request.
func TestTheLastLayerIsNotLookedAtTwice(t *testing.T) {
	proxy, err := server.NewProxy()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() })
	bucket := newBucket(t, s3.ByName)
	bucket.Client.Endpoint = proxy.URL()
	older := objects(t, bucket)
	dir := newDirectory(t)
	ref := serve(t, dir, older).put("/o", "content")
	s := serve(t, dir, overlay.New(files(t, t.TempDir()), older))
	var gets, others atomic.Int64
	proxy.Fail(func(r *http.Request) s3test.Fault {
		if r.Method == http.MethodGet {
			gets.Add(1)
		} else {
			others.Add(1)
		}
		return s3test.Fault{}
	})
	s.wantContent(ref, "content")
	if gets.Load() != 2 || others.Load() != 0 { // it is asked before and after each request
		t.Errorf("%d looks at GET and %d at other requests, want those of one GET", gets.Load(), others.Load())
	}
}

func TestContentOfAnotherSizeIsDamaged(t *testing.T) {
	l := newLayers(t)
	for _, layer := range l.files {
		a := put(t, layer, "content")
		c, err := l.OpenSized(t.Context(), a, 7)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(io.NewSectionReader(c, 0, c.Size())); string(got) != "content" || err != nil {
			t.Errorf("there is %q, %v", got, err)
		}
		_ = c.Close()
		_, err = l.OpenSized(t.Context(), a, 8)
		wantKind(t, err, store.Internal)
	}
	_, err := l.OpenSized(t.Context(), "elsewhere", 7)
	wantKind(t, err, store.NotFound)
}

func TestClientsFetchFromS3BehindFiles(t *testing.T) {
	bucket := newBucket(t, s3.ByNameAndVersion)
	bucket.PresignThreshold = 6
	above, last := files(t, t.TempDir()), objects(t, bucket)
	b := overlay.New(above, last)
	a := put(t, last, "content")
	url, ok, err := b.Presign(t.Context(), a, 7, store.Metadata{ContentType: "text/x-own"})
	if err != nil || !ok {
		t.Fatalf("presigned: %t, %v", ok, err)
	}
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	got, err := io.ReadAll(answer.Body)
	if err != nil || string(got) != "content" || answer.Header.Get("Content-Type") != "text/x-own" {
		t.Errorf("the URL gives %q of type %q, %v", got, answer.Header.Get("Content-Type"), err)
	}
	wantSigned(t, b, a, 6, "")
	wantSigned(t, b, put(t, above, "content"), 7, "") // which S3 cannot even have
	wantSigned(t, overlay.New(last, above), a, 7, "")
}

// ownServer starts a server that may be harmed, with a bucket.
func ownServer(t *testing.T) (*s3test.Server, *s3.Bulk) {
	t.Helper()
	own, err := s3test.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = own.Kill()
		_ = own.Remove()
	})
	if err := own.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := own.MakeBucket(t.Context(), "content", true); err != nil {
		t.Fatal(err)
	}
	bucket := bucketOn(own, "content", s3.ByName)
	bucket.Client.Retries = 2
	return own, objects(t, bucket)
}

// TestOneLayerIsDown and what the other has is served, in both orders, and nothing seems to be
// deleted that is only out of reach.
func TestOneLayerIsDown(t *testing.T) {
	for name, over := range map[string]func(inFiles, inS3 store.Assembler) overlay.Storage{
		"S3 over files": func(inFiles, inS3 store.Assembler) overlay.Storage { return overlay.New(inS3, inFiles) },
		"files over S3": func(inFiles, inS3 store.Assembler) overlay.Storage { return overlay.New(inFiles, inS3) },
	} {
		t.Run(name, func(t *testing.T) {
			own, inS3 := ownServer(t)
			inFiles, dir := files(t, t.TempDir()), newDirectory(t)
			near := serve(t, dir, inFiles).put("/near", "near content")
			far := serve(t, dir, inS3).put("/far", "far content")
			b := over(inFiles, inS3)
			s := serve(t, dir, b)
			if err := own.Kill(); err != nil {
				t.Fatal(err)
			}
			s.wantContent(near, "near content")
			if _, err := s.get(t.Context(), far); store.KindOf(err) != store.Unavailable {
				t.Errorf("what is out of reach: %v", err)
			}
			_, err := b.Put(t.Context(), store.Placement{Path: "/new", Version: "V", Size: 3}, strings.NewReader("new"))
			if up := b.SpoolDir() != ""; up != (err == nil) || err != nil && store.KindOf(err) != store.Unavailable {
				t.Errorf("storing more: %v", err)
			}
			if err := own.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.wantContent(far, "far content")
			s.wantContent(s.put("/new", "new content"), "new content")
		})
	}
}

// TestContentOfTheOriginalServerIsFoundBelowS3, which has another idea of version ids.
func TestContentOfTheOriginalServerIsFoundBelowS3(t *testing.T) {
	for name, method := range methods {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			newer, older := objects(t, newBucket(t, method)), files(t, root)
			b := overlay.New(newer, older)
			put(t, newer, "another object of that name")
			for _, version := range []string{"AXEVJWMJQTBHDYZ6UCJZV4GKEU", "V", "null"} {
				if err := os.WriteFile(filepath.Join(root, "o:"+version), []byte("original"), 0o600); err != nil {
					t.Fatal(err)
				}
				a := store.Origin{Name: "/o", Version: version}.Address()
				if method == s3.ByName || version != "V" {
					wantContent(t, b, a, "original")
				}
				if err := b.Remove(t.Context(), a); err != nil {
					t.Errorf("remove: %v", err)
				}
				wantContent(t, older, a, "original")
			}
		})
	}
}

// TestS3OfSomeNamespacesAlone has nothing of others.
func TestS3OfSomeNamespacesAlone(t *testing.T) {
	newer, err := s3.Open(t.Context(), s3.Config{Buckets: map[string]s3.Bucket{"some": newBucket(t, s3.ByName)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = newer.Close() })
	older := objects(t, newBucket(t, s3.ByNameAndVersion))
	b := overlay.New(newer, older)
	a := put(t, older, "content")
	wantContent(t, b, a, "content")
	if err := b.Remove(t.Context(), a); err != nil {
		t.Errorf("remove: %v", err)
	}
}
