package store_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hatrac/hatrac/store"
)

func TestParsePathBringsNamesIntoOneForm(t *testing.T) {
	for escaped, want := range map[string]store.Path{
		"":               "/",
		"/":              "/",
		"///":            "/",
		"a":              "/a",
		"/a":             "/a",
		"/a/":            "/a",
		"//a//b//":       "/a/b",
		"/%61":           "/a",
		"/%2f":           "/%2F",
		"/%2F/x":         "/%2F/x",
		"/a%3ab":         "/a%3Ab",
		"/%25":           "/%25",
		"/%2525":         "/%2525",
		"/%e4%C3%bC":     "/%E4%C3%BC",
		"/-._~":          "/-._~",
		"/%2d%2e%5f%7E":  "/-._~",
		"/...":           "/...",
		"/..a/.b/c.":     "/..a/.b/c.",
		"/%20%0a%7f%ff":  "/%20%0A%7F%FF",
		"/AZaz09":        "/AZaz09",
		"/%41%5A%30%39x": "/AZ09x",
	} {
		got, err := store.ParsePath(escaped, nil)
		if err != nil || got != want {
			t.Errorf("%q is read as %q, %v; want %q", escaped, got, err, want)
		}
	}
}

func TestParsePathRefusesWhatIsNoName(t *testing.T) {
	for escaped, want := range map[string]store.ErrorKind{
		"/.":              store.Invalid,
		"/..":             store.Invalid,
		"/a/../b":         store.Invalid,
		"/a/./b":          store.Invalid,
		"/%2e":            store.Invalid,
		"/%2E%2e":         store.Invalid,
		"/.%2e/x":         store.Invalid,
		"/%00":            store.Invalid,
		"/a%00b":          store.Invalid,
		"/\x00":           store.Invalid,
		"/%":              store.Invalid,
		"/a%4":            store.Invalid,
		"/%4/1":           store.Invalid,
		"/%4g":            store.Invalid,
		"/%g4":            store.Invalid,
		"/%%41":           store.Invalid,
		"/% 41":           store.Invalid,
		"/a:b":            store.Invalid,
		"/a;b":            store.Invalid,
		"/a?b":            store.Invalid,
		"/a b":            store.Invalid,
		"/a+b":            store.Invalid,
		"/ä":              store.Invalid,
		"/\xff":           store.Invalid,
		"/x\u2024":        store.Invalid,
		"/a\\b":           store.Invalid,
		"/a\n":            store.Invalid,
		"/ok/%zz":         store.Invalid,
		longName(1 << 20): store.TooLong,
	} {
		got, err := store.ParsePath(escaped, nil)
		if err == nil || store.KindOf(err) != want || got != "" {
			t.Errorf("%.40q is read as %.40q, %v; want an error of kind %d", escaped, got, err, want)
		}
	}
}

func longName(n int) string { return strings.Repeat("/a", n/2) }

func TestTheLongestPathIsMeasuredAsItCame(t *testing.T) {
	if p, err := store.ParsePath(longName(store.MaxPath), nil); err != nil || len(p) != store.MaxPath {
		t.Errorf("a path of %d bytes: %v", store.MaxPath, err)
	}
	_, err := store.ParsePath(longName(store.MaxPath)+"/", nil)
	if store.KindOf(err) != store.TooLong {
		t.Errorf("a path of one byte more: error %v, want that it is too long", err)
	}
}

func TestMoreBytesMayStandBareInWhatClientsSend(t *testing.T) {
	bare := store.DefaultBareCharacters()
	for _, c := range []byte(":@!$&'()*+,=") {
		bare[c] = true
	}
	got, err := store.ParsePath("/a:b@c+d", bare)
	if want := store.Path("/a%3Ab%40c%2Bd"); err != nil || got != want {
		t.Errorf("the path is %q, %v; want %q", got, err, want)
	}
	for _, escaped := range []string{"/a;b", "/a b", "/ä"} {
		if got, err := store.ParsePath(escaped, bare); err == nil {
			t.Errorf("%q is read as %q", escaped, got)
		}
	}
	if _, err := store.ParsePath("/a:b", nil); err == nil {
		t.Error("the default set has grown")
	}
}

func TestSegmentsLongerThan255BytesCannotBeCreated(t *testing.T) {
	for _, c := range []struct {
		segment string
		ok      bool
	}{
		{strings.Repeat("a", 255), true},
		{strings.Repeat("a", 256), false},
		{strings.Repeat("%FF", 255), true},
		{strings.Repeat("%FF", 256), false},
	} {
		err := store.Path("/" + strings.Repeat("b", 300) + "/" + c.segment).CheckNew()
		if (err == nil) != c.ok || (err != nil && store.KindOf(err) != store.TooLong) {
			t.Errorf("a segment of %d encoded bytes: %v", len(c.segment), err)
		}
	}
	if err := store.Root.CheckNew(); err != nil {
		t.Errorf("the root: %v", err)
	}
}

func TestChildrenThatCannotBe(t *testing.T) {
	for _, raw := range []string{"", ".", "..", "\x00", "a\x00"} {
		if p, err := store.Path("/a").Child(raw); store.KindOf(err) != store.Invalid || p != "" {
			t.Errorf("the child %q is %q, %v; want that it is invalid", raw, p, err)
		}
	}
}

func TestWithinGoesBySegmentsNotByLetters(t *testing.T) {
	for _, c := range []struct {
		p, q store.Path
		want bool
	}{
		{"/", "/", false},
		{"/a", "/", true},
		{"/a/b", "/", true},
		{"/", "/a", false},
		{"/a", "/a", false},
		{"/a/b", "/a", true},
		{"/a/b/c", "/a", true},
		{"/ab", "/a", false},
		{"/a%2Fb", "/a", false},
		{"/b/a", "/a", false},
		{"/a", "/a/b", false},
	} {
		if got := c.p.Within(c.q); got != c.want {
			t.Errorf("%s lies within %s: %t", c.p, c.q, got)
		}
	}
}

func TestEnclosingBeginsAtTheRoot(t *testing.T) {
	for p, want := range map[store.Path][]store.Path{
		"/":      nil,
		"/a":     {"/"},
		"/a/b":   {"/", "/a"},
		"/a/b/c": {"/", "/a", "/a/b"},
	} {
		if diff := cmp.Diff(want, p.Enclosing()); diff != "" {
			t.Errorf("what encloses %s (-want +got):\n%s", p, diff)
		}
	}
}

// rawSegments draws segments as they may be, of all bytes.
func rawSegments(least int) *rapid.Generator[[]string] {
	segment := rapid.OneOf(
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, 20), func(b []byte) string { return string(b) }),
		rapid.SampledFrom([]string{"a", "ab", "...", "/", "%", "%41", ":", "ä", "a/b"}),
	).Filter(func(raw string) bool {
		return raw != "." && raw != ".." && strings.IndexByte(raw, 0) < 0
	})
	return rapid.SliceOfN(segment, least, 6)
}

// joined returns the path of raw segments, made by Child.
func joined(t *rapid.T, segments []string) store.Path {
	p := store.Root
	for _, raw := range segments {
		child, err := p.Child(raw)
		if err != nil {
			t.Fatalf("child %q of %s: %v", raw, p, err)
		}
		p = child
	}
	return p
}

func TestEverySequenceOfSegmentsIsOnePath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		segments := rawSegments(0).Draw(t, "segments")
		p := joined(t, segments)
		if again, err := store.ParsePath(string(p), nil); err != nil || again != p {
			t.Fatalf("%q is read as %q, %v", p, again, err)
		}
		if got, err := store.ParsePath(sloppy(t, segments), nil); err != nil || got != p {
			t.Fatalf("another way to write %q is read as %q, %v", p, got, err)
		}
		var back []string
		for ; !p.IsRoot(); p = p.Parent() {
			back = append(back, store.DecodeSegment(p.Base()))
		}
		slices.Reverse(back)
		if !slices.Equal(back, segments) {
			t.Fatalf("the segments come back as %q", back)
		}
	})
}

// sloppy writes a path as a client might: escapes in either case, more of them than are
// needed, and too many slashes.
func sloppy(t *rapid.T, segments []string) string {
	var b strings.Builder
	for _, raw := range segments {
		b.WriteString(rapid.SampledFrom([]string{"/", "//"}).Draw(t, "slash"))
		for _, c := range []byte(raw) {
			escape := "%" + string("0123456789abcdef"[c>>4]) + string("0123456789ABCDEF"[c&15])
			forms := []string{escape, strings.ToUpper(escape)}
			if bare := store.EncodeSegment(string(c)); len(bare) == 1 {
				forms = append(forms, bare)
			}
			b.WriteString(rapid.SampledFrom(forms).Draw(t, "byte"))
		}
	}
	return b.String() + rapid.SampledFrom([]string{"", "/"}).Draw(t, "end")
}

func TestRelationsOfPathsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		above := rawSegments(0).Draw(t, "above")
		below := rawSegments(0).Draw(t, "below")
		other := joined(t, rawSegments(0).Draw(t, "other"))
		q := joined(t, above)
		p := joined(t, append(slices.Clone(above), below...))

		if got, want := p.Within(q), len(below) > 0; got != want {
			t.Fatalf("%q lies within %q: %t", p, q, got)
		}
		if got, want := p.Within(other), slices.Contains(p.Enclosing(), other); got != want {
			t.Fatalf("%q lies within %q: %t, but that encloses it: %t", p, other, got, want)
		}
		if n := len(p.Enclosing()); n != len(above)+len(below) {
			t.Fatalf("%d paths enclose %q", n, p)
		}
		if err := related(p); err != "" {
			t.Fatal(err)
		}
	})
}

// related says what does not fit together of a path's relations, or nothing.
func related(p store.Path) string {
	enclosing := p.Enclosing()
	if p.IsRoot() {
		if enclosing != nil || p.Parent() != p || p.Base() != "" {
			return "the root has something above it"
		}
		return ""
	}
	parent := p.Parent()
	if last := enclosing[len(enclosing)-1]; last != parent {
		return string("the last that encloses " + p + " is " + last + ", not its parent")
	}
	if !slices.Equal(enclosing, append(parent.Enclosing(), parent)) {
		return string("not the same paths enclose " + p + " and its parent")
	}
	for _, q := range enclosing {
		if !p.Within(q) || q.Within(p) {
			return string(q + " encloses " + p + ", which does not lie within it")
		}
	}
	if child, err := parent.Child(store.DecodeSegment(p.Base())); err != nil || child != p {
		return string("the parent of " + p + " has the child " + child + " in its place")
	}
	return ""
}

func FuzzParsePath(f *testing.F) {
	bare := store.DefaultBareCharacters()
	for _, c := range []byte(":;@!$&'()*+,=") {
		bare[c] = true
	}
	f.Fuzz(func(t *testing.T, escaped string, more bool) {
		set := store.DefaultBareCharacters()
		if more {
			set = bare
		}
		p, err := store.ParsePath(escaped, set)
		if err != nil {
			if kind := store.KindOf(err); p != "" || kind != store.Invalid && kind != store.TooLong {
				t.Fatalf("%q is refused by %v with %q", escaped, err, p)
			}
			return
		}
		if len(p) > store.MaxPath {
			return // more escapes than came; it is never looked up
		}
		if again, err := store.ParsePath(string(p), nil); err != nil || again != p {
			t.Fatalf("%q is read as %q, and that as %q, %v", escaped, p, again, err)
		}
		checkSegments(t, p)
		if wrong := related(p); wrong != "" {
			t.Fatal(wrong)
		}
	})
}

// checkSegments checks that each segment of a canonical path is one that may be, and comes
// back from its bytes.
func checkSegments(t *testing.T, p store.Path) {
	if p.IsRoot() {
		return
	}
	for segment := range strings.SplitSeq(string(p[1:]), "/") {
		raw := store.DecodeSegment(segment)
		if raw == "" || raw == "." || raw == ".." || bytes.IndexByte([]byte(raw), 0) >= 0 {
			t.Fatalf("%q has the segment %q", p, raw)
		}
		if got := store.EncodeSegment(raw); got != segment {
			t.Fatalf("the segment %q of %q is encoded as %q", segment, p, got)
		}
	}
}
