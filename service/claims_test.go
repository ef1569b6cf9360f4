package service

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/hatrac/hatrac/store"
)

// taken claims the chunk in another goroutine; the channel gives the holder once it has it, or nil.
func taken(ctx context.Context, all *claims) <-chan *holder {
	got := make(chan *holder, 1)
	go func() {
		_, h, _ := all.take(ctx, claim{1, 2})
		got <- h
	}()
	return got
}

func TestOnlyTheNewestMayRecordAChunk(t *testing.T) {
	var all claims
	ctx, old, err := all.take(t.Context(), claim{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := all.take(t.Context(), claim{1, 3})
	if err != nil || ctx.Err() != nil {
		t.Fatalf("another chunk: %v, %v", err, ctx.Err())
	}
	_, next, err := all.take(t.Context(), claim{1, 2})
	if err != nil || store.KindOf(context.Cause(ctx)) != store.Conflict {
		t.Fatalf("%v; the older request ended with %v", err, context.Cause(ctx))
	}
	if old.newest() == nil || store.KindOf(old.record()) != store.Conflict {
		t.Error("the older request may record")
	}
	old.release()
	if next.newest() != nil || next.record() != nil {
		t.Error("the newer request may not record")
	}
	next.release()
	other.release()
	if len(all.held) != 0 {
		t.Errorf("%d claims are left", len(all.held))
	}
}

func TestANewerRequestWaitsForOneThatRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all claims
		ctx, recording, err := all.take(t.Context(), claim{1, 2})
		if err != nil || recording.record() != nil {
			t.Fatal(err)
		}
		impatient, giveUp := context.WithCancel(t.Context())
		second := taken(impatient, &all)
		synctest.Wait()
		giveUp()
		if <-second != nil {
			t.Fatal("a request did not wait for the one that records")
		}
		third := taken(t.Context(), &all)
		synctest.Wait()
		fourth := taken(t.Context(), &all)
		if <-third != nil {
			t.Fatal("a request that came after one that gave up did not wait")
		}
		synctest.Wait()
		select {
		case <-fourth:
			t.Fatal("a request that took over from one that waited did not wait")
		default:
		}
		if ctx.Err() != nil {
			t.Error("the request was ended while it recorded")
		}
		recording.release()
		last := <-fourth
		last.release()
		if len(all.held) != 0 {
			t.Errorf("%d claims are left", len(all.held))
		}
	})
}
