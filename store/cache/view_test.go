package cache

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/storetest"
)

// looks checks a view of n bytes; it reports false if there was none, or it was given up.
func (r *rig) looks(c *Content, off, n int64) bool {
	r.Helper()
	v := c.Look(off, n)
	if v == nil {
		return false
	}
	defer v.Close()
	if err := v.Wait(r.Context()); errors.Is(err, ErrAbandoned) {
		return false
	} else if err != nil {
		r.Errorf("%d bytes from %d: %v", n, off, err)
		return true
	}
	if !v.Ready() {
		r.Error("what was waited for is not ready")
	}
	want := r.want[off:min(off+n, testSize)]
	if got := bytes.Join(v.Parts(), nil); v.Len() != len(want) || !bytes.Equal(got, want) {
		r.Errorf("%d bytes from %d: %d others", n, off, v.Len())
	}
	return true
}

func TestAViewShowsWhatReadingGives(t *testing.T) {
	r := newRig(t, Config{})
	for _, part := range []struct{ off, n int64 }{{0, 1}, {999, 2}, {5500, 7000}, {testSize - 10, 10}, {testSize - 10, 11}, {0, testSize}} {
		if !r.looks(r.open(), part.off, part.n) {
			t.Errorf("there is no view of %d bytes from %d", part.n, part.off)
		}
	}
	for _, part := range []struct{ off, n int64 }{{-1, 5}, {0, 0}, {testSize, 1}} {
		if r.open().Look(part.off, part.n) != nil {
			t.Errorf("there is a view of %d bytes from %d", part.n, part.off)
		}
	}
}

func TestThereIsNoViewOfMoreThanThereIsRoomFor(t *testing.T) {
	r := newRig(t, Config{Size: 4 * testBlock})
	c := r.open()
	if r.looks(c, 10*testBlock, 5*testBlock) {
		t.Error("five blocks were in a room for four")
	}
	c.fetches.Wait() // what is under way takes room
	viewed := r.open()
	v := viewed.Look(20*testBlock, 3*testBlock)
	if v == nil {
		t.Fatal("there is no view")
	}
	viewed.fetches.Wait()
	other := r.open()
	if r.looks(other, 50*testBlock, 2*testBlock) {
		t.Error("a view took the room of another one")
	}
	other.fetches.Wait()
	v.Close()
	if !r.looks(c, 50*testBlock, 2*testBlock) {
		t.Error("a view that was closed takes room")
	}
}

func TestAViewOfWhatCannotBeFetchedIsAnError(t *testing.T) {
	r := newRig(t, Config{})
	c := r.open()
	r.remote.SetFault(storetest.Hang)
	v := c.Look(0, 10)
	defer v.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := v.Wait(ctx); store.KindOf(err) != store.Interrupted {
		t.Errorf("an interrupted look answers %v", err)
	}
	r.remote.SetFault(func(context.Context, int64, int64) error {
		return store.NewError(store.Unavailable, "", "")
	})
	failed := c.Look(50*testBlock, 10)
	defer failed.Close()
	if err := failed.Wait(t.Context()); store.KindOf(err) != store.Unavailable {
		t.Errorf("a look answers %v", err)
	}
}

func TestAViewOfWhatAnotherReaderGaveUpSaysSo(t *testing.T) {
	r := newRig(t, Config{})
	content, err := r.remote.Open(t.Context(), r.address)
	if err != nil {
		t.Fatal(err)
	}
	first, second := r.cache.Open(r.address, content), r.open()
	r.remote.SetFault(storetest.Hang)
	under := first.Look(0, 10)
	v := second.Look(0, 10)
	defer v.Close()
	under.Close()
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if err := v.Wait(t.Context()); !errors.Is(err, ErrAbandoned) {
		t.Errorf("the look answers %v", err)
	}
	r.remote.SetFault(nil)
	r.reads(second, 0, 10)
}

func TestManyLookAndReadInLittleMemory(t *testing.T) {
	r := newRig(t, Config{Size: 6 * testBlock})
	var all sync.WaitGroup
	for i := range 16 {
		c := r.open()
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(2, uint64(i)))
			for range 100 {
				off, n := rnd.Int64N(testSize-4000), 1+rnd.Int64N(4000)
				if !r.looks(c, off, n) {
					r.reads(c, off, n)
				}
			}
		})
	}
	all.Wait()
}
