package sqlite

import (
	"context"
	"time"

	"github.com/hatrac/hatrac/store"
)

// jobColumns are the columns that scanJob reads, in their order.
const jobColumns = `u.id, u.nameid, u.job, u.nbytes, u.chunksize, u.metadata, u.acls,
	u.created_on, u.active_on, u.address, u.digest_bytes, u.digest_state`

// scanJob reads all its columns, also if they are null, as an outer join leaves them; then
// the ID is 0.
func scanJob(r *row) (j store.Job, err error) {
	j.ID = r.integer()
	j.NameID = r.integer()
	j.Job = r.text()
	j.Size, j.ChunkSize = r.integer(), r.integer()
	if j.Metadata, err = r.metadata(); err != nil {
		return j, err
	}
	if j.ACLs, err = r.lists(); err != nil {
		return j, err
	}
	j.Created, j.Active = r.time(), r.time()
	j.Address = store.Address(r.text())
	j.Digest = store.DigestState{Bytes: r.integer(), State: r.blob()}
	return j, nil
}

// resolveJob is resolvePath with the job ?4 of the object at ?2 before each row.
var resolveJob = statement{"resolve a path with a job", `
SELECT ` + jobColumns + `, ` + resolvedColumns + resolvedRows + `
LEFT JOIN upload AS u ON n.name = ?2 AND u.nameid = n.id AND u.job = ?4`}

// ResolveJob implements store.Jobs, by one statement.
func (d *Directory) ResolveJob(ctx context.Context, path store.Path, job string) (*store.Resolution, *store.Job, error) {
	return resolveWithJob(ctx, d.reads, path, job)
}

func resolveWithJob(ctx context.Context, q querier, path store.Path, id string) (*store.Resolution, *store.Job, error) {
	var found *store.Job
	resolution, err := resolveBy(ctx, q, resolveJob, path, "", func(r *row) error {
		job, err := scanJob(r)
		if err == nil && job.ID != 0 {
			found = &job
		}
		return err
	}, id)
	if err != nil {
		return nil, nil, err
	}
	return resolution, found, nil
}

var listJobs = statement{"list jobs", `
SELECT ` + jobColumns + `
FROM upload AS u WHERE u.nameid = ?1 AND u.id > ?2
ORDER BY u.id LIMIT ?3`}

// JobsOf implements store.Jobs.
func (d *Directory) JobsOf(ctx context.Context, object, after int64, limit int) ([]store.Job, error) {
	return all(ctx, d.reads, listJobs, scanJob, object, after, max(0, limit))
}

var listChunks = statement{"list chunks", `
SELECT c.position, c.tag
FROM chunk AS c WHERE c.uploadid = ?1 AND c.position >= ?2
ORDER BY c.position LIMIT ?3`}

func scanChunk(r *row) (store.Chunk, error) {
	return store.Chunk{Number: r.integer(), Tag: r.text()}, nil
}

// Received implements store.Jobs.
func (d *Directory) Received(ctx context.Context, job, from int64, limit int) ([]store.Chunk, error) {
	return all(ctx, d.reads, listChunks, scanChunk, job, from, max(0, limit))
}

var listIdleJobs = statement{"list idle jobs", `
SELECT ` + jobColumns + `, n.name
FROM upload AS u CROSS JOIN name AS n ON n.id = u.nameid
WHERE u.active_on < ?1
ORDER BY u.active_on, u.id LIMIT ?2`}

func scanIdleJob(r *row) (idle store.IdleJob, err error) {
	if idle.Job, err = scanJob(r); err != nil {
		return idle, err
	}
	idle.Path = store.Path(r.text())
	return idle, nil
}

// IdleJobs implements store.Jobs.
func (d *Directory) IdleJobs(ctx context.Context, before time.Time, limit int) ([]store.IdleJob, error) {
	return all(ctx, d.reads, listIdleJobs, scanIdleJob, dueNanos(before), max(0, limit))
}
