package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

func testRivalsOfJobs(t *testing.T, w *world, second store.Directory) {
	for name, test := range map[string]func(*world, []store.Directory){
		"of many who begin a job one wins":      beginsOnce,
		"parallel chunks of a job are all kept": recordsAll,
		"parallel chunks that come again":       replacesAll,
		"no chunk outlives its job":             recordsNoneAfter,
		"no job outlives its tree":              beginsNoneAfter,
		"a job that was resolved stays":         locksJobs,
	} {
		t.Run(name+", one handle", func(t *testing.T) { test(w.in(t), []store.Directory{w.d}) })
		t.Run(name+", two handles", func(t *testing.T) { test(w.in(t), []store.Directory{w.d, second}) })
	}
}

// expectAll expects that no rival has failed.
func (w *world) expectAll(errs []error) {
	w.t.Helper()
	for i, err := range errs {
		if err != nil {
			w.t.Errorf("rival %d: %v", i, err)
		}
	}
}

// allNumbers are the numbers of all rivals.
func allNumbers() (numbers []int64) {
	for i := range int64(rivals) {
		numbers = append(numbers, i)
	}
	return numbers
}

func beginsOnce(w *world, handles []store.Directory) {
	o := w.fresh(acl.Object, "begin-once", handles)
	w.oneWins(w.race(handles, func(ctx context.Context, _ int, tx store.Tx) error {
		j := fullJob(o.ID, "prize")
		return tx.CreateJob(ctx, &j)
	}), store.Exists)
	if jobs := w.jobsOf(o.ID, 0, 10); len(jobs) != 1 {
		w.t.Errorf("there are %d jobs", len(jobs))
	}
}

func recordsAll(w *world, handles []store.Directory) {
	job := w.job(w.fresh(acl.Object, "record-all", handles).ID, "all")
	w.expectAll(w.race(handles, func(ctx context.Context, i int, tx store.Tx) error {
		return tx.RecordChunk(ctx, job.ID, store.Chunk{Number: int64(i)}, heard)
	}))
	same(w.t, "the chunks", allNumbers(), w.received(job.ID, 0, 2*rivals))
}

// replacesAll lets each rival forget a chunk that all of them have, and record one for itself
// and one for all.
func replacesAll(w *world, handles []store.Directory) {
	job := w.job(w.fresh(acl.Object, "replace-all", handles).ID, "all")
	w.expectAll(w.race(handles, func(ctx context.Context, i int, tx store.Tx) error {
		for _, number := range []int64{rivals, int64(i)} {
			if err := tx.ForgetChunk(ctx, job.ID, number); err != nil {
				return err
			}
			if err := tx.RecordChunk(ctx, job.ID, store.Chunk{Number: number}, heard); err != nil {
				return err
			}
		}
		return nil
	}))
	same(w.t, "the chunks", append(allNumbers(), rivals), w.received(job.ID, 0, 2*rivals))
}

// recordsNoneAfter lets rivals record chunks while one of them deletes the job.
func recordsNoneAfter(w *world, handles []store.Directory) {
	o := w.fresh(acl.Object, "none-after", handles)
	for round := range 10 {
		job := w.job(o.ID, fmt.Sprint("doomed-", round))
		deleter := round * 3
		errs := w.race(handles, func(ctx context.Context, i int, tx store.Tx) error {
			if i == deleter {
				return tx.DeleteJob(ctx, job.ID, false)
			}
			return tx.RecordChunk(ctx, job.ID, store.Chunk{Number: int64(i)}, heard)
		})
		for i, err := range errs {
			if err != nil && (i == deleter || store.KindOf(err) != store.NotFound) {
				w.t.Errorf("round %d, rival %d: %v", round, i, err)
			}
		}
		same(w.t, "the chunks", []int64(nil), w.received(job.ID, 0, 2*rivals))
	}
	same(w.t, "the jobs", []store.Job(nil), w.jobsOf(o.ID, 0, 10))
}

// beginsNoneAfter lets rivals begin jobs on an object if it is live, while one of them deletes
// what is around it.
func beginsNoneAfter(w *world, handles []store.Directory) {
	for round := range 10 {
		n := w.fresh(acl.Namespace, fmt.Sprint("fell-", round), handles)
		o := w.object(n.Path + "/o")
		deleter := round * 3
		errs := w.race(handles, func(ctx context.Context, i int, tx store.Tx) error {
			if i == deleter {
				return tx.DeleteTree(ctx, n.Path, begun, begun)
			}
			id := fmt.Sprint("job-", i)
			found, _, err := tx.ResolveJob(ctx, o.Path, id)
			if err != nil {
				return err
			}
			if found.Name.Deleted {
				return errStop
			}
			j := fullJob(o.ID, id)
			return tx.CreateJob(ctx, &j)
		})
		if errs[deleter] != nil {
			w.t.Fatalf("deleting: %v", errs[deleter])
		}
		if jobs := w.jobsOf(o.ID, 0, rivals); len(jobs) != 0 {
			w.t.Errorf("round %d: %d jobs are left on a deleted object", round, len(jobs))
		}
	}
}

// locksJobs lets each rival look at a job, count in its digest, and look again.
func locksJobs(w *world, handles []store.Directory) {
	o := w.fresh(acl.Object, "locked-job", handles)
	job := fullJob(o.ID, "locked")
	job.Digest = store.DigestState{}
	w.createJob(job)
	w.expectAll(w.race(handles, func(ctx context.Context, _ int, tx store.Tx) error {
		_, first, err := tx.ResolveJob(ctx, o.Path, "locked")
		if err != nil {
			return err
		}
		_, again, err := tx.ResolveJob(ctx, o.Path, "locked")
		if err != nil {
			return err
		}
		same(w.t, "the second look", first, again)
		return tx.SetDigest(ctx, first.ID, store.DigestState{Bytes: first.Digest.Bytes + 1, State: []byte("s")})
	}))
	if got := w.found(o.Path, "locked").Digest.Bytes; got != rivals {
		w.t.Errorf("%d of %d changes are there", got, rivals)
	}
}
