package filesystem

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/disk"
	"github.com/hatrac/hatrac/store/disk/disktest"
)

// world is what a scenario works on, and what must hold of it afterwards.
type world struct {
	root  string
	in    *disktest.Injector
	bulk  *Bulk                    // nil if it could not be opened
	kept  map[store.Address][]byte // content that is bound
	known [][]byte                 // content that was ever there, whole
	files []string                 // at the beginning
	mayBe map[store.Address]bool   // was to be removed
	gone  []store.Address          // was removed for certain
}

// newWorld prepares two files that are bound, two that are not, and a staged one.
func newWorld(t *testing.T) *world {
	root := t.TempDir()
	w := &world{
		root: root, in: &disktest.Injector{Power: disktest.NewPower(root)},
		kept: make(map[store.Address][]byte), mayBe: make(map[store.Address]bool),
	}
	b := openOn(t, root, w.in.Disk())
	for i := range 4 {
		content := sample(uint64(i), 3000+i)
		a := put(t, b, content)
		w.known = append(w.known, content)
		if i < 2 {
			w.kept[a] = content
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	w.must(t, os.WriteFile(filepath.Join(b.staging, newID().String()), []byte("half"), 0o600))
	w.must(t, os.WriteFile(filepath.Join(b.spool, "draft"), sample(9, 5000), 0o640))
	w.files = files(t, root)
	return w
}

func (w *world) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open opens the folder in a new process, as it were, for which all generations are old if
// it does not fill one.
func (w *world) open(ctx context.Context, fills bool) (err error) {
	w.bulk, err = Open(ctx, Config{Root: w.root, Disk: w.in.Disk()})
	if err == nil && !fills {
		w.bulk.filling.age = -time.Hour
	}
	return err
}

func (w *world) keep(a store.Address, content []byte) { w.kept[a] = content }

func putTwice(ctx context.Context, w *world) error {
	if err := w.open(ctx, true); err != nil {
		return err
	}
	for i := range 2 {
		content := sample(uint64(20+i), bufferSize*3/2)
		w.known = append(w.known, content)
		a, err := w.bulk.Put(ctx, store.Placement{Size: -1}, bytes.NewReader(content))
		if err != nil {
			return err
		}
		w.keep(a, content)
		w.files = append(w.files, fileOf(a))
	}
	return nil
}

func adoptOne(ctx context.Context, w *world) error {
	if err := w.open(ctx, true); err != nil {
		return err
	}
	content := sample(9, 5000)
	w.known = append(w.known, content)
	file, err := os.OpenFile(filepath.Join(w.bulk.SpoolDir(), "draft"), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	a, err := w.bulk.Adopt(ctx, store.Placement{}, file)
	if err == nil {
		w.keep(a, content)
		return nil
	}
	info, statErr := file.Stat()
	if statErr == nil && !w.in.Crashed() && w.in.Hit().Op != disk.OpMode && info.Mode().Perm() != 0o640 {
		return fmt.Errorf("the spool file is left with mode %v", info.Mode())
	}
	return errors.Join(statErr, err)
}

// adoptSoonTwice adopts two files and makes them durable, in two attempts if it must.
func adoptSoonTwice(ctx context.Context, w *world) error {
	if err := w.open(ctx, true); err != nil {
		return err
	}
	var addresses []store.Address
	var contents [][]byte
	for i := range 2 {
		content := sample(uint64(30+i), 5000)
		w.known = append(w.known, content)
		path := filepath.Join(w.bulk.SpoolDir(), fmt.Sprint("late", i))
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		a, err := w.bulk.AdoptSoon(ctx, store.Placement{}, file)
		if err != nil {
			return err
		}
		addresses, contents = append(addresses, a), append(contents, content)
	}
	_ = w.bulk.SyncContent(ctx, addresses) // what fails is tried again
	errs := w.bulk.SyncContent(ctx, addresses)
	for i, a := range addresses {
		if errs[i] == nil {
			w.keep(a, contents[i])
		}
	}
	return errors.Join(errs...)
}

func removeAll(ctx context.Context, w *world) error {
	if err := w.open(ctx, false); err != nil {
		return err
	}
	addresses := slices.Sorted(maps.Keys(w.kept))
	for _, a := range addresses {
		delete(w.kept, a)
		w.mayBe[a] = true
		if err := w.bulk.Remove(ctx, a); err != nil {
			return err
		}
		w.gone = append(w.gone, a)
	}
	return nil
}

func sweepAll(ctx context.Context, w *world) error {
	if err := w.open(ctx, false); err != nil {
		return err
	}
	swept, err := w.bulk.Sweep(ctx, later(), only(slices.Collect(maps.Keys(w.kept))...))
	if err == nil && swept.Removed != 3 {
		err = fmt.Errorf("%d files are removed, want 3", swept.Removed)
	}
	return err
}

// TestEveryStepMayFail does each kind of work again and again, lets its first, second, …
// step fail or be the last one, and looks at what a fresh start finds.
func TestEveryStepMayFail(t *testing.T) {
	for _, scenario := range []struct {
		name   string
		run    func(context.Context, *world) error
		adds   bool // leaves nothing behind if it fails
		atBest int  // steps at least
	}{
		{"put", putTwice, true, 20},
		{"adopt", adoptOne, true, 10},
		{"adopt soon", adoptSoonTwice, false, 15},
		{"remove", removeAll, false, 4},
		{"sweep", sweepAll, false, 15},
	} {
		for _, how := range []disktest.Fault{disktest.Fails, disktest.Denies, disktest.Crashes} {
			t.Run(scenario.name+"/"+string(how), func(t *testing.T) {
				n := 1
				for ; ; n++ {
					fired := false
					t.Run(fmt.Sprint(n), func(t *testing.T) {
						w := newWorld(t)
						w.in.Arm(n, how)
						err := scenario.run(t.Context(), w)
						fired = w.in.Fired()
						w.check(t, err, scenario.adds)
					})
					if !fired || t.Failed() {
						break
					}
				}
				if n <= scenario.atBest {
					t.Errorf("only %d steps were seen to go wrong, want %d", n-1, scenario.atBest)
				}
			})
		}
	}
}

// check looks at what is left after the work answered err.
func (w *world) check(t *testing.T, err error, adds bool) {
	t.Helper()
	if w.bulk != nil {
		defer func() { _ = w.bulk.Close() }()
	}
	crashed := w.in.Crashed()
	switch {
	case !w.in.Fired():
		w.must(t, err)
	case !crashed && err != nil:
		wantKind(t, err, store.NoSpace)
	case crashed && err == nil && !slices.Contains([]string{disk.OpUnlink, disk.OpRmdir}, w.in.Hit().Op):
		t.Errorf("the crash before %v went unnoticed", w.in.Hit())
	}
	if adds && err != nil && !crashed && w.in.Hit().Op != disk.OpUnlink {
		slices.Sort(w.files)
		if diff := cmp.Diff(w.files, files(t, w.root)); diff != "" {
			t.Errorf("%v failed and left something behind (-want +got):\n%s", w.in.Hit(), diff)
		}
	}
	for _, a := range w.gone {
		_, err := contentAt(t.Context(), openBulk(t, w.root), a)
		wantKind(t, err, store.NotFound)
	}
	w.checkRoot(t, w.root)
	if crashed {
		w.checkRoot(t, w.in.Power.Fail(t))
	}
}

// checkRoot opens a folder anew: what was promised is whole, nothing is half, and a sweep
// leaves only what is bound.
func (w *world) checkRoot(t *testing.T, root string) {
	t.Helper()
	b := openBulk(t, root)
	for a, content := range w.kept {
		wantContent(t, b, a, content)
	}
	spooled := []string{}
	for _, name := range files(t, root) {
		if strings.HasPrefix(name, spoolFolder) {
			spooled = append(spooled, name)
			continue
		}
		if !strings.HasPrefix(name, contentFolder) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(root, name))
		w.must(t, err)
		if !slices.ContainsFunc(w.known, func(k []byte) bool { return bytes.Equal(k, content) }) {
			t.Errorf("%s is visible with %d bytes that nobody put", name, len(content))
		}
	}
	sweep(t, b, later(), only(slices.Collect(maps.Keys(w.kept))...))
	want := spooled
	for a := range w.kept {
		want = append(want, fileOf(a))
	}
	slices.Sort(want)
	wantFiles(t, root, want...)
}

// TestAFirstStartMayBeInterrupted stops the first start at each step and starts anew before
// the power fails: what the interrupted start made is then not taken for durable.
func TestAFirstStartMayBeInterrupted(t *testing.T) {
	content := sample(1, 1000)
	n := 1
	for fired := true; fired; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			root := t.TempDir()
			in := &disktest.Injector{Power: disktest.NewPower(root)}
			in.Arm(n, disktest.Crashes)
			b, err := Open(t.Context(), Config{Root: root, Disk: in.Disk()})
			if fired = in.Fired(); (err == nil) == fired {
				t.Errorf("the crash before %v ends in error %v", in.Hit(), err)
			}
			if err == nil {
				_ = b.Close()
			}
			in.Arm(0, disktest.Fails)
			a := put(t, openOn(t, root, in.Disk()), content)
			left := in.Power.Fail(t)
			for _, folder := range []string{contentFolder, stagingFolder, spoolFolder} {
				if _, err := os.Stat(filepath.Join(left, folder)); err != nil {
					t.Errorf("after a crash at step %d and another one: %v", n, err)
				}
			}
			wantContent(t, openBulk(t, left), a, content)
		})
	}
	if n < 10 {
		t.Errorf("only %d steps were seen", n-2)
	}
}
