package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hatrac/hatrac/store"
)

// bound answers as a directory does that refers to these addresses alone.
func bound(addresses ...store.Address) func(context.Context, []store.Address) ([]bool, error) {
	return func(_ context.Context, asked []store.Address) ([]bool, error) {
		answers := make([]bool, len(asked))
		for i, a := range asked {
			answers[i] = slices.Contains(addresses, a)
		}
		return answers, nil
	}
}

// Times far enough from now that no clock of a storage is in doubt.
func past() time.Time   { return time.Now().Add(-time.Hour) }
func future() time.Time { return time.Now().Add(time.Hour) }

func (b *bulkTest) sweep(t *testing.T, before time.Time, kept ...store.Address) store.Swept {
	t.Helper()
	swept, err := b.Sweep(t.Context(), before, bound(kept...))
	if err != nil {
		t.Fatalf("sweep: %v", err)
	}
	return swept
}

// sweepFinds checks how much garbage there is, and removes it.
func sweepFinds(t *testing.T, b *bulkTest, want int) {
	t.Helper()
	if swept := b.sweep(t, future()); swept.Removed != want {
		t.Errorf("%d files are swept, want %d", swept.Removed, want)
	}
}

func sweepUnbound(t *testing.T, b *bulkTest) {
	kept, garbage, more := b.put(t, content(1, 10)), b.put(t, content(2, 20)), b.put(t, content(3, 30))
	if diff := cmp.Diff(store.Swept{}, b.sweep(t, past(), kept)); diff != "" {
		t.Errorf("swept of what is younger (-want +got):\n%s", diff)
	}
	b.holds(t, garbage, content(2, 20))
	if diff := cmp.Diff(store.Swept{Removed: 2, Bytes: 50}, b.sweep(t, future(), kept)); diff != "" {
		t.Errorf("swept (-want +got):\n%s", diff)
	}
	b.holds(t, kept, content(1, 10))
	b.holdsNothing(t, garbage)
	b.holdsNothing(t, more)
	if diff := cmp.Diff(store.Swept{}, b.sweep(t, future(), kept)); diff != "" {
		t.Errorf("swept by another pass (-want +got):\n%s", diff)
	}
}

// What was too young for one pass, or came after it, is found by the next one.
func sweepAgain(t *testing.T, b *bulkTest) {
	young := b.put(t, content(1, 10))
	b.sweep(t, past())
	b.sweep(t, future(), young)
	later := b.put(t, content(2, 10))
	b.sweep(t, past(), young)
	b.sweep(t, future(), young)
	b.holds(t, young, content(1, 10))
	b.holdsNothing(t, later)
}

func sweepDirectoryFails(t *testing.T, b *bulkTest) {
	garbage := b.put(t, content(1, 10))
	lost := errors.New("the database has gone")
	_, err := b.Sweep(t.Context(), future(), func(context.Context, []store.Address) ([]bool, error) { return nil, lost })
	if !errors.Is(err, lost) {
		t.Fatalf("error %v, want that of the directory", err)
	}
	b.holds(t, garbage, content(1, 10))
	sweepFinds(t, b, 1)
}

func sweepCancelled(t *testing.T, b *bulkTest) {
	garbage := b.put(t, content(1, 10))
	_, err := b.Sweep(cancelled(t), future(), bound())
	expectKind(t, "sweep with a context that has ended", store.Interrupted, err)
	b.holds(t, garbage, content(1, 10))
}

func sweepWhilePutting(t *testing.T, b *bulkTest) {
	var writers sync.WaitGroup
	for i := range 4 {
		writers.Go(func() {
			for j := range 10 {
				want := content(uint64(i*10+j), 10_000)
				b.holds(t, b.put(t, want), want)
			}
		})
	}
	for range 10 {
		if swept := b.sweep(t, past()); swept.Removed != 0 {
			t.Errorf("%d files are swept while they are put", swept.Removed)
		}
	}
	writers.Wait()
	sweepFinds(t, b, 40)
}
