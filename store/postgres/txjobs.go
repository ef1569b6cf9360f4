package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/hatrac/hatrac/store"
)

var hasJobs = statement{"look for jobs in a namespace", `
SELECT EXISTS (
	SELECT 1 FROM name AS n JOIN upload AS u ON u.nameid = n.id
	WHERE n.pid = $1 AND NOT n.is_deleted
)`}

// HasJobs implements store.JobsTx.
func (t *tx) HasJobs(ctx context.Context, namespace int64) (bool, error) {
	found, _, err := first(ctx, t, hasJobs, one[bool], namespace)
	return found, err
}

var (
	// keepName keeps a name from being deleted.
	keepName  = statement{"lock a name", `SELECT n.id FROM name AS n WHERE n.id = $1 FOR KEY SHARE`}
	createJob = statement{"create a job", `
INSERT INTO upload (nameid, job, nbytes, chunksize, metadata, created_on, active_on,
	address, digest_bytes, digest_state, owner)
SELECT n.id, $2::text, $3::int8, $4::int8, $5::jsonb, $6::timestamptz, $7::timestamptz,
	$8::text, $9::int8, $10::bytea, $11::text[]
FROM name AS n WHERE n.id = $1
ON CONFLICT (nameid, job) DO NOTHING RETURNING id`}
)

// CreateJob implements store.JobsTx; NotFound if there is no name with the ID j.NameID.
func (t *tx) CreateJob(ctx context.Context, j *store.Job) error {
	metadata, err := encodeMetadata(j.Metadata)
	if err != nil {
		return failed(createJob.doing, err)
	}
	lists, err := encodeLists(jobLists, j.ACLs)
	if err != nil {
		return failed(createJob.doing, err)
	}
	args := append([]any{
		j.NameID, j.Job, j.Size, j.ChunkSize, metadata, stamp(j.Created), due(j.Active),
		orNull(string(j.Address)), j.Digest.Bytes, j.Digest.State,
	}, lists...)
	id, err := t.insert(ctx, false, keepName.with(j.NameID), createJob, args)
	if err != nil {
		return err
	}
	j.ID = id
	return nil
}

var (
	// lockJob comes before all changes of a job and its chunks, so that these take turns.
	lockJob     = statement{"lock a job", `SELECT u.id FROM upload AS u WHERE u.id = $1 FOR UPDATE`}
	forgetChunk = statement{"forget a chunk", `DELETE FROM chunk WHERE uploadid = $1 AND position = $2`}
)

// ForgetChunk implements store.JobsTx.
func (t *tx) ForgetChunk(ctx context.Context, job, number int64) error {
	return t.must(ctx, 0, lockJob.with(job), forgetChunk.with(job, number))
}

var (
	touchJob    = statement{"note that a job is active", `UPDATE upload SET active_on = $2 WHERE id = $1`}
	recordChunk = statement{"record a chunk", `
INSERT INTO chunk (uploadid, position, aux)
SELECT u.id, $2::int8, $3::json FROM upload AS u WHERE u.id = $1
ON CONFLICT (uploadid, position) DO UPDATE SET aux = excluded.aux`}
)

// RecordChunk implements store.JobsTx.
func (t *tx) RecordChunk(ctx context.Context, job int64, c store.Chunk, at time.Time) error {
	var tag any
	if c.Tag != "" {
		text, err := json.Marshal(chunkAux{ETag: c.Tag})
		if err != nil {
			return failed(recordChunk.doing, err)
		}
		tag = string(text)
	}
	return t.must(ctx, 0, touchJob.with(job, due(at)), recordChunk.with(job, c.Number, tag))
}

var setDigest = statement{"note how far a job is digested", `
UPDATE upload SET digest_bytes = $2, digest_state = $3 WHERE id = $1`}

// SetDigest implements store.JobsTx.
func (t *tx) SetDigest(ctx context.Context, job int64, d store.DigestState) error {
	return t.must(ctx, 0, setDigest.with(job, d.Bytes, d.State))
}

var (
	reclaimJob = statement{"queue the content of a job for reclaim", `
INSERT INTO reclaim (due, address)
SELECT 'epoch'::timestamptz, u.address FROM upload AS u WHERE u.id = $1 AND u.address IS NOT NULL`}
	deleteChunks = statement{"delete the chunks of a job", `DELETE FROM chunk WHERE uploadid = $1`}
	restartJob   = statement{"restart a job", `
UPDATE upload SET address = $2, digest_bytes = 0, digest_state = NULL WHERE id = $1`}
	deleteJob = statement{"delete a job", `DELETE FROM upload WHERE id = $1`}
)

// RestartJob implements store.JobsTx.
func (t *tx) RestartJob(ctx context.Context, job int64, place store.Address) error {
	return t.must(ctx, 0, lockJob.with(job), deleteChunks.with(job), reclaimJob.with(job),
		restartJob.with(job, orNull(string(place))))
}

// DeleteJob implements store.JobsTx.
func (t *tx) DeleteJob(ctx context.Context, job int64, keep bool) error {
	steps := []*step{lockJob.with(job), deleteChunks.with(job)}
	if !keep {
		steps = append(steps, reclaimJob.with(job))
	}
	return t.must(ctx, 0, append(steps, deleteJob.with(job))...)
}
