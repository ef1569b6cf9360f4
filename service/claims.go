package service

import (
	"context"
	"sync"

	"github.com/hatrac/hatrac/store"
)

// claim is one chunk of one job.
type claim struct{ job, number int64 }

// claims lets one request at a time store a chunk in this process. A newer one takes over: a
// client that comes back is not kept waiting by the request that it gave up.
type claims struct {
	mu   sync.Mutex // guards held
	held map[claim]*holder
}

type holder struct {
	cancel context.CancelCauseFunc
	done   chan struct{}
}

// take claims the chunk until release is called, having made the one who held it end. The
// context ends when somebody else takes over.
func (t *claims) take(ctx context.Context, c claim) (claimed context.Context, release func(), err error) {
	claimed, cancel := context.WithCancelCause(ctx)
	mine := &holder{cancel: cancel, done: make(chan struct{})}
	t.mu.Lock()
	if t.held == nil {
		t.held = make(map[claim]*holder)
	}
	before := t.held[c]
	t.held[c] = mine
	t.mu.Unlock()
	release = func() {
		t.mu.Lock()
		if t.held[c] == mine {
			delete(t.held, c)
		}
		t.mu.Unlock()
		cancel(nil)
		close(mine.done)
	}
	if before == nil {
		return claimed, release, nil
	}
	before.cancel(store.NewError(store.Conflict, "", "The chunk was sent again by another request."))
	select {
	case <-before.done:
		return claimed, release, nil
	case <-claimed.Done():
		go func() { // who comes next has to wait for both
			<-before.done
			release()
		}()
		return nil, nil, context.Cause(claimed)
	}
}
