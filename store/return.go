package store

import "time"

// Return is a version that goes back to where it was renamed from.
type Return struct {
	// Holder is the version as it is now.
	Holder Version
	// Record is the forwarding record that it left at the object with the path Path, and whose place
	// among the versions of that object it takes.
	Record Version
	Path   Path
}

// Absences returns, of returns to the same objects that were renamed away at the same known times, the
// newest each. It stands for them all: none of them was there between then and now.
func Absences(returns []Return) []Return {
	type absence struct {
		object int64
		since  time.Time
	}
	places := make(map[absence]int)
	var newest []Return
	for _, r := range returns {
		a := absence{r.Record.NameID, r.Record.ForwardedOn.UTC()}
		i, seen := places[a]
		switch {
		case a.since.IsZero():
		case !seen:
			places[a] = len(newest)
			newest = append(newest, r)
		case newest[i].Record.ID < r.Record.ID:
			newest[i] = r
		}
	}
	return newest
}
