package service_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// contentAt returns what a client reads of what a path led to at a time, or the kind of the error.
func (b *bench) contentAt(c acl.Client, path string, at time.Time) string {
	b.t.Helper()
	past, err := b.LookAt(b.ctx, c, store.Path(path), at)
	if err != nil {
		return store.KindOf(err).Sentence()
	}
	content, _, err := b.get(c, past.Ref.String())
	if err != nil {
		return store.KindOf(err).Sentence()
	}
	return content
}

// childrenAt returns the names that a namespace had at a time, asked for in pages of one.
func (b *bench) childrenAt(path string, at time.Time) string {
	b.t.Helper()
	var names []string
	for page := (service.ListPage{Limit: 1}); ; {
		listing, err := b.ListAt(b.ctx, root, store.Path(path), at, page)
		b.must(err)
		for _, child := range listing.Children {
			names = append(names, child.Path.Base())
		}
		if !listing.More {
			return strings.Join(names, " ")
		}
		page.After = listing.After
	}
}

func TestThePastIsWhatCanStillBeReadOfIt(t *testing.T) {
	b := newBench(t)
	begin := time.Now()
	b.mkdir(root, "/d")
	b.put(root, "/d/a", "a1")
	b.put(root, "/d/b", "b1")
	first := time.Now()
	b.put(root, "/d/a", "a2")
	second := time.Now()
	_, err := b.Rename(b.ctx, root, service.Rename{Source: "/d/a", Target: "/d/c"})
	b.must(err)
	b.put(root, "/d/a", "a3")
	b.mkdir(root, "/d/sub")
	third := time.Now()
	b.must(b.Delete(b.ctx, root, service.Delete{Path: "/d/b"}))
	b.must(b.Delete(b.ctx, root, service.Delete{Path: "/d/sub"}))
	last := time.Now()
	gone := store.NotFound.Sentence()
	for _, c := range []struct {
		at         time.Time
		a, b, c, d string
	}{
		{first, "a1", gone, gone, "a"},
		{second, "a2", gone, gone, "a"},
		{third, "a3", gone, "a2", "a c sub"},
		{last, "a3", gone, "a2", "a c"},
	} {
		for path, want := range map[string]string{"/d/a": c.a, "/d/b": c.b, "/d/c": c.c} {
			if got := b.contentAt(root, path, c.at); got != want {
				t.Errorf("%s at %v: %q, want %q", path, c.at, got, want)
			}
		}
		if got := b.childrenAt("/d", c.at); got != c.d {
			t.Errorf("the children at %v: %q, want %q", c.at, got, c.d)
		}
	}
	if got := b.childrenAt("/", begin); got != "" {
		t.Errorf("in the beginning there was %q", got)
	}
	_, err = b.ListAt(b.ctx, root, "/d", begin, service.ListPage{})
	b.want(store.NotFound, err)
	_, err = b.ListAt(b.ctx, root, "/d/a", first, service.ListPage{})
	b.want(store.WrongKind, err)
	_, err = b.LookAt(b.ctx, root, "/never", last)
	b.want(store.NotFound, err)
	b.must(b.Delete(b.ctx, root, service.Delete{Path: "/d/c"}))
	if got := b.contentAt(root, "/d/a", first); got != gone {
		t.Errorf("what was renamed and deleted since reads %q", got)
	}
	b.must(b.Delete(b.ctx, root, service.Delete{Path: "/d"}))
	if got := b.childrenAt("/d", third); got != "sub" {
		t.Errorf("a namespace that was deleted since has %q", got)
	}
}

func TestWhatWasMovedAwayAndBackWasThereBefore(t *testing.T) {
	b := newBench(t)
	b.put(root, "/f", "one")
	var times []time.Time
	for _, names := range [][2]string{{"/f", "/f.bak"}, {"/f.bak", "/f"}, {"/f", "/f.bak"}, {"/f.bak", "/f"}} {
		times = append(times, time.Now())
		_, err := b.Rename(b.ctx, root, service.Rename{Source: store.Path(names[0]), Target: store.Path(names[1]), Replace: true})
		b.must(err)
	}
	for i, at := range append(times, time.Now()) {
		away := [2]string{"/f", "/f.bak"}
		if i%2 == 1 {
			away[0], away[1] = away[1], away[0]
		}
		if got := b.contentAt(root, away[0], at); got != "one" {
			t.Errorf("after %d renames %s has %q", i, away[0], got)
		}
		if got := b.contentAt(root, away[1], at); got != store.NotFound.Sentence() {
			t.Errorf("after %d renames %s has %q", i, away[1], got)
		}
	}
}

func TestTheRightsOfTodayDecideAboutThePast(t *testing.T) {
	b := newBench(t)
	b.mkdir(root, "/d")
	v := b.put(root, "/d/a", "secret")
	then := time.Now()
	denied := store.Denied.Sentence()
	if got := b.contentAt(mallory, "/d/a", then); got != denied {
		t.Errorf("mallory reads %q", got)
	}
	_, err := b.ListAt(b.ctx, mallory, "/d", then, service.ListPage{})
	b.want(store.Denied, err)
	b.grant(root, "/d", acl.Read, "mallory")
	b.grant(root, "/d/a:"+v, acl.Read, "mallory")
	if got := b.contentAt(mallory, "/d/a", then); got != "secret" {
		t.Errorf("mallory reads %q", got)
	}
	_, err = b.ListAt(b.ctx, mallory, "/d", then, service.ListPage{})
	b.must(err)
	// After a rename the rights at the new name decide.
	_, err = b.Rename(b.ctx, root, service.Rename{Source: "/d/a", Target: "/hidden"})
	b.must(err)
	if got := b.contentAt(mallory, "/d/a", then); got != denied {
		t.Errorf("mallory reads %q under the old name", got)
	}
}

func TestAPastListingStreamsByPages(t *testing.T) {
	b := newBench(t)
	b.mkdir(root, "/d")
	var want []string
	for i := range 25 {
		name := fmt.Sprintf("%02d", i)
		b.put(root, "/d/"+name, name)
		if i%5 != 0 {
			want = append(want, name)
		}
	}
	then := time.Now()
	for i := range 5 {
		b.must(b.Delete(b.ctx, root, service.Delete{Path: store.Path(fmt.Sprintf("/d/%02d", i*5))}))
	}
	if got := b.childrenAt("/d", then); got != strings.Join(want, " ") {
		t.Errorf("the children were %q", got)
	}
}
