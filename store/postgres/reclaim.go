package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hatrac/hatrac/store"
)

var bound = statement{"ask for content", `
SELECT (SELECT v.id FROM version AS v WHERE v.address = a.address AND NOT v.is_deleted LIMIT 1) IS NOT NULL
	OR (SELECT r.id FROM reclaim AS r WHERE r.address = a.address LIMIT 1) IS NOT NULL
	OR (SELECT u.id FROM upload AS u WHERE u.address = a.address LIMIT 1) IS NOT NULL
FROM unnest($1::text[]) WITH ORDINALITY AS a (address, place) ORDER BY a.place`}

// Bound implements store.Directory.
func (d *Directory) Bound(ctx context.Context, addresses []store.Address) ([]bool, error) {
	if len(addresses) == 0 {
		return nil, nil
	}
	asked := make([]string, len(addresses))
	for i, address := range addresses {
		asked[i] = string(address)
	}
	return all(ctx, reads{d}, bound, one[bool], asked)
}

// unused is the condition that no live version has come to refer to the content of the row r
// of the queue.
const unused = `(SELECT v.id FROM version AS v WHERE v.address = r.address AND NOT v.is_deleted LIMIT 1) IS NULL`

var (
	reclaimable = statement{"read the reclaim queue", `
SELECT r.id, r.address, r.taken FROM reclaim AS r WHERE r.due <= $1 AND ` + unused + `
ORDER BY r.due, r.id LIMIT $2`}
	// lockReclaim passes by what is being restored.
	lockReclaim = statement{"lock the reclaim queue", `
SELECT r.id FROM reclaim AS r WHERE r.due <= $1 AND ` + unused + `
ORDER BY r.due, r.id LIMIT $2 FOR UPDATE OF r SKIP LOCKED`}
	takeReclaim = statement{"take content out of reach", `
UPDATE reclaim AS r SET taken = true WHERE r.id = ANY ($1) AND ` + unused + `
RETURNING r.id, r.address, r.taken`}
)

// queued is an entry of the reclaim queue. One that is taken cannot be restored.
type queued struct {
	store.Reclaim
	taken bool
}

func scanQueued(rows pgx.Rows) (q queued, err error) {
	err = rows.Scan(&q.ID, (*string)(&q.Address), &q.taken)
	return q, err
}

// Reclaimable implements store.Directory. What it returns is taken first, because whoever gets
// it may remove the content at any time from then on. It also drops the inline content that
// is due, which has no address.
func (d *Directory) Reclaimable(ctx context.Context, now time.Time, limit int) ([]store.Reclaim, error) {
	if err := d.dropStale(ctx, now); err != nil {
		return nil, err
	}
	entries, err := all(ctx, reads{d}, reclaimable, scanQueued, due(now), max(0, limit))
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

// take locks what is due, and takes what nobody has come to refer to.
func (d *Directory) take(ctx context.Context, now time.Time, limit int) (entries []queued, err error) {
	err = d.change(ctx, func(t *tx) error {
		ids, err := all(ctx, t, lockReclaim, one[int64], due(now), limit)
		if err != nil {
			return err
		}
		if entries, err = all(ctx, t, takeReclaim, scanQueued, ids); err != nil {
			return err
		}
		slices.SortFunc(entries, func(a, b queued) int { return slices.Index(ids, a.ID) - slices.Index(ids, b.ID) })
		return nil
	})
	return entries, err
}

var (
	anyStale  = statement{"look for stale inline content", `SELECT true FROM content AS c WHERE c.due <= $1 ORDER BY c.due LIMIT 1`}
	lockStale = statement{"lock stale inline content", `
SELECT c.versionid FROM content AS c WHERE c.due <= $1 ORDER BY c.versionid FOR UPDATE SKIP LOCKED`}
	forgetStale = statement{"forget stale inline content", `UPDATE version SET inline = false WHERE id = ANY ($1)`}
	dropStale   = statement{"drop stale inline content", `DELETE FROM content WHERE versionid = ANY ($1)`}
)

// dropStale drops the inline content that is due, but for what is being restored.
func (d *Directory) dropStale(ctx context.Context, now time.Time) error {
	_, stale, err := first(ctx, reads{d}, anyStale, one[bool], due(now))
	if err != nil || !stale {
		return err
	}
	return d.change(ctx, func(t *tx) error {
		ids, err := all(ctx, t, lockStale, one[int64], due(now))
		if err != nil {
			return err
		}
		return t.do(ctx, forgetStale.with(ids), dropStale.with(ids))
	})
}

var reclaimed = statement{"shorten the reclaim queue", `DELETE FROM reclaim WHERE id = ANY ($1)`}

// Reclaimed implements store.Directory.
func (d *Directory) Reclaimed(ctx context.Context, entries []store.Reclaim) error {
	if len(entries) == 0 {
		return nil
	}
	ids := make([]int64, len(entries))
	for i, entry := range entries {
		ids[i] = entry.ID
	}
	return d.change(ctx, func(t *tx) error { return t.do(ctx, reclaimed.with(ids)) })
}
