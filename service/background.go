package service

import (
	"context"
	"sync"
	"time"

	"github.com/hatrac/hatrac/store"
)

// reclaimInterval is how often the queue is looked at when nothing was deleted: for content
// whose retention ends and for what failed before.
const reclaimInterval = time.Minute

// Run makes commits durable that may wait, which none may unless it runs, reclaims the content of
// what was deleted, ends forgotten uploads, sweeps up what unfinished work left behind, and
// announces what other processes change, until ctx ends. Then it makes the last commits durable. It
// is called once. Its return value is always ctx.Err().
func (s *Service) Run(ctx context.Context) error {
	var beside sync.WaitGroup
	beside.Go(func() { s.keepSyncing(ctx) })
	beside.Go(func() { s.hear(ctx) })
	defer beside.Wait()
	reclaim := time.NewTicker(reclaimInterval)
	defer reclaim.Stop()
	sweep := time.NewTicker(s.cfg.SweepInterval)
	defer sweep.Stop()
	s.logFailure(ctx, "sweep", s.Sweep(ctx))
	s.logFailure(ctx, "expire uploads", s.ExpireJobs(ctx))
	for {
		s.logFailure(ctx, "reclaim", s.Reclaim(ctx))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.reclaim:
		case <-reclaim.C:
			s.logFailure(ctx, "recover", s.Recover(ctx))
		case <-sweep.C:
			s.logFailure(ctx, "sweep", s.Sweep(ctx))
			s.logFailure(ctx, "expire uploads", s.ExpireJobs(ctx))
		}
	}
}

func (s *Service) logFailure(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		s.cfg.Log.Error().Err(err).Str("job", what).Msg("a background job failed and will be tried again")
	}
}

// reclaimSoon wakes Run, if it sleeps.
func (s *Service) reclaimSoon() {
	select {
	case s.reclaim <- struct{}{}:
	default:
	}
}

// Reclaim removes all content that is due now. Content that cannot be removed stays queued.
func (s *Service) Reclaim(ctx context.Context) error {
	for {
		due, err := s.dir.Reclaimable(ctx, time.Now(), pageSize)
		if err != nil || len(due) == 0 {
			return err
		}
		gone := make([]store.Reclaim, 0, len(due))
		var failed error
		for _, entry := range due {
			if err := s.bulk.Remove(ctx, entry.Address); err != nil {
				failed = err
				continue
			}
			gone = append(gone, entry)
		}
		if err := s.dir.Reclaimed(ctx, gone); err != nil || failed != nil {
			if err != nil {
				return err
			}
			return failed
		}
	}
}

// Sweep removes what unfinished work left behind, once it is older than the grace time.
func (s *Service) Sweep(ctx context.Context) error {
	swept, err := s.bulk.Sweep(ctx, time.Now().Add(-s.cfg.SweepGrace), s.dir.Bound)
	if swept.Removed > 0 {
		s.cfg.Log.Info().Int("removed", swept.Removed).Int64("bytes", swept.Bytes).Msg("swept up unfinished work")
	}
	return err
}
