package filesystem

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/hatrac/hatrac/store"
)

const someGeneration = "01JDCZ3V9Q8T5S4R2P1N0M7K6H"

func TestAddressesThatAreNotOursAreRefused(t *testing.T) {
	b := openBulk(t, t.TempDir())
	for _, a := range []store.Address{
		"", "/", "1", someGeneration, someGeneration + "/",
		someGeneration + "/0", someGeneration + "/01", someGeneration + "/-1",
		someGeneration + "/+1", someGeneration + "/65536", someGeneration + "/1/",
		someGeneration + "/1/2", someGeneration + "/1\x00", someGeneration + "/..",
		store.Address(strings.ToLower(someGeneration) + "/1"),
		"/" + someGeneration + "/1", "./" + someGeneration + "/1",
		"../:content/" + someGeneration + "/1", "../../../etc/passwd", "/etc/passwd",
		"8ZZZZZZZZZZZZZZZZZZZZZZZZZ/1", "01JDCZ3V9Q8T5S4R2P1N0M7K6U/1", "../1",
	} {
		if c, err := b.Open(t.Context(), a); err == nil || store.KindOf(err) != store.NotFound {
			t.Errorf("Open(%q) answers %v, %v", a, c, err)
		}
		if err := b.Remove(t.Context(), a); err == nil {
			t.Errorf("Remove(%q) takes it", a)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{
		someGeneration + "/1", someGeneration + "/65535", someGeneration + "/65536",
		someGeneration + "/../1", "../1", "/name:version", someGeneration + "/1\n", "",
	} {
		f.Add(seed)
	}
	const root = "/root/:content"
	f.Fuzz(func(t *testing.T, a string) {
		p, err := parseAddress(store.Address(a))
		if err != nil {
			return
		}
		if p.origin != "" {
			if !filepath.IsLocal(p.origin) || strings.HasPrefix(p.origin, ":") || strings.Contains(p.origin, "\x00") {
				t.Fatalf("%q leads to %q", a, p.origin)
			}
			return
		}
		if got := p.address(); string(got) != a {
			t.Fatalf("%q is read as %q", a, got)
		}
		path := p.path(root)
		if path != root+"/"+a || filepath.Clean(path) != path || !filepath.IsLocal(a) {
			t.Fatalf("%q leads to %q", a, path)
		}
	})
}
