package sqlite

import (
	"context"
	"slices"
	"time"

	"github.com/hatrac/hatrac/store"
)

// dueNanos is the stored form of a time that orders rows; the zero time comes first.
func dueNanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

var bound = statement{"ask for content", `
SELECT EXISTS (SELECT 1 FROM version WHERE address = ?1 AND is_deleted = 0)
	OR EXISTS (SELECT 1 FROM reclaim WHERE address = ?1)
	OR EXISTS (SELECT 1 FROM upload WHERE address = ?1)`}

// Bound implements store.Directory.
func (d *Directory) Bound(ctx context.Context, addresses []store.Address) ([]bool, error) {
	answers := make([]bool, len(addresses))
	for i, address := range addresses {
		found, _, err := first(ctx, d.reads, bound, scanID, string(address))
		if err != nil {
			return nil, err
		}
		answers[i] = found != 0
	}
	return answers, nil
}

var (
	// reclaimable passes by content that a live version has come to refer to.
	reclaimable = statement{"read the reclaim queue", `
SELECT r.id, r.address, r.taken FROM reclaim AS r
WHERE r.due <= ?1
	AND NOT EXISTS (SELECT 1 FROM version AS v WHERE v.address = r.address AND v.is_deleted = 0)
ORDER BY r.due, r.id LIMIT ?2`}
	takeReclaim = statement{"take content out of reach", `UPDATE reclaim SET taken = 1 WHERE id = ?`}
	anyStale    = statement{"look for stale inline content", `SELECT EXISTS (SELECT 1 FROM content WHERE due <= ?)`}
)

// queued is an entry of the reclaim queue. One that is taken cannot be restored.
type queued struct {
	store.Reclaim
	taken bool
}

func scanQueued(r *row) (queued, error) {
	entry := store.Reclaim{ID: r.integer(), Address: store.Address(r.text())}
	return queued{entry, r.truth()}, nil
}

// Reclaimable implements store.Directory. What it returns is taken first, because whoever gets
// it may remove the content at any time from then on. It also drops the inline content that
// is due, which has no address.
func (d *Directory) Reclaimable(ctx context.Context, now time.Time, limit int) ([]store.Reclaim, error) {
	stale, _, err := first(ctx, d.reads, anyStale, scanID, dueNanos(now))
	if err != nil {
		return nil, err
	}
	if stale != 0 {
		if err := d.dropStale(ctx, now); err != nil {
			return nil, err
		}
	}
	entries, err := all(ctx, d.reads, reclaimable, scanQueued, dueNanos(now), max(0, limit))
	if err == nil && slices.ContainsFunc(entries, func(q queued) bool { return !q.taken }) {
		entries, err = d.take(ctx, now, limit)
	}
	if err != nil {
		return nil, err
	}
	answer := make([]store.Reclaim, len(entries))
	for i, entry := range entries {
		answer[i] = entry.Reclaim
	}
	return answer, nil
}

// take reads the queue again, as it may have changed, and takes what it finds.
func (d *Directory) take(ctx context.Context, now time.Time, limit int) (entries []queued, err error) {
	err = d.writer.update(ctx, func(t *tx) error {
		if entries, err = all(ctx, t, reclaimable, scanQueued, dueNanos(now), limit); err != nil {
			return err
		}
		for _, entry := range entries {
			if entry.taken {
				continue
			}
			if err := t.change(ctx, takeReclaim, entry.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return entries, err
}

var (
	forgetStale = statement{"forget stale inline content", `
UPDATE version SET inline = 0 WHERE id IN (SELECT versionid FROM content WHERE due <= ?)`}
	dropStale = statement{"drop stale inline content", `DELETE FROM content WHERE due <= ?`}
)

func (d *Directory) dropStale(ctx context.Context, now time.Time) error {
	return d.writer.update(ctx, func(t *tx) error {
		if _, err := t.exec(ctx, forgetStale, dueNanos(now)); err != nil {
			return err
		}
		_, err := t.exec(ctx, dropStale, dueNanos(now))
		return err
	})
}

var reclaimed = statement{"shorten the reclaim queue", `DELETE FROM reclaim WHERE id = ?`}

// Reclaimed implements store.Directory.
func (d *Directory) Reclaimed(ctx context.Context, entries []store.Reclaim) error {
	if len(entries) == 0 {
		return nil
	}
	return d.writer.update(ctx, func(t *tx) error {
		for _, entry := range entries {
			if _, err := t.exec(ctx, reclaimed, entry.ID); err != nil {
				return err
			}
		}
		return nil
	})
}
