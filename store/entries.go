package store

import (
	"slices"
	"strings"
)

// MergeEntries returns the first entries, up to limit, of two lists that are sorted by Segment and
// have no segment in common.
func MergeEntries(a, b []Entry, limit int) []Entry {
	if len(b) == 0 {
		return a
	}
	merged := slices.Concat(a, b)
	slices.SortFunc(merged, func(x, y Entry) int { return strings.Compare(x.Segment, y.Segment) })
	return merged[:min(limit, len(merged))]
}
