package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

func testListings(t *testing.T, db Database) {
	w := begin(t, db)
	for name, test := range map[string]func(*world){
		"children come in byte order of segments": ordersChildren,
		"children come page by page":              pagesChildren,
		"children come with current versions":     listsCurrent,
		"only live children are listed":           listsLive,
		"the root lists like any namespace":       listsRoot,
		"versions come newest first, in pages":    pagesVersions,
	} {
		t.Run(name, func(t *testing.T) { test(w.in(t)) })
	}
}

// segments are in byte order, with those that a slash would sort among.
var segments = []string{
	"%20", "%2F", "%C3%A9", "-", "0", "A", "B", "_", "a", "a%20", "a%2Fb", "a-", "a-b", "a.", "a.b", "a0", "aA", "aa", "b", "~",
}

func (w *world) children(namespace int64, after string, limit int) []string {
	w.t.Helper()
	entries, err := w.d.Children(w.t.Context(), namespace, after, limit)
	if err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name.Path.Base())
	}
	return names
}

// fill creates a namespace with a child for each of the segments, and a grandchild in each.
func (w *world) fill(path store.Path) store.Name {
	w.t.Helper()
	n := w.namespace(path)
	for _, segment := range slices.Backward(segments) {
		child := path + "/" + store.Path(segment)
		w.namespace(child)
		w.object(child + "/x")
	}
	return n
}

func ordersChildren(w *world) {
	n := w.fill("/order")
	same(w.t, "the children", segments, w.children(n.ID, "", 100))
	for i, segment := range segments {
		same(w.t, "the children behind "+segment, segments[i+1:], w.children(n.ID, segment, 100))
	}
	for after, next := range map[string]string{"a%21": "a%2Fb", "a/": "a0", "%": "%20", "a.b.": "a0", "Z": "_"} {
		same(w.t, "the child behind "+after, []string{next}, w.children(n.ID, after, 1))
	}
	same(w.t, "the children behind the last", []string(nil), w.children(n.ID, "~~", 100))
	same(w.t, "the children of nothing", []string(nil), w.children(1<<40, "", 100))
}

func pagesChildren(w *world) {
	n := w.fill("/pages")
	for _, size := range []int{1, 2, 7, len(segments) - 1, len(segments), len(segments) + 1} {
		var got []string
		for {
			after := ""
			if len(got) > 0 {
				after = got[len(got)-1]
			}
			page := w.children(n.ID, after, size)
			got = append(got, page...)
			if len(page) < size {
				break
			}
		}
		same(w.t, fmt.Sprintf("the children in pages of %d", size), segments, got)
	}
	same(w.t, "a page of none", []string(nil), w.children(n.ID, "", 0))
}

func listsCurrent(w *world) {
	n := w.namespace("/listed")
	child := w.namespace("/listed/a")
	empty := w.object("/listed/b")
	full := w.object("/listed/c")
	w.bind(full.ID, "listed-1")
	current := w.bindAs(func() store.Version { v := fullVersion(full.ID); v.Address = "listed"; return v }())
	newest := w.bind(full.ID, "listed-3")
	w.deleteVersion(newest.ID)
	got, err := w.d.Children(w.t.Context(), n.ID, "", 10)
	if err != nil {
		w.t.Fatal(err)
	}
	same(w.t, "the entries", []store.Entry{
		{Name: w.name(child.Path)},
		{Name: w.name(empty.Path)},
		{Name: w.name(full.Path), Current: &current},
	}, got)
}

func listsLive(w *world) {
	n := w.namespace("/live")
	for _, path := range []store.Path{"/live/a", "/live/b", "/live/c"} {
		w.namespace(path)
	}
	w.deleteTree("/live/b")
	same(w.t, "the children", []string{"a", "c"}, w.children(n.ID, "", 10))
	w.update(func(tx store.Tx) error { return tx.ReviveName(w.t.Context(), w.name("/live/b").ID, time.Now()) })
	same(w.t, "the children", []string{"a", "b", "c"}, w.children(n.ID, "", 10))
	w.deleteTree("/live")
	same(w.t, "the children of a deleted namespace", []string(nil), w.children(n.ID, "", 10))
}

func listsRoot(w *world) {
	w.namespace("/~root")
	w.namespace("/~root/child")
	w.object("/~root2")
	same(w.t, "the root's last children", []string{"~root", "~root2"}, w.children(w.root.ID, "~a", 10))
	same(w.t, "the root's last child", []string{"~root2"}, w.children(w.root.ID, "~root", 10))
}

func pagesVersions(w *world) {
	o, other := w.object("/versions"), w.object("/versions-other")
	var want []int64
	for i := range 10 {
		v := w.bind(o.ID, fmt.Sprint("v", i))
		w.bind(other.ID, fmt.Sprint("v", i))
		if i == 4 {
			w.deleteVersion(v.ID)
			continue
		}
		want = append([]int64{v.ID}, want...)
	}
	for _, size := range []int{1, 3, 9, 10} {
		var got []int64
		for before := int64(0); ; {
			page, err := w.d.Versions(w.t.Context(), o.ID, before, size)
			if err != nil {
				w.t.Fatal(err)
			}
			for _, v := range page {
				got = append(got, v.ID)
				before = v.ID
			}
			if len(page) < size {
				break
			}
		}
		same(w.t, fmt.Sprintf("the versions in pages of %d", size), want, got)
	}
	if got, err := w.d.Versions(w.t.Context(), o.ID, want[3], 1); err != nil || len(got) != 1 || got[0].ID != want[4] {
		w.t.Errorf("the version before %d: %v, %v", want[3], got, err)
	}
	if got, err := w.d.Versions(w.t.Context(), w.create(acl.Object, "/versions-none").ID, 0, 5); err != nil || len(got) != 0 {
		w.t.Errorf("an object without versions has %v, %v", got, err)
	}
}
