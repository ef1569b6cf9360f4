package sqlite

import (
	"context"
	"encoding/json"
	"time"

	"github.com/hatrac/hatrac/store"
)

// The rows of sync_mark besides the one that commits write to: the source of a copy, and whether
// that is complete.
var (
	getCopyMark = statement{"read the mark of a copy", `
SELECT coalesce(max(CASE id WHEN 1 THEN number END), 0), coalesce(max(CASE id WHEN 2 THEN number END), 0)
FROM sync_mark WHERE id IN (1, 2)`}
	dropCopyMark = statement{"take away the mark of a copy", `DELETE FROM sync_mark WHERE id IN (1, 2)`}
	setCopyMark  = statement{"keep the mark of a copy", `INSERT INTO sync_mark (id, number) VALUES (1, ?), (2, ?)`}
)

// CopyMark implements store.Copier.
func (d *Directory) CopyMark(ctx context.Context) (store.CopyMark, error) {
	m, _, err := first(ctx, d.reads, getCopyMark, func(r *row) (store.CopyMark, error) {
		return store.CopyMark{Source: r.integer(), Complete: r.truth()}, nil
	})
	return m, err
}

// SetCopyMark implements store.Copier.
func (d *Directory) SetCopyMark(ctx context.Context, m store.CopyMark) error {
	return d.writer.update(ctx, func(t *tx) error {
		_, err := t.exec(ctx, dropCopyMark)
		if err == nil && m != (store.CopyMark{}) {
			err = t.change(ctx, setCopyMark, m.Source, m.Complete)
		}
		return err
	})
}

var (
	getCounter   = statement{"read a counter", `SELECT seq FROM sqlite_sequence WHERE name = ?`}
	raiseCounter = statement{"raise a counter", `UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1`}
	beginCounter = statement{"begin a counter", `INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)`}
)

// Counters implements store.Copier.
func (d *Directory) Counters(ctx context.Context) (c store.Counters, err error) {
	if c.Names, _, err = first(ctx, d.reads, getCounter, scanID, "name"); err != nil {
		return c, err
	}
	c.Versions, _, err = first(ctx, d.reads, getCounter, scanID, "version")
	return c, err
}

var keptUntil = statement{"look how long content is kept", `
SELECT CASE WHEN v.is_deleted = 0 THEN NULL WHEN v.inline THEN c.due
	WHEN EXISTS (SELECT 1 FROM reclaim AS r WHERE r.address = v.address AND r.taken) THEN NULL
	ELSE (SELECT max(r.due) FROM reclaim AS r WHERE r.address = v.address) END
FROM json_each(?1) AS p LEFT JOIN version AS v ON v.id = p.value
LEFT JOIN content AS c ON c.versionid = v.id ORDER BY p.key`}

// KeptUntil implements store.Copier.
func (d *Directory) KeptUntil(ctx context.Context, ids []int64) ([]time.Time, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, failed(keptUntil.doing, err)
	}
	return all(ctx, d.reads, keptUntil, func(r *row) (time.Time, error) { return r.time(), nil }, string(list))
}

var formersAfter = statement{"walk former versions", `
SELECT f.id, f.nameid, f.version, f.created_on, f.until, f.deleted_on
FROM former AS f WHERE (f.id, f.until) > (?1, ?2) ORDER BY f.id, f.until LIMIT ?3`}

// FormersAfter implements store.Copier.
func (d *Directory) FormersAfter(ctx context.Context, after store.Former, limit int) ([]store.Former, error) {
	return all(ctx, d.reads, formersAfter, func(r *row) (store.Former, error) {
		return store.Former{
			ID: r.integer(), NameID: r.integer(), Version: r.text(),
			Created: r.time(), Until: r.time(), DeletedOn: r.time(),
		}, nil
	}, after.ID, dueNanos(after.Until), max(0, limit))
}

var movesAfter = statement{"walk moves", `
SELECT m.id, m.nameid, m.pid, m.segment, m.until FROM moved AS m WHERE m.id > ?1 ORDER BY m.id LIMIT ?2`}

// MovesAfter implements store.Copier.
func (d *Directory) MovesAfter(ctx context.Context, after int64, limit int) ([]store.Moved, error) {
	return all(ctx, d.reads, movesAfter, func(r *row) (store.Moved, error) {
		return store.Moved{ID: r.integer(), NameID: r.integer(), Parent: r.integer(), Segment: r.text(), Until: r.time()}, nil
	}, after, max(0, limit))
}

// Import implements store.Copier.
func (d *Directory) Import(ctx context.Context, fn func(tx store.ImportTx) error) error {
	return d.writer.update(ctx, func(t *tx) error { return fn(t) })
}

var findCurrent = statement{"find out which versions are current", `
UPDATE name SET current = (SELECT max(v.id) FROM version AS v WHERE v.nameid = name.id AND v.is_deleted = 0)
WHERE current IS NOT (SELECT max(v.id) FROM version AS v WHERE v.nameid = name.id AND v.is_deleted = 0)`}

// EndImport implements store.Copier.
func (d *Directory) EndImport(ctx context.Context, c store.Counters) error {
	return d.writer.update(ctx, func(t *tx) error {
		if _, err := t.exec(ctx, findCurrent); err != nil {
			return err
		}
		for table, last := range map[string]int64{"name": c.Names, "version": c.Versions} {
			raised, err := t.exec(ctx, raiseCounter, table, last)
			if err == nil && raised == 0 {
				_, err = t.exec(ctx, beginCounter, table, last)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
