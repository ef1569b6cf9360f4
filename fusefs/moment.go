package fusefs

import (
	"strings"
	"time"

	"github.com/hatrac/hatrac/store"
)

// stampLayout is how times stand in file names: they sort, and need no quoting.
const stampLayout = "2006-01-02T15-04-05.000000000Z"

// ParseTime reads a time as it may stand below .snapshots: RFC 3339, with or without a fraction
// of the second and with any offset, the form that it has in .versions, or a date, which means
// its first moment in UTC. It reports false for anything else, and for times before 1970.
func ParseTime(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, stampLayout, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() >= 1970 && t.Year() < 2262 {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// stampedName returns the file name of a version in .versions: the time of its binding (the
// earliest there is, if that is unknown) and its id; the id alone where that would be too long.
func stampedName(v *store.Version) string {
	id := fileName(store.EncodeSegment(v.Version))
	if name := v.Created.UTC().Format(stampLayout) + "_" + id; len(name) <= maxFileName {
		return name
	}
	return id
}

// stampedVersion returns the version id in a file name of .versions. Whether the time in it is
// that of the version has to be seen.
func stampedVersion(name string) string {
	if stamp, id, ok := strings.Cut(name, "_"); ok && len(stamp) == len(stampLayout) {
		return store.DecodeSegment(id)
	}
	return store.DecodeSegment(name)
}
