package fusefs

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rs/zerolog"

	"github.com/hatrac/hatrac/store"
)

func openTestSession(t *testing.T, root string) *session {
	t.Helper()
	s, err := openSession(root, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	return s
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

func TestDraftsOfADeadSessionAreKept(t *testing.T) {
	root := t.TempDir()
	dead := openTestSession(t, root)
	full, err := dead.create("/d/full")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := full.WriteString("text"); err != nil {
		t.Fatal(err)
	}
	if _, err := dead.create("/d/empty"); err != nil {
		t.Fatal(err)
	}
	if err := dead.lock.Close(); err != nil { // as the kernel does when a process dies
		t.Fatal(err)
	}
	live := openTestSession(t, root)
	want := []note{{Path: "/d/full", Size: 4}}
	if diff := cmp.Diff(want, keptIn(t, root), cmpopts.IgnoreFields(note{}, "Time", "Reason")); diff != "" {
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

func TestDraftsOfALiveSessionAreLeftAlone(t *testing.T) {
	root := t.TempDir()
	live := openTestSession(t, root)
	f, err := live.create("/f")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("text"); err != nil {
		t.Fatal(err)
	}
	openTestSession(t, root)
	if _, err := os.Stat(f.Name()); err != nil {
		t.Error(err)
	}
	if kept := keptIn(t, root); kept != nil {
		t.Errorf("kept: %+v", kept)
	}
}

func TestASessionThatEndsWithDraftsLeavesThemToTheNextOne(t *testing.T) {
	root := t.TempDir()
	s := openTestSession(t, root)
	f, err := s.create("/f")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("text"); err != nil {
		t.Fatal(err)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	openTestSession(t, root)
	if kept := keptIn(t, root); len(kept) != 1 || kept[0].Path != "/f" {
		t.Errorf("kept: %+v", kept)
	}
}

func TestADraftWithoutItsNoteCanBeRecovered(t *testing.T) {
	root := t.TempDir()
	dead := openTestSession(t, root)
	f, err := dead.create("/d/f")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("text"); err != nil {
		t.Fatal(err)
	}
	if err := dead.lock.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := OpenRecovery(root, zerolog.Nop())
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
	s := openTestSession(t, root)
	f, err := s.create("/f")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("text"); err != nil {
		t.Fatal(err)
	}
	if err := s.keep(f.Name(), note{Path: "/f"}); err != nil {
		t.Fatal(err)
	}
	r, err := OpenRecovery(root, zerolog.Nop())
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
