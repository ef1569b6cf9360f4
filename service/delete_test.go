package service_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

func TestDeletionIsAllOrNothing(t *testing.T) {
	b := newBench(t)
	b.mkdir(root, "/p")
	b.grant(root, "/p", acl.Create, "staff")
	b.mkdir(alice, "/p/a")
	b.put(alice, "/p/a/mine", "v")
	b.grant(alice, "/p/a", acl.Create, "bob")
	b.put(bob, "/p/a/his", "v")

	b.want(store.Denied, b.Delete(b.ctx, alice, service.Delete{Path: "/p/a"}))
	if got := b.children(alice, "/p/a"); got != "his mine" {
		t.Fatalf("after a refused deletion there is %q", got)
	}
	b.want(store.Unauthenticated, b.Delete(b.ctx, nobody, service.Delete{Path: "/p/a"}))
	b.must(b.Delete(b.ctx, bob, service.Delete{Path: "/p/a/his"}))
	b.must(b.Delete(b.ctx, alice, service.Delete{Path: "/p/a"}))
	for _, gone := range []string{"/p/a", "/p/a/mine"} {
		_, err := b.Look(b.ctx, alice, ref(gone))
		b.want(store.NotFound, err)
	}
	b.want(store.NotFound, b.Delete(b.ctx, alice, service.Delete{Path: "/p/a"}))
}

func TestVersionOfSomebodyElseForbidsDeletion(t *testing.T) {
	b := newBench(t)
	b.mkdir(root, "/p")
	b.grant(root, "/p", acl.Create, "staff")
	b.put(alice, "/p/o", "one")
	b.grant(alice, "/p/o", acl.Update, "bob")
	second := b.put(bob, "/p/o", "two")
	b.want(store.Denied, b.Delete(b.ctx, alice, service.Delete{Path: "/p/o"}))
	b.grant(alice, "/p/o", acl.SubtreeOwner, "alice")
	b.must(b.DeleteVersion(b.ctx, alice, ref("/p/o:"+second), service.Conditions{}))
	b.wantContent(alice, "/p/o", "one")
	b.must(b.Delete(b.ctx, alice, service.Delete{Path: "/p/o"}))
}

func TestOwnerOfTheSubtreeDeletesWhatIsOthers(t *testing.T) {
	b := newBench(t)
	b.home(alice, "/alice")
	b.mkdir(alice, "/alice/x")
	b.grant(alice, "/alice/x", acl.Create, "bob")
	b.put(bob, "/alice/x/his", "v")
	b.must(b.Delete(b.ctx, alice, service.Delete{Path: "/alice/x"}))
}

func TestRootIsNeverDeleted(t *testing.T) {
	b := newBench(t)
	b.want(store.Denied, b.Delete(b.ctx, root, service.Delete{Path: "/"}))
}

func TestOnlyEmptySeesWhatAMountShows(t *testing.T) {
	b := newBench(t)
	b.mkdir(root, "/d")
	b.put(root, "/d/o", "v")
	b.want(store.NotEmpty, b.Delete(b.ctx, root, service.Delete{Path: "/d", OnlyEmpty: true}))
	b.want(store.WrongKind, b.Delete(b.ctx, root, service.Delete{Path: "/d", Kind: acl.Object}))
	_, err := b.Rename(b.ctx, root, service.Rename{Source: "/d/o", Target: "/o"})
	b.must(err)
	b.must(b.Delete(b.ctx, root, service.Delete{Path: "/d", OnlyEmpty: true}))
	b.wantContent(root, "/o", "v")
}

func TestDeletionHonoursConditions(t *testing.T) {
	b := newBench(t)
	first := b.put(root, "/o", "one")
	other := service.Conditions{IfMatch: &service.Tags{List: []string{"other"}}}
	b.want(store.Precondition, b.Delete(b.ctx, root, service.Delete{Path: "/o", Conditions: other}))
	b.want(store.Precondition, b.DeleteVersion(b.ctx, root, ref("/o:"+first), other))
	same := service.Conditions{IfMatch: &service.Tags{List: []string{first}}}
	b.must(b.Delete(b.ctx, root, service.Delete{Path: "/o", Conditions: same}))
}

func TestObjectWithoutVersionsIsAConflict(t *testing.T) {
	b := newBench(t)
	only := b.put(root, "/o", "v")
	b.must(b.DeleteVersion(b.ctx, root, ref("/o:"+only), service.Conditions{}))
	_, _, err := b.get(root, "/o")
	b.want(store.Conflict, err)
	_, _, err = b.get(root, "/o:"+only)
	b.want(store.NotFound, err)
	b.want(store.Conflict, b.DeleteVersion(b.ctx, root, ref("/o"), service.Conditions{}))
	if got := b.versions(root, "/o"); got != "" {
		t.Errorf("the object has %q", got)
	}
	b.put(root, "/o", "again")
	b.wantContent(root, "/o", "again")
}

func TestContentIsReclaimedAfterRetention(t *testing.T) {
	b := newBench(t, func(c *service.Config) { c.DeletedRetention = 0 })
	keep := b.put(root, "/o", large("keep"))
	gone := b.put(root, "/o", large("gone"))
	b.put(root, "/p", large("gone"))
	b.must(b.DeleteVersion(b.ctx, root, ref("/o:"+gone), service.Conditions{}))
	b.must(b.Delete(b.ctx, root, service.Delete{Path: "/p"}))
	if n := b.files(); n != 3 {
		t.Fatalf("there are %d files before anything is reclaimed", n)
	}
	b.must(b.Reclaim(b.ctx))
	if n := b.files(); n != 1 {
		t.Errorf("there are %d files, want 1", n)
	}
	b.wantContent(root, "/o:"+keep, large("keep"))
}

func TestRetentionKeepsContent(t *testing.T) {
	b := newBench(t, func(c *service.Config) { c.DeletedRetention = time.Hour })
	b.put(root, "/p", large("kept"))
	b.must(b.Delete(b.ctx, root, service.Delete{Path: "/p"}))
	b.must(b.Reclaim(b.ctx))
	if n := b.files(); n != 1 {
		t.Errorf("there are %d files, want 1", n)
	}
}

// oneByte is a reader of one byte.
type oneByte struct{ done bool }

func (r *oneByte) Read(p []byte) (int, error) {
	if r.done {
		return 0, io.EOF
	}
	r.done = true
	return copy(p, "x"), nil
}

func TestSweepSparesWhatIsBoundOrYoung(t *testing.T) {
	b := newBench(t)
	b.put(root, "/o", large("bound"))
	address, err := b.bulk.Put(b.ctx, store.Placement{Path: "/x", Version: "v", Size: 1}, &oneByte{})
	b.must(err)
	b.must(b.Sweep(b.ctx))
	if n := b.files(); n != 2 {
		t.Fatalf("after a sweep there are %d files, though all are young", n)
	}
	old, err := service.New(service.Config{Directory: b.dir, Bulk: b.bulk, SweepGrace: -time.Hour})
	b.must(err)
	b.must(old.Sweep(b.ctx))
	b.wantContent(root, "/o", large("bound"))
	if _, err := b.bulk.Open(b.ctx, address); store.KindOf(err) != store.NotFound {
		t.Errorf("unbound content is still there: %v", err)
	}
}

func TestRunReclaimsSoonAndEndsWithItsContext(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(b.ctx)
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	b.put(root, "/p", large("gone"))
	b.must(b.Delete(b.ctx, root, service.Delete{Path: "/p"}))
	for range time.Tick(time.Millisecond) {
		queued, err := b.dir.Reclaimable(b.ctx, time.Now(), 1)
		b.must(err)
		if len(queued) == 0 {
			break
		}
	}
	if n := b.files(); n != 0 {
		t.Errorf("there are %d files", n)
	}
	cancel()
	if err := <-done; err != ctx.Err() {
		t.Errorf("Run ended with %v", err)
	}
}

func TestListenerIsToldThatItLostChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		held := make(chan struct{})
		var told []service.Change
		stop := b.Listen(func(c service.Change) {
			<-held
			told = append(told, c)
		})
		b.AnnounceForTest(1)
		synctest.Wait()
		b.AnnounceForTest(1 << 17)
		close(held)
		synctest.Wait()
		stop()
		lost := false
		for _, c := range told {
			lost = lost || c.Lost
		}
		if !lost || len(told) > 1<<16+2 {
			t.Errorf("told %d changes, lost: %v", len(told), lost)
		}
	})
}
