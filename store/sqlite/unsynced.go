package sqlite

import (
	"context"
	"encoding/json"

	"github.com/hatrac/hatrac/store"
)

var (
	unsyncedVersions = statement{"list unsynced versions", `
SELECT ` + nameColumns + `, ` + versionColumns + `
FROM version AS v CROSS JOIN name AS n ON n.id = v.nameid
WHERE v.unsynced IS NOT NULL AND v.is_deleted = 0 AND v.id > ?1
ORDER BY v.id LIMIT ?2`}
	markSynced = statement{"note that versions are durable", `
UPDATE version SET unsynced = NULL WHERE id IN (SELECT p.value FROM json_each(?1) AS p) AND unsynced IS NOT NULL`}
	// markSync writes something, as a commit of nothing syncs nothing.
	markSync = statement{"make changes durable", `UPDATE sync_mark SET number = number + 1 WHERE id = 0`}
)

// UnsyncedVersions implements store.Directory.
func (d *Directory) UnsyncedVersions(ctx context.Context, after int64, limit int) ([]store.Entry, error) {
	return all(ctx, d.reads, unsyncedVersions, scanEntry, after, max(0, limit))
}

// MarkSynced implements store.Tx.
func (t *tx) MarkSynced(ctx context.Context, ids []int64) error {
	list, err := json.Marshal(ids)
	if err != nil {
		return failed(markSynced.doing, err)
	}
	_, err = t.exec(ctx, markSynced, string(list))
	return err
}

// Sync implements store.Directory.
func (d *Directory) Sync(ctx context.Context) error {
	return d.writer.update(ctx, func(t *tx) error { return t.change(ctx, markSync) })
}
