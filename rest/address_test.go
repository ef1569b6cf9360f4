package rest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hatrac/hatrac/store"
)

func testScheme() scheme { return scheme{prefix: "/hatrac"} }

var sameAddress = cmp.AllowUnexported(address{})

func parseTarget(s scheme, target string) (address, error) {
	rest, ok := s.within(target)
	if !ok {
		return address{}, malformed("not in the store")
	}
	return s.parse(rest)
}

func TestParseAddress(t *testing.T) {
	for _, c := range []struct {
		target string
		want   address
	}{
		{"/hatrac", address{path: "/"}},
		{"/hatrac/", address{path: "/"}},
		{"/hatrac//", address{path: "/"}},
		{"/hatrac?cid=x", address{path: "/"}},
		{"/hatrac/a/b", address{path: "/a/b"}},
		{"/hatrac//a///b//", address{path: "/a/b"}},
		{"/hatrac/a%2Fb", address{path: "/a%2Fb"}},
		{"/hatrac/a%3ab%3b", address{path: "/a%3Ab%3B"}},
		{"/hatrac/%7Ea", address{path: "/~a"}},
		{"/hatrac/%c3%a9", address{path: "/%C3%A9"}},
		{"/hatrac/%FF", address{path: "/%FF"}},
		{"/hatrac/a?parents=true;x", address{path: "/a"}},
		{"http://host:80/hatrac/a", address{path: "/a"}},
		{"/hatrac/a:v1", address{path: "/a", version: "v1"}},
		{"/hatrac/a:v1/", address{path: "/a", version: "v1"}},
		{"/hatrac/a:v%2F1", address{path: "/a", version: "v/1"}},
		{"/hatrac/a:v+1@x", address{path: "/a", version: "v+1@x"}},
		{"/hatrac;acl", address{path: "/", sub: subACL}},
		{"/hatrac/;acl/", address{path: "/", sub: subACL}},
		{"/hatrac/a/;acl", address{path: "/a", sub: subACL}},
		{"/hatrac/a;acl/read", address{path: "/a", sub: subACL, args: []string{"read"}}},
		{"/hatrac/a;acl/read/", address{path: "/a", sub: subACL, args: []string{"read"}}},
		{"/hatrac/a;acl/read/*", address{path: "/a", sub: subACL, args: []string{"read", "*"}}},
		{"/hatrac/a;acl/read/a@b", address{path: "/a", sub: subACL, args: []string{"read", "a@b"}}},
		{"/hatrac/a;acl/read/a+b/", address{path: "/a", sub: subACL, args: []string{"read", "a+b"}}},
		{
			"/hatrac/a:v;acl/owner/https%3A%2F%2Fid.org%2F7",
			address{path: "/a", version: "v", sub: subACL, args: []string{"owner", "https://id.org/7"}},
		},
		{"/hatrac/a;acl/read/..", address{path: "/a", sub: subACL, args: []string{"read", ".."}}},
		{"/hatrac/a;versions", address{path: "/a", sub: subVersions}},
		{"/hatrac/a;versions/", address{path: "/a", sub: subVersions}},
		{"/hatrac/a;metadata/Content-Type", address{path: "/a", sub: subMetadata, args: []string{"Content-Type"}}},
		{"/hatrac/a;upload/job/3", address{path: "/a", sub: subUpload, args: []string{"job", "3"}}},
		{"/hatrac/a;upload/j*b@1", address{path: "/a", sub: subUpload, args: []string{"j*b@1"}}},
	} {
		t.Run(c.target, func(t *testing.T) {
			got, err := parseTarget(testScheme(), c.target)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got, sameAddress); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMalformedAddressesAreInvalid(t *testing.T) {
	for _, target := range []string{
		"/hatrac/.", "/hatrac/a/..", "/hatrac/%2e%2E/a", "/hatrac/%2E", "/hatrac/a%00", "/hatrac/a b",
		"/hatrac/a\xc3\xa9", "/hatrac/a*", "/hatrac/a@b", "/hatrac/a#b", "/hatrac/a%2", "/hatrac/a%zz", "/hatrac/a%",
		"/hatrac/a:", "/hatrac/a:/", "/hatrac/a:v/b", "/hatrac/a:v:w", "/hatrac/a:%00", "/hatrac/a:%FF",
		"/hatrac/a;", "/hatrac/a;/acl", "/hatrac/a;nothing", "/hatrac/a;ACL", "/hatrac/a;acl;acl",
		"/hatrac/a;acl/read/x:y", "/hatrac/a;acl/read/x;y", "/hatrac/a;acl/read/x/y", "/hatrac/a;acl/read/%00", "/hatrac/a;acl/read/%e9",
		"/hatrac/a;versions/x", "/hatrac/a;metadata/x/y", "/hatrac/a;upload/j/0/x",
		"/hatrac/a;acl:v",
	} {
		t.Run(target, func(t *testing.T) {
			if got, err := parseTarget(testScheme(), target); store.KindOf(err) != store.Invalid || err == nil {
				t.Errorf("parsed as %+v, error %v", got, err)
			}
		})
	}
}

func TestOtherPathsAreNotOfTheStore(t *testing.T) {
	for _, target := range []string{"/", "/hatracx", "/hatra", "/a/hatrac", "//hatrac", "/HATRAC/a", "*", "/healthz", "http://hatrac"} {
		if rest, ok := testScheme().within(target); ok {
			t.Errorf("%s was taken for %q in the store", target, rest)
		}
	}
}

func TestMoreBareCharactersMayBeAllowed(t *testing.T) {
	bare := store.DefaultBareCharacters()
	bare['@'] = true
	wide := scheme{prefix: "/hatrac", bare: bare}
	got, err := parseTarget(wide, "/hatrac/a@b")
	if err != nil || got.path != "/a%40b" {
		t.Errorf("got %v, %v", got, err)
	}
}

// drawAddress draws an address that URLs can express.
func drawAddress(t *rapid.T) address {
	segment := rapid.StringOfN(rapid.Rune(), 1, 12, -1).Filter(func(s string) bool {
		return s != "." && s != ".." && !strings.Contains(s, "\x00")
	})
	a := address{path: store.Root}
	for _, s := range rapid.SliceOfN(segment, 0, 4).Draw(t, "path") {
		child, err := a.path.Child(s)
		if err != nil {
			t.Fatal(err)
		}
		a.path = child
	}
	if rapid.Bool().Draw(t, "has version") {
		a.version = segment.Draw(t, "version")
	}
	a.sub = rapid.SampledFrom([]keyword{"", subVersions, subUpload, subMetadata, subACL}).Draw(t, "sub")
	if most, _ := a.sub.arguments(); most > 0 {
		a.args = rapid.SliceOfN(segment, 0, most).Draw(t, "args")
		if len(a.args) == 0 {
			a.args = nil
		}
	}
	return a
}

func TestParsingWhatWasFormattedGivesTheAddress(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawAddress(t)
		url := testScheme().format(want)
		got, err := parseTarget(testScheme(), url)
		if err != nil {
			t.Fatalf("%s: %v", url, err)
		}
		if diff := cmp.Diff(want, got, sameAddress); diff != "" {
			t.Fatalf("%s: %s", url, diff)
		}
		if again := testScheme().format(got); again != url {
			t.Fatalf("formatted as %s and as %s", url, again)
		}
	})
}

func FuzzParseAddress(f *testing.F) {
	for _, target := range []string{
		"/hatrac", "/hatrac/a%2Fb:v;acl/read/*", "/hatrac//a/;metadata/content-type/", "/hatrac/%c3%a9?x;y",
		"/hatrac/a;upload/j/1", "/hatrac/..", "/hatrac/a:%00", "http://h/hatrac;versions",
	} {
		f.Add(target)
	}
	f.Fuzz(func(t *testing.T, target string) {
		s := testScheme()
		a, err := parseTarget(s, target)
		if err != nil {
			return
		}
		if a.path != store.Root && strings.HasSuffix(string(a.path), "/") || strings.Contains(string(a.path), "//") {
			t.Fatalf("%q has the path %q", target, a.path)
		}
		again, err := parseTarget(s, s.format(a))
		if err != nil {
			t.Fatalf("%q was formatted as %q, which is %v", target, s.format(a), err)
		}
		if diff := cmp.Diff(a, again, sameAddress); diff != "" {
			t.Fatal(diff)
		}
	})
}
