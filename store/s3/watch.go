package s3

import (
	"context"
	"io"
	"sync"
	"time"
)

// watch ends requests that stand still. Its timer runs from one sign of progress to the next.
type watch struct {
	patience time.Duration
	cancel   context.CancelCauseFunc

	mu    sync.Mutex // guards what follows
	timer *time.Timer
	idle  bool // nobody waits for the service
}

// watched returns a context that ends when the service makes no progress for that long, and the
// watch, which has to be ended.
func watched(ctx context.Context, patience time.Duration) (context.Context, *watch) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{patience: patience, cancel: cancel}
	w.timer = time.AfterFunc(patience, func() { cancel(errStalled) })
	return ctx, w
}

// rest stops the timer until work is called.
func (w *watch) rest() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idle = true
	w.timer.Stop()
}

func (w *watch) work() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idle = false
	w.timer.Reset(w.patience)
}

func (w *watch) end() {
	w.rest()
	w.cancel(context.Canceled)
}

// body returns a body on its way to the service. What counts is that the service takes it, not how
// fast the source gives it. Where r can be read again, it can.
func (w *watch) body(r io.Reader) io.Reader {
	out := outgoing{r, w}
	if seeker, ok := r.(io.Seeker); ok {
		return seekable{out, seeker}
	}
	return out
}

type outgoing struct {
	from  io.Reader
	watch *watch
}

func (o outgoing) Read(b []byte) (int, error) {
	o.watch.rest()
	defer o.watch.work()
	return o.from.Read(b)
}

type seekable struct {
	outgoing
	io.Seeker
}
