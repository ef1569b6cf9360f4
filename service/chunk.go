package service

import (
	"context"
	"io"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// PutChunk brings one chunk of an upload.
type PutChunk struct {
	Path store.Path
	Job  string
	// Number counts from 0.
	Number int64
	// Content gives the bytes, and Length their number, or -1 if it is not known.
	Content io.Reader
	Length  int64
	// MD5 and SHA256 are digests of the chunk to be verified, or nil.
	MD5, SHA256 []byte
	// Check is as in Conditions.
	Check func() error
}

// PutChunk stores a chunk; when it returns, the chunk is durable. One that comes again replaces
// what was there. Conflict: there is no such chunk in the upload, or its length is another.
// Invalid: the content is not as announced.
func (s *Service) PutChunk(ctx context.Context, c acl.Client, req PutChunk) error {
	job, err := s.useJob(ctx, c, req.Path, req.Job)
	if err != nil {
		return err
	}
	if req.Number < 0 || req.Number >= job.Chunks() {
		return store.NewError(store.Conflict, string(req.Path), "The upload has no chunk of this number.")
	}
	if _, length := job.Span(req.Number); req.Length >= 0 && req.Length != length {
		return wrongLength(req.Path)
	}
	if err := (Conditions{Check: req.Check}).Hold(""); err != nil {
		return err
	}
	claimed, held, err := s.claims.take(ctx, claim{job.ID, req.Number})
	if err != nil {
		return err
	}
	defer held.release()
	now, continued, err := s.storeChunk(claimed, c, req, job, held)
	held.release()
	if err != nil || continued {
		return err
	}
	return s.catchUp(ctx, req.Path, now)
}

// storeChunk stores and records a chunk that was claimed in this process. It returns what recordChunk
// does.
func (s *Service) storeChunk(ctx context.Context, c acl.Client, req PutChunk, job *store.Job, held *holder) (now *store.Job, continued bool, err error) {
	offset, length := job.Span(req.Number)
	claim, err := s.bulk.ClaimChunk(ctx, job.Address, req.Number)
	if err != nil {
		return nil, false, err
	}
	defer claim.Release()
	if err := s.forgetChunk(ctx, c, req, job, held); err != nil {
		return nil, false, err
	}
	running, err := resume(job.Digest, offset)
	if err != nil {
		return nil, false, err
	}
	in := newIntake(req.Content, length, store.Metadata{MD5: req.MD5, SHA256: req.SHA256})
	var r io.Reader = in
	if running != nil {
		r = io.TeeReader(in, running)
	}
	tag, err := claim.Put(ctx, offset, length, r)
	if newer := held.record(); newer != nil {
		return nil, false, newer
	}
	if in.misfit && req.Length < 0 {
		return nil, false, wrongLength(req.Path)
	}
	if err != nil {
		return nil, false, err
	}
	return s.recordChunk(ctx, c, req, tag, job.Digest, running)
}

func wrongLength(path store.Path) error {
	return store.NewError(store.Conflict, string(path), "The chunk does not have the length that it should have.")
}

// forgetChunk prepares for storing a chunk: until it is there again, it is not received, and
// what was digested of it does not count. It brings job up to date where it changes it.
func (s *Service) forgetChunk(ctx context.Context, c acl.Client, req PutChunk, job *store.Job, held *holder) error {
	there, err := s.dir.Received(ctx, job.ID, req.Number, 1)
	if err != nil || len(there) == 0 || there[0].Number != req.Number {
		return err
	}
	return s.dir.Update(ctx, func(tx store.Tx) error {
		now, err := lockJob(ctx, tx, c, req)
		if err != nil {
			return err
		}
		if err := held.newest(); err != nil {
			return err // or what that one records would be forgotten
		}
		*job = *now
		job.Digest = restarted()
		if err := tx.SetDigest(ctx, job.ID, job.Digest); err != nil {
			return err
		}
		return tx.ForgetChunk(ctx, job.ID, req.Number)
	})
}

// lockJob finds the job of a chunk in a transaction, if the client may still work with it.
func lockJob(ctx context.Context, tx store.Tx, c acl.Client, req PutChunk) (*store.Job, error) {
	r, job, err := tx.ResolveJob(ctx, req.Path, req.Job)
	if err != nil {
		return nil, err
	}
	return job, look(c, r).mayJob(acl.UseJob, job)
}

// recordChunk marks a chunk as received, and keeps the running digest if the chunk continued it
// from begun and nobody else did meanwhile. It returns the job as it was before.
func (s *Service) recordChunk(ctx context.Context, c acl.Client, req PutChunk, tag string, begun store.DigestState, running *digests) (job *store.Job, continued bool, err error) {
	err = s.dir.Update(ctx, func(tx store.Tx) error {
		if job, err = lockJob(ctx, tx, c, req); err != nil {
			return err
		}
		if err := tx.RecordChunk(ctx, job.ID, store.Chunk{Number: req.Number, Tag: tag}, time.Now()); err != nil {
			return err
		}
		if continued = running != nil && same(job.Digest, begun); !continued {
			return nil
		}
		state, err := running.state()
		if err != nil {
			return err
		}
		return tx.SetDigest(ctx, job.ID, state)
	})
	return job, continued, err
}
