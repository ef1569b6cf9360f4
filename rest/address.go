package rest

import (
	"strings"
	"unicode/utf8"

	"github.com/hatrac/hatrac/store"
)

// keyword names a sub-resource.
type keyword string

// The sub-resources of the protocol. The empty keyword means the name or version itself.
const (
	subVersions keyword = "versions"
	subUpload   keyword = "upload"
	subMetadata keyword = "metadata"
	subACL      keyword = "acl"
)

// arguments is the largest number of arguments that each sub-resource takes.
func (k keyword) arguments() (most int, known bool) {
	switch k {
	case subVersions:
		return 0, true
	case subMetadata:
		return 1, true
	case subUpload, subACL:
		return 2, true
	}
	return 0, false
}

// address is what a URL of the store means.
type address struct {
	path store.Path
	// version is a decoded version id, or empty.
	version string
	sub     keyword
	// args are the decoded arguments of the sub-resource; none is empty.
	args []string
}

func (a address) ref() store.Ref { return store.Ref{Path: a.path, Version: a.version} }

// arg returns the argument with index i, or "" if there are not so many.
func (a address) arg(i int) string {
	if i < len(a.args) {
		return a.args[i]
	}
	return ""
}

// scheme is how addresses are written on this server.
type scheme struct {
	prefix string // begins with a slash and does not end in one
	bare   *store.BareCharacters
}

// within reports whether a request target means something of the store, and returns what
// follows the prefix, without the query. The target is the one of the request line: escaped,
// as the client sent it.
func (s scheme) within(target string) (rest string, ok bool) {
	target = targetPath(target)
	rest, ok = strings.CutPrefix(target, s.prefix)
	if !ok || rest != "" && !strings.ContainsRune("/:;", rune(rest[0])) {
		return "", false
	}
	return rest, true
}

// targetPath returns the escaped path of a request target in origin or absolute form.
func targetPath(target string) string {
	target, _, _ = strings.Cut(target, "?")
	if strings.HasPrefix(target, "/") {
		return target
	}
	if _, after, ok := strings.Cut(target, "://"); ok {
		if i := strings.IndexByte(after, '/'); i >= 0 {
			return after[i:]
		}
		return "/"
	}
	return target
}

// parse reads what follows the prefix in an escaped URL (rest-api §1): it is split at the bare
// delimiters first and only then decoded. Errors are Invalid or TooLong.
func (s scheme) parse(rest string) (address, error) {
	var a address
	name, sub, hasSub := strings.Cut(rest, ";")
	name, version, hasVersion := strings.Cut(name, ":")
	var err error
	if a.path, err = store.ParsePath(name, s.bare); err != nil {
		return address{}, err
	}
	if hasVersion {
		if a.version, err = decodeWord(strings.TrimRight(version, "/")); err != nil {
			return address{}, err
		}
	}
	if hasSub {
		if err := a.parseSub(sub); err != nil {
			return address{}, err
		}
	}
	return a, nil
}

func (a *address) parseSub(sub string) error {
	words := strings.FieldsFunc(sub, func(r rune) bool { return r == '/' })
	if len(words) == 0 || sub[0] == '/' {
		return malformed("The URL names no sub-resource after its semicolon.")
	}
	a.sub = keyword(words[0])
	most, known := a.sub.arguments()
	switch {
	case !known:
		return malformed("The URL names a sub-resource that does not exist.")
	case len(words)-1 > most:
		return malformed("The URL has too many parts after its sub-resource.")
	}
	for _, word := range words[1:] {
		arg, err := decodeWord(word)
		if err != nil {
			return err
		}
		a.args = append(a.args, arg)
	}
	return nil
}

// decodeWord decodes a version id or an argument. Any character may stand bare in it but the
// delimiters; a plus sign means itself.
func decodeWord(word string) (string, error) {
	if word == "" {
		return "", malformed("A part of the URL is empty.")
	}
	if strings.ContainsAny(word, "/?:;") {
		return "", malformed("A delimiter in a part of the URL must be percent-encoded.")
	}
	return decodeText(word)
}

// decodeText decodes percent-encoded text: UTF-8 without NUL.
func decodeText(word string) (string, error) {
	raw, ok := unescape(word)
	if !ok {
		return "", malformed("A percent sign does not begin an encoded byte.")
	}
	if !utf8.ValidString(raw) || strings.IndexByte(raw, 0) >= 0 {
		return "", malformed("What is percent-encoded is not text.")
	}
	return raw, nil
}

func unescape(word string) (raw string, ok bool) {
	if strings.IndexByte(word, '%') < 0 {
		return word, true
	}
	var b strings.Builder
	for i := 0; i < len(word); i++ {
		if word[i] != '%' {
			b.WriteByte(word[i])
			continue
		}
		if i+2 >= len(word) {
			return "", false
		}
		high, low := hexDigit(word[i+1]), hexDigit(word[i+2])
		if high < 0 || low < 0 {
			return "", false
		}
		b.WriteByte(byte(high<<4 | low))
		i += 2
	}
	return b.String(), true
}

func hexDigit(c byte) int {
	i := strings.IndexByte("0123456789abcdef0123456789ABCDEF", c)
	if i < 0 {
		return -1
	}
	return i % 16
}

func malformed(sentence string) error { return store.NewError(store.Invalid, "", sentence) }

// format returns the canonical URL of an address, without scheme and host.
func (s scheme) format(a address) string {
	url := s.ref(a.ref())
	if a.sub == "" {
		return url
	}
	url += ";" + string(a.sub)
	for _, arg := range a.args {
		url += "/" + store.EncodeSegment(arg)
	}
	return url
}

// ref returns the URL of a name or of a version.
func (s scheme) ref(ref store.Ref) string { return s.prefix + ref.String() }
