package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
)

// maxFile is the most bytes that a configuration file or a file with a secret may have.
const maxFile = 4 << 20

// layer is what one source says: values by the names of their keys, which may be old ones.
// What stands below structures is not taken apart.
type layer map[string]any

// reader reads layers and reports what is wrong with them.
type reader struct {
	table  []key
	report *Report
}

// find returns the key that a name stands for, which may be old or name the file of a secret.
func (r *reader) find(name string) (k key, found bool) {
	i := slices.IndexFunc(r.table, func(k key) bool {
		return k.name == name || slices.Contains(k.old, name) || k.secret && k.name+fileSuffix == name
	})
	if i < 0 {
		return key{}, false
	}
	return r.table[i], true
}

// names returns the names of keys that may stand below a group, or at the top if it is "".
func (r *reader) names(group string) []string {
	var names []string
	for _, k := range r.table {
		own := append([]string{k.name}, k.old...)
		if k.secret {
			own = append(own, k.name+fileSuffix)
		}
		for _, name := range own {
			if rest, ok := strings.CutPrefix(name, group); ok {
				first, _, _ := strings.Cut(rest, ".")
				names = append(names, group+first)
			}
		}
	}
	return slices.Compact(names)
}

// isGroup reports whether keys of their own stand below the name.
func (r *reader) isGroup(name string) bool { return len(r.names(name+".")) > 0 }

// file reads a configuration file.
func (r *reader) file(path string) layer {
	document, err := readDocument(path)
	if err != nil {
		r.report.errorf("%v", err)
		return nil
	}
	l := make(layer)
	r.collect(l, "", takeOldTemplates(document))
	return l
}

// collect puts the values of a document into l. Keys of a file may contain dots, so that only
// the names of groups are joined to what is below.
func (r *reader) collect(l layer, group string, document map[string]any) {
	known := r.names(group)
	for _, name := range slices.Sorted(maps.Keys(document)) {
		whole := group + name
		inner, isTree := document[name].(map[string]any)
		switch {
		case name == "comment":
		case !slices.Contains(known, whole):
			r.report.unknown(whole, known)
		case !r.isGroup(whole):
			l[whole] = document[name]
		case !isTree:
			r.report.errorf("%s must be a structure", whole)
		default:
			l[whole] = true // it is there, even if there is nothing in it
			r.collect(l, whole+".", inner)
		}
	}
}

// environment reads the variables that set keys; those of no key are only warned about.
func (r *reader) environment(variables []string) layer {
	l := make(layer)
	for _, variable := range slices.Sorted(slices.Values(variables)) {
		name, value, _ := strings.Cut(variable, "=")
		rest, ours := strings.CutPrefix(name, envPrefix)
		if !ours || slices.Contains(reserved, name) || strings.HasPrefix(rest, "TEST_") {
			continue
		}
		path := strings.Split(strings.ToLower(rest), "__")
		if !r.set(l, path, value, name) {
			r.report.warnf("the environment variable %s sets nothing", name)
		}
	}
	return l
}

// set puts a word into l at a path; it reports false if there is no such key.
func (r *reader) set(l layer, path []string, value, source string) bool {
	name := strings.Join(path, ".")
	if r.isGroup(name) {
		document, err := parseObject([]byte(value))
		if err != nil {
			r.report.errorf("%s must be a structure in JSON", source)
		}
		l[name] = true
		r.collect(l, name+".", document)
		return true
	}
	if k, ok := r.find(name); ok {
		v, err := fromText(k.into, value)
		if err != nil {
			r.report.errorf("%s must be JSON", source)
			return true
		}
		l[name] = v
		if group, _, nested := strings.Cut(name, "."); nested {
			l[group] = true
		}
		return true
	}
	return r.below(l, path, value, source)
}

// below sets one value within a structure, on a copy of what is there.
func (r *reader) below(l layer, path []string, value, source string) bool {
	k, ok := r.find(path[0])
	if _, isTree := k.into.(*tree); !ok || !isTree || len(path) == 1 {
		return false
	}
	// Words are words: whether they stand for a number, the key decides.
	var patch any = value
	if strings.HasPrefix(value, "{") || strings.HasPrefix(value, "[") {
		v, err := parseJSON([]byte(value))
		if err != nil {
			r.report.errorf("%s must be JSON", source)
			return true
		}
		patch = v
	}
	for _, name := range slices.Backward(path[1:]) {
		patch = map[string]any{name: patch}
	}
	l[path[0]] = merged{patch.(map[string]any), l[path[0]]}
	return true
}

// merged is a structure that is laid over another one, which may be of a lower layer.
type merged struct {
	over  map[string]any
	under any
}

// onto returns the structure laid over what a lower layer says.
func (m merged) onto(lower any) map[string]any {
	under := m.under
	if under == nil {
		under = lower
	}
	if inner, ok := under.(merged); ok {
		under = inner.onto(lower)
	}
	base, _ := under.(map[string]any)
	return overlay(base, m.over)
}

func overlay(base, over map[string]any) map[string]any {
	result := maps.Clone(base)
	if result == nil {
		result = make(map[string]any)
	}
	for name, v := range over {
		inner, ok := v.(map[string]any)
		below, both := result[name].(map[string]any)
		if ok && both {
			result[name] = overlay(below, inner)
			continue
		}
		result[name] = v
	}
	return result
}

// settle replaces old names and files of secrets in a layer, so that higher layers win over
// them by the names of their keys.
func (r *reader) settle(l layer) {
	for _, k := range r.table {
		for _, old := range k.old {
			v, given := l[old]
			if !given {
				continue
			}
			delete(l, old)
			if _, both := l[k.name]; !both || k.oldWins {
				l[k.name] = v
			}
			if old == oldManageACLs {
				r.report.warnf("%s is written with an s here; both count, and the one without wins", old)
			}
		}
		r.takeSecret(l, k)
	}
}

// oldManageACLs is the only name of its key that the original server read.
const oldManageACLs = "firewall_acls.manage_acl"

// takeSecret reads the file of a secret key.
func (r *reader) takeSecret(l layer, k key) {
	name := k.name + fileSuffix
	path, given := l[name]
	if !k.secret || !given {
		return
	}
	delete(l, name)
	if _, both := l[k.name]; both {
		r.report.errorf("%s and %s are both given; one of them has to go", k.name, name)
		return
	}
	if secret, ok := r.secret(name, path); ok {
		l[k.name] = secret
	}
}

// secret reads a secret from the file that a key names, without the end of its last line.
func (r *reader) secret(name string, path any) (string, bool) {
	file, ok := path.(string)
	if !ok || file == "" {
		r.report.errorf("%s must be the path of a file", name)
		return "", false
	}
	text, err := readLimited(file)
	if err != nil {
		r.report.errorf("%s cannot be read: %v", name, err)
		return "", false
	}
	if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o004 != 0 {
		r.report.warnf("%s: everybody on this machine can read %s", name, file)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), true
}

func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s is larger than a configuration can be", path)
	}
	return text, err
}

// readDocument reads a JSON object from a file. Its errors name the file, and the line.
func readDocument(path string) (map[string]any, error) {
	text, err := readLimited(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no configuration file %s", path)
	}
	var document map[string]any
	if err == nil {
		document, err = parseObject(text)
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		line := 1 + bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n"))
		return nil, fmt.Errorf("the configuration file %s cannot be read: line %d: %w", path, line, err)
	}
	if err != nil {
		return nil, fmt.Errorf("the configuration file %s cannot be read: %w", path, err)
	}
	return document, nil
}

func parseObject(text []byte) (map[string]any, error) {
	v, err := parseJSON(text)
	if err != nil {
		return nil, err
	}
	document, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("it is no JSON object")
	}
	return document, nil
}

// parseJSON reads one JSON value; numbers stay as they are written.
func parseJSON(text []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the end")
	}
	return v, nil
}
