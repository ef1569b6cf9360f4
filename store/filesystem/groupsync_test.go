package filesystem

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
)

func TestWhoComesDuringAnFsyncSharesTheNextOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, gate, count := 0, make(chan struct{}), 0
		g := &groupSync{sync: func() error { begun++; <-gate; return nil }}
		var mu sync.Mutex
		wait := func() {
			if err := g.wait(); err != nil {
				t.Error(err)
			}
			mu.Lock()
			count++
			mu.Unlock()
		}
		go wait()
		synctest.Wait()
		for range 10 {
			go wait()
		}
		synctest.Wait()
		if begun != 1 || count != 0 {
			t.Fatalf("%d fsyncs have begun and %d have returned during the first one", begun, count)
		}
		gate <- struct{}{}
		synctest.Wait()
		if begun != 2 || count != 1 {
			t.Fatalf("%d fsyncs have begun and %d have returned after the first one", begun, count)
		}
		gate <- struct{}{}
		synctest.Wait()
		if begun != 2 || count != 11 {
			t.Fatalf("%d fsyncs have begun and %d have returned after the second one", begun, count)
		}
	})
}

func TestASuccessAfterAFailedFsyncIsNotBelieved(t *testing.T) {
	lost, calls := errors.New("lost"), 0
	g := &groupSync{sync: func() error {
		calls++
		if calls == 2 {
			return lost
		}
		return nil
	}}
	for i, want := range []error{nil, lost, lost, lost} {
		if err := g.wait(); !errors.Is(err, want) {
			t.Fatalf("fsync %d answers %v, want %v", i+1, err, want)
		}
	}
	if calls != 2 {
		t.Fatalf("fsync was called %d times, want 2", calls)
	}
}
