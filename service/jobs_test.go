package service_test

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// begin starts an upload of content in chunks of that size.
func (b *bench) begin(c acl.Client, path string, size, chunk int64, adjust ...func(*service.StartJob)) *service.JobInfo {
	b.t.Helper()
	req := service.StartJob{Path: store.Path(path), Size: size, ChunkSize: chunk}
	for _, f := range adjust {
		f(&req)
	}
	job, err := b.StartJob(b.ctx, c, req)
	b.must(err)
	return job
}

func (b *bench) sendTo(c acl.Client, path, job string, n int64, content string) error {
	return b.PutChunk(b.ctx, c, service.PutChunk{
		Path: store.Path(path), Job: job, Number: n, Content: strings.NewReader(content), Length: int64(len(content)),
	})
}

func (b *bench) send(job *service.JobInfo, n int64, content string) {
	b.t.Helper()
	b.must(b.sendTo(root, string(job.Path), job.Job.Job, n, content))
}

func (b *bench) finish(job *service.JobInfo) (*service.PutResult, error) {
	return b.FinishJob(b.ctx, root, service.FinishJob{Path: job.Path, Job: job.Job.Job})
}

func (b *bench) gotten(job *service.JobInfo) []service.Range {
	b.t.Helper()
	info, err := b.Job(b.ctx, root, job.Path, job.Job.Job)
	b.must(err)
	return info.Received
}

func TestUploadInChunksOfAnyOrder(t *testing.T) {
	content := counting(service.DefaultInlineLimit + 1)
	const size = 1000
	chunks := int64(len(content)+size-1) / size
	part := func(n int64) string { return content[n*size : min(int(n+1)*size, len(content))] }
	for name, order := range map[string]func(n int64) int64{
		"in order": func(n int64) int64 { return n },
		"reversed": func(n int64) int64 { return chunks - 1 - n },
		"even then odd": func(n int64) int64 {
			if even := (chunks + 1) / 2; n >= even {
				return 2*(n-even) + 1
			}
			return 2 * n
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			job := b.begin(root, "/o", int64(len(content)), size)
			_, _, err := b.get(root, "/o")
			b.want(store.Conflict, err)
			for n := range chunks {
				b.send(job, order(n), part(order(n)))
			}
			if diff := cmp.Diff([]service.Range{{First: 0, Last: chunks - 1}}, b.gotten(job)); diff != "" {
				t.Error(diff)
			}
			_, err = b.finish(job)
			b.must(err)
			b.wantContent(root, "/o", content)
			_, err = b.finish(job)
			b.want(store.NotFound, err)
			b.must(b.Reclaim(b.ctx))
			b.wantContent(root, "/o", content)
			if b.files() != 1 {
				t.Errorf("there are %d files", b.files())
			}
		})
	}
}

func TestChunksInParallelAndReplaced(t *testing.T) {
	b := newBench(t)
	content := large("abcdefgh")
	const size = 100
	chunks := len(content) / size
	content = content[:chunks*size]
	job := b.begin(root, "/o", int64(len(content)), size)
	var all sync.WaitGroup
	for _, n := range rand.Perm(chunks) {
		all.Go(func() {
			for _, text := range []string{strings.Repeat("x", size), content[n*size : (n+1)*size]} {
				if err := b.sendTo(root, "/o", job.Job.Job, int64(n), text); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	_, err := b.finish(job)
	b.must(err)
	b.wantContent(root, "/o", content)
}

func TestUploadSurvivesARestart(t *testing.T) {
	b := newBench(t)
	content := large("restart")
	job := b.begin(root, "/o", int64(len(content)), 2000)
	b.send(job, 0, content[:2000])
	again, err := service.New(service.Config{Directory: b.dir, Bulk: b.bulk, Firewall: acl.Open()})
	b.must(err)
	b.Service = again
	if diff := cmp.Diff([]service.Range{{First: 0, Last: 0}}, b.gotten(job)); diff != "" {
		t.Fatal(diff)
	}
	for n := int64(1); n < job.Job.Chunks(); n++ {
		b.send(job, n, content[2000*n:min(2000*int(n+1), len(content))])
	}
	_, err = b.finish(job)
	b.must(err)
	b.wantContent(root, "/o", content)
}

func TestUploadWithHolesIsNoVersion(t *testing.T) {
	b := newBench(t)
	job := b.begin(root, "/o", 95, 10)
	for _, n := range []int64{0, 1, 4, 9} {
		b.send(job, n, strings.Repeat("x", map[bool]int{true: 5, false: 10}[n == 9]))
	}
	_, err := b.finish(job)
	b.want(store.Conflict, err)
	if got := store.Sentence(err); !strings.Contains(got, "2-3, 5-8.") {
		t.Errorf("the missing chunks are not named: %s", got)
	}
	b.send(job, 2, strings.Repeat("x", 10))
}

func TestWrongDigestKeepsTheUpload(t *testing.T) {
	right := md5.Sum([]byte("abcdef"))
	b := newBench(t)
	job := b.begin(root, "/o", 6, 3, func(r *service.StartJob) { r.Metadata.MD5 = right[:] })
	b.send(job, 0, "abc")
	b.send(job, 1, "xxx")
	_, err := b.finish(job)
	b.want(store.Conflict, err)
	b.send(job, 1, "def")
	result, err := b.finish(job)
	b.must(err)
	if diff := cmp.Diff(right[:], result.Version.Metadata.MD5); diff != "" {
		t.Error(diff)
	}
	b.wantContent(root, "/o", "abcdef")
}

func TestEmptyUpload(t *testing.T) {
	b := newBench(t)
	_, err := b.finish(b.begin(root, "/o", 0, 5))
	b.must(err)
	b.wantContent(root, "/o", "")
}

func TestChunkThatDoesNotFit(t *testing.T) {
	b := newBench(t)
	job := b.begin(root, "/o", 25, 10)
	send := func(n int64, text string) error { return b.sendTo(root, "/o", job.Job.Job, n, text) }
	b.want(store.Conflict, send(0, "short"))
	b.want(store.Conflict, send(2, "0123456789"))
	b.want(store.Conflict, send(3, "01234"))
	b.want(store.Conflict, send(-1, "0123456789"))
	for _, text := range []string{"01234", "0123456789x"} {
		err := b.PutChunk(b.ctx, root, service.PutChunk{Path: "/o", Job: job.Job.Job, Length: -1, Content: strings.NewReader(text)})
		b.want(store.Conflict, err)
	}
	wrong := sha256.Sum256(nil)
	for name, req := range map[string]service.PutChunk{
		"digest":   {Content: strings.NewReader("0123456789"), Length: 10, SHA256: wrong[:]},
		"too soon": {Content: strings.NewReader("01234"), Length: 10},
		"too long": {Content: strings.NewReader("0123456789x"), Length: -1},
		"broken":   {Content: io.MultiReader(strings.NewReader("01"), iotest.ErrReader(errors.New("cut"))), Length: 10},
	} {
		req.Path, req.Job = "/o", job.Job.Job
		if err := b.PutChunk(b.ctx, root, req); err == nil {
			t.Errorf("%s: the chunk was taken", name)
		}
	}
	if got := b.gotten(job); got != nil {
		t.Errorf("chunks that failed count as received: %v", got)
	}
}

func TestFailedRetransmissionIsAHole(t *testing.T) {
	b := newBench(t)
	job := b.begin(root, "/o", 20, 10)
	b.send(job, 0, "0123456789")
	b.send(job, 1, "0123456789")
	err := b.PutChunk(b.ctx, root, service.PutChunk{
		Path: "/o", Job: job.Job.Job, Length: 10,
		Content: io.MultiReader(strings.NewReader("xx"), iotest.ErrReader(errors.New("cut"))),
	})
	if err == nil {
		t.Fatal("a broken chunk was taken")
	}
	_, err = b.finish(job)
	b.want(store.Conflict, err)
	b.send(job, 0, "0123456789")
	_, err = b.finish(job)
	b.must(err)
	b.wantContent(root, "/o", "01234567890123456789")
}

func TestNewerRequestTakesTheChunkOver(t *testing.T) {
	b := newBench(t)
	job := b.begin(root, "/o", 10, 10)
	stalled, release := io.Pipe()
	reading := make(chan struct{})
	gone := make(chan error, 1)
	go func() {
		gone <- b.PutChunk(b.ctx, root, service.PutChunk{
			Path: "/o", Job: job.Job.Job, Length: 10, Content: io.MultiReader(signal(reading), stalled),
		})
	}()
	<-reading
	// The newer request does not wait for the stalled one, which nobody may end for long.
	b.must(b.sendTo(root, "/o", job.Job.Job, 0, "0123456789"))
	_, _ = release.Write([]byte("x"))
	release.CloseWithError(context.DeadlineExceeded)
	b.want(store.Conflict, <-gone)
	_, err := b.finish(job)
	b.must(err)
	b.wantContent(root, "/o", "0123456789")
}

// signal returns an empty reader that closes the channel when it is read.
func signal(c chan struct{}) io.Reader {
	var once sync.Once
	return readerFunc(func([]byte) (int, error) {
		once.Do(func() { close(c) })
		return 0, io.EOF
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestJobRights(t *testing.T) {
	b := newBench(t)
	b.home(alice, "/alice")
	start := func(c acl.Client, path store.Path) error {
		_, err := b.StartJob(b.ctx, c, service.StartJob{Path: path, Size: 1, ChunkSize: 1})
		return err
	}
	b.want(store.Denied, start(bob, "/alice/o"))
	b.want(store.Unauthenticated, start(nobody, "/alice/o"))
	b.want(store.Exists, start(alice, "/alice"))
	b.want(store.NotFound, start(alice, "/alice/none/o"))
	job := b.begin(alice, "/alice/o", 1, 1)
	b.grant(alice, "/alice/o", acl.Update, "bob")
	his := b.begin(bob, "/alice/o", 1, 1)

	b.want(store.Denied, b.sendTo(bob, "/alice/o", job.Job.Job, 0, "x"))
	b.want(store.Denied, b.sendTo(alice, "/alice/o", his.Job.Job, 0, "x"))
	b.want(store.NotFound, b.sendTo(alice, "/alice/o", "none", 0, "x"))
	_, err := b.Job(b.ctx, alice, "/alice/o", his.Job.Job)
	b.want(store.Denied, err)
	_, err = b.FinishJob(b.ctx, bob, service.FinishJob{Path: "/alice/o", Job: job.Job.Job})
	b.want(store.Denied, err)
	_, err = b.Jobs(b.ctx, bob, "/alice/o", 0, 0)
	b.want(store.Denied, err)
	list, err := b.Jobs(b.ctx, alice, "/alice/o", 0, 0)
	b.must(err)
	if len(list.Jobs) != 2 || list.Jobs[0].Job != job.Job.Job {
		t.Errorf("the list is %v", list.Jobs)
	}
	_, err = b.Jobs(b.ctx, alice, "/alice", 0, 0)
	b.want(store.NotFound, err)
	b.want(store.Denied, b.CancelJob(b.ctx, mallory, "/alice/o", his.Job.Job))
	b.must(b.CancelJob(b.ctx, alice, "/alice/o", his.Job.Job))
	b.want(store.NotFound, b.CancelJob(b.ctx, alice, "/alice/o", his.Job.Job))
}

func TestJobWithoutSenseIsRefused(t *testing.T) {
	b := newBench(t)
	for _, c := range [][2]int64{{-1, 1}, {1, 0}, {1, -1}, {1 << 40, 1}} {
		_, err := b.StartJob(b.ctx, root, service.StartJob{Path: "/o", Size: c[0], ChunkSize: c[1]})
		b.want(store.Invalid, err)
	}
	if b.children(root, "/") != "" || b.files() != 0 {
		t.Error("something was left behind")
	}
}

func TestFinishHonoursConditions(t *testing.T) {
	b := newBench(t)
	first := b.put(root, "/o", "one")
	job := b.begin(root, "/o", 3, 3)
	b.send(job, 0, "two")
	b.put(root, "/o", "between")
	match := service.FinishJob{Path: "/o", Job: job.Job.Job, Conditions: service.Conditions{IfMatch: &service.Tags{List: []string{first}}}}
	_, err := b.FinishJob(b.ctx, root, match)
	b.want(store.Precondition, err)
	b.send(job, 0, "new")
	_, err = b.finish(job)
	b.must(err)
	b.wantContent(root, "/o", "new")
}

func TestOneOfManyFinishesWins(t *testing.T) {
	b := newBench(t)
	job := b.begin(root, "/o", 3, 3)
	b.send(job, 0, "abc")
	var won, lost int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			_, err := b.finish(job)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case store.KindOf(err) == store.NotFound:
				lost++
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won != 1 || lost != 9 {
		t.Errorf("%d won and %d lost", won, lost)
	}
	b.wantContent(root, "/o", "abc")
}

func TestEndOfAnUploadFreesItsSpace(t *testing.T) {
	b := newBench(t)
	for name, end := range map[string]func(*service.JobInfo) error{
		"cancelled": func(j *service.JobInfo) error { return b.CancelJob(b.ctx, root, j.Path, j.Job.Job) },
		"object deleted": func(j *service.JobInfo) error {
			return b.Delete(b.ctx, root, service.Delete{Path: j.Path})
		},
		"namespace deleted": func(j *service.JobInfo) error {
			return b.Delete(b.ctx, root, service.Delete{Path: j.Path.Parent()})
		},
		"expired": func(*service.JobInfo) error {
			late, err := service.New(service.Config{Directory: b.dir, Bulk: b.bulk, UploadExpiration: -time.Hour})
			b.must(err)
			return late.ExpireJobs(b.ctx)
		},
	} {
		dir := "/" + strings.ReplaceAll(name, " ", "-")
		b.mkdir(root, dir)
		job := b.begin(root, dir+"/o", 10, 5)
		b.send(job, 0, "01234")
		b.want(store.NotEmpty, b.Delete(b.ctx, root, service.Delete{Path: store.Path(dir), OnlyEmpty: true}))
		b.must(b.Sweep(b.ctx))
		b.must(b.ExpireJobs(b.ctx))
		if n := b.files(); n != 1 {
			t.Fatalf("%s: an upload under way has %d files", name, n)
		}
		b.must(end(job))
		b.must(b.Reclaim(b.ctx))
		if n := b.files(); n != 0 {
			t.Errorf("%s: %d files are left", name, n)
		}
		_, err := b.Job(b.ctx, root, job.Path, job.Job.Job)
		b.want(store.NotFound, err)
	}
}

func TestRestoreBringsBackWhatWasDeletedTogether(t *testing.T) {
	b := newBench(t, func(c *service.Config) { c.DeletedRetention = time.Hour })
	b.mkdir(root, "/n")
	first, second := b.put(root, "/n/o", large("one")), b.put(root, "/n/o", "two")
	b.put(root, "/n/before", "v")
	b.must(b.Delete(b.ctx, root, service.Delete{Path: "/n/before"}))
	b.must(b.DeleteVersion(b.ctx, root, ref("/n/o:"+second), service.Conditions{}))
	b.must(b.Delete(b.ctx, root, service.Delete{Path: "/n"}))
	restore := func(c acl.Client, at string) error { return b.Restore(b.ctx, c, ref(at), service.Conditions{}) }

	b.want(store.NotFound, restore(root, "/n/o"))
	b.want(store.NotFound, restore(root, "/never"))
	b.want(store.Denied, restore(bob, "/n"))
	b.want(store.Unauthenticated, restore(nobody, "/n"))
	b.must(restore(root, "/n"))
	b.must(restore(root, "/n"))
	if got := b.children(root, "/n"); got != "o" {
		t.Errorf("restored: %q", got)
	}
	if got := b.versions(root, "/n/o"); got != first {
		t.Errorf("restored: %s, want %s", got, first)
	}
	b.must(b.Reclaim(b.ctx))
	b.wantContent(root, "/n/o", large("one"))
	b.must(restore(root, "/n/o:"+second))
	b.wantContent(root, "/n/o", "two")
	b.must(restore(root, "/n/before"))
	b.wantContent(root, "/n/before", "v")
}

func TestReclaimedContentIsNotRestored(t *testing.T) {
	b := newBench(t)
	for _, content := range []string{"small", large("large")} {
		path := "/" + content[:5]
		v := b.put(root, path, content)
		b.put(root, path, content)
		b.must(b.DeleteVersion(b.ctx, root, ref(path+":"+v), service.Conditions{}))
		b.must(b.Reclaim(b.ctx))
		b.want(store.Conflict, b.Restore(b.ctx, root, ref(path+":"+v), service.Conditions{}))
		b.must(b.Delete(b.ctx, root, service.Delete{Path: store.Path(path)}))
		b.must(b.Reclaim(b.ctx))
		b.want(store.Conflict, b.Restore(b.ctx, root, ref(path), service.Conditions{}))
	}
}
