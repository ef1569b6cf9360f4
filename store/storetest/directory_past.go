package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

func testPast(t *testing.T, db Database) {
	w := begin(t, db)
	for name, test := range map[string]func(*world){
		"a version is current from its binding to the next":  pastCurrent,
		"what was deleted since does not show what it hid":   pastDeleted,
		"a renamed version is found until it was renamed":    pastForwarded,
		"what happened at an unknown time was always so":     pastUnknown,
		"what was renamed and came back was there before":    pastReturned,
		"what was given back was away":                       pastGivenBack,
		"namespaces are there between creation and deletion": pastNamespaces,
		"children come page by page as they were":            pastPages,
		"a moved namespace is where it was then":             pastMoved,
		"what a moved tree takes over was not in it":         pastTakenOver,
		"moved children come page by page":                   pastMovedPages,
		"the past of moves is what the present was":          pastMovesModel,
		"the past is what the present was":                   pastModel,
	} {
		t.Run(name, func(t *testing.T) { test(w.in(t)) })
	}
}

// bindAt gives an object a version that was bound at a time.
func (w *world) bindAt(object int64, version string, at time.Time) store.Version {
	w.t.Helper()
	return w.bindAs(store.Version{NameID: object, Version: version, Size: 1, Address: store.Address("past " + version), Created: at})
}

func (w *world) forwardAt(id int64, to store.Ref, at time.Time) {
	w.t.Helper()
	w.update(func(tx store.Tx) error { return tx.ForwardVersion(w.t.Context(), id, to, at) })
}

func (w *world) resolveAt(path store.Path, at time.Time) *store.Resolution {
	w.t.Helper()
	found, err := w.d.ResolveAt(w.t.Context(), path, at)
	if err != nil {
		w.t.Fatalf("resolve %s at %v: %v", path, at, err)
	}
	return found
}

// pastOf says what a path held at a time, in the words of describe.
func (w *world) pastOf(path store.Path, at time.Time) string {
	w.t.Helper()
	return describe(w.resolveAt(path, at).Version)
}

func (w *world) childrenAt(namespace int64, at time.Time, after string, limit int) []string {
	w.t.Helper()
	entries, err := w.d.ChildrenAt(w.t.Context(), namespace, at, after, limit)
	if err != nil {
		w.t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name.Path.Base()+" "+describe(e.Current))
	}
	return list
}

func pastCurrent(w *world) {
	n := w.namespace("/past")
	o := w.object("/past/o")
	one, two := w.bindAt(o.ID, "p1", hour(1)), w.bindAt(o.ID, "p2", hour(2))
	for _, c := range []struct {
		at   time.Time
		want *store.Version
	}{
		{hour(1).Add(-time.Microsecond), nil},
		{hour(1), &one},
		{hour(2).Add(-time.Microsecond), &one},
		{hour(2), &two},
		{hour(9), &two},
	} {
		found := w.resolveAt(o.Path, c.at)
		same(w.t, "the version at "+c.at.String(), c.want, found.Version)
		same(w.t, "the current version", (*store.Version)(nil), found.Current)
		same(w.t, "the name", w.name(o.Path), *found.Name)
		same(w.t, "the enclosing names", []store.Name{w.name("/"), w.name(n.Path)}, found.Enclosing)
	}
	inline := w.bindAs(store.Version{NameID: o.ID, Version: "p3", Size: 3, Inline: []byte("abc"), HasInline: true, Created: hour(3)})
	same(w.t, "a version with its content", &inline, w.resolveAt(o.Path, hour(3)).Version)
	if found := w.resolveAt("/past/none", hour(1)); found.Name != nil || found.Version != nil {
		w.t.Errorf("what never was resolves to %+v", found)
	}
	same(w.t, "the children", []string{"o p1 live"}, w.childrenAt(n.ID, hour(1), "", 10))
}

func pastDeleted(w *world) {
	n := w.namespace("/past-deleted")
	o := w.object("/past-deleted/o")
	w.bindAt(o.ID, "d1", hour(1))
	two := w.bindAt(o.ID, "d2", hour(2))
	w.deleteVersionAt(two.ID, hour(3))
	for at, want := range map[int]string{1: "d1 live", 2: "none", 3: "d1 live"} {
		if got := w.pastOf(o.Path, hour(at)); got != want {
			w.t.Errorf("after %d hours it is %s, want %s", at, got, want)
		}
	}
	w.deleteTreeAt(o.Path, hour(4))
	same(w.t, "the children before", []string(nil), w.childrenAt(n.ID, hour(3), "", 10))
	w.update(func(tx store.Tx) error { return tx.ReviveName(w.t.Context(), o.ID, time.Now()) })
	w.bindAt(o.ID, "d5", hour(5))
	for at, want := range map[int]string{3: "none", 4: "none", 5: "d5 live"} {
		if got := w.pastOf(o.Path, hour(at)); got != want {
			w.t.Errorf("after %d hours it is %s, want %s", at, got, want)
		}
	}
}

func pastForwarded(w *world) {
	o := w.object("/past-moved")
	v := w.bindAt(o.ID, "m", hour(1))
	w.forwardAt(v.ID, store.Ref{Path: "/past-to", Version: "m"}, hour(2))
	check := func() {
		w.t.Helper()
		found := w.resolveAt(o.Path, hour(2).Add(-time.Microsecond)).Version
		if found == nil || found.Forward == nil || *found.Forward != (store.Ref{Path: "/past-to", Version: "m"}) || !found.ForwardedOn.Equal(hour(2)) {
			w.t.Errorf("before the rename it is %+v", found)
		}
		if got := w.pastOf(o.Path, hour(2)); got != "none" {
			w.t.Errorf("after the rename it is %s", got)
		}
	}
	check()
	w.deleteTreeAt(o.Path, hour(3))
	check()
}

func pastUnknown(w *world) {
	n := w.namespace("/past-unknown")
	never := time.Time{}
	bare := store.Name{Parent: n.ID, Path: "/past-unknown/n", Kind: acl.Namespace}
	w.update(func(tx store.Tx) error { return tx.CreateName(w.t.Context(), &bare) })
	o := w.object("/past-unknown/o")
	w.bindAt(o.ID, "u1", never)
	two := w.bindAt(o.ID, "u2", never)
	early := time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC)
	same(w.t, "the children at first", []string{"n none", "o u2 live"}, w.childrenAt(n.ID, early, "", 10))
	w.bindAt(o.ID, "u3", hour(1))
	same(w.t, "the children later", []string{"n none", "o u3 live"}, w.childrenAt(n.ID, hour(1), "", 10))
	w.deleteVersionAt(two.ID, never)
	same(w.t, "the children without the deleted", []string{"n none", "o u1 live"}, w.childrenAt(n.ID, early, "", 10))
	f := w.object("/past-unknown/p")
	w.forwardAt(w.bindAt(f.ID, "u", hour(1)).ID, store.Ref{Path: "/past-to", Version: "u"}, never)
	if got := w.pastOf(f.Path, hour(2)); got != "none" {
		w.t.Errorf("a record of an unknown time is %s", got)
	}
	w.deleteTreeAt(bare.Path, never)
	same(w.t, "the children in the end", []string{"o u3 live"}, w.childrenAt(n.ID, hour(1), "", 10))
}

func pastReturned(w *world) {
	o := w.object("/past-back")
	w.bindAt(o.ID, "b1", hour(1))
	two := w.bindAt(o.ID, "b2", hour(2))
	w.forwardAt(two.ID, store.Ref{Path: "/past-to", Version: "b2"}, hour(3))
	w.bindAt(o.ID, "b4", hour(4))
	w.update(func(tx store.Tx) error { return tx.DropRecord(w.t.Context(), two.ID) })
	back := w.bindAt(o.ID, "b2", hour(5))
	check := func(want ...string) {
		w.t.Helper()
		for i, want := range want {
			if got := w.pastOf(o.Path, hour(i+1)); got != want {
				w.t.Errorf("after %d hours it is %s, want %s", i+1, got, want)
			}
		}
	}
	check("b1 live", "b2 live", "none", "b4 live", "b2 live")
	w.deleteVersionAt(back.ID, hour(6))
	check("b1 live", "none", "none", "b4 live", "none", "b4 live")
}

func pastGivenBack(w *world) {
	o := w.object("/past-given")
	one, two := w.bindAt(o.ID, "g1", hour(1)), w.bindAt(o.ID, "g2", hour(2))
	to := w.object("/past-given-to")
	for _, v := range []store.Version{one, two} {
		w.forwardAt(v.ID, store.Ref{Path: to.Path, Version: v.Version}, hour(3))
	}
	w.bindAt(o.ID, "g4", hour(4))
	w.giveBack(one.ID, o, to.Path, hour(5))
	w.giveBack(two.ID, o, to.Path, hour(5))
	for at, want := range []string{"none", "g1 live", "g2 live", "none", "g4 live", "g4 live"} {
		if got := w.pastOf(o.Path, hour(at)); got != want {
			w.t.Errorf("after %d hours it is %s, want %s", at, got, want)
		}
	}
	for at, want := range map[int]string{2: "none", 3: "g2 forwards", 4: "g2 forwards", 5: "none"} {
		if got := w.pastOf(to.Path, hour(at)); got != want {
			w.t.Errorf("where it was after %d hours is %s, want %s", at, got, want)
		}
	}
}

func pastNamespaces(w *world) {
	top := w.namespace("/past-names")
	n := store.Name{Parent: top.ID, Path: "/past-names/n", Kind: acl.Namespace, Created: hour(1)}
	w.update(func(tx store.Tx) error { return tx.CreateName(w.t.Context(), &n) })
	w.deleteTreeAt(n.Path, hour(2))
	for at, want := range map[int][]string{0: nil, 1: {"n none"}, 2: nil} {
		same(w.t, fmt.Sprintf("the children after %d hours", at), want, w.childrenAt(top.ID, hour(at), "", 10))
	}
}

func pastPages(w *world) {
	n := w.namespace("/past-pages")
	for i, segment := range segments {
		o := w.object(n.Path + "/" + store.Path(segment))
		w.bindAt(o.ID, "v", hour(1+i%2))
		if i%3 == 0 {
			w.deleteTreeAt(o.Path, hour(5))
		}
	}
	var want []string
	for i, segment := range segments {
		if i%2 == 0 && i%3 != 0 {
			want = append(want, segment)
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
				after = e.Name.Path.Base()
				got = append(got, after)
			}
			if len(page) < size {
				break
			}
		}
		same(w.t, fmt.Sprintf("the children in pages of %d", size), want, got)
	}
	same(w.t, "a page of none", []string(nil), w.childrenAt(n.ID, hour(1), "", 0))
}

// pastModel makes random changes, one an hour, notes what is current after each, and compares that
// with what the directory says in the end about all hours.
func pastModel(w *world) {
	run := 0
	rapid.Check(w.t, func(rt *rapid.T) {
		run++
		o := w.object(store.Path(fmt.Sprint("/past-run-", run)))
		m := pastRun{other: w.object(o.Path + "-other")}
		for at := range rapid.IntRange(1, 12).Draw(rt, "hours") {
			step := rapid.SampledFrom([]string{"bind", "bind", "delete", "forward", "forward", "return", "give back", "clear"}).Draw(rt, "step")
			pick := rapid.IntRange(0, 100).Draw(rt, "pick")
			w.update(func(tx store.Tx) error { return m.change(w.t.Context(), tx, o, step, pick, at) })
			m.was = append(m.was, m.current())
		}
		for at, i := range m.was {
			if got, want := w.pastOf(o.Path, hour(at)), m.seen(i, at); got != want {
				rt.Fatalf("after %d hours it was %s, want %s", at, got, want)
			}
		}
	})
}

// pastRun is what one object should hold.
type pastRun struct {
	other    store.Name // where versions are while they are away
	versions []pastVersion
	was      []int // by the hour: index of the version that was current, or -1
}

type pastVersion struct {
	id        int64
	deleted   bool
	forwarded bool
	at        int // when it was forwarded
	name      string
	again     int      // index of the version that it is since it came back, if not 0
	away      [][2]int // when it was elsewhere, before it was given back
}

func (m *pastRun) current() int {
	for i := len(m.versions) - 1; i >= 0; i-- {
		if !m.versions[i].deleted && m.versions[i].again == 0 {
			return i
		}
	}
	return -1
}

// seen says what can be seen of the version that was current at an hour.
func (m *pastRun) seen(i, at int) string {
	if i < 0 {
		return "none"
	}
	v := m.versions[i]
	for _, while := range v.away {
		if while[0] <= at && at < while[1] {
			return "none"
		}
	}
	switch {
	case v.forwarded && v.at > at && v.again > 0:
		return m.seen(v.again, at)
	case v.forwarded && v.at > at:
		return v.name + " forwards"
	case !v.forwarded && !v.deleted:
		return v.name + " live"
	}
	return "none"
}

func (m *pastRun) change(ctx context.Context, tx store.Tx, o store.Name, step string, pick, at int) error {
	if step == "clear" {
		for i := range m.versions {
			m.versions[i].deleted = true
		}
		if err := tx.DeleteTree(ctx, o.Path, hour(at), begun); err != nil {
			return err
		}
		return tx.ReviveName(ctx, o.ID, time.Now())
	}
	if step == "bind" || len(m.versions) == 0 {
		return m.bind(ctx, tx, o, fmt.Sprint("v", len(m.versions)), at)
	}
	v := &m.versions[pick%len(m.versions)]
	switch {
	case step == "return" && v.forwarded && v.again == 0:
		v.again = len(m.versions)
		if err := tx.DropRecord(ctx, v.id); err != nil {
			return err
		}
		return m.bind(ctx, tx, o, v.name, at)
	case v.deleted || v.again > 0 || step == "return":
		return nil
	case step == "give back":
		if !v.forwarded {
			return nil
		}
		v.forwarded, v.away = false, append(v.away, [2]int{v.at, at})
		return giveBack(ctx, tx, v.id, o, m.other, hour(at))
	case step == "delete":
		v.deleted = true
		return tx.DeleteVersion(ctx, v.id, hour(at), begun)
	case v.forwarded:
		return nil
	}
	v.forwarded, v.at = true, at
	return tx.ForwardVersion(ctx, v.id, store.Ref{Path: m.other.Path, Version: v.name}, hour(at))
}

func (m *pastRun) bind(ctx context.Context, tx store.Tx, o store.Name, name string, at int) error {
	v := store.Version{NameID: o.ID, Version: name, Address: "model", Created: hour(at)}
	err := tx.BindVersion(ctx, &v)
	m.versions = append(m.versions, pastVersion{id: v.ID, name: name})
	return err
}
