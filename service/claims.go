package service

import (
	"context"
	"sync"

	"github.com/hatrac/hatrac/store"
)

// claim is one chunk of one job.
type claim struct{ job, number int64 }

// claims decides which of several requests in this process may record a chunk: the newest. That
// one waits for nobody but a request that is recording already, so that a client which comes back
// is not held up by the request that it gave up. Requests of other processes are up to the Assembler.
type claims struct {
	mu   sync.Mutex // guards held and, but for evict, the fields of holders
	held map[claim]*holder
}

// holder is a request that has claimed a chunk.
type holder struct {
	all   *claims
	claim claim
	evict context.CancelCauseFunc
	// recording is made when the request begins to record and closed when it is over.
	recording chan struct{}
	// behind is the recording of the last request before that had begun to; nil if none had.
	behind chan struct{}
	over   bool
}

// take claims a chunk until release is called. The context ends when a newer request does so.
func (t *claims) take(ctx context.Context, c claim) (context.Context, *holder, error) {
	ctx, evict := context.WithCancelCause(ctx)
	mine := &holder{all: t, claim: c, evict: evict}
	t.mu.Lock()
	if t.held == nil {
		t.held = make(map[claim]*holder)
	}
	if before := t.held[c]; before != nil {
		mine.behind = before.giveWay()
	}
	t.held[c] = mine
	t.mu.Unlock()
	if mine.behind == nil {
		return ctx, mine, nil
	}
	select {
	case <-mine.behind:
		return ctx, mine, nil
	case <-ctx.Done():
		mine.release()
		return nil, nil, context.Cause(ctx)
	}
}

// giveWay ends a request, unless it is recording, and returns what a newer one has to wait for.
// The lock is held.
func (h *holder) giveWay() chan struct{} {
	if h.recording != nil {
		return h.recording
	}
	h.evict(superseded())
	return h.behind
}

// newest answers Conflict if a newer request has claimed the chunk.
func (h *holder) newest() error {
	h.all.mu.Lock()
	defer h.all.mu.Unlock()
	if h.all.held[h.claim] != h {
		return superseded()
	}
	return nil
}

// record begins to record: a newer request waits from then on. It answers Conflict if there is one
// already.
func (h *holder) record() error {
	h.all.mu.Lock()
	defer h.all.mu.Unlock()
	if h.all.held[h.claim] != h {
		return superseded()
	}
	h.recording = make(chan struct{})
	return nil
}

// release ends the claim.
func (h *holder) release() {
	h.evict(nil)
	h.all.mu.Lock()
	defer h.all.mu.Unlock()
	if h.recording != nil && !h.over {
		close(h.recording)
	}
	h.over = true
	// Who gave up while somebody before was recording stays, so that the next one waits too.
	if last := h.all.held[h.claim]; last != nil && last.over && ended(last.behind) {
		delete(h.all.held, h.claim)
	}
}

// ended reports whether a recording, if there is one, is over.
func ended(recording chan struct{}) bool {
	select {
	case <-recording:
		return true
	default:
		return recording == nil
	}
}

func superseded() error {
	return store.NewError(store.Conflict, "", "The chunk was sent again by another request.")
}
