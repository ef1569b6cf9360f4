package service_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

func TestEveryListCanBeReadReplacedAndExtended(t *testing.T) {
	b := newBench(t)
	b.home(alice, "/alice")
	v := b.put(alice, "/alice/o", "v")
	for at, kind := range map[string]acl.Kind{"/alice": acl.Namespace, "/alice/o": acl.Object, "/alice/o:" + v: acl.Version} {
		for _, name := range kind.Names() {
			change := func(op service.ACLOp, entry string) error {
				return b.SetACL(b.ctx, alice, ref(at), service.ACLChange{
					Op: op, List: name, Entry: entry, Entries: []string{"alice", entry},
				})
			}
			b.must(change(service.ReplaceList, "x"))
			b.must(change(service.AddEntry, "y"))
			b.must(change(service.AddEntry, "y"))
			b.must(change(service.RemoveEntry, "x"))
			b.want(store.NotFound, change(service.RemoveEntry, "x"))
			lists, err := b.ACLs(b.ctx, alice, ref(at))
			b.must(err)
			if diff := cmp.Diff(acl.List{"alice", "y"}, lists.Lists[name]); diff != "" {
				t.Errorf("%s %s: %s", at, name, diff)
			}
			if len(lists.Lists) != len(kind.Names()) {
				t.Errorf("%s shows %d lists", at, len(lists.Lists))
			}
		}
	}
}

func TestListsAreForOwnersOnly(t *testing.T) {
	b := newBench(t)
	b.home(alice, "/alice")
	b.grant(alice, "/alice", acl.Read, "bob")
	_, err := b.ACLs(b.ctx, bob, ref("/alice"))
	b.want(store.Denied, err)
	_, err = b.ACLs(b.ctx, nobody, ref("/alice"))
	b.want(store.Unauthenticated, err)
	err = b.SetACL(b.ctx, bob, ref("/alice"), service.ACLChange{Op: service.AddEntry, List: acl.Owner, Entry: "bob"})
	b.want(store.Denied, err)
	err = b.SetACL(b.ctx, alice, ref("/alice"), service.ACLChange{Op: service.AddEntry, List: acl.Update, Entry: "bob"})
	b.want(store.Invalid, err)
	_, err = b.ACLs(b.ctx, alice, ref("/alice/none"))
	b.want(store.NotFound, err)
}

func TestSomebodyAlwaysOwns(t *testing.T) {
	b := newBench(t)
	clear := func(at string, name acl.Name) error {
		return b.SetACL(b.ctx, root, ref(at), service.ACLChange{Op: service.ReplaceList, List: name})
	}
	b.mkdir(root, "/a")
	b.must(clear("/a", acl.Owner))
	b.want(store.Invalid, clear("/", acl.Owner))
}

func TestListConditionsGuardTheList(t *testing.T) {
	b := newBench(t)
	b.mkdir(root, "/a")
	lists, err := b.ACLs(b.ctx, root, ref("/a"))
	b.must(err)
	all, read, owner := lists.Tag(), lists.ListTag(acl.Read), lists.ListTag(acl.Owner)
	if lists.EntryTag(acl.Read, "x") != "" {
		t.Error("an entry that is not there has a tag")
	}
	change := service.ACLChange{
		Op: service.ReplaceList, List: acl.Read, Entries: []string{"x"},
		Conditions: service.Conditions{IfMatch: &service.Tags{List: []string{read}}},
	}
	b.must(b.SetACL(b.ctx, root, ref("/a"), change))
	b.want(store.Precondition, b.SetACL(b.ctx, root, ref("/a"), change))
	lists, err = b.ACLs(b.ctx, root, ref("/a"))
	b.must(err)
	if lists.Tag() == all || lists.ListTag(acl.Read) == read || lists.ListTag(acl.Owner) != owner {
		t.Error("the tags do not follow the lists")
	}
	none := service.Conditions{IfNoneMatch: &service.Tags{Any: true}}
	add := service.ACLChange{Op: service.AddEntry, List: acl.Read, Entry: "x", Conditions: none}
	b.want(store.Precondition, b.SetACL(b.ctx, root, ref("/a"), add))
	add.Entry = "y"
	b.must(b.SetACL(b.ctx, root, ref("/a"), add))
}

func TestListsHaveLimits(t *testing.T) {
	b := newBench(t)
	set := func(entries []string) error {
		return b.SetACL(b.ctx, root, ref("/"), service.ACLChange{Op: service.ReplaceList, List: acl.Read, Entries: entries})
	}
	b.must(set(make([]string, 4096)))
	b.want(store.Invalid, set(make([]string, 4097)))
	b.want(store.Invalid, set([]string{strings.Repeat("x", 1025)}))
}

func TestMetadataFields(t *testing.T) {
	for _, c := range []struct{ field, value, want string }{
		{"Content-Type", " text/plain; charset=utf-8\n", "text/plain; charset=utf-8"},
		{"content-type", "nonsense", ""},
		{"content-type", "text/plain\r\nx: y", ""},
		{"content-disposition", "filename*=UTF-8''a%20b.txt", "filename*=UTF-8''a%20b.txt"},
		{"content-disposition", "filename*=UTF-8''-_.~AZaz09%20", "filename*=UTF-8''-_.~AZaz09%20"},
		{"content-disposition", "attachment; filename=x", ""},
		{"content-disposition", "attachment; filename*=UTF-8''x", ""},
		{"content-disposition", "filename*=UTF-8''x; x=y", ""},
		{"content-disposition", "filename*=utf-8''x", ""},
		{"content-disposition", "filename*=UTF-8''", ""},
		{"content-disposition", "filename*=UTF-8''a!", ""},
		{"content-disposition", "filename*=UTF-8''a%2Fb", ""},
		{"content-disposition", "filename*=UTF-8''a%5Cb", ""},
		{"content-disposition", "filename*=UTF-8''a%2", ""},
		{"content-md5", "kAFQmDzST7DWlj99KOF/cg==", "kAFQmDzST7DWlj99KOF/cg=="},
		{"CONTENT-MD5", "900150983CD24FB0D6963F7D28E17F72", "kAFQmDzST7DWlj99KOF/cg=="},
		{"content-md5", "kAFQmDzST7DWlj99KOF/", ""},
		{"content-sha256", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="},
		{"content-length", "3", ""},
		{"content-type", strings.Repeat("x", 5000), ""},
	} {
		var m store.Metadata
		err := service.ParseField(c.field, c.value, &m)
		if c.want == "" {
			if store.KindOf(err) != store.Invalid {
				t.Errorf("%s: %.40q gave %v", c.field, c.value, err)
			}
			continue
		}
		got, set, err := service.FieldText(m, c.field)
		if err != nil || !set || got != c.want {
			t.Errorf("%s: %q became %q, %v, %v", c.field, c.value, got, set, err)
		}
	}
}

func TestDigestIsSetOnceAndOnlyToTheTruth(t *testing.T) {
	b := newBench(t)
	b.put(root, "/o", "abc")
	set := func(field, value string) error {
		return b.SetMetadata(b.ctx, root, ref("/o"), service.MetadataChange{Field: field, Value: value})
	}
	const right, wrong = "kAFQmDzST7DWlj99KOF/cg==", "1B2M2Y8AsgTpgAmY7PhCfg=="
	b.want(store.Conflict, set("content-md5", wrong))
	b.must(set("content-md5", right))
	b.must(set("content-md5", right))
	b.want(store.Conflict, set("content-md5", wrong))
	b.must(b.SetMetadata(b.ctx, root, ref("/o"), service.MetadataChange{Field: "content-md5", Clear: true}))
	b.must(b.SetMetadata(b.ctx, root, ref("/o"), service.MetadataChange{Field: "content-md5", Clear: true}))
	b.must(set("content-md5", right))
	b.must(set("content-sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"))
	b.want(store.Conflict, set("content-sha256", strings.Repeat("0", 64)))
	b.want(store.Invalid, set("content-md5", "x"))
	b.want(store.Invalid, set("x", "x"))
}

func TestMetadataRightsAndState(t *testing.T) {
	b := newBench(t)
	b.home(alice, "/alice")
	v := b.put(alice, "/alice/o", "v")
	change := service.MetadataChange{Field: "content-type", Value: "text/plain"}
	b.want(store.Denied, b.SetMetadata(b.ctx, bob, ref("/alice/o"), change))
	b.want(store.NotFound, b.SetMetadata(b.ctx, alice, ref("/alice"), change))
	_, err := b.Metadata(b.ctx, bob, ref("/alice/o"))
	b.want(store.Denied, err)
	_, err = b.Metadata(b.ctx, alice, ref("/alice"))
	b.want(store.NotFound, err)
	b.must(b.SetMetadata(b.ctx, alice, ref("/alice/o:"+v), change))
	version, err := b.Metadata(b.ctx, alice, ref("/alice/o"))
	b.must(err)
	tag, field := service.MetadataTag(*version), service.FieldTag(*version, "content-type")
	change.Value, change.IfMatch = "text/html", &service.Tags{List: []string{field}}
	b.must(b.SetMetadata(b.ctx, alice, ref("/alice/o"), change))
	b.want(store.Precondition, b.SetMetadata(b.ctx, alice, ref("/alice/o"), change))
	version, err = b.Metadata(b.ctx, alice, ref("/alice/o"))
	b.must(err)
	if service.MetadataTag(*version) == tag {
		t.Error("the tag does not follow the metadata")
	}
}

func TestAttributesAreKeptWithoutAVersion(t *testing.T) {
	b := newBench(t)
	b.home(alice, "/alice")
	v := b.put(alice, "/alice/o", "v")
	mode := store.Attr{Mode: 0o640, HasMode: true}
	b.must(b.SetAttr(b.ctx, alice, ref("/alice/o"), mode))
	b.must(b.SetAttr(b.ctx, alice, ref("/alice/o"), store.Attr{MTime: 5, HasMTime: true}))
	b.must(b.SetAttr(b.ctx, alice, ref("/alice"), mode))
	b.want(store.Denied, b.SetAttr(b.ctx, bob, ref("/alice/o"), mode))
	b.want(store.Denied, b.SetAttr(b.ctx, bob, ref("/alice"), mode))
	info, err := b.Look(b.ctx, alice, ref("/alice/o"))
	b.must(err)
	got := info.Version.Attr
	if !got.HasCTime || got.CTime < info.Version.Created.UnixNano() {
		t.Errorf("it was changed at %d", got.CTime)
	}
	want := store.Attr{Mode: 0o640, HasMode: true, MTime: 5, HasMTime: true, CTime: got.CTime, HasCTime: true}
	if got != want || b.versions(alice, "/alice/o") != v {
		t.Errorf("got %+v", info.Version.Attr)
	}
}

func TestTheTimesOfANamespaceFollowWhatIsSeenInIt(t *testing.T) {
	b := newBench(t)
	b.home(alice, "/alice")
	b.home(alice, "/alice/a")
	b.home(alice, "/alice/b")
	times := func(path store.Path) (mtime, ctime int64) {
		info, err := b.Look(b.ctx, alice, store.Ref{Path: path})
		b.must(err)
		return info.Name.Attr.MTime, info.Name.Attr.CTime
	}
	for _, step := range []struct {
		what string
		a, b bool // whether the times of /alice/a and /alice/b follow
		do   func() error
	}{
		{"creating an object", true, false, func() error { b.put(alice, "/alice/a/o", "v"); return nil }},
		{"another version", false, false, func() error { b.put(alice, "/alice/a/o", "w"); return nil }},
		{"renaming an object", true, true, func() error {
			_, err := b.Rename(b.ctx, alice, service.Rename{Source: "/alice/a/o", Target: "/alice/b/o"})
			return err
		}},
		{"using its name again", true, false, func() error { b.put(alice, "/alice/a/o", "x"); return nil }},
		{"moving a namespace", true, true, func() error {
			b.home(alice, "/alice/a/n")
			_, err := b.MoveNamespace(b.ctx, alice, service.MoveNamespace{Source: "/alice/a/n", Target: "/alice/b/n"})
			return err
		}},
		{"deleting", false, true, func() error {
			return b.Delete(b.ctx, alice, service.Delete{Path: "/alice/b/o", Kind: acl.Object})
		}},
		{"a change of mode", false, false, func() error {
			return b.SetAttr(b.ctx, alice, ref("/alice/b/n"), store.Attr{Mode: 0o700, HasMode: true})
		}},
	} {
		ma, ca := times("/alice/a")
		mb, cb := times("/alice/b")
		b.must(step.do())
		ma2, ca2 := times("/alice/a")
		mb2, cb2 := times("/alice/b")
		if ma2 > ma != step.a || ca2 > ca != step.a || mb2 > mb != step.b || cb2 > cb != step.b {
			t.Errorf("%s: /alice/a %d, %d became %d, %d; /alice/b %d, %d became %d, %d",
				step.what, ma, ca, ma2, ca2, mb, cb, mb2, cb2)
		}
	}
}
