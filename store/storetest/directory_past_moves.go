package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

func (w *world) namespaceAt(path store.Path, at time.Time) store.Name {
	w.t.Helper()
	n := store.Name{Parent: w.name(path.Parent()).ID, Path: path, Kind: acl.Namespace, Created: at}
	w.update(func(tx store.Tx) error { return tx.CreateName(w.t.Context(), &n) })
	return n
}

func (w *world) moveAt(from, to store.Path, at time.Time) {
	w.t.Helper()
	w.update(func(tx store.Tx) error {
		parent, err := tx.Resolve(w.t.Context(), to.Parent(), "")
		if err != nil {
			return err
		}
		return tx.MoveTree(w.t.Context(), from, to, parent.Name.ID, at)
	})
}

// treeAt tells all that was beneath a namespace at a time, by their paths of then, as it is listed and
// as it is looked up.
func (w *world) treeAt(top store.Path, at time.Time) []string {
	w.t.Helper()
	var found []string
	var walk func(namespace int64, path store.Path)
	walk = func(namespace int64, path store.Path) {
		entries, err := w.d.ChildrenAt(w.t.Context(), namespace, at, "", 1000)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range entries {
			child := path + store.Path("/"+e.Segment)
			found = append(found, strings.TrimPrefix(string(child), string(top)+"/"))
			one := w.resolveAt(child, at)
			if one.Name == nil || one.Name.ID != e.Name.ID || one.Path != child {
				w.t.Fatalf("%s is listed as %d and looked up as %+v", child, e.Name.ID, one.Name)
			}
			same(w.t, "the name of "+string(child), e.Name, *one.Name)
			if e.Name.Kind == acl.Namespace {
				walk(e.Name.ID, child)
			} else {
				same(w.t, "the version of "+string(child), describe(e.Current), describe(one.Version))
			}
		}
	}
	if found := w.resolveAt(top, at); found.Name != nil {
		walk(found.Name.ID, top)
	}
	return found
}

func pastMoved(w *world) {
	top := w.namespaceAt("/past-tree", hour(0)).Path
	w.namespaceAt(top+"/a", hour(1))
	w.namespaceAt(top+"/a/b", hour(1))
	o := w.object(top + "/a/b/o")
	w.bindAt(o.ID, "tree-o", hour(1))
	w.namespaceAt(top+"/z", hour(1))
	w.moveAt(top+"/a", top+"/z/c", hour(2))   // a move
	w.moveAt(top+"/z", top+"/y", hour(3))     // of what it is in
	w.moveAt(top+"/y/c/b", top+"/b", hour(4)) // out of it
	w.update(func(tx store.Tx) error { return tx.ReviveName(w.t.Context(), w.name(top+"/a").ID, hour(5)) })
	w.moveAt(top+"/b", top+"/a/b", hour(6)) // back, into a new one of the old name
	w.deleteTreeAt(top+"/y", hour(7))
	for at, want := range []string{
		"", "a a/b a/b/o z", "z z/c z/c/b z/c/b/o", "y y/c y/c/b y/c/b/o", "b b/o y y/c", "a b b/o y y/c", "a a/b a/b/o y y/c", "a a/b a/b/o",
	} {
		if got := strings.Join(w.treeAt(top, hour(at)), " "); got != want {
			w.t.Errorf("after %d hours there was %q, want %q", at, got, want)
		}
	}
	for path, at := range map[store.Path]int{"/a": 2, "/z": 3, "/y/c/b/o": 4, "/z/c": 1, "/b": 3, "/y": 2, "/a/b": 4} {
		n := w.resolveAt(top+path, hour(at)).Name
		if n != nil && !n.Created.After(hour(at)) && (!n.Deleted || n.DeletedOn.After(hour(at))) {
			w.t.Errorf("after %d hours %s was %+v", at, path, n)
		}
	}
	enclosing := w.resolveAt(top+"/a/b/o", hour(1)).Enclosing
	same(w.t, "what encloses it now", []store.Name{w.name("/"), w.name(top), w.name(top + "/a"), w.name(top + "/a/b")}, enclosing)
}

func pastTakenOver(w *world) {
	top := w.namespaceAt("/past-taken", hour(0)).Path
	old := w.namespaceAt(top+"/old", hour(1))
	w.namespaceAt(top+"/old/only", hour(1))
	w.bindAt(w.object(top+"/old/o").ID, "taken-old", hour(2))
	w.deleteTreeAt(old.Path, hour(3))
	w.namespaceAt(top+"/new", hour(1))
	w.bindAt(w.object(top+"/new/o").ID, "taken-new", hour(1))
	w.moveAt(top+"/new", top+"/old", hour(4))
	for at, want := range []string{"", "new new/o", "new new/o", "new new/o", "old old/o", "old old/o"} {
		if got := strings.Join(w.treeAt(top, hour(at)), " "); got != want {
			w.t.Errorf("after %d hours there was %q, want %q", at, got, want)
		}
	}
}

func pastMovedPages(w *world) {
	n := w.namespaceAt("/past-moved-pages", hour(0))
	away := w.namespaceAt("/past-moved-away", hour(0))
	for i, segment := range segments {
		path := n.Path + "/" + store.Path(segment)
		w.namespaceAt(path, hour(1))
		if i%2 == 0 {
			w.moveAt(path, away.Path+"/"+store.Path(fmt.Sprint("other-", i)), hour(2))
		}
	}
	for _, size := range []int{1, 2, 5, 100} {
		var got []string
		for after := ""; ; {
			page, err := w.d.ChildrenAt(w.t.Context(), n.ID, hour(1), after, size)
			if err != nil {
				w.t.Fatal(err)
			}
			for _, e := range page {
				after = e.Segment
				got = append(got, after)
			}
			if len(page) < size {
				break
			}
		}
		same(w.t, fmt.Sprintf("the children in pages of %d", size), segments, got)
	}
}

// pastMovesModel makes, moves and deletes names at random, one an hour, notes what is there after each,
// and compares that with what the directory says in the end about all hours.
func pastMovesModel(w *world) {
	run := 0
	rapid.Check(w.t, func(rt *rapid.T) {
		run++
		top := w.namespaceAt(store.Path(fmt.Sprint("/past-moves-", run)), hour(-1))
		m := &pastTree{top: top.Path, nodes: []*pastNode{{name: top}}}
		for at := range rapid.IntRange(1, 14).Draw(rt, "hours") {
			step := rapid.SampledFrom([]string{"namespace", "namespace", "object", "move", "move", "move", "delete"}).Draw(rt, "step")
			pick, into := rapid.IntRange(0, 100).Draw(rt, "pick"), rapid.IntRange(0, 100).Draw(rt, "into")
			segment := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "segment")
			w.update(func(tx store.Tx) error { return m.change(w.t.Context(), tx, step, pick, into, segment, at) })
			m.was = append(m.was, m.paths())
		}
		for at := range m.was {
			got := w.treeAt(m.top, hour(at))
			known, there := m.seen(at)
			for _, path := range known {
				if !slices.Contains(got, path) {
					rt.Fatalf("after %d hours there was %q, and not %s", at, got, path)
				}
			}
			for _, path := range got {
				if !slices.Contains(there, path) {
					rt.Fatalf("after %d hours there was %s, which was not there", at, path)
				}
			}
		}
	})
}

// pastTree is what a namespace should hold, and what it held.
type pastTree struct {
	top   store.Path
	nodes []*pastNode // the top is the first
	was   []map[string]*pastNode
}

type pastNode struct {
	name    store.Name
	up      *pastNode
	segment string
	deleted bool
	lost    bool // something else has taken its path: perhaps nobody knows what it was
}

func (n *pastNode) path() store.Path {
	if n.up == nil {
		return n.name.Path
	}
	return n.up.path() + store.Path("/"+n.segment)
}

func (n *pastNode) within(other *pastNode) bool {
	return n == other || n.up != nil && n.up.within(other)
}

// paths are the names that live now, by their paths beneath the top.
func (m *pastTree) paths() map[string]*pastNode {
	paths := make(map[string]*pastNode)
	for _, n := range m.nodes[1:] {
		if !n.deleted {
			paths[strings.TrimPrefix(string(n.path()), string(m.top)+"/")] = n
		}
	}
	return paths
}

// seen are the paths of then of which something is still known, and those that were there at all and
// are shown if it is.
func (m *pastTree) seen(at int) (known, there []string) {
	for path, n := range m.was[at] {
		if n.name.Kind != acl.Namespace && n.deleted {
			continue
		}
		there = append(there, path)
		lost := false
		for up := path; up != ""; {
			lost = lost || m.was[at][up].lost
			up = up[:max(0, strings.LastIndexByte(up, '/'))]
		}
		if !lost {
			known = append(known, path)
		}
	}
	return known, there
}

func (m *pastTree) change(ctx context.Context, tx store.Tx, step string, pick, into int, segment string, at int) error {
	live := slices.Collect(maps.Values(m.paths()))
	slices.SortFunc(live, func(a, b *pastNode) int { return strings.Compare(string(a.path()), string(b.path())) })
	homes := []*pastNode{m.nodes[0]}
	for _, n := range live {
		if n.name.Kind == acl.Namespace {
			homes = append(homes, n)
		}
	}
	home := homes[into%len(homes)]
	switch step {
	case "object":
		segment = "o" + segment
		fallthrough
	case "namespace":
		return m.make(ctx, tx, home, segment, hour(at))
	case "move":
		return m.move(ctx, tx, homes[pick%len(homes)], home, segment, hour(at))
	}
	if len(live) == 0 {
		return nil
	}
	gone := live[pick%len(live)]
	for _, n := range m.nodes {
		n.deleted = n.deleted || n.within(gone)
	}
	return tx.DeleteTree(ctx, gone.path(), hour(at), begun)
}

// make makes a name where none ever was.
func (m *pastTree) make(ctx context.Context, tx store.Tx, home *pastNode, segment string, at time.Time) error {
	n := &pastNode{up: home, segment: segment}
	found, err := tx.Resolve(ctx, n.path(), "")
	if err != nil || found.Name != nil {
		return err
	}
	n.name = store.Name{Parent: home.name.ID, Path: n.path(), Kind: acl.Namespace, Created: at}
	if strings.HasPrefix(segment, "o") {
		n.name.Kind = acl.Object
	}
	if err := tx.CreateName(ctx, &n.name); err != nil {
		return err
	}
	m.nodes = append(m.nodes, n)
	if n.name.Kind == acl.Namespace {
		return nil
	}
	return tx.BindVersion(ctx, &store.Version{NameID: n.name.ID, Version: fmt.Sprint("m", n.name.ID), Address: "model", Created: at})
}

// move moves a namespace to where nothing lives.
func (m *pastTree) move(ctx context.Context, tx store.Tx, n, home *pastNode, segment string, at time.Time) error {
	to := &pastNode{up: home, segment: segment}
	if n.up == nil || home.within(n) || m.paths()[strings.TrimPrefix(string(to.path()), string(m.top)+"/")] != nil {
		return nil
	}
	if err := tx.MoveTree(ctx, n.path(), to.path(), home.name.ID, at); err != nil {
		return err
	}
	for _, other := range m.nodes {
		if other.deleted && other != n && (other.path() == to.path() || strings.HasPrefix(string(other.path()), string(to.path())+"/")) {
			other.lost = true
		}
	}
	n.up, n.segment = home, segment
	return nil
}
