package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

func testWalks(t *testing.T, db Database) {
	w := begin(t, db)
	for name, test := range map[string]func(*world){
		"everything live beneath is met once": walksBeneath,
		"a large tree is walked whole":        walksFar,
		"an error ends the walk":              walksNoFurther,
		"live versions come oldest first":     listsLiveVersions,
	} {
		t.Run(name, func(t *testing.T) { test(w.in(t)) })
	}
}

// beneath returns what a walk meets: paths, with version ids behind those of objects.
func (w *world) beneath(path store.Path) []string {
	w.t.Helper()
	var met []string
	w.update(func(tx store.Tx) error {
		met = nil
		return tx.Beneath(w.t.Context(), path, func(n store.Name, versions []store.Version) error {
			one := string(n.Path)
			for _, v := range versions {
				if v.NameID != n.ID {
					w.t.Errorf("%s comes with a version of name %d", n.Path, v.NameID)
				}
				one += ":" + v.Version
			}
			met = append(met, one)
			return nil
		})
	})
	slices.Sort(met)
	return met
}

func walksBeneath(w *world) {
	for _, path := range append([]store.Path{"/t", "/t/a", "/t/a/b", "/t/a-b", "/t/gone"}, neighbours...) {
		w.namespace(path)
	}
	o := w.object("/t/a/o")
	w.bind(o.ID, "1")
	dead := w.bind(o.ID, "2")
	w.bind(o.ID, "3")
	w.deleteVersion(dead.ID)
	w.object("/t/empty")
	w.bind(w.object("/t-b/o").ID, "other")
	w.object("/t/gone/o")
	w.deleteTree("/t/gone")
	for path, want := range map[store.Path][]string{
		"/t":       {"/t/a", "/t/a-b", "/t/a/b", "/t/a/o:1:3", "/t/empty"},
		"/t/a":     {"/t/a/b", "/t/a/o:1:3"},
		"/t/a/b":   nil,
		"/t/a/o":   nil,
		"/t-b":     {"/t-b/o:other"},
		"/t/gone":  nil,
		"/nowhere": nil,
		"/": {
			"/T", "/s", "/t", "/t%20", "/t-b", "/t-b/o:other", "/t.b", "/t/a", "/t/a-b", "/t/a/b", "/t/a/o:1:3",
			"/t/empty", "/t0", "/tb", "/t~",
		},
	} {
		same(w.t, "beneath "+string(path), want, slices.DeleteFunc(w.beneath(path), func(met string) bool {
			return path == store.Root && met > "/z" // of other stories
		}))
	}
}

func walksFar(w *world) {
	const many = 700
	n := w.namespace("/zfar")
	var want []string
	w.update(func(tx store.Tx) error {
		want = nil
		for i := range many {
			o := store.Name{Parent: n.ID, Path: store.Path(fmt.Sprintf("/zfar/%04d", i)), Kind: acl.Object}
			if err := tx.CreateName(w.t.Context(), &o); err != nil {
				return err
			}
			for v := range i % 3 {
				if err := tx.BindVersion(w.t.Context(), &store.Version{NameID: o.ID, Version: fmt.Sprint(v), Address: "a"}); err != nil {
					return err
				}
			}
			want = append(want, string(o.Path)+[]string{"", ":0", ":0:1"}[i%3])
		}
		return nil
	})
	same(w.t, "a large tree", want, w.beneath("/zfar"))
}

func walksNoFurther(w *world) {
	w.namespace("/zend")
	w.namespace("/zend/a")
	w.namespace("/zend/b")
	enough := errors.New("enough")
	met := 0
	err := w.d.Update(w.t.Context(), func(tx store.Tx) error {
		met = 0
		return tx.Beneath(w.t.Context(), "/zend", func(store.Name, []store.Version) error {
			met++
			return enough
		})
	})
	if !errors.Is(err, enough) || met != 1 {
		w.t.Errorf("the walk met %d names and ended with %v", met, err)
	}
}

func listsLiveVersions(w *world) {
	o := w.object("/zlive")
	a, b, c := w.bindAs(fullVersion(o.ID)), w.bind(o.ID, "zlive-2"), w.bind(o.ID, "zlive-3")
	w.deleteVersion(b.ID)
	w.update(func(tx store.Tx) error {
		live, err := tx.LiveVersions(w.t.Context(), o.ID)
		same(w.t, "the live versions", []store.Version{a, c}, live)
		return err
	})
	w.update(func(tx store.Tx) error {
		return tx.ForwardVersion(w.t.Context(), a.ID, store.Ref{Path: "/elsewhere", Version: a.Version}, begun)
	})
	w.update(func(tx store.Tx) error {
		held, err := tx.HeldVersions(w.t.Context(), o.ID)
		same(w.t, "the versions that are held", []store.Version{c}, held)
		return err
	})
}
