package store

import (
	"strings"
)

// Limits on names (spec: 255 bytes a segment, decoded, as in file systems).
const (
	// MaxSegment is the longest segment, in decoded bytes, that may be created.
	MaxSegment = 255
	// MaxPath is the longest path, in encoded bytes, that is looked at.
	MaxPath = 32 << 10
)

// Root is the path of the root namespace.
const Root Path = "/"

// Path is a name in its one canonical form: "/" for the root, else segments each led by a
// slash, in which the unreserved characters of RFC 3986 stand bare and every other byte is
// percent-encoded in upper case. Two Paths name the same thing exactly if they are equal.
type Path string

// BareCharacters is the set of bytes that may stand bare in an escaped path that a client
// sends. Canonical paths use the default set only.
type BareCharacters [256]bool

// DefaultBareCharacters returns the unreserved characters of RFC 3986.
func DefaultBareCharacters() *BareCharacters {
	var set BareCharacters
	for b := range set {
		set[b] = unreserved(byte(b))
	}
	return &set
}

func unreserved(b byte) bool {
	switch {
	case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9':
		return true
	}
	return b == '-' || b == '.' || b == '_' || b == '~'
}

// ParsePath brings an escaped path, as a client sends it, into canonical form. Repeated and
// trailing slashes are dropped. A byte outside bare (nil: the default set), a broken
// escape, an encoded NUL, and the segments "." and ".." are Invalid.
func ParsePath(escaped string, bare *BareCharacters) (Path, error) {
	if len(escaped) > MaxPath {
		return "", NewError(TooLong, "", "The name is too long.")
	}
	if bare == nil {
		bare = defaultBare
	}
	var b strings.Builder
	b.Grow(len(escaped))
	for segment := range strings.SplitSeq(escaped, "/") {
		if segment == "" {
			continue
		}
		raw, err := decode(segment, bare)
		if err != nil {
			return "", err
		}
		if err := checkSegment(raw); err != nil {
			return "", err
		}
		b.WriteByte('/')
		encodeTo(&b, raw)
	}
	switch {
	case b.Len() == 0:
		return Root, nil
	case b.Len() > MaxPath:
		return "", NewError(TooLong, "", "The name is too long.")
	}
	return Path(b.String()), nil
}

var defaultBare = DefaultBareCharacters()

func decode(segment string, bare *BareCharacters) (string, error) {
	if !strings.ContainsFunc(segment, func(r rune) bool { return r == '%' || r >= 0x80 || !bare[byte(r)] }) {
		return segment, nil
	}
	raw := make([]byte, 0, len(segment))
	for i := 0; i < len(segment); i++ {
		c := segment[i]
		if c != '%' {
			if !bare[c] {
				return "", NewError(Invalid, "", "The name has a character that must be percent-encoded.")
			}
			raw = append(raw, c)
			continue
		}
		if i+2 >= len(segment) {
			return "", NewError(Invalid, "", "The name ends within a percent-encoded byte.")
		}
		high, low := unhex(segment[i+1]), unhex(segment[i+2])
		if high < 0 || low < 0 {
			return "", NewError(Invalid, "", "The name has a percent sign that does not begin an encoded byte.")
		}
		raw = append(raw, byte(high<<4|low))
		i += 2
	}
	return string(raw), nil
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func checkSegment(raw string) error {
	switch {
	case raw == "." || raw == "..":
		return NewError(Invalid, "", "The segments . and .. cannot be part of a name.")
	case strings.IndexByte(raw, 0) >= 0:
		return NewError(Invalid, "", "A name cannot contain the byte NUL.")
	}
	return nil
}

func encodeTo(b *strings.Builder, raw string) {
	const digits = "0123456789ABCDEF"
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if unreserved(c) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
}

// EncodeSegment returns the canonical form of one segment given as raw bytes.
func EncodeSegment(raw string) string {
	var b strings.Builder
	encodeTo(&b, raw)
	return b.String()
}

// DecodeSegment returns the raw bytes of one canonical segment.
func DecodeSegment(segment string) string {
	raw, err := decode(segment, defaultBare)
	if err != nil {
		return segment
	}
	return raw
}

// IsRoot reports whether p is the root namespace.
func (p Path) IsRoot() bool { return p == Root }

// Base returns the last segment, encoded; it is empty for the root.
func (p Path) Base() string { return string(p[strings.LastIndexByte(string(p), '/')+1:]) }

// Parent returns the enclosing path; the root is its own parent.
func (p Path) Parent() Path {
	i := strings.LastIndexByte(string(p), '/')
	if i <= 0 {
		return Root
	}
	return p[:i]
}

// Child returns the path of a segment, given as raw bytes, in p. The segments "." and "..",
// empty ones, and those with NUL are Invalid.
func (p Path) Child(raw string) (Path, error) {
	if raw == "" {
		return "", NewError(Invalid, string(p), "A name cannot be empty.")
	}
	if err := checkSegment(raw); err != nil {
		return "", err
	}
	return p.join(EncodeSegment(raw)), nil
}

func (p Path) join(segment string) Path {
	if p.IsRoot() {
		return Path("/" + segment)
	}
	return p + Path("/"+segment)
}

// Within reports whether p lies beneath q; no path lies beneath itself.
func (p Path) Within(q Path) bool {
	if q.IsRoot() {
		return !p.IsRoot()
	}
	return len(p) > len(q) && p[len(q)] == '/' && p[:len(q)] == q
}

// Enclosing returns the paths of all namespaces that enclose p, the root first, p itself not
// among them. The root has none.
func (p Path) Enclosing() []Path {
	if p.IsRoot() {
		return nil
	}
	paths := []Path{Root}
	for i := 1; i < len(p); i++ {
		if p[i] == '/' {
			paths = append(paths, p[:i])
		}
	}
	return paths
}

// CheckNew answers TooLong if the last segment is longer than a name may be that is created.
func (p Path) CheckNew() error {
	if len(DecodeSegment(p.Base())) > MaxSegment {
		return NewError(TooLong, string(p), "A segment of a name can have at most 255 bytes.")
	}
	return nil
}
