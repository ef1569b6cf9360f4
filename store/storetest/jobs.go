package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

func testJobs(t *testing.T, db Database) {
	w := begin(t, db)
	for name, test := range map[string]func(*world){
		"all fields are kept":                     keepsJobs,
		"an object has an id once at a time":      createsJobsOnce,
		"a job is found with its object":          resolvesJobs,
		"a transaction sees its own jobs":         resolvesOwnJobs,
		"jobs come oldest first, in pages":        pagesJobs,
		"idle jobs come longest idle first":       listsIdleJobs,
		"the digest is replaced":                  replacesDigest,
		"a namespace has the jobs of children":    hasJobs,
		"a deleted job leaves nothing":            deletesJobs,
		"a job begins anew at another place":      restartsJobs,
		"what a kept job assembled is not queued": keepsAssembled,
		"a deleted tree takes its jobs along":     deletesJobsOfTrees,
		"unknown jobs are not found":              knowsNoStrangeJobs,
		"a failed change of jobs leaves nothing":  leavesNoJobs,
	} {
		t.Run(name, func(t *testing.T) { test(w.in(t)) })
	}
	testChunks(t, w)
	testRivalsOfJobs(t, w, open(t, db))
}

// fullJob has something in every field.
func fullJob(object int64, id string) store.Job {
	v := fullVersion(object)
	return store.Job{
		NameID: object, Job: id, Size: 1 << 50, ChunkSize: 1<<30 + 1,
		Metadata: v.Metadata, ACLs: acl.Lists{acl.Owner: {"ann", "é"}},
		Created: begun, Active: begun.Add(time.Minute),
		Address: store.Address(fmt.Sprint("assembled for ", object, "/", id)),
		Digest:  store.DigestState{Bytes: 1 << 40, State: []byte("state\x00\xff")},
	}
}

func (w *world) createJob(j store.Job) store.Job {
	w.t.Helper()
	w.update(func(tx store.Tx) error {
		one := j
		err := tx.CreateJob(w.t.Context(), &one)
		j.ID = one.ID
		return err
	})
	return j
}

// job gives an object a job with an address of its own.
func (w *world) job(object int64, id string) store.Job {
	w.t.Helper()
	return w.createJob(fullJob(object, id))
}

// found returns a job as ResolveJob answers it, and nil if there is none.
func (w *world) found(path store.Path, id string) *store.Job {
	w.t.Helper()
	_, job, err := w.d.ResolveJob(w.t.Context(), path, id)
	if err != nil {
		w.t.Fatalf("resolve %s with the job %s: %v", path, id, err)
	}
	return job
}

func (w *world) jobsOf(object, after int64, limit int) []store.Job {
	w.t.Helper()
	jobs, err := w.d.JobsOf(w.t.Context(), object, after, limit)
	if err != nil {
		w.t.Fatal(err)
	}
	return jobs
}

func (w *world) deleteJob(job int64, keep bool) {
	w.t.Helper()
	w.update(func(tx store.Tx) error { return tx.DeleteJob(w.t.Context(), job, keep) })
}

func keepsJobs(w *world) {
	o := w.object("/kept")
	bare := fullJob(o.ID, "bare")
	bare.Metadata, bare.ACLs, bare.Address, bare.Digest = store.Metadata{}, nil, "", store.DigestState{}
	empty := fullJob(o.ID, "of nothing")
	empty.Size, empty.ChunkSize = 0, 1
	jobs := []store.Job{fullJob(o.ID, "full"), bare, empty, fullJob(o.ID, "any: /%2F\t' é")}
	for i := range jobs {
		jobs[i] = w.createJob(jobs[i])
		if jobs[i].ID == 0 {
			w.t.Error("the job has no ID")
		}
		same(w.t, "the job "+jobs[i].Job, &jobs[i], w.found("/kept", jobs[i].Job))
	}
	same(w.t, "the jobs", jobs, w.jobsOf(o.ID, 0, 10))
}

func createsJobsOnce(w *world) {
	o, other := w.object("/once"), w.object("/once-too")
	first := w.job(o.ID, "twin")
	twin := func(ctx context.Context, tx store.Tx) error {
		j := fullJob(o.ID, "twin")
		return tx.CreateJob(ctx, &j)
	}
	w.refused(store.Exists, "a second job of one id", twin)
	w.refused(store.NotFound, "a job on an unknown object", func(ctx context.Context, tx store.Tx) error {
		j := fullJob(1<<40, "orphan")
		return tx.CreateJob(ctx, &j)
	})
	same(w.t, "the job of another object", w.job(other.ID, "twin"), *w.found("/once-too", "twin"))
	same(w.t, "the first job", &first, w.found("/once", "twin"))
	newest := w.job(o.ID, "newest")
	w.deleteJob(newest.ID, true)
	if again := w.job(o.ID, "newest"); again.ID <= newest.ID {
		w.t.Errorf("the id given again has the ID %d after %d", again.ID, newest.ID)
	}
}

func resolvesJobs(w *world) {
	w.namespace("/found")
	o, other := w.object("/found/o"), w.object("/found/other")
	bare := w.job(o.ID, "early")
	same(w.t, "the job of an object without versions", &bare, w.found("/found/o", "early"))
	w.bind(o.ID, "found-1")
	w.bindAs(store.Version{NameID: o.ID, Version: "found-2", Size: 3, Inline: []byte("abc"), HasInline: true})
	job := w.job(o.ID, "job")
	w.job(other.ID, "elsewhere")
	for path, jobs := range map[store.Path]map[string]*store.Job{
		"/found/o":       {"job": &job, "early": &bare, "elsewhere": nil, "none": nil, "": nil},
		"/found":         {"job": nil},
		"/":              {"job": nil},
		"/found/never":   {"job": nil},
		"/found/o/below": {"job": nil},
		"/never/was":     {"job": nil},
	} {
		for id, want := range jobs {
			resolution, got, err := w.d.ResolveJob(w.t.Context(), path, id)
			if err != nil {
				w.t.Fatal(err)
			}
			what := fmt.Sprintf("the job %q at %s", id, path)
			same(w.t, what, want, got)
			same(w.t, "what is resolved with "+what, w.resolve(path, ""), resolution)
		}
	}
}

func resolvesOwnJobs(w *world) {
	ctx := w.t.Context()
	w.update(func(tx store.Tx) error {
		n := store.Name{Parent: w.root.ID, Path: "/own", Kind: acl.Object, Created: begun}
		if err := tx.CreateName(ctx, &n); err != nil {
			return err
		}
		j := fullJob(n.ID, "own")
		if err := tx.CreateJob(ctx, &j); err != nil {
			return err
		}
		plain, err := tx.Resolve(ctx, "/own", "")
		if err != nil {
			return err
		}
		resolution, got, err := tx.ResolveJob(ctx, "/own", "own")
		same(w.t, "the job", &j, got)
		same(w.t, "what is resolved with it", plain, resolution)
		if err != nil {
			return err
		}
		if err := tx.DeleteJob(ctx, j.ID, true); err != nil {
			return err
		}
		_, got, err = tx.ResolveJob(ctx, "/own", "own")
		same(w.t, "the deleted job", (*store.Job)(nil), got)
		return err
	})
}

func pagesJobs(w *world) {
	o, other := w.object("/pages"), w.object("/pages-other")
	var want []store.Job
	for i := range 10 {
		id := fmt.Sprint("page-", 9-i)
		job := w.job(o.ID, id)
		w.job(other.ID, id)
		if i == 4 {
			w.deleteJob(job.ID, true)
			continue
		}
		want = append(want, job)
	}
	for _, size := range []int{1, 3, 9, 10} {
		var got []store.Job
		for after := int64(0); len(got) <= len(want); after = got[len(got)-1].ID {
			page := w.jobsOf(o.ID, after, size)
			got = append(got, page...)
			if len(page) < size {
				break
			}
		}
		same(w.t, fmt.Sprintf("the jobs in pages of %d", size), want, got)
	}
	same(w.t, "a page of none", []store.Job(nil), w.jobsOf(o.ID, 0, 0))
	same(w.t, "the jobs of nothing", []store.Job(nil), w.jobsOf(1<<40, 0, 10))
}

func (w *world) idle(before time.Time, limit int) []store.IdleJob {
	w.t.Helper()
	jobs, err := w.d.IdleJobs(w.t.Context(), before, limit)
	if err != nil {
		w.t.Fatal(err)
	}
	return jobs
}

func listsIdleJobs(w *world) {
	// The jobs of other tests are younger by years.
	old := func(days int) time.Time { return begun.AddDate(-10, 0, days) }
	w.namespace("/idle")
	var jobs []store.IdleJob
	for i, days := range []int{3, 1, 2, 1} {
		path := store.Path(fmt.Sprint("/idle/", i))
		j := fullJob(w.object(path).ID, "idle")
		j.Active = old(days)
		jobs = append(jobs, store.IdleJob{Path: path, Job: w.createJob(j)})
	}
	order := []store.IdleJob{jobs[1], jobs[3], jobs[2], jobs[0]}
	same(w.t, "all", order, w.idle(old(4), 10))
	same(w.t, "those before the last", order[:3], w.idle(old(3), 10))
	same(w.t, "one more at a later moment", order, w.idle(old(3).Add(time.Microsecond), 10))
	same(w.t, "no more than asked for", order[:2], w.idle(old(4), 2))
	same(w.t, "none asked for", []store.IdleJob(nil), w.idle(old(4), 0))
	same(w.t, "before the first", []store.IdleJob(nil), w.idle(old(1), 10))
	w.update(func(tx store.Tx) error {
		return tx.RecordChunk(w.t.Context(), jobs[1].Job.ID, store.Chunk{}, begun)
	})
	same(w.t, "without one that was heard of", order[1:], w.idle(old(4), 10))
}

func replacesDigest(w *world) {
	o := w.object("/digest")
	job, other := w.job(o.ID, "digest"), w.job(o.ID, "other")
	for _, d := range []store.DigestState{{Bytes: 7, State: []byte("seven")}, {}, {Bytes: 1 << 50, State: make([]byte, 500)}} {
		w.update(func(tx store.Tx) error { return tx.SetDigest(w.t.Context(), job.ID, d) })
		job.Digest = d
		same(w.t, "the job", &job, w.found("/digest", "digest"))
	}
	same(w.t, "another job", &other, w.found("/digest", "other"))
}

func hasJobs(w *world) {
	n := w.namespace("/has")
	expect := func(want bool, when string) {
		w.t.Helper()
		w.update(func(tx store.Tx) error {
			got, err := tx.HasJobs(w.t.Context(), n.ID)
			if got != want {
				w.t.Errorf("%s: HasJobs = %v", when, got)
			}
			return err
		})
	}
	expect(false, "without children")
	o := w.object("/has/o")
	w.job(w.object("/has-not").ID, "has")
	w.namespace("/has/ns")
	w.job(w.object("/has/ns/o").ID, "deeper")
	expect(false, "with jobs elsewhere")
	job := w.job(o.ID, "has")
	expect(true, "with a job")
	w.deleteJob(job.ID, false)
	expect(false, "with a job that was deleted")
	w.deleteTree("/has/o")
	w.job(o.ID, "dead")
	expect(false, "with a job on a deleted object")
}
