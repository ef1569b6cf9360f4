package service_test

import (
	"testing"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// discard deletes an object and lets its versions go back.
func (b *bench) discard(c acl.Client, path string) {
	b.t.Helper()
	b.must(b.Delete(b.ctx, c, service.Delete{Path: store.Path(path), Kind: acl.Object, GiveBack: true}))
}

// moveAway renames as a file system does, lists and all.
func (b *bench) moveAway(source, target string) {
	b.t.Helper()
	b.mustRename(source, target, replace, func(r *service.Rename) { r.CopyACLs = true })
}

// save is what an editor does that keeps the old file until the new one is there.
func (b *bench) save(path, content string) (version string) {
	b.t.Helper()
	b.moveAway(path, path+"~")
	version = b.put(root, path, content)
	b.discard(root, path+"~")
	return version
}

func TestASavedFileKeepsItsVersions(t *testing.T) {
	b := newBench(t)
	contents := []string{"one", large("two"), "three", large("four")}
	all := b.put(root, "/f", contents[0])
	versions := []string{all}
	for _, content := range contents[1:] {
		versions = append(versions, b.save("/f", content))
		all = versions[len(versions)-1] + " " + all
	}
	if got := b.versions(root, "/f"); got != all {
		t.Errorf("the versions are %s, want %s", got, all)
	}
	for i, v := range versions {
		b.wantContent(root, "/f:"+v, contents[i])
		b.wantGone("/f~:" + v)
	}
	b.wantContent(root, "/f", contents[3])
	b.wantGone("/f~")
	if b.files() != 2 {
		t.Errorf("there are %d files for two large versions", b.files())
	}
}

// wantGone expects that nothing is found.
func (b *bench) wantGone(at string) {
	b.t.Helper()
	_, _, err := b.get(root, at)
	b.want(store.NotFound, err)
}

func TestVersionsGoBackOnlyBeneathACurrentOne(t *testing.T) {
	b := newBench(t)
	b.put(root, "/gone", "one")
	b.moveAway("/gone", "/gone~")
	b.discard(root, "/gone~")
	_, _, err := b.get(root, "/gone")
	b.want(store.Conflict, err)

	b.mkdir(root, "/d")
	v := b.put(root, "/far", "far")
	b.moveAway("/far", "/d/far~")
	b.put(root, "/far", "far again")
	b.discard(root, "/d/far~")
	_, _, err = b.get(root, "/far:"+v)
	b.want(store.Conflict, err)
	b.wantContent(root, "/far", "far again")
}

// A name may hold versions that came from several, and its own.
func TestEachVersionGoesBackToWhereItCameFromLast(t *testing.T) {
	b := newBench(t)
	f, g := b.put(root, "/f", "f1"), b.put(root, "/g", "g1")
	h := b.put(root, "/h", "h1")
	b.moveAway("/h", "/g") // /g: g1 h1
	b.moveAway("/f", "/x~")
	own := b.put(root, "/x~", "own")
	b.moveAway("/g", "/x~")
	f2, g2 := b.put(root, "/f", "f2"), b.put(root, "/g", "g2")
	h2 := b.put(root, "/h", "h2")
	b.discard(root, "/x~")
	for path, want := range map[string]string{"/f": f2 + " " + f, "/g": g2 + " " + h + " " + g} {
		if got := b.versions(root, path); got != want {
			t.Errorf("%s has the versions %s, want %s", path, got, want)
		}
	}
	b.wantContent(root, "/h:"+h, "h1") // by /g
	b.wantContent(root, "/h", "h2")
	b.wantGone("/x~:" + own)
	_ = h2
}

func TestVersionsGoBackOnlyWhereTheClientMayUpdate(t *testing.T) {
	b := newBench(t)
	b.mkdir(root, "/d")
	b.grant(root, "/d", acl.Create, "alice")
	v := b.put(alice, "/d/f", "one")
	b.moveAway("/d/f", "/d/f~") // alice owns it still
	b.must(b.SetACL(b.ctx, root, ref("/d/f"), service.ACLChange{Op: service.ReplaceList, List: acl.Owner, Entries: []string{"bob"}}))
	b.put(bob, "/d/f", "two")
	b.discard(alice, "/d/f~")
	_, _, err := b.get(root, "/d/f:"+v)
	b.want(store.Conflict, err)

	w := b.put(alice, "/d/g", "one")
	b.moveAway("/d/g", "/d/g~")
	b.must(b.SetACL(b.ctx, root, ref("/d/g"), service.ACLChange{Op: service.ReplaceList, List: acl.Owner, Entries: []string{"bob"}}))
	b.grant(bob, "/d/g", acl.Update, "alice")
	b.put(alice, "/d/g", "two")
	b.want(store.Denied, b.Delete(b.ctx, bob, service.Delete{Path: "/d/g~", GiveBack: true}))
	b.discard(alice, "/d/g~")
	b.wantContent(alice, "/d/g:"+w, "one")
	_, _, err = b.get(bob, "/d/g:"+w)
	b.want(store.Denied, err)
}

func TestThePastKnowsWhatWasAway(t *testing.T) {
	b := newBench(t)
	b.put(root, "/f", "one")
	first := time.Now()
	b.moveAway("/f", "/f~")
	between := time.Now()
	b.put(root, "/f", "two")
	second := time.Now()
	b.discard(root, "/f~")
	third := time.Now()
	b.save("/f", "three")
	missing := store.NotFound.Sentence()
	for _, c := range []struct {
		at        time.Time
		path      string
		want      string
		wantNames string
	}{
		{first, "/f", "one", "f"},
		{between, "/f", missing, "f~"},
		{between, "/f~", "one", "f~"},
		{second, "/f", "two", "f f~"},
		{second, "/f~", "one", "f f~"},
		{third, "/f", "two", "f"},
		{third, "/f~", missing, "f"},
		{time.Now(), "/f", "three", "f"},
	} {
		if got := b.contentAt(root, c.path, c.at); got != c.want {
			t.Errorf("%s was %q, want %q", c.path, got, c.want)
		}
		if got := b.childrenAt("/", c.at); got != c.wantNames {
			t.Errorf("there was %q, want %q", got, c.wantNames)
		}
	}
}

// What was given back is as durable and as deletable as it was.
func TestWhatWasGivenBackIsAnOrdinaryVersion(t *testing.T) {
	b := newBench(t)
	one := b.put(root, "/f", large("one"))
	two := b.save("/f", large("two"))
	b.must(b.DeleteVersion(b.ctx, root, ref("/f:"+two), service.Conditions{}))
	b.wantContent(root, "/f", large("one"))
	b.mustRename("/f", "/g")
	b.wantContent(root, "/f:"+one, large("one"))
	b.wantContent(root, "/g:"+one, large("one"))
}
