package filesystem

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/hatrac/hatrac/store"
)

func generationOf(t *testing.T, a store.Address) ulid.ULID {
	t.Helper()
	p, err := parseAddress(a)
	if err != nil {
		t.Fatal(err)
	}
	return p.generation
}

func TestAGenerationTakesSoManyFilesAndNoMore(t *testing.T) {
	b := openBulk(t, t.TempDir())
	b.filling.files = 8
	var (
		mu       sync.Mutex
		workers  sync.WaitGroup
		seen     = make(map[store.Address]bool)
		contents = make(map[ulid.ULID]int)
	)
	for i := range 8 {
		workers.Go(func() {
			for j := range 5 {
				a := put(t, b, sample(uint64(i*100+j), 100))
				mu.Lock()
				if seen[a] {
					t.Errorf("the address %s was given twice", a)
				}
				seen[a] = true
				contents[generationOf(t, a)]++
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	if len(contents) != 5 {
		t.Errorf("%d generations for 40 files, want 5", len(contents))
	}
	for id, n := range contents {
		if n != 8 {
			t.Errorf("generation %s has %d files, want 8", id, n)
		}
	}
	if n := len(b.filling.open); n != 1 {
		t.Errorf("%d folders are open, want that of the current generation alone", n)
	}
}

func TestAGenerationEndsAfterAnHour(t *testing.T) {
	root := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := openBulk(t, root)
		first := generationOf(t, put(t, b, nil))
		time.Sleep(generationAge - time.Nanosecond)
		if second := generationOf(t, put(t, b, nil)); second != first {
			t.Errorf("generation %s ended before its time", first)
		}
		time.Sleep(time.Nanosecond)
		if third := generationOf(t, put(t, b, nil)); third == first {
			t.Errorf("generation %s takes files after an hour", first)
		}
	})
}

func TestAnEmptyGenerationGoesWhenNobodyFillsIt(t *testing.T) {
	root := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := openBulk(t, root)
		current, other := put(t, b, nil), put(t, b, nil)
		folder := filepath.Join(b.content, generationOf(t, current).String())
		stands := func() bool { _, err := os.Stat(folder); return err == nil }

		if err := b.Remove(t.Context(), current); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * generationAge)
		if err := b.Remove(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		if !stands() {
			t.Fatal("the current generation was removed")
		}
		put(t, b, nil)
		sweep(t, b, later(), all)
		if stands() {
			t.Fatal("an old generation without files is still there after a sweep")
		}
	})
}

func TestRemovingTheLastFileOfAnOldGenerationRemovesIt(t *testing.T) {
	root := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := openBulk(t, root)
		a := put(t, b, nil)
		time.Sleep(3 * generationAge)
		put(t, b, nil)
		if err := b.Remove(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(b.content, generationOf(t, a).String())); !os.IsNotExist(err) {
			t.Fatalf("the folder of the generation answers %v", err)
		}
	})
}

func TestPutGoesOnWhenAnotherProcessRemovedTheGeneration(t *testing.T) {
	b := openBulk(t, t.TempDir())
	a := put(t, b, nil)
	if err := os.RemoveAll(filepath.Join(b.content, generationOf(t, a).String())); err != nil {
		t.Fatal(err)
	}
	content := sample(1, 1000)
	wantContent(t, b, put(t, b, content), content)
}

func TestCloseLeavesNoEmptyGeneration(t *testing.T) {
	root := t.TempDir()
	b := openBulk(t, root)
	if err := b.Remove(t.Context(), put(t, b, nil)); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := os.ReadDir(b.content)
	if err != nil || len(names) != 0 {
		t.Fatalf("%d generations after Close (%v), want none", len(names), err)
	}
	_, err = b.Put(t.Context(), store.Placement{}, strings.NewReader("late"))
	wantKind(t, err, store.Internal)
	wantFiles(t, root)
}
