package service_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/filesystem"
)

// faultyStorage is a storage whose syncs can be made to fail, or to wait.
type faultyStorage struct {
	*filesystem.Bulk
	broken atomic.Bool
	syncs  atomic.Int64 // addresses that were synced
}

var errBroken = errors.New("the disk does not answer")

func (s *faultyStorage) SyncContent(ctx context.Context, addresses []store.Address) []error {
	if s.broken.Load() {
		errs := make([]error, len(addresses))
		for i := range errs {
			errs[i] = store.Wrap(store.Unavailable, "sync", errBroken)
		}
		return errs
	}
	s.syncs.Add(int64(len(addresses)))
	return s.Bulk.SyncContent(ctx, addresses)
}

// faultyDirectory is a directory that can be made not to become durable.
type faultyDirectory struct {
	store.Directory
	broken atomic.Bool
}

func (d *faultyDirectory) Update(ctx context.Context, fn func(store.Tx) error) error {
	if d.broken.Load() {
		return store.Wrap(store.Unavailable, "commit", errBroken)
	}
	return d.Directory.Update(ctx, fn)
}

func (d *faultyDirectory) Sync(ctx context.Context) error {
	if d.broken.Load() {
		return store.Wrap(store.Unavailable, "sync", errBroken)
	}
	return d.Directory.Sync(ctx)
}

// lateBench is a bench on which commits may wait, as long as nobody asks for more.
type lateBench struct {
	*bench
	storage   *faultyStorage
	directory *faultyDirectory
	log       bytes.Buffer
	end       func() // ends the background work
}

func newLateBench(t *testing.T) *lateBench {
	l := &lateBench{}
	l.bench = newBench(t, func(cfg *service.Config) {
		l.storage = &faultyStorage{Bulk: cfg.Bulk.(*filesystem.Bulk)}
		l.directory = &faultyDirectory{Directory: cfg.Directory}
		cfg.Bulk, cfg.Directory = l.storage, l.directory
		cfg.SyncInterval = time.Hour
		cfg.Log = zerolog.New(&l.log)
	})
	l.home(alice, "/a")
	l.start()
	return l
}

// start begins the background work, and returns when commits may wait.
func (l *lateBench) start() {
	l.t.Helper()
	background, stop := context.WithCancel(context.WithoutCancel(l.ctx))
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		_ = l.Run(background)
	}()
	var ended bool
	l.end = func() {
		if !ended {
			ended = true
			stop()
			<-ran
		}
	}
	l.t.Cleanup(func() { l.end() })
	for !l.MayWait() {
		runtime.Gosched()
	}
}

// commit stores a draft as the mount does at a close.
func (l *lateBench) commit(path, content string, change ...func(*service.PutObject)) *service.PutResult {
	l.t.Helper()
	result, err := l.tryCommit(path, content, change...)
	l.must(err)
	return result
}

func (l *lateBench) tryCommit(path, content string, change ...func(*service.PutObject)) (*service.PutResult, error) {
	l.t.Helper()
	file, err := os.CreateTemp(l.SpoolDir(), "draft-")
	l.must(err)
	defer func() {
		l.must(os.Remove(file.Name()))
		l.must(file.Close())
	}()
	_, err = file.WriteString(content)
	l.must(err)
	req := service.PutObject{Path: store.Path(path), Draft: &service.Draft{File: file}, SkipUnchanged: true, Soon: true}
	for _, fn := range change {
		fn(&req)
	}
	return l.PutObject(l.ctx, alice, req)
}

// marked expects the versions that are not durable.
func (l *lateBench) marked(want ...*service.PutResult) {
	l.t.Helper()
	entries, err := l.dir.UnsyncedVersions(l.ctx, 0, 100)
	l.must(err)
	var got, wanted []string
	for _, e := range entries {
		got = append(got, e.Current.Version)
	}
	for _, r := range want {
		wanted = append(wanted, r.Version.Version)
	}
	if strings.Join(got, " ") != strings.Join(wanted, " ") {
		l.t.Errorf("marked as not durable are %v, want %v", got, wanted)
	}
}

func TestACommitThatMayWaitIsVisibleAtOnceAndDurableAfterASync(t *testing.T) {
	l := newLateBench(t)
	small := l.commit("/a/small", "few")
	first := l.commit("/a/large", large("one"))
	second := l.commit("/a/large", large("two"))
	l.wantContent(alice, "/a/small", "few")
	l.wantContent(alice, "/a/large", large("two"))
	l.marked(first, second) // the content of small goes with its row
	if small.Version.Unsynced != "" || first.Version.Unsynced == "" {
		t.Errorf("the versions are marked by %q and %q", small.Version.Unsynced, first.Version.Unsynced)
	}
	if n := l.storage.syncs.Load(); n != 0 {
		t.Errorf("%d files were synced before anybody asked", n)
	}
	l.must(l.Sync(l.ctx))
	l.marked()
	l.must(l.Sync(l.ctx))
	if n := l.storage.syncs.Load(); n != 2 {
		t.Errorf("%d files were synced, want 2", n)
	}
}

func TestADurableCommitIsNeverMarked(t *testing.T) {
	l := newLateBench(t)
	l.commit("/a/f", large("one"), func(req *service.PutObject) { req.Soon = false })
	l.put(alice, "/a/g", large("rest"))
	l.marked()
	l.end()
	l.commit("/a/h", large("nobody would make it durable"))
	l.marked()
}

func TestTheIntervalEndsTheWait(t *testing.T) {
	l := newLateBench(t)
	l.end()
	b := &lateBench{bench: l.bench}
	var err error
	b.Service, err = service.New(service.Config{
		Directory: l.dir, Bulk: l.bulk, Firewall: acl.Open(), SyncInterval: time.Millisecond,
	})
	b.must(err)
	b.start()
	b.commit("/a/f", large("one"))
	for {
		left, err := l.dir.UnsyncedVersions(l.ctx, 0, 1)
		l.must(err)
		if len(left) == 0 {
			break
		}
		runtime.Gosched()
	}
}

func TestTheEndOfTheServiceLeavesNothingToWait(t *testing.T) {
	l := newLateBench(t)
	l.commit("/a/f", large("one"))
	l.end()
	l.marked()
	l.wantContent(alice, "/a/f", large("one"))
}

func TestWhatCannotBeMadeDurableStaysMarkedAndIsTriedAgain(t *testing.T) {
	for name, fault := range map[string]func(*lateBench) *atomic.Bool{
		"content":   func(l *lateBench) *atomic.Bool { return &l.storage.broken },
		"directory": func(l *lateBench) *atomic.Bool { return &l.directory.broken },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLateBench(t)
			l.commit("/a/small", "few")
			lasting := l.commit("/a/f", large("one"))
			fault(l).Store(true)
			for range 2 {
				if err := l.Sync(l.ctx); err == nil || !errors.Is(err, errBroken) {
					t.Errorf("the sync says %v", err)
				}
				l.marked(lasting)
				l.wantContent(alice, "/a/f", large("one"))
			}
			if !strings.Contains(l.log.String(), "tried again") {
				t.Error("the log does not tell of the failure")
			}
			fault(l).Store(false)
			l.must(l.Sync(l.ctx))
			l.marked()
			l.wantContent(alice, "/a/f", large("one"))
		})
	}
}

func TestWhatBuildsOnAVersionMakesItDurableFirst(t *testing.T) {
	matching := func(r *service.PutResult) service.Conditions {
		return service.Conditions{IfMatch: &service.Tags{List: []string{r.Version.Version}}}
	}
	for name, build := range map[string]func(*lateBench, *service.PutResult) error{
		"rename": func(l *lateBench, _ *service.PutResult) error {
			_, err := l.Rename(l.ctx, alice, service.Rename{Source: "/a/f", Target: "/a/g"})
			return err
		},
		"a conditional update": func(l *lateBench, r *service.PutResult) error {
			_, err := l.PutObject(l.ctx, alice, service.PutObject{
				Path: "/a/f", Content: strings.NewReader("new"), Size: 3, Conditions: matching(r),
			})
			return err
		},
		"a conditional deletion": func(l *lateBench, r *service.PutResult) error {
			return l.Delete(l.ctx, alice, service.Delete{Path: "/a/f", Conditions: matching(r)})
		},
		"a conditional deletion of the version": func(l *lateBench, r *service.PutResult) error {
			return l.DeleteVersion(l.ctx, alice, ref("/a/f:"+r.Version.Version), matching(r))
		},
		"metadata": func(l *lateBench, _ *service.PutResult) error {
			return l.SetMetadata(l.ctx, alice, ref("/a/f"), service.MetadataChange{Field: "content-type", Value: "text/plain"})
		},
		"lists": func(l *lateBench, r *service.PutResult) error {
			return l.SetACL(l.ctx, alice, ref("/a/f:"+r.Version.Version),
				service.ACLChange{Op: service.AddEntry, List: acl.Read, Entry: "bob"})
		},
		"the same content, durable": func(l *lateBench, _ *service.PutResult) error {
			result, err := l.tryCommit("/a/f", large("one"), func(req *service.PutObject) { req.Soon = false })
			if err == nil && !result.Unchanged {
				err = errors.New("there is another version")
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLateBench(t)
			late := l.commit("/a/f", large("one"))
			l.storage.broken.Store(true)
			if err := build(l, late); !errors.Is(err, errBroken) {
				t.Errorf("on a version that cannot be made durable: %v", err)
			}
			l.marked(late)
			l.storage.broken.Store(false)
			l.must(build(l, late))
			l.marked()
		})
	}
}

// crash returns the store as a power failure leaves it, served anew: the first service is gone
// without an end, and what it had not synced has suffered.
func (l *lateBench) crash() *lateBench {
	l.t.Helper()
	l.storage.broken.Store(true)
	l.end()
	after := &lateBench{bench: &bench{t: l.t, ctx: l.ctx, content: l.content, bulk: l.bulk, dir: l.dir}}
	var err error
	after.Service, err = service.New(service.Config{
		Directory: l.dir, Bulk: l.bulk, Firewall: acl.Open(), Log: zerolog.New(&after.log),
	})
	l.must(err)
	return after
}

// file returns where the content of a version lies.
func (l *lateBench) file(r *service.PutResult) string {
	return filepath.Join(l.content, ":content", string(r.Version.Address))
}

func TestAfterACrashOnlyVersionsInDoubtAreCheckedAndTheDamagedRemoved(t *testing.T) {
	overwrite := func(name, content string) error {
		return errors.Join(os.Chmod(name, 0o600), os.WriteFile(name, []byte(content), 0o600), os.Chmod(name, 0o444))
	}
	for how, damage := range map[string]func(name string) error{
		"lost":          os.Remove,
		"empty":         func(name string) error { return os.Truncate(name, 0) },
		"cut":           func(name string) error { return os.Truncate(name, 4096) },
		"other content": func(name string) error { return overwrite(name, large("two")) },
		"without mode":  func(name string) error { return os.Chmod(name, 0o600) },
	} {
		t.Run(how, func(t *testing.T) {
			l := newLateBench(t)
			l.put(alice, "/a/old", large("old"))
			neighbour := l.commit("/a/neighbour", large("had"))
			l.must(l.Sync(l.ctx))
			whole := l.commit("/a/whole", large("all"))
			l.commit("/a/old", large("had"))
			newer := l.commit("/a/old", large("new"))
			only := l.commit("/a/only", large("own"))
			untouched := l.commit("/a/small", "few")
			for _, r := range []*service.PutResult{newer, only, neighbour} {
				l.must(damage(l.file(r)))
			}
			after := l.crash()
			after.must(after.Recover(after.ctx))
			after.marked()
			after.wantContent(alice, "/a/old", large("had"))
			after.wantContent(alice, "/a/whole", large("all"))
			after.wantContent(alice, "/a/small", "few")
			_, err := after.Look(after.ctx, alice, ref("/a/only"))
			after.want(store.NotFound, err)
			_, err = after.Look(after.ctx, alice, ref("/a/neighbour:"+neighbour.Version.Version))
			after.must(err) // it was never in doubt: that its content has gone is another matter
			said := after.log.String()
			for _, r := range []*service.PutResult{newer, only} {
				if strings.Count(said, r.Version.Version) != 1 {
					t.Errorf("the log does not tell of the loss of %s:\n%s", r.Version.Version, said)
				}
			}
			for _, r := range []*service.PutResult{whole, neighbour, untouched} {
				if strings.Contains(said, r.Version.Version) {
					t.Errorf("the log tells of a loss of %s:\n%s", r.Version.Version, said)
				}
			}
			after.log.Reset()
			after.must(after.Recover(after.ctx))
			if after.log.Len() > 0 {
				t.Errorf("a second look finds more: %s", after.log.String())
			}
		})
	}
}

func TestNobodyJudgesWhatALivingProcessOwes(t *testing.T) {
	l := newLateBench(t)
	late := l.commit("/a/f", large("one"))
	other, err := service.New(service.Config{Directory: l.dir, Bulk: l.bulk, Firewall: acl.Open()})
	l.must(err)
	l.must(os.Truncate(l.file(late), 5)) // as if it were not written yet
	l.must(other.Recover(l.ctx))
	l.marked(late)
	_, err = other.Rename(l.ctx, alice, service.Rename{Source: "/a/f", Target: "/a/g"})
	l.want(store.Unavailable, err)
	l.marked(late)
}

func TestAnotherProcessMayMakeDurableWhatItBuildsOn(t *testing.T) {
	l := newLateBench(t)
	l.commit("/a/f", large("one"))
	other, err := service.New(service.Config{Directory: l.dir, Bulk: l.bulk, Firewall: acl.Open()})
	l.must(err)
	_, err = other.Rename(l.ctx, alice, service.Rename{Source: "/a/f", Target: "/a/g"})
	l.must(err)
	l.marked()
	l.must(l.Sync(l.ctx))
	l.wantContent(alice, "/a/g", large("one"))
}

func TestWhatWasDeletedBeforeItWasDurableIsForgotten(t *testing.T) {
	l := newLateBench(t)
	deleted := l.commit("/a/f", large("one"))
	l.must(l.Delete(l.ctx, alice, service.Delete{Path: "/a/f"}))
	l.must(l.Reclaim(l.ctx))
	if _, err := os.Stat(l.file(deleted)); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the content is there still: %v", err)
	}
	l.must(l.Sync(l.ctx))
	l.marked()
	if strings.Contains(l.log.String(), "not whole") {
		t.Errorf("a loss was reported: %s", l.log.String())
	}
}
