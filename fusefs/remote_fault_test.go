package fusefs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/s3"
	"github.com/hatrac/hatrac/store/s3/s3test"
)

// trouble is something that happens to S3 while a program reads.
type trouble struct {
	name       string
	begin, end func() error
	// hidden is true if the program need not notice.
	hidden bool
}

// TestStorageMayFailWhileAProgramReads lets S3 fail in all ways between two readings of an open file.
// The second one fails in bounded time or gives the right bytes, and reading goes on afterwards.
func TestStorageMayFailWhileAProgramReads(t *testing.T) {
	server := startS3(t)
	t.Cleanup(func() { _ = server.Thaw() })
	proxy, err := server.NewProxy()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() })
	bulk := bucketAt(t, proxy.URL(), s3.Client{ReadTimeout: 2 * time.Second, ConnectTimeout: 2 * time.Second, Retries: 2})
	always := func(f s3test.Fault) func() error {
		return func() error {
			proxy.Fail(func(*http.Request) s3test.Fault { return f })
			return nil
		}
	}
	once := func(f s3test.Fault) func() error {
		return func() error {
			left := 1
			proxy.Fail(func(*http.Request) s3test.Fault {
				if left--; left < 0 {
					return s3test.Fault{}
				}
				return f
			})
			return nil
		}
	}
	mend := func() error {
		proxy.Fail(nil)
		return nil
	}
	start := func() error { return server.Start(t.Context()) }
	for _, disk := range []string{"", t.TempDir()} {
		r := newRigOn(t, bulk, func(c *Config) { c.Deadline, c.DiskCache = 30*time.Second, disk })
		p := r.python()
		p.must("import hashlib")
		for i, trouble := range []trouble{
			{name: "it is killed", begin: server.Kill, end: start},
			{name: "it stands still", begin: server.Freeze, end: server.Thaw},
			{name: "it is too busy", begin: always(s3test.Fault{Status: http.StatusServiceUnavailable}), end: mend},
			{name: "it fails", begin: always(s3test.Fault{Status: http.StatusInternalServerError}), end: mend},
			{name: "it fails once", begin: once(s3test.Fault{Status: http.StatusInternalServerError}), end: mend, hidden: true},
			{name: "its answers are cut off", begin: always(s3test.Fault{Cut: 200_000}), end: mend, hidden: true},
			{name: "its answers are lost", begin: always(s3test.Fault{Swallow: true}), end: mend},
		} {
			content, digest := noise(uint64(i))
			name := fmt.Sprintf("f%d", i)
			r.put(store.Path("/"+name), content)
			p.must(fmt.Sprintf(`f = open(%q, "rb", buffering=0); first = f.read(4096)`, name))
			if err := trouble.begin(); err != nil {
				t.Fatal(err)
			}
			all := fmt.Sprintf(`f.seek(0); assert hashlib.sha256(f.readall()).hexdigest() == %q, "other bytes"`, digest)
			out, ok := p.run(all)
			if !ok && out != "EIO" || ok != trouble.hidden {
				t.Errorf("%s: reading answers %q, success %v", trouble.name, out, ok)
			}
			if err := trouble.end(); err != nil {
				t.Fatal(err)
			}
			p.must(all)
			p.must("f.close()")
		}
		p.end()
		m := r.m
		r.unmount()
		m.Wait()
		if left := working("hatrac/store/cache", "hatrac/store/s3"); left != "" {
			t.Errorf("after the end of the mount there is still:\n%s", left)
		}
	}
}

// noise returns content of some mebibytes, and its digest.
func noise(seed uint64) (content, digest string) {
	b := make([]byte, 9<<20+123)
	_, _ = rand.NewChaCha8([32]byte{byte(seed)}).Read(b)
	sum := sha256.Sum256(b)
	return string(b), hex.EncodeToString(sum[:])
}

// working returns the stacks of goroutines that are in, or were made by, code of packages, but not of
// the server of the tests.
func working(paths ...string) string {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	var found []string
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		for _, path := range paths {
			if strings.Contains(stack, path) && !strings.Contains(stack, "s3test") {
				found = append(found, stack)
			}
		}
	}
	return strings.Join(found, "\n\n")
}
