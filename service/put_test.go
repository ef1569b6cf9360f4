package service_test

import (
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

func TestVersionsKeepTheirContent(t *testing.T) {
	b := newBench(t)
	first := b.put(root, "/o", "one")
	second := b.put(root, "/o", large("two"))
	third := b.put(root, "/o", "")
	b.wantContent(root, "/o", "")
	b.wantContent(root, "/o:"+first, "one")
	b.wantContent(root, "/o:"+second, large("two"))
	if got, want := b.versions(root, "/o"), third+" "+second+" "+first; got != want {
		t.Errorf("versions are %s, want %s", got, want)
	}
}

func TestContentOfEverySizeComesBack(t *testing.T) {
	for name, adjust := range map[string]func(*service.Config){
		"small content in the directory": func(*service.Config) {},
		"all content in files":           func(c *service.Config) { c.InlineLimit = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, adjust)
			for _, size := range []int{0, 1, service.DefaultInlineLimit, service.DefaultInlineLimit + 1, 3 << 20} {
				content := strings.Repeat("x", size)
				b.put(root, "/o", content)
				b.wantContent(root, "/o", content)
				_, err := b.PutObject(b.ctx, root, service.PutObject{
					Path: "/o", Content: iotest.DataErrReader(strings.NewReader(content + "y")), Size: -1,
				})
				b.must(err)
				b.wantContent(root, "/o", content+"y")
			}
		})
	}
}

func TestContentThatIsNotAsAnnouncedCreatesNothing(t *testing.T) {
	broken := errors.New("the line is dead")
	wrongMD5, wrongSHA256 := md5.Sum(nil), sha256.Sum256(nil)
	for name, c := range map[string]struct {
		req  service.PutObject
		kind store.ErrorKind
	}{
		"too short":     {service.PutObject{Size: 9}, store.Invalid},
		"too long":      {service.PutObject{Size: 2}, store.Invalid},
		"wrong MD5":     {service.PutObject{Size: -1, Metadata: store.Metadata{MD5: wrongMD5[:]}}, store.Invalid},
		"wrong SHA-256": {service.PutObject{Size: -1, Metadata: store.Metadata{SHA256: wrongSHA256[:]}}, store.Invalid},
		"broken":        {service.PutObject{Size: -1, Content: iotest.ErrReader(broken)}, store.Internal},
	} {
		for _, content := range []string{"abc", large("abc")} {
			t.Run(name, func(t *testing.T) {
				b := newBench(t)
				req := c.req
				req.Path = "/o"
				if req.Size > 2 {
					req.Size += int64(len(content))
				}
				rest := req.Content
				if req.Content = strings.NewReader(content); rest != nil {
					req.Content = io.MultiReader(req.Content, rest)
				}
				_, err := b.PutObject(b.ctx, root, req)
				b.want(c.kind, err)
				if got := b.children(root, "/"); got != "" || b.files() != 0 {
					t.Errorf("left behind: %q and %d files", got, b.files())
				}
			})
		}
	}
}

func TestDigestsOfTheClientAreKept(t *testing.T) {
	b := newBench(t)
	sumMD5, sumSHA256 := md5.Sum([]byte("abc")), sha256.Sum256([]byte("abc"))
	_, err := b.PutObject(b.ctx, root, service.PutObject{
		Path: "/o", Content: strings.NewReader("abc"), Size: 3,
		Metadata: store.Metadata{ContentType: "text/plain", MD5: sumMD5[:], SHA256: sumSHA256[:]},
	})
	b.must(err)
	v, err := b.Metadata(b.ctx, root, ref("/o"))
	b.must(err)
	fields := service.Fields(v.Metadata)
	if fields["content-md5"] != "kAFQmDzST7DWlj99KOF/cg==" || fields["content-type"] != "text/plain" || len(fields) != 3 {
		t.Errorf("the fields are %v", fields)
	}
}

func TestRefusedPutReadsNothing(t *testing.T) {
	b := newBench(t)
	b.home(alice, "/alice")
	unread := iotest.ErrReader(errors.New("read"))
	put := func(c acl.Client, path store.Path, more service.PutObject) error {
		more.Path, more.Content, more.Size = path, unread, 5
		_, err := b.PutObject(b.ctx, c, more)
		return err
	}
	b.want(store.Denied, put(bob, "/alice/o", service.PutObject{}))
	b.want(store.Unauthenticated, put(nobody, "/alice/o", service.PutObject{}))
	b.want(store.NotFound, put(alice, "/alice/x/o", service.PutObject{}))
	b.want(store.Exists, put(alice, "/alice", service.PutObject{}))
	b.want(store.Denied, put(bob, "/alice", service.PutObject{}))
	match := service.Conditions{IfMatch: &service.Tags{Any: true}}
	b.want(store.Precondition, put(alice, "/alice/o", service.PutObject{Conditions: match}))
	check := func() error { return store.NewError(store.TooLarge, "", "Too large.") }
	b.want(store.TooLarge, put(alice, "/alice/o", service.PutObject{Conditions: service.Conditions{Check: check, IfMatch: match.IfMatch}}))
	b.want(store.Denied, put(bob, "/alice/o", service.PutObject{Conditions: service.Conditions{Check: check}}))
	b.want(store.Invalid, put(alice, "/alice/o", service.PutObject{ACLs: acl.Lists{acl.Create: {"x"}}}))
}

func TestAnonymousNeedsARightFromAbove(t *testing.T) {
	b := newBench(t)
	b.mkdir(root, "/drop")
	b.grant(root, "/drop", acl.Create, acl.Everybody)
	_, err := b.tryPut(nobody, "/drop/o", "v")
	b.want(store.Unauthenticated, err)
	b.grant(root, "/drop", acl.SubtreeUpdate, acl.Everybody)
	b.put(nobody, "/drop/o", "v")
	lists, err := b.ACLs(b.ctx, root, ref("/drop/o"))
	b.must(err)
	if len(lists.Lists[acl.Owner]) != 0 {
		t.Errorf("an anonymous creator became %v", lists.Lists[acl.Owner])
	}
}

func TestObjectUpdateLetsAddVersionsOnly(t *testing.T) {
	b := newBench(t)
	b.home(alice, "/alice")
	b.put(alice, "/alice/o", "one")
	_, err := b.tryPut(bob, "/alice/o", "two")
	b.want(store.Denied, err)
	b.grant(alice, "/alice/o", acl.Update, "bob")
	second := b.put(bob, "/alice/o", "two")
	b.wantContent(bob, "/alice/o:"+second, "two")
	b.want(store.Denied, b.Delete(b.ctx, bob, service.Delete{Path: "/alice/o"}))
	_, _, err = b.get(mallory, "/alice/o")
	b.want(store.Denied, err)
}

func TestOneOfManyConditionalPutsWins(t *testing.T) {
	b := newBench(t)
	first := b.put(root, "/o", "one")
	for name, cond := range map[string]struct {
		path store.Path
		service.Conditions
	}{
		"same tag":  {"/o", service.Conditions{IfMatch: &service.Tags{List: []string{first}}}},
		"not there": {"/new", service.Conditions{IfNoneMatch: &service.Tags{Any: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			var won, lost atomic.Int32
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() {
					_, err := b.PutObject(b.ctx, root, service.PutObject{
						Path: cond.path, Content: strings.NewReader(large("two")), Size: -1, Conditions: cond.Conditions,
					})
					switch {
					case err == nil:
						won.Add(1)
					case store.KindOf(err) == store.Precondition:
						lost.Add(1)
					default:
						t.Error(err)
					}
				})
			}
			all.Wait()
			if won.Load() != 1 || lost.Load() != 49 {
				t.Errorf("%d won and %d lost", won.Load(), lost.Load())
			}
		})
	}
	if n := b.files(); n != 2 {
		t.Errorf("there are %d files for 2 versions", n)
	}
}

func TestConcurrentPutsOfANewNameAreAllVersions(t *testing.T) {
	b := newBench(t)
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			if _, err := b.tryPut(root, "/o", "v"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := len(strings.Fields(b.versions(root, "/o"))); n != 30 {
		t.Errorf("there are %d versions", n)
	}
}

func TestFirewallGatesEveryChange(t *testing.T) {
	b := newBench(t)
	b.put(root, "/o", "v")
	var shut acl.Firewall
	closed, err := service.New(service.Config{Directory: b.dir, Bulk: b.bulk, Firewall: shut})
	b.must(err)
	_, err = closed.CreateNamespace(b.ctx, root, service.CreateNamespace{Path: "/a"})
	b.want(store.Denied, err)
	_, err = closed.PutObject(b.ctx, nobody, service.PutObject{Path: "/o", Content: strings.NewReader(""), Size: 0})
	b.want(store.Unauthenticated, err)
	_, err = closed.Rename(b.ctx, root, service.Rename{Source: "/o", Target: "/p"})
	b.want(store.Denied, err)
	b.want(store.Denied, closed.Delete(b.ctx, root, service.Delete{Path: "/o"}))
	b.want(store.Denied, closed.DeleteVersion(b.ctx, root, ref("/o"), service.Conditions{}))
	b.want(store.Denied, closed.SetACL(b.ctx, root, ref("/o"), service.ACLChange{Op: service.AddEntry, List: acl.Read, Entry: "x"}))
	b.want(store.Denied, closed.SetMetadata(b.ctx, root, ref("/o"), service.MetadataChange{Field: "content-type", Clear: true}))
	if _, err := closed.Fetch(b.ctx, root, ref("/o")); err != nil {
		t.Errorf("reading passes no firewall: %v", err)
	}
}
