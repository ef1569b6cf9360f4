package s3

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/s3/s3test"
	"github.com/hatrac/hatrac/store/storetest"
)

// throughProxy opens a Bulk behind a proxy that can fail.
func throughProxy(t *testing.T, change func(*Config)) (*Bulk, *s3test.Proxy) {
	t.Helper()
	proxy, err := server.NewProxy()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() })
	bucket := newBucket(t, server, ByName)
	bucket.Client.Endpoint = proxy.URL()
	bucket.Client.Retries = 3
	cfg := Config{PartSize: 5 << 20}
	if change != nil {
		change(&cfg)
	}
	cfg.Buckets = map[string]Bucket{"": bucket}
	return openBulk(t, cfg), proxy
}

// tryPut stores an object whose name and content follow from its length.
func (b *Bulk) tryPut(ctx context.Context, n int64) (store.Address, error) {
	path := store.Path(fmt.Sprint("/o", n))
	return b.Put(ctx, store.Placement{Path: path, Version: "V", Size: n}, noise(7, n))
}

func is(method string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Method == method }
}

// some makes a fault of the first n requests that match.
func some(n int, match func(*http.Request) bool, f s3test.Fault) func(*http.Request) s3test.Fault {
	return func(r *http.Request) s3test.Fault {
		if n == 0 || !match(r) {
			return s3test.Fault{}
		}
		n--
		return f
	}
}

func TestErrorsOfTheServiceArePassing(t *testing.T) {
	b, proxy := throughProxy(t, nil)
	for _, size := range []int64{100, 12 << 20} {
		for _, status := range []int{500, 503, 429} {
			proxy.Fail(some(2, is("PUT"), s3test.Fault{Status: status}))
			a, err := b.tryPut(t.Context(), size)
			if err != nil {
				t.Fatalf("%d bytes after two times %d: %v", size, status, err)
			}
			proxy.Fail(some(2, is("GET"), s3test.Fault{Status: status}))
			if b.digest(t, a, size) != digestOf(t, noise(7, size)) {
				t.Error("other bytes came back")
			}
		}
	}
}

func TestAServiceThatOnlyFailsIsUnavailable(t *testing.T) {
	b, proxy := throughProxy(t, nil)
	a, err := b.tryPut(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []s3test.Fault{{Status: 500}, {Status: 503}, {Swallow: true}} {
		proxy.Fail(func(*http.Request) s3test.Fault { return f })
		for doing, do := range map[string]func() error{
			"put":    func() error { _, err := b.tryPut(t.Context(), 100); return err },
			"parts":  func() error { _, err := b.tryPut(t.Context(), 6<<20); return err },
			"open":   func() error { _, err := b.Open(t.Context(), a); return err },
			"remove": func() error { return b.Remove(t.Context(), a) },
			"begin": func() error {
				_, err := b.Begin(t.Context(), store.Placement{Path: "/o", Version: "V", Size: 1}, 1)
				return err
			},
		} {
			if err := do(); store.KindOf(err) != store.Unavailable || strings.Contains(err.Error(), s3secret) {
				t.Errorf("%s with %+v: %v", doing, f, err)
			}
		}
	}
	proxy.Fail(nil)
	if _, err := b.tryPut(t.Context(), 100); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestReadingGoesOnWhereAConnectionBroke(t *testing.T) {
	const size = 3 << 20
	b, proxy := throughProxy(t, nil)
	a, err := b.tryPut(t.Context(), size)
	if err != nil {
		t.Fatal(err)
	}
	requests := 0
	proxy.Fail(func(r *http.Request) s3test.Fault {
		if r.Method == http.MethodGet {
			requests++
		}
		return s3test.Fault{Cut: 1 << 20}
	})
	if b.digest(t, a, size) != digestOf(t, noise(7, size)) {
		t.Error("other bytes came back")
	}
	if requests < 3 {
		t.Errorf("%d looks at requests: nothing was cut", requests)
	}
}

// TestWhatWasDoneButNotAnsweredIsNotLost: a service that did what was asked, and could not say so,
// is asked again.
func TestWhatWasDoneButNotAnsweredIsNotLost(t *testing.T) {
	b, proxy := throughProxy(t, nil)
	place := store.Placement{Path: "/job", Version: "JOB", Size: 5}
	a, err := b.Begin(t.Context(), place, 5)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := storetest.PutChunk(t.Context(), b, a, 0, 0, 5, strings.NewReader("chunk"))
	if err != nil {
		t.Fatal(err)
	}
	// Both looks at the request: before it is passed on nothing can be swallowed.
	proxy.Fail(some(2, is("POST"), s3test.Fault{Swallow: true}))
	chunks := []store.Chunk{{Tag: tag}}
	at, err := b.Finish(t.Context(), a, place, chunks)
	if err != nil {
		at, err = b.Finish(t.Context(), a, place, chunks)
	}
	if err != nil || b.digest(t, at, 5) != digestOf(t, strings.NewReader("chunk")) {
		t.Errorf("finished as %s: %v", at, err)
	}
}

// ownServer starts a server that may be harmed.
func ownServer(t *testing.T) *s3test.Server {
	t.Helper()
	s, err := s3test.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.Thaw()
		_ = s.Kill()
		_ = s.Remove()
	})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAServiceThatStandsStillIsGivenUp(t *testing.T) {
	s := ownServer(t)
	bucket := newBucket(t, s, ByName)
	bucket.Client.ReadTimeout, bucket.Client.Retries = frozen, 1
	b := openBulk(t, Config{Buckets: map[string]Bucket{"": bucket}})
	a, err := b.tryPut(t.Context(), 20<<20)
	if err != nil {
		t.Fatal(err)
	}
	doomed, err := b.tryPut(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.OpenSized(t.Context(), a, 20<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	section, err := c.Section(t.Context(), 0, 20<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer section.Close()
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	for doing, do := range map[string]func() error{
		"reading on": func() error { _, err := io.Copy(io.Discard, section); return err },
		"reading":    func() error { _, err := c.ReadAt(make([]byte, 10), 5); return err },
		"putting":    func() error { _, err := b.tryPut(t.Context(), 30<<20); return err },
		"removing":   func() error { return b.Remove(t.Context(), doomed) },
	} {
		if err := do(); store.KindOf(err) != store.Unavailable {
			t.Errorf("%s: %v", doing, err)
		}
	}
	if err := s.Thaw(); err != nil {
		t.Fatal(err)
	}
	if b.digest(t, a, 20<<20) != digestOf(t, noise(7, 20<<20)) {
		t.Error("other bytes came back")
	}
}

// slow gives its bytes slower than a service may stand still.
type slow struct {
	from  io.Reader
	pause time.Duration
}

func (s slow) Read(p []byte) (int, error) {
	time.Sleep(s.pause) // what is tested is a source that takes its time
	return s.from.Read(p)
}

func TestASourceMayTakeItsTime(t *testing.T) {
	bucket := newBucket(t, server, ByName)
	bucket.Client.ReadTimeout = frozen
	b := openBulk(t, Config{Buckets: map[string]Bucket{"": bucket}, PartSize: 5 << 20})
	a, err := b.Begin(t.Context(), store.Placement{Path: "/slow", Version: "V", Size: 6 << 20}, 6<<20)
	if err != nil {
		t.Fatal(err)
	}
	body := io.MultiReader(noise(1, 3<<20), slow{bytes.NewReader(nil), frozen + time.Second/2}, noise(2, 3<<20))
	if _, err := storetest.PutChunk(t.Context(), b, a, 0, 0, 6<<20, body); err != nil {
		t.Error(err)
	}
}

func TestAServiceThatWasKilledIsBackAfterItsRestart(t *testing.T) {
	s := ownServer(t)
	b := openBulk(t, Config{Buckets: map[string]Bucket{"": newBucket(t, s, ByNameAndVersion)}})
	a, err := b.tryPut(t.Context(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.tryPut(t.Context(), 10); store.KindOf(err) != store.Unavailable {
		t.Errorf("putting meanwhile: %v", err)
	}
	if _, err := b.Open(t.Context(), a); store.KindOf(err) != store.Unavailable {
		t.Errorf("opening meanwhile: %v", err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b.digest(t, a, 1<<20) != digestOf(t, noise(7, 1<<20)) {
		t.Error("other bytes came back")
	}
}
