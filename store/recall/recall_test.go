package recall_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/recall"
	"github.com/hatrac/hatrac/store/sqlite"
)

// asked is a directory that counts what it is asked outside of transactions, and may be made to
// answer late.
type asked struct {
	store.Directory
	count atomic.Int64
	late  atomic.Pointer[func()] // called between a look and its answer
	twice atomic.Bool            // the next change happens at its second try
}

var errAgain = errors.New("again")

func (d *asked) Update(ctx context.Context, fn func(store.Tx) error) error {
	if d.twice.CompareAndSwap(true, false) {
		if err := d.Directory.Update(ctx, func(tx store.Tx) error { return errors.Join(fn(tx), errAgain) }); !errors.Is(err, errAgain) {
			return err
		}
	}
	return d.Directory.Update(ctx, fn)
}

func (d *asked) Resolve(ctx context.Context, path store.Path, version string) (*store.Resolution, error) {
	d.count.Add(1)
	found, err := d.Directory.Resolve(ctx, path, version)
	if late := d.late.Load(); late != nil {
		(*late)()
	}
	return found, err
}

func (d *asked) Children(ctx context.Context, namespace int64, after string, limit int) ([]store.Entry, error) {
	found, err := d.Directory.Children(ctx, namespace, after, limit)
	if late := d.late.Load(); late != nil {
		(*late)()
	}
	return found, err
}

// rig is a directory with a memory, and another handle on the same data as another process has it.
type rig struct {
	*testing.T
	*recall.Directory
	beneath *asked
	other   store.Directory
}

func newRig(t *testing.T) *rig {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hatrac.db")
	open := func() store.Directory {
		d, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, Migrate: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		return d
	}
	beneath := &asked{Directory: open()}
	r := &rig{T: t, Directory: recall.New(beneath), beneath: beneath, other: open()}
	r.in(r, func(tx store.Tx) error {
		return tx.CreateName(t.Context(), &store.Name{Path: "/", Kind: acl.Namespace})
	})
	if _, _, err := r.Recall(t.Context(), "/", long); err != nil { // from now on it remembers
		t.Fatal(err)
	}
	r.Forget()
	return r
}

func (r *rig) in(d store.Directory, fn func(tx store.Tx) error) {
	r.Helper()
	if err := d.Update(r.Context(), fn); err != nil {
		r.Fatal(err)
	}
}

// bind binds a name within its transaction.
func (r *rig) bind(tx store.Tx, path store.Path, kind acl.Kind) error {
	found, err := tx.Resolve(r.Context(), path, "")
	if err != nil {
		return err
	}
	return tx.CreateName(r.Context(), &store.Name{Parent: found.Parent().ID, Path: path, Kind: kind})
}

func (r *rig) create(d store.Directory, path store.Path, kind acl.Kind) {
	r.Helper()
	r.in(d, func(tx store.Tx) error { return r.bind(tx, path, kind) })
}

// there tells whether a name is recalled, and how many questions that took.
func (r *rig) there(path store.Path, age time.Duration) (there bool, questions int64) {
	r.Helper()
	before := r.beneath.count.Load()
	found, _, err := r.Recall(r.Context(), path, age)
	if err != nil {
		r.Fatal(err)
	}
	return found.Name != nil && !found.Name.Deleted, r.beneath.count.Load() - before
}

func (r *rig) want(path store.Path, age time.Duration, there bool, questions int64) {
	r.Helper()
	if got, asked := r.there(path, age); got != there || asked != questions {
		r.Errorf("%s is there: %v, by %d questions; want %v, %d", path, got, asked, there, questions)
	}
}

const long = time.Hour

func TestWhatIsKnownIsNotAskedForAgain(t *testing.T) {
	r := newRig(t)
	r.create(r, "/d", acl.Namespace)
	r.create(r, "/d/o", acl.Object)
	r.want("/d", long, true, 1) // its times have changed
	r.want("/d", long, true, 0)
	r.want("/d/o", long, true, 0)
	r.want("/d/free", long, false, 0) // nobody could make it in a new namespace
	r.want("/free", long, false, 1)
	r.want("/free", long, false, 0)
	r.want("/free", time.Nanosecond, false, 1)
	r.want("/free", 0, false, 1)
	r.Forget()
	r.want("/free", long, false, 1)
}

func TestRightsOutliveTheTimesOfANamespace(t *testing.T) {
	r := newRig(t)
	r.create(r, "/d", acl.Namespace)
	r.create(r, "/d/o", acl.Object)
	before := r.beneath.count.Load()
	if found, _, err := r.RecallRights(t.Context(), "/d", long); err != nil || found.Name == nil || r.beneath.count.Load() != before {
		t.Errorf("rights were asked for: %v, %v", found, err)
	}
}

func TestAListingTellsWhatIsNotThere(t *testing.T) {
	r := newRig(t)
	r.create(r.other, "/d", acl.Namespace)
	r.create(r.other, "/d/a", acl.Object)
	r.create(r.other, "/d/b", acl.Object)
	list := func(limit int) {
		t.Helper()
		d, _, err := r.Recall(t.Context(), "/d", long)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.RecallChildren(t.Context(), d, "", limit); err != nil {
			t.Fatal(err)
		}
	}
	list(2) // there may be more
	r.want("/d/a", long, true, 0)
	r.want("/d/c", long, false, 1)
	list(3)
	r.want("/d/b", long, true, 0)
	r.want("/d/d", long, false, 0)
	r.create(r, "/d/d", acl.Object)
	r.want("/d/d", long, true, 0)
	r.want("/d/e", long, false, 0)
}

func TestOthersAreNoticedByAge(t *testing.T) {
	r := newRig(t)
	r.create(r, "/d", acl.Namespace)
	r.want("/d/o", long, false, 0)
	r.create(r.other, "/d/o", acl.Object)
	r.want("/d/o", long, false, 0)
	r.want("/d/o", time.Nanosecond, true, 2) // the namespace has changed; then the name
	r.want("/d/other", long, false, 1)
}

func TestAWholeNamespaceIsCheckedByItsCount(t *testing.T) {
	r := newRig(t)
	r.create(r, "/d", acl.Namespace)
	for _, path := range []store.Path{"/d/1", "/d/2", "/d/3"} {
		r.create(r, path, acl.Object)
	}
	const age = 100 * time.Millisecond
	since := func() time.Time {
		_, seen, err := r.Recall(t.Context(), "/d/none", long)
		if err != nil {
			t.Fatal(err)
		}
		return seen
	}
	begun := since()
	for time.Since(begun) < age { // until what is known is too old
		r.create(r, store.Path("/d/at"+time.Now().Format("150405.000000000")), acl.Object)
	}
	r.there("/d/none", age)
	if !since().After(begun) {
		t.Fatal("the namespace was not found to be whole again")
	}
	before := r.beneath.count.Load()
	if there, _ := r.there("/d/another", long); there || r.beneath.count.Load() != before {
		t.Error("what is not there was asked for")
	}
	r.create(r.other, "/d/foreign", acl.Object)
	r.create(r, "/d/own", acl.Object)
	r.there("/d/none", time.Nanosecond) // looks at the count
	r.want("/d/foreign", long, true, 1)
}

func TestRightsFromAboveAreForgottenBeneath(t *testing.T) {
	r := newRig(t)
	r.create(r, "/d", acl.Namespace)
	r.create(r, "/d/e", acl.Namespace)
	r.create(r, "/d/e/o", acl.Object)
	lists := acl.Lists{acl.SubtreeRead: {"bob"}}
	r.in(r, func(tx store.Tx) error {
		found, err := tx.Resolve(t.Context(), "/d", "")
		if err != nil {
			return err
		}
		return tx.SetNameACLs(t.Context(), found.Name.ID, lists)
	})
	found, _, err := r.Recall(t.Context(), "/d/e/o", long)
	if err != nil || len(found.Enclosing) != 3 || len(found.Enclosing[1].ACLs[acl.SubtreeRead]) != 1 {
		t.Errorf("recalled with %+v, %v", found.Enclosing, err)
	}
}

func TestAMoveIsFeltAtBothEnds(t *testing.T) {
	r := newRig(t)
	for _, path := range []store.Path{"/a", "/a/in", "/b", "/b/to"} {
		r.create(r, path, acl.Namespace)
	}
	r.in(r, func(tx store.Tx) error { return tx.DeleteTree(t.Context(), "/b/to", time.Now(), time.Now()) })
	r.want("/b/to/in", long, false, 1)
	r.want("/a/in", long, true, 0)
	r.in(r, func(tx store.Tx) error {
		to, err := tx.Resolve(t.Context(), "/b/to", "")
		if err != nil {
			return err
		}
		if _, err := tx.Resolve(t.Context(), "/a", ""); err != nil {
			return err
		}
		return tx.MoveTree(t.Context(), "/a", "/b/to", to.Parent().ID, time.Now())
	})
	for path, there := range map[store.Path]bool{"/a": false, "/a/in": false, "/a/none": false, "/b/to": true, "/b/to/in": true, "/b/to/none": false} {
		if got, _ := r.there(path, long); got != there {
			t.Errorf("%s is there: %v", path, got)
		}
	}
}

func TestWhatFailedIsNotKnown(t *testing.T) {
	r := newRig(t)
	stop := errors.New("stop")
	err := r.Update(t.Context(), func(tx store.Tx) error {
		if err := r.bind(tx, "/d", acl.Namespace); err != nil {
			return err
		}
		if err := r.bind(tx, "/d/o", acl.Object); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	r.want("/d", long, false, 1)
	r.create(r.other, "/d", acl.Namespace)
	r.create(r.other, "/d/o", acl.Object)
	r.want("/d/o", long, true, 1)
}

func TestParentsThatAreMadeOnTheWayEncloseWhatIsMade(t *testing.T) {
	r := newRig(t)
	r.in(r, func(tx store.Tx) error {
		found, err := tx.Resolve(t.Context(), "/d/o", "")
		if err != nil {
			return err
		}
		d := &store.Name{Parent: found.Enclosing[0].ID, Path: "/d", Kind: acl.Namespace}
		if err := tx.CreateName(t.Context(), d); err != nil {
			return err
		}
		return tx.CreateName(t.Context(), &store.Name{Parent: d.ID, Path: "/d/o", Kind: acl.Object})
	})
	found, _, err := r.Recall(t.Context(), "/d/o", long)
	if err != nil || len(found.Enclosing) != 2 {
		t.Errorf("enclosed by %+v, %v", found.Enclosing, err)
	}
	r.want("/d/none", long, false, 0)
}

// meanwhile runs fn between the next look into the directory and its answer.
func (r *rig) meanwhile(fn func()) {
	once := func() {
		r.beneath.late.Store(nil)
		fn()
	}
	r.beneath.late.Store(&once)
}

func TestAnAnswerThatIsOvertakenIsNotKept(t *testing.T) {
	r := newRig(t)
	r.create(r, "/d", acl.Namespace)
	r.Forget()

	r.meanwhile(func() { r.create(r, "/d/a", acl.Object) })
	r.there("/d/a", long)
	r.want("/d/a", long, true, 0) // the change itself told

	r.meanwhile(func() {
		r.create(r, "/d/b", acl.Object)
		r.Forget()
	})
	r.there("/d/b", long)
	r.want("/d/b", long, true, 1)

	d, _, err := r.Recall(t.Context(), "/d", long)
	if err != nil {
		t.Fatal(err)
	}
	r.meanwhile(func() { r.create(r, "/d/c", acl.Object) })
	if _, err := r.RecallChildren(t.Context(), d, "", 1000); err != nil {
		t.Fatal(err)
	}
	r.want("/d/none", long, false, 1)
	r.want("/d/c", long, true, 0)
}

func TestAnAnswerFromWithinAChangeIsNotKept(t *testing.T) {
	r := newRig(t)
	r.create(r, "/d", acl.Namespace)
	for range 2 { // also of what it has told
		r.in(r, func(tx store.Tx) error {
			found, err := tx.Resolve(t.Context(), "/d", "")
			if err != nil {
				return err
			}
			mode := found.Name.Attr.Mode + 1
			if err := tx.SetNameAttr(t.Context(), found.Name.ID, store.Attr{Mode: mode, HasMode: true}); err != nil {
				return err
			}
			r.there("/d", long) // sees what was before
			return nil
		})
	}
	if found, _, err := r.Recall(t.Context(), "/d", long); err != nil || found.Name.Attr.Mode != 2 {
		t.Errorf("recalled %+v, %v", found.Name, err)
	}
}

func TestWhatIsTriedAgainCountsOnce(t *testing.T) {
	r := newRig(t)
	r.create(r, "/d", acl.Namespace)
	r.beneath.twice.Store(true)
	r.create(r, "/d/own", acl.Object)
	r.create(r.other, "/d/foreign", acl.Object)
	r.there("/d/none", time.Nanosecond) // looks at the count
	r.want("/d/foreign", long, true, 1)
}
