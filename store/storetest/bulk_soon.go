package storetest

import (
	"sync"
	"testing"

	"github.com/hatrac/hatrac/store"
)

// soonSpooler returns the Bulk as a SoonSpooler, or skips the test.
func (b *bulkTest) soonSpooler(t *testing.T) store.SoonSpooler {
	t.Helper()
	s, ok := b.Bulk.(store.SoonSpooler)
	if !ok || s.SpoolDir() == "" {
		t.Skip("no SoonSpooler")
	}
	return s
}

func takeSoon(t *testing.T, s store.SoonSpooler, content []byte) store.Address {
	t.Helper()
	a, err := s.AdoptSoon(t.Context(), placement(len(content)), spoolFile(t, s, content))
	if err != nil {
		t.Fatalf("adopt soon: %v", err)
	}
	return a
}

func adoptSoon(t *testing.T, b *bulkTest) {
	s := b.soonSpooler(t)
	for i, n := range []int{0, 1, 4096, 3 << 20} {
		want := content(uint64(i), n)
		a := takeSoon(t, s, want)
		b.holds(t, a, want)
		if errs := s.SyncContent(t.Context(), []store.Address{a}); len(errs) != 1 || errs[0] != nil {
			t.Fatalf("sync: %v", errs)
		}
		b.holds(t, a, want)
		b.remove(t, a)
		b.holdsNothing(t, a)
	}
}

func syncsEach(t *testing.T, b *bulkTest) {
	s := b.soonSpooler(t)
	gone, kept, again := takeSoon(t, s, content(1, 10)), takeSoon(t, s, content(2, 10)), takeSoon(t, s, content(3, 10))
	b.remove(t, gone)
	for range 2 {
		errs := s.SyncContent(t.Context(), []store.Address{gone, kept, "no address\x00", again, kept})
		if len(errs) != 5 {
			t.Fatalf("%d answers to 5 addresses", len(errs))
		}
		expectKind(t, "sync of what is gone", store.NotFound, errs[0])
		if errs[1] != nil || errs[3] != nil || errs[4] != nil {
			t.Errorf("what is there: %v", errs)
		}
		if errs[2] == nil {
			t.Error("what is no address is durable")
		}
	}
	if errs := s.SyncContent(t.Context(), nil); len(errs) != 0 {
		t.Errorf("sync of nothing: %v", errs)
	}
	b.holds(t, kept, content(2, 10))
}

func syncTogether(t *testing.T, b *bulkTest) {
	s := b.soonSpooler(t)
	const writers, files = 4, 20
	var wait sync.WaitGroup
	for w := range writers {
		made := make([]store.Address, files)
		for i := range files {
			made[i] = takeSoon(t, s, content(uint64(w*files+i), 5000))
		}
		wait.Go(func() {
			for i, err := range s.SyncContent(t.Context(), made) {
				if err != nil {
					t.Errorf("sync: %v", err)
				}
				b.holds(t, made[i], content(uint64(w*files+i), 5000))
			}
		})
	}
	wait.Wait()
}

func soonCancelled(t *testing.T, b *bulkTest) {
	s := b.soonSpooler(t)
	file := spoolFile(t, s, content(1, 10))
	_, err := s.AdoptSoon(cancelled(t), placement(10), file)
	expectKind(t, "adopt soon with a context that has ended", store.Interrupted, err)
	sweepFinds(t, b, 0)
	a := takeSoon(t, s, content(1, 10))
	expectKind(t, "sync with a context that has ended", store.Interrupted, s.SyncContent(cancelled(t), []store.Address{a})[0])
}

func attends(t *testing.T, b *bulkTest) {
	s := b.soonSpooler(t)
	there := func(id string, want bool) {
		t.Helper()
		if got, err := s.Attended(t.Context(), id); err != nil || got != want {
			t.Errorf("%q is attended: %v, %v; want %v", id, got, err, want)
		}
	}
	first, leave, err := s.Attend(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, leaveToo, err := s.Attend(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if first == second || first == "" {
		t.Errorf("the ids are %q and %q", first, second)
	}
	there(first, true)
	there(first, true) // asking changes nothing
	if err := leave(); err != nil {
		t.Fatal(err)
	}
	there(first, false)
	there(second, true)
	if err := leaveToo(); err != nil {
		t.Fatal(err)
	}
	there(second, false)
	for _, id := range []string{"", "nobody", "../x", "01ARZ3NDEKTSV4RRFFQ69G5FAV"} {
		there(id, false)
	}
}
