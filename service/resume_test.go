package service_test

import (
	"testing"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

func (b *bench) resume(c acl.Client, content string, since time.Time) (*service.PutResult, error) {
	req := service.PutObject{Path: "/o", Draft: b.draft(content), SkipUnchanged: true, Revive: true}
	return b.ResumePut(b.ctx, c, req, since)
}

func TestAPutThatMayHaveSucceededIsNotDoneTwice(t *testing.T) {
	for _, content := range []string{"small", large("large")} {
		b := newBench(t)
		first := b.put(root, "/o", "before")
		since := time.Now()
		made, err := b.resume(root, content, since)
		b.must(err)
		if made.Unchanged || b.versions(root, "/o") != made.Version.Version+" "+first {
			t.Errorf("the first time: %+v", made)
		}
		again, err := b.resume(root, content, since)
		b.must(err)
		if !again.Unchanged || again.Version.Version != made.Version.Version {
			t.Errorf("again: %+v", again)
		}
		last := b.put(root, "/o", "after")
		again, err = b.resume(root, content, since)
		b.must(err)
		if !again.Unchanged || again.Version.Version != made.Version.Version {
			t.Errorf("again, later: %+v", again)
		}
		if got := b.versions(root, "/o"); got != last+" "+made.Version.Version+" "+first {
			t.Errorf("the versions are %s", got)
		}
	}
}

func TestAResumedPutUndoesNothing(t *testing.T) {
	for name, change := range map[string]func(*bench){
		"written": func(b *bench) { b.put(root, "/o", "theirs") },
		"deleted": func(b *bench) { b.must(b.Delete(b.ctx, root, service.Delete{Path: "/o"})) },
		"moved away": func(b *bench) {
			_, err := b.Rename(b.ctx, root, service.Rename{Source: "/o", Target: "/p"})
			b.must(err)
		},
		"made anew": func(b *bench) {
			b.must(b.Delete(b.ctx, root, service.Delete{Path: "/o"}))
			_, err := b.commit("/o", b.draft("theirs"))
			b.must(err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.put(root, "/o", "before")
			since := time.Now()
			change(b)
			_, err := b.resume(root, "mine", since)
			b.want(store.Precondition, err)
		})
	}
}

func TestAPutIsResumedWithTheRightsOfToday(t *testing.T) {
	b := newBench(t)
	b.put(root, "/o", "before")
	_, err := b.resume(alice, "hers", time.Now())
	b.want(store.Denied, err)
	b.wantContent(root, "/o", "before")
}

func TestADeletionFromBeforeDoesNotKeepAPutFromBeingResumed(t *testing.T) {
	b := newBench(t)
	b.put(root, "/o", "before")
	b.must(b.Delete(b.ctx, root, service.Delete{Path: "/o"}))
	_, err := b.resume(root, "mine", time.Now())
	b.must(err)
	b.wantContent(root, "/o", "mine")
}
