package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// testModel makes random changes and compares what the directory answers with what a model
// in memory does.
func testModel(t *testing.T, db Database) {
	w := begin(t, db)
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		top := store.Path(fmt.Sprint("/run-", run))
		m := &model{names: map[store.Path]*modelName{}, ids: map[int64]store.Path{}}
		m.add(top, w.namespace(top).ID, acl.Namespace)
		for range rapid.IntRange(1, 20).Draw(rt, "changes") {
			m.change(rt, w)
			if rapid.IntRange(0, 9).Draw(rt, "look") == 0 {
				m.compare(rt, w, top)
			}
		}
		m.compare(rt, w, top)
	})
}

// model is what a part of the directory should hold.
type model struct {
	names    map[store.Path]*modelName
	ids      map[int64]store.Path
	versions int // how many have been made
	deletes  int // how many times something was deleted
}

type modelName struct {
	id       int64
	kind     acl.Kind
	deleted  bool
	fell     int // which deletion it was, if it is deleted
	owner    string
	versions []modelVersion // in the order of binding
}

type modelVersion struct {
	id      int64
	version string
	state   string // "live", "deleted" or "forwards"
	was     string // the state before deletion
	fell    int    // which deletion it was, if it is deleted
}

// remove marks the version as deleted, if it is not yet.
func (v *modelVersion) remove(fell int) {
	if v.state != "deleted" {
		v.state, v.was, v.fell = "deleted", v.state, fell
	}
}

func (m *model) add(path store.Path, id int64, kind acl.Kind) {
	m.names[path] = &modelName{id: id, kind: kind}
	m.ids[id] = path
}

// clone returns a copy that shares nothing with m.
func (m *model) clone() *model {
	c := &model{names: make(map[store.Path]*modelName), ids: maps.Clone(m.ids), versions: m.versions, deletes: m.deletes}
	for path, n := range m.names {
		copied := *n
		copied.versions = slices.Clone(n.versions)
		c.names[path] = &copied
	}
	return c
}

func (m *model) paths(fits func(*modelName) bool) []store.Path {
	var paths []store.Path
	for path, n := range m.names {
		if fits(n) {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

func live(kind acl.Kind) func(*modelName) bool {
	return func(n *modelName) bool { return n.kind == kind && !n.deleted }
}

// change makes one to four changes in one transaction, which may fail in the end.
func (m *model) change(rt *rapid.T, w *world) {
	type step struct {
		kind string
		pick int
	}
	kinds := []string{
		"namespace", "object", "object", "bind", "bind", "bind", "delete version", "forward", "drop", "own",
		"delete tree", "delete tree", "revive", "restore", "restore", "restore version",
	}
	var steps []step
	for range rapid.IntRange(1, 4).Draw(rt, "steps") {
		steps = append(steps, step{rapid.SampledFrom(kinds).Draw(rt, "step"), rapid.IntRange(0, 1000).Draw(rt, "pick")})
	}
	fail := rapid.IntRange(0, 4).Draw(rt, "fail") == 0
	var next *model
	err := w.d.Update(w.t.Context(), func(tx store.Tx) error {
		next = m.clone()
		for _, s := range steps {
			if err := next.apply(w.t.Context(), tx, s.kind, s.pick); err != nil {
				return fmt.Errorf("%s: %w", s.kind, err)
			}
		}
		if fail {
			return errStop
		}
		return nil
	})
	switch {
	case fail != errors.Is(err, errStop), err != nil && !fail:
		rt.Fatalf("the change answers %v", err)
	case err == nil:
		*m = *next
	}
}

// pickOf chooses one of the paths that fit, or none.
func (m *model) pickOf(pick int, fits func(*modelName) bool) (store.Path, *modelName) {
	paths := m.paths(fits)
	if len(paths) == 0 {
		return "", nil
	}
	path := paths[pick%len(paths)]
	return path, m.names[path]
}

func (m *model) apply(ctx context.Context, tx store.Tx, kind string, pick int) error {
	switch kind {
	case "namespace":
		return m.create(ctx, tx, acl.Namespace, pick)
	case "object":
		return m.create(ctx, tx, acl.Object, pick)
	case "bind":
		return m.bind(ctx, tx, pick)
	case "delete version", "forward", "drop":
		return m.changeVersion(ctx, tx, kind, pick)
	case "own":
		return m.own(ctx, tx, pick)
	case "delete tree":
		return m.deleteTree(ctx, tx, pick)
	case "restore":
		return m.restore(ctx, tx, pick)
	case "restore version":
		return m.restoreVersion(ctx, tx, pick)
	}
	return m.revive(ctx, tx, pick)
}

func (m *model) create(ctx context.Context, tx store.Tx, kind acl.Kind, pick int) error {
	parent, n := m.pickOf(pick, live(acl.Namespace))
	if n == nil {
		return nil
	}
	path := parent + "/" + store.Path(segments[pick%len(segments)])
	if m.names[path] != nil {
		return nil
	}
	created := store.Name{Parent: n.id, Path: path, Kind: kind}
	if err := tx.CreateName(ctx, &created); err != nil {
		return err
	}
	m.add(path, created.ID, kind)
	return nil
}

func (m *model) bind(ctx context.Context, tx store.Tx, pick int) error {
	path, n := m.pickOf(pick, live(acl.Object))
	if n == nil {
		return nil
	}
	m.versions++
	id := fmt.Sprint("v", m.versions)
	v := store.Version{NameID: n.id, Version: id, Address: store.Address(string(path) + id)}
	if err := tx.BindVersion(ctx, &v); err != nil {
		return err
	}
	n.versions = append(n.versions, modelVersion{id: v.ID, version: id, state: "live"})
	return nil
}

// changeVersion deletes or forwards a live version, or drops a record.
func (m *model) changeVersion(ctx context.Context, tx store.Tx, kind string, pick int) error {
	from := "live"
	if kind == "drop" {
		from = "forwards"
	}
	fits := func(v modelVersion) bool { return v.state == from }
	_, n := m.pickOf(pick, func(n *modelName) bool { return slices.ContainsFunc(n.versions, fits) })
	if n == nil {
		return nil
	}
	i := slices.IndexFunc(n.versions, fits)
	v := &n.versions[i]
	switch kind {
	case "delete version":
		m.deletes++
		v.remove(m.deletes)
		return tx.DeleteVersion(ctx, v.id, moment(m.deletes), begun)
	case "forward":
		v.state = "forwards"
		return tx.ForwardVersion(ctx, v.id, store.Ref{Path: "/to", Version: "v"}, begun)
	}
	id := v.id
	n.versions = slices.Delete(n.versions, i, i+1)
	return tx.DropRecord(ctx, id)
}

func (m *model) own(ctx context.Context, tx store.Tx, pick int) error {
	_, n := m.pickOf(pick, func(*modelName) bool { return true })
	n.owner = fmt.Sprint("owner ", pick)
	return tx.SetNameACLs(ctx, n.id, acl.Lists{acl.Owner: {n.owner}})
}

func (m *model) deleteTree(ctx context.Context, tx store.Tx, pick int) error {
	top, n := m.pickOf(pick, func(n *modelName) bool { return !n.deleted && strings.Count(string(m.ids[n.id]), "/") > 1 })
	if n == nil {
		return nil
	}
	m.deletes++
	for path, n := range m.names {
		if path != top && !path.Within(top) || n.deleted {
			continue
		}
		n.deleted, n.fell = true, m.deletes
		for i := range n.versions {
			n.versions[i].remove(m.deletes)
		}
	}
	return tx.DeleteTree(ctx, top, moment(m.deletes), begun)
}

func (m *model) revive(ctx context.Context, tx store.Tx, pick int) error {
	_, n := m.pickOf(pick, m.hangsDeleted)
	if n == nil {
		return nil
	}
	n.deleted = false
	return tx.ReviveName(ctx, n.id, time.Now())
}

// compare looks at everything beneath top in all ways there are.
func (m *model) compare(rt *rapid.T, w *world, top store.Path) {
	for _, path := range m.paths(func(*modelName) bool { return true }) {
		n := m.names[path]
		m.compareName(rt, w, path, n)
		if n.kind == acl.Namespace {
			m.compareChildren(rt, w, path, n)
		}
	}
	m.compareTree(rt, w, top)
}

func (m *model) compareName(rt *rapid.T, w *world, path store.Path, n *modelName) {
	found := w.resolve(path, "")
	if found.Name == nil || found.Name.ID != n.id || found.Name.Kind != n.kind || found.Name.Deleted != n.deleted {
		rt.Fatalf("%s is %+v, want %+v", path, found.Name, n)
	}
	if owner := strings.Join(found.Name.ACLs[acl.Owner], " "); owner != n.owner {
		rt.Fatalf("%s is owned by %q, want %q", path, owner, n.owner)
	}
	if got, want := describe(found.Current), n.current(); got != want {
		rt.Fatalf("%s has the current version %s, want %s", path, got, want)
	}
	versions, err := w.d.Versions(w.t.Context(), n.id, 0, 1000)
	if err != nil {
		rt.Fatal(err)
	}
	var got []string
	for _, v := range slices.Backward(versions) {
		got = append(got, describe(&v))
	}
	if want := n.live(); !slices.Equal(got, want) {
		rt.Fatalf("%s has the versions %v, want %v", path, got, want)
	}
}

func describe(v *store.Version) string {
	switch {
	case v == nil:
		return "none"
	case v.Forward != nil:
		return v.Version + " forwards"
	}
	return v.Version + " live"
}

func (n *modelName) live() []string {
	var list []string
	for _, v := range n.versions {
		if v.state != "deleted" {
			list = append(list, v.version+" "+v.state)
		}
	}
	return list
}

func (n *modelName) current() string {
	if list := n.live(); len(list) > 0 {
		return list[len(list)-1]
	}
	return "none"
}

func (m *model) compareChildren(rt *rapid.T, w *world, path store.Path, n *modelName) {
	var want []string
	for child, c := range m.names {
		if !c.deleted && child.Parent() == path && child != path {
			want = append(want, child.Base()+" "+c.current())
		}
	}
	slices.Sort(want)
	entries, err := w.d.Children(w.t.Context(), n.id, "", 1000)
	if err != nil {
		rt.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name.Path.Base()+" "+describe(entry.Current))
	}
	if !sortedBySegment(entries) {
		rt.Fatalf("the children of %s are not in order: %v", path, got)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		rt.Fatalf("%s has the children %v, want %v", path, got, want)
	}
}

func sortedBySegment(entries []store.Entry) bool {
	return slices.IsSortedFunc(entries, func(a, b store.Entry) int {
		return strings.Compare(a.Name.Path.Base(), b.Name.Path.Base())
	})
}

func (m *model) compareTree(rt *rapid.T, w *world, top store.Path) {
	var want []string
	for path, n := range m.names {
		if path.Within(top) && !n.deleted {
			line := string(path)
			for _, v := range n.versions {
				if v.state != "deleted" {
					line += ":" + v.version
				}
			}
			want = append(want, line)
		}
	}
	slices.Sort(want)
	if got := w.beneath(top); !slices.Equal(got, want) {
		rt.Fatalf("beneath %s is %v, want %v", top, got, want)
	}
}
