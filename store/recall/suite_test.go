package recall_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/recall"
	"github.com/hatrac/hatrac/store/sqlite"
	"github.com/hatrac/hatrac/store/storetest"
)

// TestContract runs all that the contract of directories asks for on one with a memory. Whatever is
// resolved there is recalled as well, and its neighbours: the memory must never differ.
func TestContract(t *testing.T) {
	storetest.Directory(t, func(t *testing.T) storetest.Database {
		path := filepath.Join(t.TempDir(), "hatrac.db")
		db := &watched{}
		return func(tb testing.TB) store.Directory {
			tb.Helper()
			d, err := sqlite.Open(tb.Context(), sqlite.Config{Path: path, Migrate: true})
			if err != nil {
				tb.Fatal(err)
			}
			return &checked{Directory: recall.New(d), beneath: d, tb: tb, db: db}
		}
	})
}

// watched knows what goes on in a database.
type watched struct {
	mu     sync.Mutex
	under  int // changes under way
	begun  int
	by     *checked // who made them
	others bool     // it was not one alone
}

func (w *watched) enter(d *checked) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.under++
	w.begun++
	w.others = w.others || w.by != nil && w.by != d
	w.by = d
}

func (w *watched) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.under--
}

// at tells how many changes there were; ok is false if one is under way, or not all were made by d.
func (w *watched) at(d *checked) (begun int, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.begun, w.under == 0 && !w.others && (w.by == nil || w.by == d)
}

// checked compares what is recalled with what is so.
type checked struct {
	*recall.Directory
	beneath store.Directory
	tb      testing.TB
	db      *watched

	mu    sync.Mutex
	calls int
	paths map[int64]store.Path
}

func (d *checked) Update(ctx context.Context, fn func(store.Tx) error) error {
	d.db.enter(d)
	defer d.db.leave()
	return d.Directory.Update(ctx, fn)
}

func (d *checked) UpdateSoon(ctx context.Context, fn func(store.Tx) error) error {
	d.db.enter(d)
	defer d.db.leave()
	return d.Directory.UpdateSoon(ctx, fn)
}

// turn counts calls.
func (d *checked) turn() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	return d.calls
}

// age is most of the time one at which nothing is too old.
func (d *checked) age() time.Duration {
	if d.turn()%4 == 0 {
		return time.Nanosecond
	}
	return time.Hour
}

func (d *checked) Resolve(ctx context.Context, path store.Path, version string) (*store.Resolution, error) {
	found, err := d.beneath.Resolve(ctx, path, version)
	if err != nil {
		return nil, err
	}
	if found.Name != nil {
		d.mu.Lock()
		if d.paths == nil {
			d.paths = make(map[int64]store.Path)
		}
		d.paths[found.Name.ID] = path
		d.mu.Unlock()
	}
	for _, near := range []store.Path{path, path.Parent(), path + "%20", path.Parent() + "/0"} {
		if near != "//0" {
			d.check(ctx, near)
		}
	}
	return found, nil
}

// check compares what is recalled of a path.
func (d *checked) check(ctx context.Context, path store.Path) {
	d.tb.Helper()
	before, ok := d.db.at(d)
	if !ok {
		return
	}
	recall, leave := d.Recall, withTimes
	if d.turn()%3 == 0 {
		recall, leave = d.RecallRights, withoutTimes
	}
	got, _, err := recall(ctx, path, d.age())
	if err != nil {
		d.tb.Errorf("recall %s: %v", path, err)
		return
	}
	want, err := d.beneath.Resolve(ctx, path, "")
	if after, ok := d.db.at(d); err != nil || !ok || after != before {
		return
	}
	if diff := cmp.Diff(known(want, leave), known(got, leave), cmpopts.EquateEmpty()); diff != "" {
		d.tb.Errorf("recalled %s (-is +recalled):\n%s", path, diff)
	}
}

// withTimes and withoutTimes say whether the attributes of a namespace count.
const (
	withTimes    = true
	withoutTimes = false
)

// known leaves out what a memory need not know.
func known(r *store.Resolution, times bool) *store.Resolution {
	light := *r
	if light.Name == nil || light.Name.Deleted {
		return &store.Resolution{Path: r.Path}
	}
	name := *r.Name
	if name.Changes = 0; !times {
		name.Attr = store.Attr{}
	}
	light.Name = &name
	light.Enclosing = nil
	for _, n := range r.Enclosing {
		n.Changes, n.Attr = 0, store.Attr{}
		light.Enclosing = append(light.Enclosing, n)
	}
	for _, v := range []**store.Version{&light.Version, &light.Current} {
		if *v != nil {
			version := **v
			version.Inline, version.Unsynced = nil, ""
			*v = &version
		}
	}
	return &light
}

func (d *checked) Children(ctx context.Context, namespace int64, after string, limit int) ([]store.Entry, error) {
	d.mu.Lock()
	path, ok := d.paths[namespace]
	d.mu.Unlock()
	if ok {
		found, _, err := d.Recall(ctx, path, d.age())
		if err == nil && found.Name != nil && found.Name.ID == namespace {
			return d.RecallChildren(ctx, found, after, limit)
		}
	}
	return d.beneath.Children(ctx, namespace, after, limit)
}
