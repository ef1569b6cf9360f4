package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/hatrac/hatrac/store"
)

func testReturns(t *testing.T, db Database) {
	w := begin(t, db)
	for name, test := range map[string]func(*world){
		"origins are records of the same ids in the same namespace": findsOrigins,
		"what is returned takes its old place":                      returnsInPlace,
		"inline content is returned":                                returnsInline,
		"only a version returns, and only to a record":              returnsOnlyToRecords,
		"of many versions one absence is noted":                     notesOneAbsence,
	} {
		t.Run(name, func(t *testing.T) { test(w.in(t)) })
	}
}

// giveBack returns a version from the object other, where it is bound for that first.
func giveBack(ctx context.Context, tx store.Tx, record int64, o, other store.Name, at time.Time) error {
	live, err := tx.LiveVersions(ctx, o.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(live, func(v store.Version) bool { return v.ID == record })
	was := live[i]
	holder := store.Version{NameID: other.ID, Version: was.Version, Size: 1, Address: "model", Created: was.ForwardedOn}
	found, err := tx.Resolve(ctx, other.Path, was.Version)
	if err == nil && found.Version != nil {
		err = tx.DropRecord(ctx, found.Version.ID)
	}
	if err == nil {
		err = tx.BindVersion(ctx, &holder)
	}
	if err != nil {
		return err
	}
	return tx.ReturnVersions(ctx, []store.Return{{Holder: holder, Record: was, Path: o.Path}}, at)
}

func (w *world) giveBack(record int64, o store.Name, other store.Path, at time.Time) {
	w.t.Helper()
	to := w.resolve(other, "").Name
	if to == nil {
		made := w.object(other)
		to = &made
	}
	w.update(func(tx store.Tx) error { return giveBack(w.t.Context(), tx, record, o, *to, at) })
}

func (w *world) origins(path store.Path) (list []string) {
	w.t.Helper()
	w.update(func(tx store.Tx) error {
		entries, err := tx.Origins(w.t.Context(), path)
		list = nil
		for _, e := range entries {
			list = append(list, string(e.Name.Path)+" "+describe(e.Current))
		}
		return err
	})
	return list
}

func findsOrigins(w *world) {
	w.namespace("/origins")
	w.namespace("/origins/in")
	o, beside, inside, gone := w.object("/origins/o"), w.object("/origins/beside"), w.object("/origins/in/o"), w.object("/origins/gone")
	for _, v := range []string{"o1", "o2", "o3"} {
		w.bind(o.ID, v)
	}
	for _, from := range []store.Name{beside, inside, gone} {
		v := w.bind(from.ID, "o2")
		w.forwardAt(v.ID, store.Ref{Path: o.Path, Version: "o2"}, begun)
	}
	w.bind(beside.ID, "o1") // is no record
	deleted := w.bind(beside.ID, "o3")
	w.forwardAt(deleted.ID, store.Ref{Path: o.Path, Version: "o3"}, begun)
	w.deleteVersion(deleted.ID)
	w.deleteTree(gone.Path)
	same(w.t, "the origins", []string{"/origins/beside o2 forwards"}, w.origins(o.Path))
	same(w.t, "the origins of an object that was not renamed", []string(nil), w.origins(inside.Path))
	same(w.t, "the origins of what is not there", []string(nil), w.origins("/origins/none"))
}

func returnsInPlace(w *world) {
	ctx := w.t.Context()
	o, other := w.object("/returns"), w.object("/returns-to")
	first := w.bindAs(fullVersion(o.ID))
	w.forwardAt(first.ID, store.Ref{Path: other.Path, Version: first.Version}, hour(1))
	second := w.bind(o.ID, "returns-2")
	away := fullVersion(other.ID)
	away.Size, away.Attr.Ino, away.Created = 17, 4711, hour(1)
	away = w.bindAs(away)
	before := w.name(o.Path)
	w.update(func(tx store.Tx) error {
		live, err := tx.LiveVersions(ctx, o.ID)
		if err != nil {
			return err
		}
		return tx.ReturnVersions(ctx, []store.Return{{Holder: away, Record: live[0], Path: o.Path}}, hour(2))
	})
	back := away
	back.ID, back.NameID, back.Created = first.ID, o.ID, first.Created
	same(w.t, "the version", &back, w.resolve(o.Path, first.Version).Version)
	same(w.t, "the current version", &second, w.resolve(o.Path, "").Current)
	left := away
	left.Address, left.Unsynced, left.ForwardedOn = "", "", hour(2)
	left.Forward = &store.Ref{Path: o.Path, Version: first.Version}
	same(w.t, "what is left", &left, w.resolve(other.Path, first.Version).Version)
	if after := w.name(o.Path); after.Changes <= before.Changes {
		w.t.Errorf("the Changes went from %d to %d", before.Changes, after.Changes)
	}
}

func returnsInline(w *world) {
	ctx := w.t.Context()
	o, other := w.object("/returns-inline"), w.object("/returns-inline-to")
	record := w.bind(o.ID, "ri")
	w.forwardAt(record.ID, store.Ref{Path: other.Path, Version: "ri"}, hour(1))
	holder := w.bindAs(store.Version{NameID: other.ID, Version: "ri", Size: 3, Inline: []byte("abc"), HasInline: true})
	w.update(func(tx store.Tx) error {
		live, err := tx.LiveVersions(ctx, o.ID)
		if err != nil {
			return err
		}
		return tx.ReturnVersions(ctx, []store.Return{{Holder: holder, Record: live[0], Path: o.Path}}, hour(2))
	})
	if back := w.resolve(o.Path, "").Version; string(back.Inline) != "abc" || back.Inode() != holder.Inode() {
		w.t.Errorf("what is returned is %+v", back)
	}
	if left := w.resolve(other.Path, "").Version; left.HasInline || left.Inline != nil {
		w.t.Errorf("what is left is %+v", left)
	}
}

func returnsOnlyToRecords(w *world) {
	o, other := w.object("/returns-only"), w.object("/returns-only-to")
	plain, holder := w.bind(o.ID, "ro"), w.bind(other.ID, "ro")
	record := w.bind(o.ID, "ro2")
	w.forwardAt(record.ID, store.Ref{Path: other.Path, Version: "ro2"}, hour(1))
	record = *w.resolve(o.Path, "ro2").Version
	for what, r := range map[string]store.Return{
		"a version in the place of another": {Holder: holder, Record: plain, Path: o.Path},
		"a record":                          {Holder: record, Record: record, Path: o.Path},
	} {
		w.refused(store.NotFound, what, func(ctx context.Context, tx store.Tx) error {
			return tx.ReturnVersions(ctx, []store.Return{r}, hour(2))
		})
	}
	w.update(func(tx store.Tx) error { return tx.ReturnVersions(w.t.Context(), nil, hour(2)) })
}

// notesOneAbsence: a file with many versions that is saved many times must not make a note for each
// version each time.
func notesOneAbsence(w *world) {
	copier, ok := w.d.(store.Copier)
	if !ok {
		return
	}
	formers := func() int {
		list, err := copier.FormersAfter(w.t.Context(), store.Former{}, 10000)
		if err != nil {
			w.t.Fatal(err)
		}
		return len(list)
	}
	ctx := w.t.Context()
	o, other := w.object("/absence"), w.object("/absence-to")
	for _, id := range []string{"a1", "a2", "a3", "a4"} {
		w.bindAt(o.ID, id, hour(1))
	}
	before := formers()
	for i := range 3 {
		w.update(func(tx store.Tx) error {
			live, err := tx.LiveVersions(ctx, o.ID)
			if err != nil {
				return err
			}
			var returns []store.Return
			for j := range live {
				found, err := tx.Resolve(ctx, other.Path, live[j].Version)
				if err == nil && found.Version != nil {
					err = tx.DropRecord(ctx, found.Version.ID)
				}
				if err == nil {
					err = tx.ForwardVersion(ctx, live[j].ID, store.Ref{Path: other.Path, Version: live[j].Version}, hour(2*i+2))
				}
				holder := live[j]
				holder.NameID, holder.Created = other.ID, hour(2*i+2)
				if err == nil {
					err = tx.BindVersion(ctx, &holder)
				}
				if err != nil {
					return err
				}
				record, err := tx.Resolve(ctx, o.Path, live[j].Version)
				if err != nil {
					return err
				}
				returns = append(returns, store.Return{Holder: holder, Record: *record.Version, Path: o.Path})
			}
			return tx.ReturnVersions(ctx, returns, hour(2*i+3))
		})
	}
	// Each absence, and but for the last one that there was something in the other place.
	if got := formers() - before; got != 3+2 {
		w.t.Errorf("%d notes were made of three absences", got)
	}
}
