package config

import (
	"maps"
	"slices"
)

// fields reads the keys of one structure and remembers which ones there are.
type fields struct {
	*checker
	at       string // the name of the structure
	document map[string]any
	known    []string
}

func (c *checker) fields(at string, document map[string]any) *fields {
	return &fields{checker: c, at: at, document: document}
}

// value returns the value of a key, or nil.
func (f *fields) value(name string) any {
	f.known = append(f.known, name)
	return f.document[name]
}

// get puts the value of the first of the names that is given to its place.
func (f *fields) get(into any, names ...string) (given bool) {
	for _, name := range names {
		v := f.value(name)
		if v == nil || given {
			continue
		}
		given = true
		if err := assign(into, v); err != nil {
			f.report.errorf("%s%s %v", within(f.at), name, err)
		}
	}
	return given
}

// secret is get for a secret, which can be in a file.
func (f *fields) secret(into *string, name string) {
	inFile := f.value(name + fileSuffix)
	if given := f.get(into, name); inFile == nil || given {
		if inFile != nil {
			f.report.errorf("%s.%s and %s are both given; one of them has to go", f.at, name, name+fileSuffix)
		}
		return
	}
	if text, ok := f.checker.reader.secret(f.at+"."+name+fileSuffix, inFile); ok {
		*into = text
	}
}

// structure returns the structure of the first of the names that is given, or nil.
func (f *fields) structure(names ...string) *fields {
	found := ""
	var inner tree
	for _, name := range names {
		if v := f.value(name); v != nil && inner == nil {
			if err := assign(&inner, v); err != nil {
				f.report.errorf("%s%s %v", within(f.at), name, err)
				continue
			}
			found = name
		}
	}
	if inner == nil {
		return nil
	}
	return f.fields(within(f.at)+found, inner)
}

// end reports the keys that nobody asked for.
func (f *fields) end() {
	for _, name := range slices.Sorted(maps.Keys(f.document)) {
		if name == "comment" || slices.Contains(f.known, name) {
			continue
		}
		if like := nearest(name, f.known); like != "" {
			f.report.errorf("unknown key %q in %s; did you mean %q?", name, f.at, like)
		} else {
			f.report.errorf("unknown key %q in %s", name, f.at)
		}
	}
}
