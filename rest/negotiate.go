package rest

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// The media types that the protocol speaks.
const (
	typeJSON      = "application/json"
	typeURIList   = "text/uri-list"
	typeHTML      = "text/html"
	typePlain     = "text/plain"
	typeProblem   = "application/problem+json"
	typeListing   = "application/vnd.hatrac.listing+json"
	typeNamespace = "application/x-hatrac-namespace"
	typeBytes     = "application/octet-stream"
)

// negotiate returns the offered media type that the Accept fields like best (RFC 9110 §12.5.1);
// of equally liked ones the first offered. If none is acceptable it is the first offered too:
// an answer in another format is of more use than none.
func negotiate(h http.Header, offers ...string) string {
	ranges := parseAccept(strings.Join(h.Values("Accept"), ","))
	best, bestQ := offers[0], 0.0
	for _, offer := range offers {
		if q := quality(ranges, offer); q > bestQ {
			best, bestQ = offer, q
		}
	}
	return best
}

type mediaRange struct {
	kind string // "type/subtype", "type/*" or "*/*"
	q    float64
}

func parseAccept(value string) []mediaRange {
	var ranges []mediaRange
	for element := range strings.SplitSeq(value, ",") {
		kind, params, err := mime.ParseMediaType(element)
		if err != nil || !strings.Contains(kind, "/") {
			continue
		}
		q := 1.0
		if text, given := params["q"]; given {
			if q, err = strconv.ParseFloat(text, 64); err != nil || !(0 <= q && q <= 1) {
				continue
			}
		}
		ranges = append(ranges, mediaRange{kind, q})
	}
	return ranges
}

// quality is that of the most specific range that covers the offer. No ranges at all accept
// everything.
func quality(ranges []mediaRange, offer string) float64 {
	if len(ranges) == 0 {
		return 1
	}
	major, _, _ := strings.Cut(offer, "/")
	for _, kind := range []string{offer, major + "/*", "*/*"} {
		for _, r := range ranges {
			if r.kind == kind {
				return r.q
			}
		}
	}
	return 0
}

// isType reports whether the request's content has that media type; parameters and case do
// not count.
func isType(h http.Header, want string) bool {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), want)
}
