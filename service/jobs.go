package service

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// Limits of upload jobs.
const (
	maxChunks      = 1 << 24 // of one job
	maxNamedChunks = 20      // ranges of missing chunks that an error names
)

// StartJob asks for an upload in chunks.
type StartJob struct {
	Path store.Path
	// Parents makes missing enclosing namespaces as well.
	Parents bool
	// Size is the length of the whole content, ChunkSize that of each chunk but the last.
	Size, ChunkSize int64
	// Metadata are the fields that the version will have. Digests are verified in the end.
	Metadata store.Metadata
	// ACLs are the initial lists of the object, if it is created.
	ACLs acl.Lists
	Conditions
}

// JobInfo is an upload job as its owner sees it.
type JobInfo struct {
	Path store.Path
	Job  store.Job
	// Received are the numbers of the chunks that are there, as ranges in ascending order.
	Received []Range
	// Expires is when the job ends unless it is heard of.
	Expires time.Time
}

// Range is a range of chunk numbers, First and Last included.
type Range struct{ First, Last int64 }

// String returns the range as people write it.
func (r Range) String() string {
	if r.First == r.Last {
		return fmt.Sprint(r.First)
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// JobListing is one page of the jobs of an object, oldest first.
type JobListing struct {
	Object Info
	Jobs   []store.Job
	// More is true if younger jobs follow; the next page begins after the ID of the last one.
	More bool
}

// StartJob begins an upload in chunks to an object, which is made, without versions, if it is
// missing. Errors are those of PutObject.
func (s *Service) StartJob(ctx context.Context, c acl.Client, req StartJob) (*JobInfo, error) {
	if err := gate(c, s.firewall.Create, req.Path); err != nil {
		return nil, err
	}
	ref := store.Ref{Path: req.Path}
	v, err := s.resolve(ctx, c, ref)
	if err != nil {
		return nil, err
	}
	p := put{Service: s, client: c, req: PutObject{
		Path: req.Path, Parents: req.Parents, ACLs: req.ACLs, Conditions: req.Conditions,
	}}
	if err := p.mayStart(v, req); err != nil {
		return nil, err
	}
	now := time.Now()
	job := store.Job{
		Job: rand.Text(), Size: req.Size, ChunkSize: req.ChunkSize, Metadata: req.Metadata,
		ACLs: owned(c, nil), Created: now, Active: now,
	}
	place := placement(req.Path, &job)
	if job.Address, err = s.bulk.Begin(ctx, place, req.ChunkSize); err != nil {
		return nil, err
	}
	if err := p.bindJob(ctx, req, &job); err != nil {
		p.version = &store.Version{Address: job.Address}
		p.discard(ctx, err)
		return nil, err
	}
	return s.jobInfo(req.Path, job, nil), nil
}

// mayStart checks everything that StartJob asks for, in the order of the API.
func (p *put) mayStart(v view, req StartJob) error {
	b, err := v.planPut(p.req)
	if err != nil {
		return err
	}
	if err := v.checkInitial(acl.Object, req.ACLs, b.enclosing); err != nil {
		return err
	}
	if err := req.Hold(v.currentTag()); err != nil {
		return err
	}
	switch {
	case req.Size < 0 || req.ChunkSize < 1:
		return store.NewError(store.Invalid, string(req.Path), "An upload needs a content length of at least 0 and a chunk length of at least 1.")
	case req.Size/req.ChunkSize >= maxChunks:
		return store.NewError(store.Invalid, string(req.Path), "The chunks are too small for so large a content.")
	}
	return nil
}

// bindJob adds the job to its object.
func (p *put) bindJob(ctx context.Context, req StartJob, job *store.Job) error {
	var changes []Change
	err := p.updateOn(ctx, func(tx store.Tx) error {
		changes = nil
		r, err := tx.Resolve(ctx, req.Path, "")
		if err != nil {
			return err
		}
		v := look(p.client, r)
		if err := p.mayStart(v, req); err != nil {
			return err
		}
		b, err := v.planPut(p.req)
		if err != nil {
			return err
		}
		if !v.live() {
			changes = append(b.announcements(p.client), p.announcement(Created, ""))
		}
		if err := p.makeObject(ctx, tx, &v, b); err != nil {
			return err
		}
		job.NameID = v.Name.ID
		return tx.CreateJob(ctx, job)
	})
	if err == nil {
		p.changes.announce(changes...)
	}
	return err
}

func (s *Service) jobInfo(path store.Path, job store.Job, received []Range) *JobInfo {
	return &JobInfo{Path: path, Job: job, Received: received, Expires: job.Active.Add(s.cfg.UploadExpiration)}
}

// Jobs returns one page of the jobs of an object, beginning with the first whose ID is greater
// than after.
func (s *Service) Jobs(ctx context.Context, c acl.Client, path store.Path, after int64, limit int) (*JobListing, error) {
	ref := store.Ref{Path: path}
	v, err := s.resolve(ctx, c, ref)
	if err != nil {
		return nil, err
	}
	if err := v.exists(); err != nil {
		return nil, err
	}
	if v.Name.Kind != acl.Object {
		return nil, store.NewError(store.NotFound, string(path), "A namespace has no uploads.")
	}
	if err := v.may(acl.ListJobs, "You may not list the uploads of this object."); err != nil {
		return nil, err
	}
	jobs, more, err := onePage(limit, func(n int) ([]store.Job, error) {
		return s.dir.JobsOf(ctx, v.Name.ID, after, n)
	})
	if err != nil {
		return nil, err
	}
	return &JobListing{Object: v.info(ref), Jobs: jobs, More: more}, nil
}

// Job returns an upload job with the chunks that were received, so that whoever knows the job
// can go on with it.
func (s *Service) Job(ctx context.Context, c acl.Client, path store.Path, id string) (*JobInfo, error) {
	job, err := s.useJob(ctx, c, path, id)
	if err != nil {
		return nil, err
	}
	received, err := s.received(ctx, job)
	if err != nil {
		return nil, err
	}
	return s.jobInfo(path, *job, ranges(received)), nil
}

// useJob finds a job that the client may work with.
func (s *Service) useJob(ctx context.Context, c acl.Client, path store.Path, id string) (*store.Job, error) {
	r, job, err := s.dir.ResolveJob(ctx, path, id)
	if err != nil {
		return nil, err
	}
	return job, look(c, r).mayJob(acl.UseJob, job)
}

// mayJob answers NotFound unless there is the job, and a refusal unless the client may do op
// with it.
func (v view) mayJob(op acl.Operation, job *store.Job) error {
	if !v.live() || job == nil {
		return store.NewError(store.NotFound, string(v.Path), "There is no such upload.")
	}
	scope := acl.Scope{Kind: acl.Job, Own: job.ACLs, Object: v.Name.ACLs, Enclosing: v.enclosing}
	if acl.Allowed(op, v.client, scope) {
		return nil
	}
	return refuse(v.client, string(v.Path), "This upload belongs to somebody else.")
}

// received returns all chunks of a job that are there.
func (s *Service) received(ctx context.Context, job *store.Job) ([]store.Chunk, error) {
	var all []store.Chunk
	for next := int64(0); ; {
		page, err := s.dir.Received(ctx, job.ID, next, pageSize)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < pageSize {
			return all, nil
		}
		next = page[len(page)-1].Number + 1
	}
}

func ranges(chunks []store.Chunk) []Range {
	var found []Range
	for _, c := range chunks {
		if n := len(found); n > 0 && found[n-1].Last == c.Number-1 {
			found[n-1].Last = c.Number
			continue
		}
		found = append(found, Range{c.Number, c.Number})
	}
	return found
}

// missing answers Conflict, naming the chunks, unless all of a job are there.
func missing(path store.Path, job *store.Job, chunks []store.Chunk) error {
	if int64(len(chunks)) == job.Chunks() {
		return nil
	}
	var gaps []string
	next := int64(0)
	for _, r := range append(ranges(chunks), Range{job.Chunks(), job.Chunks()}) {
		if r.First > next {
			gaps = append(gaps, Range{next, r.First - 1}.String())
		}
		next = r.Last + 1
	}
	if len(gaps) > maxNamedChunks {
		gaps = append(gaps[:maxNamedChunks], "…")
	}
	return store.NewError(store.Conflict, string(path), "These chunks are missing: "+strings.Join(gaps, ", ")+".")
}

// CancelJob ends an upload without a version.
func (s *Service) CancelJob(ctx context.Context, c acl.Client, path store.Path, id string) error {
	err := s.dir.Update(ctx, func(tx store.Tx) error {
		r, job, err := tx.ResolveJob(ctx, path, id)
		if err != nil {
			return err
		}
		if err := look(c, r).mayJob(acl.CancelJob, job); err != nil {
			return err
		}
		return tx.DeleteJob(ctx, job.ID, false)
	})
	if err == nil {
		s.reclaimSoon()
	}
	return err
}

// ExpireJobs ends the jobs that were not heard of for the time of the configuration.
func (s *Service) ExpireJobs(ctx context.Context) error {
	before := time.Now().Add(-s.cfg.UploadExpiration)
	for {
		idle, err := s.dir.IdleJobs(ctx, before, pageSize)
		if err != nil || len(idle) == 0 {
			return err
		}
		err = s.dir.Update(ctx, func(tx store.Tx) error {
			for _, i := range idle {
				_, job, err := tx.ResolveJob(ctx, i.Path, i.Job.Job)
				if err != nil {
					return err
				}
				if job == nil || !job.Active.Before(before) {
					continue
				}
				if err := tx.DeleteJob(ctx, job.ID, false); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		s.cfg.Log.Info().Int("uploads", len(idle)).Msg("uploads that nobody went on with have ended")
		s.reclaimSoon()
	}
}
