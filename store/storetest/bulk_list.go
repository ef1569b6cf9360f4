package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hatrac/hatrac/store"
)

// lister returns the Bulk as a Lister, or skips the test.
func (b *bulkTest) lister(t *testing.T) store.Lister {
	t.Helper()
	l, ok := b.Bulk.(store.Lister)
	if !ok {
		t.Skip("no Lister")
	}
	return l
}

func listKept(t *testing.T, b *bulkTest) {
	l := b.lister(t)
	want := make(map[store.Address]int64)
	for i := range 3 {
		want[b.put(t, content(uint64(i), 10+i))] = int64(10 + i)
	}
	gone := b.put(t, content(9, 9))
	b.remove(t, gone)
	got := make(map[store.Address]int64)
	if err := l.List(t.Context(), func(a store.Address, size int64, since time.Time) error {
		if _, twice := got[a]; twice || since.Before(past()) || since.After(future()) {
			t.Errorf("%s is told again, or to be there since %v", a, since)
		}
		got[a] = size
		b.wantAliases(t, a)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// wantAliases expects that content of this storage is known as such.
func (b *bulkTest) wantAliases(t *testing.T, a store.Address) {
	t.Helper()
	shared, ok := b.Bulk.(store.SharedLister)
	if !ok {
		return
	}
	if aliases, err := shared.Aliases(t.Context(), a); err != nil || !slices.Contains(aliases, a) {
		t.Errorf("%s is known as %q, %v", a, aliases, err)
	}
}

func listFails(t *testing.T, b *bulkTest) {
	l := b.lister(t)
	b.put(t, content(1, 10))
	b.put(t, content(2, 10))
	enough, calls := errors.New("enough"), 0
	err := l.List(t.Context(), func(store.Address, int64, time.Time) error { calls++; return enough })
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("after %d calls it answers %v", calls, err)
	}
}

func listCancelled(t *testing.T, b *bulkTest) {
	l := b.lister(t)
	err := l.List(cancelled(t), func(store.Address, int64, time.Time) error { return nil })
	expectKind(t, "list with a context that has ended", store.Interrupted, err)
}
