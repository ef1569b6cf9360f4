package rest

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// conditions reads If-Match and If-None-Match. If they are malformed, which is Invalid, the
// conditions are ones that nothing fulfils.
func conditions(h http.Header) (service.Conditions, error) {
	match, err := parseTags(h.Values("If-Match"), false)
	if err != nil {
		return service.Conditions{IfMatch: &service.Tags{}}, err
	}
	noneMatch, err := parseTags(h.Values("If-None-Match"), true)
	if err != nil {
		return service.Conditions{IfMatch: &service.Tags{}}, err
	}
	return service.Conditions{IfMatch: match, IfNoneMatch: noneMatch}, nil
}

// guard reads the conditions of a change. What is wrong with them, or else with the rest of the
// request, is answered once rights and state are found in order (rest-api §12).
func guard(h http.Header, wrong ...error) service.Conditions {
	given, malformed := conditions(h)
	given.Check = first(append(wrong, malformed)...)
	return given
}

// parseTags reads a list of entity tags (RFC 9110 §8.8.3). A weak tag is compared like the
// strong one where weak comparison is asked for, and is the same as none else.
func parseTags(values []string, weakToo bool) (*service.Tags, error) {
	if values == nil {
		return nil, nil
	}
	rest := strings.Trim(strings.Join(values, ","), " \t")
	if rest == "*" {
		return &service.Tags{Any: true}, nil
	}
	tags := &service.Tags{}
	seen := false
	for {
		rest = strings.TrimLeft(rest, " \t,")
		if rest == "" && seen {
			return tags, nil
		}
		tag, weak, after, ok := cutTag(rest)
		if !ok {
			return nil, store.NewError(store.Invalid, "", "A condition must be * or a list of entity tags in quotes.")
		}
		if !weak || weakToo {
			tags.List = append(tags.List, tag)
		}
		seen, rest = true, after
	}
}

// cutTag cuts one entity tag off; what follows is empty or begins a new list element.
func cutTag(s string) (tag string, weak bool, after string, ok bool) {
	s, weak = strings.CutPrefix(s, "W/")
	if !strings.HasPrefix(s, `"`) {
		return "", false, "", false
	}
	tag, after, ok = strings.Cut(s[1:], `"`)
	if !ok || strings.ContainsFunc(tag, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return "", false, "", false
	}
	after = strings.TrimLeft(after, " \t")
	return tag, weak, after, after == "" || after[0] == ','
}

// quoteTag returns a strong entity tag as it stands in header fields.
func quoteTag(tag string) string { return `"` + tag + `"` }

// Listings have several formats under one URL. Each needs a tag of its own, or a cache would
// take one for the other; but a change may be conditional on the tag of any of them. So the
// formats other than JSON mark the tag, by what is in no other tag.
func formatMark(format string) string {
	switch format {
	case typeURIList:
		return ";uri"
	case typeHTML:
		return ";html"
	case typeListing:
		return ";full"
	}
	return ""
}

// formatTag is the entity tag of a listing in one format.
func formatTag(tag, format string) string { return tag + formatMark(format) }

// bodyTag is the entity tag of a listing in a format that tells more than the list: the body is part
// of it.
func bodyTag(tag, format string, body []byte) string {
	sum := sha256.Sum256(body)
	return formatTag(tag, format) + "." + base64.RawURLEncoding.EncodeToString(sum[:12])
}

// unmarked returns the conditions on the resource behind the formats.
func unmarked(c service.Conditions) service.Conditions {
	for _, tags := range []*service.Tags{c.IfMatch, c.IfNoneMatch} {
		if tags == nil {
			continue
		}
		for i := range tags.List {
			for _, format := range []string{typeURIList, typeHTML, typeListing} {
				tags.List[i], _, _ = strings.Cut(tags.List[i], formatMark(format))
			}
		}
	}
	return c
}
