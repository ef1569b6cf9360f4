package sqlite

import (
	"context"
	"time"

	"github.com/hatrac/hatrac/store"
)

// ResolveJob implements store.JobsTx.
func (t *tx) ResolveJob(ctx context.Context, path store.Path, job string) (*store.Resolution, *store.Job, error) {
	return resolveWithJob(ctx, t, path, job)
}

var hasJobs = statement{"look for jobs in a namespace", `
SELECT EXISTS (
	SELECT 1 FROM name AS n JOIN upload AS u ON u.nameid = n.id
	WHERE n.pid = ?1 AND n.is_deleted = 0
)`}

// HasJobs implements store.JobsTx.
func (t *tx) HasJobs(ctx context.Context, namespace int64) (bool, error) {
	found, _, err := first(ctx, t, hasJobs, scanID, namespace)
	return found != 0, err
}

var createJob = statement{"create a job", `
INSERT INTO upload (nameid, job, nbytes, chunksize, metadata, acls, created_on, active_on,
	address, digest_bytes, digest_state)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`}

// CreateJob implements store.JobsTx; NotFound if there is no name with the ID j.NameID.
func (t *tx) CreateJob(ctx context.Context, j *store.Job) error {
	metadata, err := encodeMetadata(j.Metadata)
	if err != nil {
		return failed(createJob.doing, err)
	}
	lists, err := encodeLists(j.ACLs)
	if err != nil {
		return failed(createJob.doing, err)
	}
	id, err := t.insert(ctx, createJob,
		j.NameID, j.Job, j.Size, j.ChunkSize, metadata, lists, nanos(j.Created), dueNanos(j.Active),
		orNull(string(j.Address)), j.Digest.Bytes, blobOrNull(j.Digest.State))
	if err != nil {
		return err
	}
	j.ID = id
	return nil
}

var (
	forgetChunk = statement{"forget a chunk", `DELETE FROM chunk WHERE uploadid = ? AND position = ?`}
	findJob     = statement{"look for a job", `SELECT u.id FROM upload AS u WHERE u.id = ?`}
)

// ForgetChunk implements store.JobsTx.
func (t *tx) ForgetChunk(ctx context.Context, job, number int64) error {
	forgotten, err := t.exec(ctx, forgetChunk, job, number)
	if err != nil || forgotten > 0 {
		return err
	}
	_, found, err := first(ctx, t, findJob, scanID, job)
	if err == nil && !found {
		return failed(forgetChunk.doing, errNoRow)
	}
	return err
}

var (
	touchJob    = statement{"note that a job is active", `UPDATE upload SET active_on = ?2 WHERE id = ?1`}
	recordChunk = statement{"record a chunk", `
INSERT INTO chunk (uploadid, position, tag) VALUES (?, ?, ?)
ON CONFLICT (uploadid, position) DO UPDATE SET tag = excluded.tag`}
)

// RecordChunk implements store.JobsTx.
func (t *tx) RecordChunk(ctx context.Context, job int64, c store.Chunk, at time.Time) error {
	if err := t.change(ctx, touchJob, job, dueNanos(at)); err != nil {
		return err
	}
	_, err := t.exec(ctx, recordChunk, job, c.Number, c.Tag)
	return err
}

var setDigest = statement{"note how far a job is digested", `
UPDATE upload SET digest_bytes = ?2, digest_state = ?3 WHERE id = ?1`}

// SetDigest implements store.JobsTx.
func (t *tx) SetDigest(ctx context.Context, job int64, d store.DigestState) error {
	return t.change(ctx, setDigest, job, d.Bytes, blobOrNull(d.State))
}

var (
	reclaimJob = statement{"queue the content of a job for reclaim", `
INSERT INTO reclaim (due, address)
SELECT 0, u.address FROM upload AS u WHERE u.id = ? AND u.address IS NOT NULL`}
	forgetChunks = statement{"forget the chunks of a job", `DELETE FROM chunk WHERE uploadid = ?`}
	restartJob   = statement{"restart a job", `
UPDATE upload SET address = ?2, digest_bytes = 0, digest_state = NULL WHERE id = ?1`}
	// deleteJob takes the chunks with it by their foreign key.
	deleteJob = statement{"delete a job", `DELETE FROM upload WHERE id = ?`}
)

// RestartJob implements store.JobsTx.
func (t *tx) RestartJob(ctx context.Context, job int64, place store.Address) error {
	if _, err := t.exec(ctx, reclaimJob, job); err != nil {
		return err
	}
	if _, err := t.exec(ctx, forgetChunks, job); err != nil {
		return err
	}
	return t.change(ctx, restartJob, job, orNull(string(place)))
}

// DeleteJob implements store.JobsTx.
func (t *tx) DeleteJob(ctx context.Context, job int64, keep bool) error {
	if !keep {
		if _, err := t.exec(ctx, reclaimJob, job); err != nil {
			return err
		}
	}
	return t.change(ctx, deleteJob, job)
}
