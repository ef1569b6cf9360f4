package service

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hatrac/hatrac/store"
)

// How long the syncer waits at most until it tries again what failed, and how long its last
// round may take.
const (
	maxSyncPause = time.Minute
	lastRound    = 5 * time.Minute
)

// syncer knows what this process has made visible and owes to make durable. Who waits for that
// waits for a round, which begins after the call and takes all that is owed then.
type syncer struct {
	wake chan struct{} // holds a token when a round is wanted before its time
	turn chan struct{} // has room for one, who leads a round

	mu      sync.Mutex // guards what follows
	node    string     // the id by which the storage knows the process; empty: nothing may wait
	running bool       // there is a goroutine that leads rounds
	under   int        // commits under way that may wait
	idle    chan struct{}
	late    bool   // the directory was changed
	doubt   bool   // a version may have been bound that is not owed
	owed    []debt // versions whose content is not durable
	current *round // under way
	next    *round // wanted
}

func newSyncer() syncer {
	return syncer{wake: make(chan struct{}, 1), turn: make(chan struct{}, 1)}
}

// debt is a version that is to be made durable.
type debt struct {
	path    store.Path
	version store.Version
	failed  bool // an attempt failed: what it left has to be looked at
}

// round is one attempt to make everything durable. err may be read when done is closed.
type round struct {
	done chan struct{}
	err  error
}

// begin reports whether a commit may wait, and under which id its content is marked. Then finish
// must follow, when the commit is over.
func (y *syncer) begin() (node string, ok bool) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.node == "" {
		return "", false
	}
	y.under++
	return y.node, true
}

func (y *syncer) finish() {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.late = true
	if y.under--; y.under == 0 && y.idle != nil {
		close(y.idle)
		y.idle = nil
	}
}

// owe notes a version that is bound; err is what came of it, and may leave that in doubt.
func (y *syncer) owe(path store.Path, v store.Version, err error) {
	if v.Unsynced == "" {
		return
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	switch {
	case err == nil:
		v.Inline = nil
		y.owed = append(y.owed, debt{path: path, version: v})
	case !definite(err):
		y.doubt = true
	}
}

// start lets commits wait from now on.
func (y *syncer) start(node string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.node, y.running = node, true
}

// stop lets no more commits wait, and returns when those under way are over.
func (y *syncer) stop() {
	y.mu.Lock()
	y.node = ""
	if y.under == 0 {
		y.mu.Unlock()
		return
	}
	if y.idle == nil {
		y.idle = make(chan struct{})
	}
	idle := y.idle
	y.mu.Unlock()
	<-idle
}

func (y *syncer) owing() bool { return y.late || y.doubt || len(y.owed) > 0 }

// join returns the round to wait for, nil if nothing is owed, and whether the caller has to lead
// it. One that failed and left nothing else to do is led by whoever asks.
func (y *syncer) join() (r *round, lead bool) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if !y.owing() {
		return y.current, false
	}
	if y.next == nil {
		y.next = &round{done: make(chan struct{})}
		lead = !y.running
	}
	return y.next, lead
}

// take begins a round and returns all that is owed.
func (y *syncer) take() (r *round, owed []debt, late, doubt bool) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if r = y.next; r == nil {
		r = &round{done: make(chan struct{})}
	}
	y.next, y.current = nil, r
	owed, late, doubt = y.owed, y.late, y.doubt
	y.owed, y.late, y.doubt = nil, false, false
	return r, owed, late, doubt
}

// end ends a round and keeps what is still owed.
func (y *syncer) end(r *round, owed []debt, late, doubt bool, err error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.owed = append(y.owed, owed...)
	y.late, y.doubt = y.late || late, y.doubt || doubt
	y.current = nil
	r.err = err
	close(r.done)
}

// Sync makes everything durable that this process has made visible before the call. What cannot
// be made durable stays visible and is tried again.
func (s *Service) Sync(ctx context.Context) error {
	r, lead := s.syncer.join()
	switch {
	case r == nil:
		return nil
	case lead:
		_ = s.syncRound(ctx) // the round knows
	default:
		select {
		case s.syncer.wake <- struct{}{}:
		default:
		}
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return store.Wrap(store.Internal, "wait for a sync", ctx.Err())
	}
}

// keepSyncing lets commits wait, and leads a round whenever one is wanted or the interval has
// passed, until ctx ends. Then it makes the last of it durable.
func (s *Service) keepSyncing(ctx context.Context) {
	spooler, ok := s.soonSpooler()
	if !ok || spooler.SpoolDir() == "" || s.cfg.SyncInterval < 0 {
		return
	}
	node, leave, err := spooler.Attend(ctx)
	if err != nil {
		s.logFailure(ctx, "attend", err)
		return
	}
	s.syncer.start(node)
	pause := s.cfg.SyncInterval
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-s.syncer.wake:
			_ = s.syncRound(ctx) // who wants it is told
		case <-timer.C:
			if pause *= 2; s.syncDue(ctx) == nil {
				pause = s.cfg.SyncInterval
			}
			timer.Reset(min(pause, max(maxSyncPause, s.cfg.SyncInterval)))
		}
	}
	s.endSyncing(ctx, leave)
}

// syncDue leads a round if anything is owed.
func (s *Service) syncDue(ctx context.Context) error {
	s.syncer.mu.Lock()
	owing := s.syncer.owing()
	s.syncer.mu.Unlock()
	if !owing {
		return nil
	}
	return s.syncRound(ctx)
}

func (s *Service) endSyncing(ctx context.Context, leave func() error) {
	s.syncer.stop()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastRound)
	defer cancel()
	s.syncer.mu.Lock()
	s.syncer.running = false
	waiting := s.syncer.next != nil
	s.syncer.mu.Unlock()
	if waiting {
		_ = s.syncRound(ctx) // it tells those who wait, and the log
	} else {
		_ = s.syncDue(ctx)
	}
	s.logFailure(ctx, "end attendance", leave())
}

// syncRound leads one round.
func (s *Service) syncRound(ctx context.Context) error {
	s.syncer.turn <- struct{}{}
	defer func() { <-s.syncer.turn }()
	ctx = context.WithoutCancel(ctx)
	r, owed, late, doubt := s.syncer.take()
	var err error
	if doubt {
		var more []debt
		if more, err = s.ownDebts(ctx); err == nil {
			owed, doubt = append(owed, more...), false
		}
	}
	left, failed := s.settle(ctx, owed)
	err = errors.Join(err, failed)
	if late {
		if synced := s.dir.Sync(ctx); synced != nil {
			err = errors.Join(err, synced)
		} else {
			late = false
		}
	}
	if err != nil {
		err = store.Wrap(store.KindOf(err), "make commits durable", err)
		s.cfg.Log.Error().Err(err).Int("versions", len(left)).Msg("commits could not be made durable and will be tried again")
	}
	s.syncer.end(r, left, late, doubt, err)
	return err
}

// ownDebts reads from the directory what this process owes.
func (s *Service) ownDebts(ctx context.Context) ([]debt, error) {
	s.syncer.mu.Lock()
	node := s.syncer.node
	s.syncer.mu.Unlock()
	var found []debt
	err := s.eachUnsynced(ctx, func(page []debt) error {
		for _, d := range page {
			if d.version.Unsynced == node {
				found = append(found, d)
			}
		}
		return nil
	})
	return found, err
}
