package fusefs

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/disk"
	"github.com/hatrac/hatrac/store/disk/disktest"
)

// openTestSession opens a session. It ends as by a death of the process.
func openTestSession(t testing.TB, root string, d disk.Disk) *session {
	t.Helper()
	s, err := openSession(root, d, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.lock.Close() })
	return s
}

// rescued opens a session for which those that are dead are rescued. Nothing can be finished.
func rescued(t testing.TB, root string) *session {
	t.Helper()
	s := openTestSession(t, root, disk.Disk{})
	if err := s.rescue(t.Context(), nobody); err != nil {
		t.Fatal(err)
	}
	return s
}

// nobody knows no client.
var nobody = Finisher{Client: func(_ context.Context, id string) (acl.Client, error) {
	return acl.Client{}, store.NewError(store.Denied, id, "Nobody is known.")
}}

// left makes a spool file with that record, and text if there is any.
func (s *session) left(t testing.TB, e record, text string) string {
	t.Helper()
	f, err := s.create()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if e.Stage != "" {
		err = s.note(f, e)
	}
	if _, failed := f.WriteString(text); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	return f.Name()
}

func (s *session) die(t testing.TB) {
	t.Helper()
	if err := s.lock.Close(); err != nil {
		t.Fatal(err)
	}
}

// keptIn returns the notes of what was kept in a spool folder, and checks that the content is
// beside each.
func keptIn(t *testing.T, root string) []note {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, keptFolder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var notes []note
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var n note
		if err := json.Unmarshal(text, &n); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(strings.TrimSuffix(name, ".json") + ".data")
		if err != nil || info.Size() != n.Size {
			t.Errorf("content beside %s: %v", name, err)
		}
		notes = append(notes, n)
	}
	return notes
}

func TestOnlyWhatSomebodyWroteIsKept(t *testing.T) {
	root := t.TempDir()
	dead := openTestSession(t, root, disk.Disk{})
	now := bootID()
	for _, left := range []struct {
		record
		text string
	}{
		{record{Stage: written, Path: "/written", Client: "alice"}, "text"},
		{record{Stage: written, Path: "/empty"}, ""},
		{record{Stage: refused, Path: "/refused", Client: "bob", Reason: "No."}, "text"},
		{record{Stage: begun, Path: "/copied"}, "text"},
		{record{Stage: closed, Path: "/closed", Boot: now, Size: 4}, "text"},
		{record{Stage: closed, Path: "/short", Boot: now, Size: 5}, "text"},
		{record{Stage: closed, Path: "/before the power failed", Boot: "another", Size: 4}, "text"},
		{record{Stage: closed, Path: "/.DS_Store", Boot: now, Size: 4}, "text"},
		{record{}, "nobody knows"},
		{record{}, ""},
	} {
		dead.left(t, left.record, left.text)
	}
	dead.die(t)
	live := rescued(t, root)
	const open = "The mount ended before this was committed."
	const torn = "The machine ended before this was committed, so that it may not be whole."
	want := []note{
		{Size: 12, Reason: open},
		{Path: "/before the power failed", Size: 4, Reason: torn},
		{Path: "/closed", Size: 4, Reason: "Nobody is known."},
		{Path: "/refused", Size: 4, Client: "bob", Reason: "No."},
		{Path: "/short", Size: 4, Reason: open},
		{Path: "/written", Size: 4, Client: "alice", Reason: open},
	}
	got := keptIn(t, root)
	slices.SortFunc(got, func(a, b note) int { return strings.Compare(a.Path, b.Path) })
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(note{}, "Time")); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(dead.dir); !os.IsNotExist(err) {
		t.Errorf("the folder of the dead session: %v", err)
	}
	if err := live.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(live.dir); !os.IsNotExist(err) {
		t.Errorf("the folder of an ended session: %v", err)
	}
}

// TestTheJournalNeedsNoAttributes plays a disk without extended attributes, and takes a path that is
// too long for one.
func TestTheJournalNeedsNoAttributes(t *testing.T) {
	none := disk.Disk{Around: func(s disk.Step, call func() error) error {
		if s.Op == opNote || s.Op == opForget {
			return unix.EOPNOTSUPP
		}
		return call()
	}}
	for name, c := range map[string]struct {
		disk disk.Disk
		path store.Path
	}{
		"no attributes": {none, "/d/f"},
		"a long path":   {disk.Disk{}, store.Path("/" + strings.Repeat("f", store.MaxPath-1))},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			s := openTestSession(t, root, c.disk)
			free, err := s.create()
			if err != nil {
				t.Fatal(err)
			}
			if err := s.note(free, record{Stage: closed, Path: c.path}); err != nil {
				t.Fatal(err)
			}
			s.recycle(free)
			if _, err := s.create(); err != nil {
				t.Fatal(err)
			}
			d := newEmptyDraft(s, store.Attr{})
			d.spool, d.about.path = s, c.path
			if _, err := d.writeAt(t.Context(), []byte("text"), 0); err != nil {
				t.Fatal(err)
			}
			if err := d.sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.die(t)
			rescued(t, root)
			if kept := keptIn(t, root); len(kept) != 1 || kept[0].Path != string(c.path) || kept[0].Size != 4 {
				t.Errorf("kept: %+v", kept)
			}
			if left, err := filepath.Glob(filepath.Join(root, "*")); err != nil || len(left) != 2 { // and a session
				t.Errorf("left: %v, %v", left, err)
			}
		})
	}
}

func TestDraftsOfALiveSessionAreLeftAlone(t *testing.T) {
	root := t.TempDir()
	live := openTestSession(t, root, disk.Disk{})
	name := live.left(t, record{Stage: written, Path: "/f"}, "text")
	rescued(t, root)
	if _, err := os.Stat(name); err != nil {
		t.Error(err)
	}
	if kept := keptIn(t, root); kept != nil {
		t.Errorf("kept: %+v", kept)
	}
}

func TestASessionThatEndsWithDraftsLeavesThemToTheNextOne(t *testing.T) {
	root := t.TempDir()
	s := openTestSession(t, root, disk.Disk{})
	s.left(t, record{Stage: written, Path: "/f"}, "text")
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	rescued(t, root)
	if kept := keptIn(t, root); len(kept) != 1 || kept[0].Path != "/f" {
		t.Errorf("kept: %+v", kept)
	}
}

// TestWhatCannotBeKeptIsLeftForTheNextTime fills the disk while drafts of a dead session are kept.
func TestWhatCannotBeKeptIsLeftForTheNextTime(t *testing.T) {
	root := t.TempDir()
	dead := openTestSession(t, root, disk.Disk{})
	for i := range 3 {
		dead.left(t, record{Stage: written, Path: store.Path(fmt.Sprint("/", i))}, "text")
	}
	dead.die(t)
	in := &disktest.Injector{}
	live := openTestSession(t, root, in.Disk())
	steps := 0
	for n := 1; ; n++ {
		in.Arm(n, disktest.Fails)
		if err := live.rescue(t.Context(), nobody); err != nil {
			t.Fatal(err)
		}
		if !in.Fired() {
			break
		}
		steps = n
	}
	if kept := keptIn(t, root); len(kept) != 3 || steps < 5 {
		t.Errorf("after %d failures kept: %+v", steps, kept)
	}
	if _, err := os.Stat(dead.dir); !os.IsNotExist(err) {
		t.Errorf("the folder of the dead session: %v", err)
	}
}

func TestADraftWithoutItsNoteCanBeRecovered(t *testing.T) {
	root := t.TempDir()
	dead := openTestSession(t, root, disk.Disk{})
	dead.left(t, record{Stage: written, Path: "/d/f"}, "text")
	dead.die(t)
	r, err := OpenRecovery(t.Context(), root, nobody, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	all, err := r.List()
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	if err := os.Truncate(filepath.Join(root, keptFolder, all[0].ID+noteSuffix), 3); err != nil {
		t.Fatal(err)
	}
	if all, err = r.List(); err != nil || len(all) != 1 || all[0].Path != "/d/f" || all[0].Size != 4 {
		t.Errorf("%+v, %v", all, err)
	}
	if err := r.Drop(all[0].ID); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Join(root, keptFolder)); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestOnlyOneAtATimeRecoversADraft(t *testing.T) {
	root := t.TempDir()
	s := openTestSession(t, root, disk.Disk{})
	if err := s.keep(s.left(t, record{Stage: written}, "text"), note{Path: "/f"}); err != nil {
		t.Fatal(err)
	}
	r, err := OpenRecovery(t.Context(), root, nobody, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	all, err := r.List()
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	first, err := r.Open(all[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Open(all[0].ID); store.KindOf(err) != store.Conflict {
		t.Errorf("the second one is told %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
}
