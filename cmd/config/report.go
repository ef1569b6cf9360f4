package config

import (
	"fmt"
	"slices"
	"strings"
)

// Report is what there is to say about a configuration: sentences without a full stop, in the
// order of the keys that they are about.
type Report struct {
	// Errors keep the configuration from being used.
	Errors []string
	// Warnings do not; they say what may not be meant.
	Warnings []string
}

func (r *Report) errorf(format string, args ...any) {
	r.Errors = append(r.Errors, fmt.Sprintf(format, args...))
}

func (r *Report) warnf(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

// unknown reports a key that nobody knows, with the known one that it is most like.
func (r *Report) unknown(key string, known []string) {
	if like := nearest(key, known); like != "" {
		r.errorf("unknown key %q; did you mean %q?", key, like)
		return
	}
	r.errorf("unknown key %q", key)
}

// Err returns the errors as one, or nil.
func (r *Report) Err() error {
	if len(r.Errors) == 0 {
		return nil
	}
	return &Error{r.Errors}
}

// Error is a configuration that cannot be used.
type Error struct{ Problems []string }

// Error tells the first problem, and how to see the others.
func (e *Error) Error() string {
	text := e.Problems[0]
	if more := len(e.Problems) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more: hatrac config check tells all)", more)
	}
	return "the configuration cannot be used: " + text
}

// nearest returns the known word that is most like a mistyped one, or "" if none is.
func nearest(word string, known []string) string {
	best, least := "", 1+min(3, len(word)/3)
	for _, candidate := range known {
		if d := distance(word, candidate); d < least {
			best, least = candidate, d
		}
	}
	if best == "" { // a word that was cut short, or has too much
		i := slices.IndexFunc(known, func(k string) bool {
			return len(word) >= 4 && (strings.HasPrefix(k, word) || strings.HasSuffix(k, "_"+word))
		})
		if i >= 0 {
			best = known[i]
		}
	}
	return best
}

// distance is the number of bytes to insert, delete or replace that make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
