package storetest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// testCopies checks a back end that is a store.Copier with two databases of its own.
func testCopies(t *testing.T, from, to Database) {
	w := begin(t, from)
	source, ok := w.d.(store.Copier)
	if !ok {
		return
	}
	target := open(t, to)
	fillForCopy(w)
	c := &copying{t: t, from: w.d, source: source, to: target, target: target.(store.Copier)}
	t.Run("a mark is kept", c.marks)
	t.Run("all rows arrive as they are", c.arrives)
	t.Run("what was deleted can be restored as long as it is kept", c.restores)
	t.Run("IDs are never given again", c.counts)
	t.Run("a row gives way to the one that comes", c.displaces)
	t.Run("content that nothing refers to any more is reclaimed", c.reclaims)
}

// fillForCopy makes rows in every state.
func fillForCopy(w *world) {
	ctx := w.t.Context()
	n := w.namespace("/c")
	w.update(func(tx store.Tx) error {
		if err := tx.SetNameAttr(ctx, n.ID, store.Attr{MTime: 5, HasMTime: true, Ino: 77}); err != nil {
			return err
		}
		return tx.SetNameACLs(ctx, n.ID, acl.Lists{acl.Owner: {"ann"}, acl.SubtreeRead: {"*"}})
	})
	o := w.object("/c/o")
	w.bindAs(fullVersion(o.ID))
	w.bindAs(store.Version{NameID: o.ID, Version: "small", Size: 1, Inline: []byte("i"), HasInline: true, Created: begun})
	w.deleteVersion(w.bind(o.ID, "kept").ID)
	w.deleteVersion(w.bindAs(store.Version{NameID: o.ID, Version: "kept small", Size: 1, Inline: []byte("k"), HasInline: true}).ID)
	away := w.bind(o.ID, "away")
	w.update(func(tx store.Tx) error {
		return tx.ForwardVersion(ctx, away.ID, store.Ref{Path: "/c/x", Version: "away"}, begun.Add(time.Hour))
	})
	back := w.bind(o.ID, "back")
	w.update(func(tx store.Tx) error {
		if err := tx.ForwardVersion(ctx, back.ID, store.Ref{Path: "/c/x", Version: "back"}, begun.Add(time.Hour)); err != nil {
			return err
		}
		return tx.DropRecord(ctx, back.ID)
	})
	w.giveBack(away.ID, o, "/c/x", begun.Add(2*time.Hour))
	w.bindAs(store.Version{NameID: o.ID, Version: "elsewhere", Size: 1, URL: "https://archive.example.org/1"})
	w.object("/c/gone")
	w.deleteTree("/c/gone")
	moved := w.namespace("/c/moved")
	w.object("/c/moved/o")
	later := w.namespace("/later")
	w.update(func(tx store.Tx) error {
		return tx.MoveTree(ctx, "/c/moved", "/later/moved", later.ID, begun.Add(time.Hour))
	})
	if w.name("/later/moved").ID != moved.ID {
		w.t.Fatal("the moved namespace is another one")
	}
	// The last one leaves no row behind.
	last := w.bind(o.ID, "last")
	w.update(func(tx store.Tx) error {
		if err := tx.ForwardVersion(ctx, last.ID, store.Ref{Path: "/c/x", Version: "last"}, begun.Add(time.Hour)); err != nil {
			return err
		}
		return tx.DropRecord(ctx, last.ID)
	})
}

// copying is one database that is copied to another.
type copying struct {
	t              *testing.T
	from, to       store.Directory
	source, target store.Copier
}

func (c *copying) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (c *copying) marks(t *testing.T) {
	for _, want := range []store.CopyMark{{}, {Source: -7}, {Source: 1 << 62, Complete: true}, {}} {
		c.must(t, c.target.SetCopyMark(t.Context(), want))
		got, err := c.target.CopyMark(t.Context())
		c.must(t, err)
		same(t, "the mark", want, got)
		c.must(t, c.to.Sync(t.Context()))
	}
}

// rows are all rows of a directory.
type rows struct {
	Names    []store.Name
	Versions []store.PathVersion
	Formers  []store.Former
	Moves    []store.Moved
	Kept     []time.Time
	Counters store.Counters
}

func (c *copying) rows(t *testing.T, d store.Directory, from store.Copier) (r rows) {
	t.Helper()
	var err error
	r.Names, err = d.NamesAfter(t.Context(), 0, 1000)
	c.must(t, err)
	r.Versions, err = d.VersionsAfter(t.Context(), 0, 1000)
	c.must(t, err)
	r.Formers, err = from.FormersAfter(t.Context(), store.Former{}, 1000)
	c.must(t, err)
	r.Moves, err = from.MovesAfter(t.Context(), 0, 1000)
	c.must(t, err)
	var ids []int64
	for _, v := range r.Versions {
		ids = append(ids, v.Version.ID)
	}
	r.Kept, err = from.KeptUntil(t.Context(), ids)
	c.must(t, err)
	r.Counters, err = from.Counters(t.Context())
	c.must(t, err)
	return r
}

func (c *copying) arrives(t *testing.T) {
	ctx := t.Context()
	want := c.rows(t, c.from, c.source)
	for range 2 { // the second time every row is replaced
		c.must(t, c.target.Import(ctx, func(tx store.ImportTx) error {
			for range 2 { // a parent may come after what is in it
				for i := range want.Names {
					if err := tx.PutName(ctx, &want.Names[i]); err != nil {
						return err
					}
				}
			}
			for i := range want.Versions {
				if err := tx.PutVersion(ctx, &want.Versions[i].Version, want.Kept[i]); err != nil {
					return err
				}
			}
			if err := tx.DropFormers(ctx); err != nil {
				return err
			}
			if err := tx.DropMoves(ctx); err != nil {
				return err
			}
			for _, m := range want.Moves {
				if err := tx.PutMoved(ctx, m); err != nil {
					return err
				}
			}
			for _, f := range want.Formers {
				if err := tx.PutFormer(ctx, f); err != nil {
					return err
				}
			}
			return nil
		}))
		c.must(t, c.target.EndImport(ctx, want.Counters))
		same(t, "the rows", want, c.rows(t, c.to, c.target))
	}
	if len(want.Moves) != 1 || len(want.Formers) != 3 || len(want.Names) != 9 || len(want.Versions) != 7 {
		t.Errorf("the rows were %d names, %d versions and %d former ones", len(want.Names), len(want.Versions), len(want.Formers))
	}
	for _, path := range []store.Path{"/", "/c", "/c/o", "/c/gone", "/later/moved/o", "/c/moved", "/nowhere"} {
		before, err := c.from.Resolve(ctx, path, "kept")
		c.must(t, err)
		after, err := c.to.Resolve(ctx, path, "kept")
		c.must(t, err)
		same(t, string(path), before, after)
	}
	err := c.target.Import(ctx, func(tx store.ImportTx) error {
		return tx.PutVersion(ctx, &store.Version{ID: 1 << 41, NameID: 1 << 41, Version: "orphan"}, time.Time{})
	})
	if store.KindOf(err) != store.NotFound {
		t.Errorf("a version of an object that is not there: %v", err)
	}
}

func (c *copying) restores(t *testing.T) {
	w := &world{t: t, d: c.to}
	for _, id := range []string{"kept", "kept small"} {
		v := w.resolve("/c/o", id).Version
		w.update(func(tx store.Tx) error { return tx.RestoreVersion(t.Context(), v.ID) })
		w.deleteVersion(v.ID)
	}
	w.expectDue("before its time", begun.Add(2*time.Hour-time.Microsecond), 10)
	w.expectDue("at its time", begun.Add(2*time.Hour), 10, "at kept")
}

func (c *copying) counts(t *testing.T) {
	w := &world{t: t, d: c.to}
	before, err := c.source.Counters(t.Context())
	c.must(t, err)
	o := w.object("/c/new")
	v := w.bind(o.ID, "new")
	if o.ID <= before.Names || v.ID <= before.Versions {
		t.Errorf("after %+v come the IDs %d and %d", before, o.ID, v.ID)
	}
	w.namespace("/c/goes")
	w.move("/c/goes", "/c/went")
	moves, err := c.target.MovesAfter(t.Context(), 0, 1000)
	c.must(t, err)
	if len(moves) != 2 || moves[0].ID == moves[1].ID {
		t.Errorf("after a move they are %+v", moves)
	}
	o, v = w.object("/c/newer"), w.bind(o.ID, "newer")
	raised := store.Counters{Names: o.ID + 100, Versions: v.ID + 100}
	for _, counters := range []store.Counters{raised, before} { // they never fall
		c.must(t, c.target.EndImport(t.Context(), counters))
		got, err := c.target.Counters(t.Context())
		c.must(t, err)
		same(t, "the counters", raised, got)
	}
}

func (c *copying) put(t *testing.T, fn func(ctx context.Context, tx store.ImportTx) error) {
	t.Helper()
	c.must(t, c.target.Import(t.Context(), func(tx store.ImportTx) error { return fn(t.Context(), tx) }))
}

func (c *copying) displaces(t *testing.T) {
	w := &world{t: t, d: c.to}
	root, o := w.name(store.Root), w.object("/c/old")
	v := w.bind(o.ID, "1")
	twin := store.Name{ID: o.ID + 1000, Parent: root.ID, Path: o.Path, Kind: acl.Object}
	next := store.Version{ID: v.ID + 1000, NameID: o.ID, Version: "1", Address: "next"}
	c.put(t, func(ctx context.Context, tx store.ImportTx) error {
		if err := tx.PutName(ctx, &twin); err != nil {
			return err
		}
		return tx.PutVersion(ctx, &next, time.Time{})
	})
	same(t, "the name", twin, w.name(o.Path))
	found, err := c.to.NamesAfter(t.Context(), o.ID-1, 1)
	c.must(t, err)
	if len(found) != 1 || found[0].ID != o.ID || !strings.HasPrefix(string(found[0].Path), ":") {
		t.Errorf("the displaced name is %+v", found)
	}
	versions, err := c.to.VersionsAfter(t.Context(), v.ID-1, 1)
	c.must(t, err)
	if len(versions) != 1 || versions[0].Version.ID != v.ID || !strings.HasPrefix(versions[0].Version.Version, ":") {
		t.Errorf("the displaced version is %+v", versions)
	}
	c.put(t, func(ctx context.Context, tx store.ImportTx) error {
		for _, id := range []int64{v.ID, next.ID} {
			if err := tx.DropVersion(ctx, id); err != nil {
				return err
			}
		}
		return tx.DropName(ctx, o.ID)
	})
	if found, err = c.to.NamesAfter(t.Context(), o.ID-1, 1); err != nil || len(found) == 1 && found[0].ID == o.ID {
		t.Errorf("after it was dropped there is %+v, %v", found, err)
	}
}

func (c *copying) reclaims(t *testing.T) {
	w := &world{t: t, d: c.to}
	for _, entry := range w.due(begun.Add(100*time.Hour), 100) {
		c.must(t, c.to.Reclaimed(t.Context(), []store.Reclaim{entry}))
	}
	o := w.object("/c/left")
	v, other := w.bind(o.ID, "left"), w.bind(o.ID, "dropped")
	record := v
	record.Address, record.Forward = "", &store.Ref{Path: "/c/x", Version: "left"}
	c.put(t, func(ctx context.Context, tx store.ImportTx) error {
		if err := tx.PutVersion(ctx, &record, time.Time{}); err != nil {
			return err
		}
		return tx.DropVersion(ctx, other.ID)
	})
	w.expectDue("what was left", begun, 10, v.Address, other.Address)
	taken := store.Version{ID: other.ID + 1, NameID: o.ID, Version: "taken", Address: v.Address, Size: 1}
	c.put(t, func(ctx context.Context, tx store.ImportTx) error { return tx.PutVersion(ctx, &taken, time.Time{}) })
	w.expectDue("what is in use again", begun, 10, other.Address)
}
