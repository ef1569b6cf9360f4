package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/hatrac/hatrac/store"
)

// resolveJob is resolvePath with the job $4 of the object at $2 before each row.
var resolveJob = statement{"resolve a path with a job", `
SELECT ` + jobColumns + `, ` + resolvedColumns + resolvedRows + `
LEFT JOIN upload AS u ON n.name = $2 AND u.nameid = n.id AND u.job = $4` + resolvedNames}

// resolvedJob is where a step of resolveJob leaves what it finds.
type resolvedJob struct {
	resolution *store.Resolution
	job        *store.Job
}

func resolveJobStep(path store.Path, id string) (*resolvedJob, *step) {
	found := new(resolvedJob)
	ask := resolveJob.with(append(pathStrings(path), string(path)), string(path), nil, id)
	ask.rows = func(rows pgx.Rows) error {
		*found = resolvedJob{resolution: &store.Resolution{Path: path}}
		var r jobRow
		return addRows(found.resolution, rows, "", r.targets(), func() error {
			job, err := r.value()
			if err == nil && job.ID != 0 {
				found.job = &job
			}
			return err
		})
	}
	return found, ask
}

// ResolveJob implements store.Jobs, by one statement.
func (d *Directory) ResolveJob(ctx context.Context, path store.Path, job string) (*store.Resolution, *store.Job, error) {
	found, ask := resolveJobStep(path, job)
	if err := (reads{d}).do(ctx, ask); err != nil {
		return nil, nil, err
	}
	return found.resolution, found.job, nil
}

var lockJobOf = statement{"lock a job", `
SELECT u.id FROM upload AS u
WHERE u.nameid = (SELECT n.id FROM name AS n WHERE n.name = $1) AND u.job = $2 FOR UPDATE`}

// ResolveJob implements store.JobsTx, with one round trip.
func (t *tx) ResolveJob(ctx context.Context, path store.Path, job string) (*store.Resolution, *store.Job, error) {
	found, ask := resolveJobStep(path, job)
	if err := t.locked(ctx, path, lockJobOf.with(string(path), job), ask); err != nil {
		return nil, nil, err
	}
	return found.resolution, found.job, nil
}

var listJobs = statement{"list jobs", `
SELECT ` + jobColumns + `
FROM upload AS u WHERE u.nameid = $1 AND u.id > $2
ORDER BY u.id LIMIT $3`}

// JobsOf implements store.Jobs.
func (d *Directory) JobsOf(ctx context.Context, object, after int64, limit int) ([]store.Job, error) {
	return all(ctx, reads{d}, listJobs, scanJob, object, after, max(0, limit))
}

var listChunks = statement{"list chunks", `
SELECT c.position, c.aux
FROM chunk AS c WHERE c.uploadid = $1 AND c.position >= $2
ORDER BY c.position LIMIT $3`}

// chunkAux is what the column aux says of a chunk.
type chunkAux struct {
	ETag string `json:"etag"`
}

func scanChunk(rows pgx.Rows) (c store.Chunk, err error) {
	var text []byte
	if err := rows.Scan(&c.Number, &text); err != nil || len(text) == 0 {
		return c, err
	}
	var said chunkAux
	err = json.Unmarshal(text, &said)
	c.Tag = said.ETag
	return c, err
}

// Received implements store.Jobs.
func (d *Directory) Received(ctx context.Context, job, from int64, limit int) ([]store.Chunk, error) {
	return all(ctx, reads{d}, listChunks, scanChunk, job, from, max(0, limit))
}

var listIdleJobs = statement{"list idle jobs", `
SELECT ` + jobColumns + `, (SELECT n.name FROM name AS n WHERE n.id = u.nameid)
FROM upload AS u
WHERE u.active_on < $1
ORDER BY u.active_on, u.id LIMIT $2`}

func scanIdleJob(rows pgx.Rows) (idle store.IdleJob, err error) {
	var r jobRow
	var path pgtype.Text
	if err := rows.Scan(append(r.targets(), &path)...); err != nil {
		return idle, err
	}
	idle.Path = store.Path(path.String)
	idle.Job, err = r.value()
	return idle, err
}

// IdleJobs implements store.Jobs.
func (d *Directory) IdleJobs(ctx context.Context, before time.Time, limit int) ([]store.IdleJob, error) {
	return all(ctx, reads{d}, listIdleJobs, scanIdleJob, due(before), max(0, limit))
}
