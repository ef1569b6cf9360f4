package rest

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// span is a part of some content: length bytes from first.
type span struct{ first, length int64 }

var (
	errUnsatisfiable = errors.New("no part of the range lies within the content")
	errRangeKind     = errors.New("more than one range, or a unit other than bytes")
)

// parseRange says which part of size bytes of content a Range field asks for (rest-api §6).
// partial is false if it is to be all: there is no field, it is malformed, or it covers
// everything. Errors are errUnsatisfiable and errRangeKind.
func parseRange(values []string, size int64) (part span, partial bool, err error) {
	whole := span{0, size}
	unit, set, ok := strings.Cut(strings.Join(values, ","), "=")
	if !ok || !isToken(unit) {
		return whole, false, nil
	}
	if !strings.EqualFold(unit, "bytes") {
		return whole, false, errRangeKind
	}
	satisfiable, elements := 0, 0
	for element := range strings.SplitSeq(set, ",") {
		element = strings.Trim(element, " \t")
		if element == "" {
			continue
		}
		elements++
		s, fits, ok := parseSpan(element, size)
		if !ok {
			return whole, false, nil
		}
		if fits {
			satisfiable++
			part = s
		}
	}
	switch {
	case elements == 0:
		return whole, false, nil
	case satisfiable == 0:
		return whole, false, errUnsatisfiable
	case satisfiable > 1:
		return whole, false, errRangeKind
	}
	return part, part != whole, nil
}

// parseSpan reads "first-last", "first-" or "-suffix". It fits if some of it lies within size.
func parseSpan(element string, size int64) (s span, fits, ok bool) {
	from, to, ok := strings.Cut(element, "-")
	if !ok {
		return span{}, false, false
	}
	if from == "" {
		suffix, ok := parsePosition(to)
		if !ok || suffix == 0 {
			return span{}, false, false
		}
		suffix = min(suffix, size)
		return span{size - suffix, suffix}, size > 0, true
	}
	first, ok := parsePosition(from)
	if !ok {
		return span{}, false, false
	}
	last := int64(math.MaxInt64)
	if to != "" {
		if last, ok = parsePosition(to); !ok || laterThan(from, to) {
			return span{}, false, false
		}
	}
	if first >= size {
		return span{}, false, true
	}
	return span{first, min(last, size-1) - first + 1}, true, true
}

// parsePosition reads digits; numbers too large for an int64 become the largest one.
func parsePosition(digits string) (int64, bool) {
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return math.MaxInt64, true
	}
	return n, true
}

// laterThan compares numbers of any length.
func laterThan(a, b string) bool {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return len(a) > len(b)
	}
	return a > b
}

func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
	})
}

// contentRange is the Content-Range of a part.
func (s span) contentRange(size int64) string {
	return "bytes " + strconv.FormatInt(s.first, 10) + "-" + strconv.FormatInt(s.first+s.length-1, 10) +
		"/" + strconv.FormatInt(size, 10)
}
