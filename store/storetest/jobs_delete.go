package storetest

import (
	"context"
	"time"

	"github.com/hatrac/hatrac/store"
)

// long is a time when everything that is queued is due.
var long = begun.AddDate(1, 0, 0)

func deletesJobs(w *world) {
	w.drain()
	o := w.object("/over")
	job, other := w.job(o.ID, "over"), w.job(o.ID, "on")
	w.record(job.ID, 0, 1, 2)
	w.record(other.ID, 1)
	w.expectBound(map[store.Address]bool{job.Address: true, other.Address: true})
	w.expectDue("before", long, 10)
	w.deleteJob(job.ID, false)
	same(w.t, "the job", (*store.Job)(nil), w.found("/over", "over"))
	other.Active = heard
	same(w.t, "the jobs", []store.Job{other}, w.jobsOf(o.ID, 0, 10))
	same(w.t, "the chunks", []int64(nil), w.received(job.ID, 0, 10))
	same(w.t, "the chunks of another job", []int64{1}, w.received(other.ID, 0, 10))
	w.expectDue("at once", time.Unix(1, 0), 10, job.Address)
	w.expectBound(map[store.Address]bool{job.Address: true, other.Address: true})
	w.drain()
	w.expectBound(map[store.Address]bool{job.Address: false, other.Address: true})

	bare := fullJob(o.ID, "bare")
	bare.Address = ""
	bare = w.createJob(bare)
	w.deleteJob(bare.ID, false)
	w.expectDue("of a job that assembled nothing", long, 10)
}

func restartsJobs(w *world) {
	w.drain()
	o := w.object("/anew")
	job, other := w.job(o.ID, "again"), w.job(o.ID, "on")
	w.record(job.ID, 0, 1, 2)
	w.record(other.ID, 1)
	w.update(func(tx store.Tx) error { return tx.RestartJob(w.t.Context(), job.ID, "another place") })
	left := job.Address
	job.Address, job.Digest, job.Active = "another place", store.DigestState{}, heard
	same(w.t, "the job", &job, w.found("/anew", "again"))
	same(w.t, "its chunks", []int64(nil), w.received(job.ID, 0, 10))
	same(w.t, "the chunks of another job", []int64{1}, w.received(other.ID, 0, 10))
	w.expectDue("at once", time.Unix(1, 0), 10, left)
	w.expectBound(map[store.Address]bool{job.Address: true, other.Address: true})
	w.drain()
	w.expectBound(map[store.Address]bool{left: false, job.Address: true})
	w.record(job.ID, 0)
	same(w.t, "its new chunks", []int64{0}, w.received(job.ID, 0, 10))
	w.refused(store.NotFound, "an unknown job", func(ctx context.Context, tx store.Tx) error {
		return tx.RestartJob(ctx, 1<<40, "nowhere")
	})
}

func keepsAssembled(w *world) {
	ctx := w.t.Context()
	w.drain()
	o := w.object("/finished")
	job := w.job(o.ID, "finished")
	w.record(job.ID, 0)
	w.update(func(tx store.Tx) error {
		v := store.Version{NameID: o.ID, Version: "finished", Size: job.Size, Address: job.Address}
		if err := tx.BindVersion(ctx, &v); err != nil {
			return err
		}
		return tx.DeleteJob(ctx, job.ID, true)
	})
	same(w.t, "the job", (*store.Job)(nil), w.found("/finished", "finished"))
	same(w.t, "the chunks", []int64(nil), w.received(job.ID, 0, 10))
	w.expectDue("after finishing", long, 10)
	w.expectBound(map[store.Address]bool{job.Address: true})

	given := w.job(o.ID, "given up")
	w.deleteJob(given.ID, true)
	w.expectDue("of a job that was kept", long, 10)
	w.expectBound(map[store.Address]bool{given.Address: false})
}

func deletesJobsOfTrees(w *world) {
	w.drain()
	for _, path := range append([]store.Path{"/t", "/t/a"}, neighbours...) {
		w.namespace(path)
	}
	kept := w.job(w.object("/t-b/o").ID, "neighbour")
	one, two := w.job(w.object("/t/o").ID, "one"), w.job(w.object("/t/a/o").ID, "two")
	v := w.bind(one.NameID, "tree-and-job")
	w.record(one.ID, 3)
	w.deleteTree("/t")
	for path, id := range map[store.Path]string{"/t/o": "one", "/t/a/o": "two"} {
		same(w.t, "the job "+id, (*store.Job)(nil), w.found(path, id))
	}
	same(w.t, "the jobs", []store.Job(nil), w.jobsOf(one.NameID, 0, 10))
	same(w.t, "the chunks", []int64(nil), w.received(one.ID, 0, 10))
	same(w.t, "the job of a neighbour", &kept, w.found("/t-b/o", "neighbour"))
	w.expectDue("at once", time.Unix(1, 0), 10, one.Address, two.Address)
	w.expectDue("when the versions are due", begun.Add(2*time.Hour), 10, one.Address, two.Address, v.Address)
	w.expectBound(map[store.Address]bool{one.Address: true, kept.Address: true})

	last := w.job(w.object("/t-b/last").ID, "last")
	w.deleteTree("/t-b/last")
	same(w.t, "the job of a deleted object", (*store.Job)(nil), w.found("/t-b/last", "last"))
	w.expectDue("of a deleted object", time.Unix(1, 0), 10, one.Address, two.Address, last.Address)
}

func knowsNoStrangeJobs(w *world) {
	job := w.job(w.object("/strange").ID, "gone")
	w.record(job.ID, 0)
	w.deleteJob(job.ID, false)
	w.drain()
	for which, id := range map[string]int64{"an unknown job": 1 << 40, "a job that is over": job.ID} {
		for what, fn := range map[string]func(ctx context.Context, tx store.Tx) error{
			"recording a chunk of ":  func(ctx context.Context, tx store.Tx) error { return tx.RecordChunk(ctx, id, store.Chunk{}, begun) },
			"forgetting a chunk of ": func(ctx context.Context, tx store.Tx) error { return tx.ForgetChunk(ctx, id, 0) },
			"setting the digest of ": func(ctx context.Context, tx store.Tx) error { return tx.SetDigest(ctx, id, store.DigestState{}) },
			"deleting ":              func(ctx context.Context, tx store.Tx) error { return tx.DeleteJob(ctx, id, false) },
			"deleting and keeping ":  func(ctx context.Context, tx store.Tx) error { return tx.DeleteJob(ctx, id, true) },
		} {
			w.refused(store.NotFound, what+which, fn)
		}
		same(w.t, "the chunks of "+which, []int64(nil), w.received(id, 0, 10))
	}
	w.expectDue("after all that", long, 10)
}

func leavesNoJobs(w *world) {
	ctx := w.t.Context()
	w.drain()
	o := w.object("/left")
	job := w.job(o.ID, "stays")
	w.record(job.ID, 5)
	before := *w.found("/left", "stays")
	if err := w.d.Update(ctx, func(tx store.Tx) error {
		other := fullJob(o.ID, "other")
		for _, err := range []error{
			tx.CreateJob(ctx, &other),
			tx.RecordChunk(ctx, job.ID, store.Chunk{Number: 6}, begun.Add(time.Hour)),
			tx.SetDigest(ctx, job.ID, store.DigestState{}),
			tx.ForgetChunk(ctx, job.ID, 5),
			tx.DeleteJob(ctx, job.ID, false),
		} {
			if err != nil {
				return err
			}
		}
		return errStop
	}); err != errStop { //nolint:errorlint // it is returned as it is
		w.t.Errorf("the change failed with %v, not with its own error", err)
	}
	same(w.t, "the jobs", []store.Job{before}, w.jobsOf(o.ID, 0, 10))
	same(w.t, "the chunks", []int64{5}, w.received(job.ID, 0, 10))
	w.expectDue("after a failed change", long, 10)
}
