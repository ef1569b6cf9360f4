package postgres

import (
	"context"

	"github.com/hatrac/hatrac/store"
)

var (
	unsyncedVersions = statement{"list unsynced versions", `
SELECT ` + nameColumns + `, ` + versionColumns + `
FROM version AS v JOIN name AS n ON n.id = v.nameid
WHERE v.unsynced IS NOT NULL AND NOT v.is_deleted AND v.id > $1
ORDER BY v.id LIMIT $2`}
	markSynced = statement{"note that versions are durable", `
UPDATE version SET unsynced = NULL WHERE id = ANY ($1) AND unsynced IS NOT NULL`}
	// markSync writes something, as a commit of nothing does not wait for the disk.
	markSync = statement{"make changes durable", `UPDATE sync_mark SET number = number + 1 WHERE id = 0`}
)

// UnsyncedVersions implements store.Directory.
func (d *Directory) UnsyncedVersions(ctx context.Context, after int64, limit int) ([]store.Entry, error) {
	return all(ctx, reads{d}, unsyncedVersions, scanEntry, after, max(0, limit))
}

// MarkSynced implements store.Tx.
func (t *tx) MarkSynced(ctx context.Context, ids []int64) error {
	return t.do(ctx, markSynced.with(ids))
}

// Sync implements store.Directory.
func (d *Directory) Sync(ctx context.Context) error {
	return d.change(ctx, func(t *tx) error { return t.must(ctx, 0, markSync.with()) })
}
