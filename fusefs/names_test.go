package fusefs

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hatrac/hatrac/store"
)

func TestEverySegmentIsFoundUnderTheNameItIsShownBy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.OneOf(
			rapid.StringOfN(rapid.RuneFrom([]rune("a/.%:;~2F\u00e4 \xff")), 1, 40, -1),
			rapid.Map(rapid.SliceOfN(rapid.ByteRange(1, 255), 1, 400), func(b []byte) string { return string(b) }),
		).Draw(t, "raw")
		parent := store.Path("/ns")
		path, err := parent.Child(raw)
		if err != nil {
			t.Skip("not a name")
		}
		name := fileName(path.Base())
		if strings.ContainsAny(name, "/\x00") || name == "" || name == "." || name == ".." {
			t.Fatalf("%q is shown as %q, which is no file name", raw, name)
		}
		if lit, err := literal(parent, name); err == nil && lit == path {
			return
		}
		if enc, ok := encoded(parent, name); ok && enc == path {
			return
		}
		t.Fatalf("%q is shown as %q but not found by it", raw, name)
	})
}

func TestNamesThatCannotBeFileNamesAreShownEncoded(t *testing.T) {
	for segment, want := range map[string]string{
		"plain":                  "plain",
		"a%20b":                  "a b",
		"%C3%A4":                 "ä",
		"%FF":                    "\xff",
		"a%2Fb":                  "a%2Fb",
		"f%3AV":                  "f:V",
		"100%25":                 "100%",
		strings.Repeat("x", 256): strings.Repeat("x", 256),
	} {
		if got := fileName(segment); got != want {
			t.Errorf("%s is shown as %q, want %q", segment, got, want)
		}
	}
}

func TestAnEncodedFormOfAPlainNameIsALiteralName(t *testing.T) {
	if path, ok := encoded("/", "a%20b"); ok {
		t.Errorf("a%%20b is taken for %s", path)
	}
	path, err := literal("/", "a%2Fb")
	if err != nil || path != "/a%252Fb" {
		t.Errorf("literal a%%2Fb is %s, %v", path, err)
	}
}

func TestVirtualNames(t *testing.T) {
	for _, c := range []struct{ name, object, version string }{
		{"f:V1", "f", "V1"},
		{"a:b:V1", "a:b", "V1"},
		{":V1", "", ""},
		{"f:", "", ""},
		{"f", "", ""},
	} {
		object, version, ok := splitVersion(c.name)
		if object != c.object || version != c.version || ok != (c.object != "") {
			t.Errorf("%s: %q %q %v", c.name, object, version, ok)
		}
	}
	if object, ok := splitVersions("f;versions"); object != "f" || !ok {
		t.Errorf("f;versions: %q %v", object, ok)
	}
	if _, ok := splitVersions(";versions"); ok {
		t.Error("a directory of versions of nothing")
	}
}
