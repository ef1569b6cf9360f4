package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/hatrac/hatrac/store"
)

func testPages(t *testing.T, db Database) {
	w := begin(t, db)
	for name, test := range map[string]func(*world){
		"names come whole, deleted ones too":    pagesOfNames,
		"versions come whole, deleted ones too": pagesOfVersions,
		"jobs come whole":                       pagesOfJobs,
	} {
		t.Run(name, func(t *testing.T) { test(w.in(t)) })
	}
}

// walk returns all that a walk tells, by pages of two, and expects that the IDs grow.
func walk[T any](w *world, page func(context.Context, int64, int) ([]T, error), id func(T) int64) (all []T) {
	w.t.Helper()
	last := int64(0)
	for {
		found, err := page(w.t.Context(), last, 2)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, one := range found {
			if id(one) <= last {
				w.t.Errorf("the row %d comes behind %d", id(one), last)
			}
			last = id(one)
		}
		all = append(all, found...)
		if len(found) < 2 {
			return all
		}
	}
}

func pagesOfNames(w *world) {
	live := w.namespace("/pages")
	gone := w.object("/pages/gone")
	w.bind(gone.ID, "1")
	w.deleteTree("/pages/gone")
	found := make(map[store.Path]store.Name)
	for _, n := range walk(w, w.d.NamesAfter, func(n store.Name) int64 { return n.ID }) {
		if _, twice := found[n.Path]; twice {
			w.t.Errorf("%s comes twice", n.Path)
		}
		found[n.Path] = n
	}
	for _, path := range []store.Path{store.Root, live.Path, gone.Path} {
		same(w.t, "the name", w.name(path), found[path])
	}
}

func pagesOfVersions(w *world) {
	w.namespace("/content")
	o := w.object("/content/o")
	gone := w.bind(o.ID, "gone")
	w.deleteVersion(gone.ID)
	inline := fullVersion(o.ID)
	inline.Version, inline.Inline, inline.HasInline, inline.Address = "inline", []byte("small"), true, ""
	inline.Size = int64(len(inline.Inline))
	w.bindAs(inline)
	w.bindAs(store.Version{NameID: o.ID, Version: "forward", Forward: &store.Ref{Path: "/x", Version: "1"}})
	w.bind(o.ID, "last")
	found := make(map[string]store.Version)
	for _, v := range walk(w, w.d.VersionsAfter, func(v store.PathVersion) int64 { return v.Version.ID }) {
		if v.Path == o.Path {
			found[v.Version.Version] = v.Version
		}
	}
	if len(found) != 4 {
		w.t.Errorf("%d versions are told", len(found))
	}
	for id, v := range found {
		same(w.t, "the version "+id, *w.resolve(o.Path, id).Version, v)
	}
}

func pagesOfJobs(w *world) {
	w.namespace("/jobs")
	o := w.object("/jobs/o")
	var made []store.Job
	for i := range 3 {
		made = append(made, w.createJob(fullJob(o.ID, fmt.Sprint(i))))
	}
	var told []store.Job
	for _, j := range walk(w, w.d.JobsAfter, func(j store.IdleJob) int64 { return j.Job.ID }) {
		if j.Path == o.Path {
			told = append(told, j.Job)
		}
	}
	same(w.t, "the jobs", made, told)
}
