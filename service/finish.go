package service

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// FinishJob asks to make a version of an upload.
type FinishJob struct {
	Path store.Path
	Job  string
	// Conditions guard the current version of the object.
	Conditions
}

// FinishJob makes the content of an upload a version of its object, which becomes current. It
// ends the job. Conflict, and the job stays: chunks are missing, or the content does not have
// the digests that were given.
func (s *Service) FinishJob(ctx context.Context, c acl.Client, req FinishJob) (*PutResult, error) {
	if err := gate(c, s.firewall.Create, req.Path); err != nil {
		return nil, err
	}
	f := &finish{Service: s, client: c, req: req}
	job, err := f.ready(ctx)
	if err != nil {
		return nil, err
	}
	if err := f.prejudge(job); err != nil {
		return nil, err
	}
	if err := f.freeze(ctx); err != nil {
		return nil, err
	}
	// Nothing changes the content from here on, but much may have since it was looked at.
	job, err = f.ready(ctx)
	if err == nil {
		err = f.digest(ctx, job)
	}
	var result *PutResult
	if err == nil {
		result, err = f.bind(ctx)
	}
	if err != nil {
		f.thaw(ctx, err)
		return nil, err
	}
	s.changes.announce(Change{
		Action: Updated, Path: req.Path, Kind: acl.Object, Version: result.Version.Version, Client: c.ID,
	})
	return result, nil
}

// finish is one FinishJob under way.
type finish struct {
	*Service
	client  acl.Client
	req     FinishJob
	job     *store.Job
	chunks  []store.Chunk
	frozen  store.Address // where the content was assembled
	address store.Address
	sha256  []byte
	wrong   bool // the frozen content does not have its digests
}

// ready checks that the client may finish the job and that nothing is missing.
func (f *finish) ready(ctx context.Context) (*store.Job, error) {
	r, job, err := f.dir.ResolveJob(ctx, f.req.Path, f.req.Job)
	if err != nil {
		return nil, err
	}
	v := look(f.client, r)
	if err := v.mayJob(acl.UseJob, job); err != nil {
		return nil, err
	}
	if f.chunks, err = f.received(ctx, job); err != nil {
		return nil, err
	}
	if err := missing(f.req.Path, job, f.chunks); err != nil && !f.mayBeWhole(job) {
		// The chunks of a job that was finished meanwhile are gone with it.
		if _, over := f.useJob(ctx, f.client, f.req.Path, f.req.Job); over != nil {
			return nil, over
		}
		return nil, err
	}
	f.job = job
	return job, f.req.Hold(v.currentTag())
}

// mayBeWhole reports whether a job may have chunks that were received before anybody recorded
// them. Then the digest that was given says whether they are all there; without one nothing does.
func (f *finish) mayBeWhole(job *store.Job) bool {
	recaller, ok := f.bulk.(store.Recaller)
	return ok && recaller.HoldsUnrecorded(job.Address) && (job.Metadata.MD5 != nil || job.Metadata.SHA256 != nil)
}

func (f *finish) freeze(ctx context.Context) (err error) {
	f.frozen = f.job.Address
	f.address, err = f.bulk.Finish(ctx, f.frozen, placement(f.req.Path, f.job), f.chunks)
	return err
}

// placement is what content of a job is meant for.
func placement(path store.Path, job *store.Job) store.Placement {
	return store.Placement{Path: path, Version: job.Job, Size: job.Size}
}

// thaw lets chunks of a job that goes on be replaced. A job that is bound by another request, or
// whose fate is in doubt, is left as it is.
func (f *finish) thaw(ctx context.Context, cause error) {
	if !definite(cause) {
		return
	}
	ctx = context.WithoutCancel(ctx)
	err := f.dir.Update(ctx, func(tx store.Tx) error {
		job, err := f.stillFrozen(ctx, tx)
		if err != nil || job == nil {
			return err
		}
		return f.bulk.Reopen(ctx, job.Address)
	})
	if store.KindOf(err) == store.ReadOnly {
		err = f.restart(ctx)
	}
	if err != nil {
		f.cfg.Log.Warn().Err(err).Str("path", string(f.req.Path)).Msg("the chunks of an upload cannot be replaced any more")
	}
}

// stillFrozen returns the job if it is there and its content is assembled where it was frozen, else nil.
func (f *finish) stillFrozen(ctx context.Context, tx store.Tx) (*store.Job, error) {
	_, job, err := tx.ResolveJob(ctx, f.req.Path, f.req.Job)
	if err != nil || job == nil || job.Address != f.frozen {
		return nil, err
	}
	return job, nil
}

// restart lets a job whose content is wrong begin anew, where the storage cannot reopen it. Content that
// has its digests stays, because the job can be finished later as it is.
func (f *finish) restart(ctx context.Context) error {
	if !f.wrong {
		return nil
	}
	place, err := f.bulk.Begin(ctx, placement(f.req.Path, f.job), f.job.ChunkSize)
	if err != nil {
		return err
	}
	var done bool
	err = f.dir.Update(ctx, func(tx store.Tx) error {
		done = false
		job, err := f.stillFrozen(ctx, tx)
		if err != nil || job == nil {
			return err
		}
		// It goes before anything new can come to the same key.
		if err := f.bulk.Remove(ctx, f.address); err != nil {
			return err
		}
		done = true
		if err := tx.RestartJob(ctx, job.ID, place); err != nil {
			return err
		}
		return tx.SetDigest(ctx, job.ID, restarted())
	})
	switch {
	case err == nil && done:
		f.reclaimSoon()
	case err == nil || definite(err):
		err = errors.Join(err, f.bulk.Remove(ctx, place))
	}
	return err
}

// prejudge compares the digests where they ran along with all chunks, so that content which is wrong
// need not be frozen.
func (f *finish) prejudge(job *store.Job) error {
	d, err := resume(job.Digest, job.Size)
	if err != nil || d == nil {
		return err
	}
	return f.judge(job, d)
}

// judge compares digests of the whole content with those that the client gave.
func (f *finish) judge(job *store.Job, d *digests) error {
	f.sha256 = d.sha256.Sum(nil)
	given := job.Metadata
	f.wrong = given.SHA256 != nil && !bytes.Equal(given.SHA256, f.sha256) || given.MD5 != nil && !bytes.Equal(given.MD5, d.md5.Sum(nil))
	if f.wrong {
		return store.NewError(store.Conflict, string(f.req.Path), "The content does not have the digest that was given with the upload.")
	}
	return nil
}

// digest completes the digests and compares them with those that the client gave.
func (f *finish) digest(ctx context.Context, job *store.Job) error {
	d, err := resume(job.Digest, job.Digest.Bytes)
	if err != nil {
		return err
	}
	if d.n < job.Size {
		content, err := f.bulk.Open(ctx, f.address)
		if err != nil {
			return err
		}
		defer content.Close()
		if err := d.extend(ctx, content, job.Size); err != nil {
			return store.Wrap(store.Internal, "digest content", err)
		}
	}
	return f.judge(job, d)
}

// bind makes the version and ends the job.
func (f *finish) bind(ctx context.Context) (*PutResult, error) {
	var result *PutResult
	err := f.dir.Update(ctx, func(tx store.Tx) error {
		result = nil
		r, job, err := tx.ResolveJob(ctx, f.req.Path, f.req.Job)
		if err != nil {
			return err
		}
		v := look(f.client, r)
		if err := v.mayJob(acl.UseJob, job); err != nil {
			return err
		}
		if err := f.req.Hold(v.currentTag()); err != nil {
			return err
		}
		version := store.Version{
			NameID: job.NameID, Version: f.versionID(f.address, ulid.MustNew(ulid.Now(), rand.Reader).String()), Size: job.Size,
			Metadata: job.Metadata, ACLs: job.ACLs, Created: time.Now(), SHA256: f.sha256, Address: f.address,
		}
		if err := tx.DeleteJob(ctx, job.ID, true); err != nil {
			return err
		}
		if err := tx.BindVersion(ctx, &version); err != nil {
			return err
		}
		result = &PutResult{Version: version}
		return nil
	})
	return result, err
}
