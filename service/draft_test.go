package service_test

import (
	"testing"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

func (b *bench) commit(path string, draft *service.Draft, adjust ...func(*service.PutObject)) (*service.PutResult, error) {
	req := service.PutObject{Path: store.Path(path), Draft: draft, SkipUnchanged: true, KeepMetadata: true, Revive: true}
	for _, f := range adjust {
		f(&req)
	}
	return b.PutObject(b.ctx, root, req)
}

func TestDraftBecomesAVersion(t *testing.T) {
	b := newBench(t)
	for _, content := range []string{"", "small", large("large")} {
		_, err := b.commit("/o", b.draft(content))
		b.must(err)
		b.wantContent(root, "/o", content)
	}
	if b.files() != 1 {
		t.Errorf("there are %d files for one large version", b.files())
	}
}

func TestUnchangedDraftMakesNoVersion(t *testing.T) {
	b := newBench(t)
	for _, content := range []string{"small", large("large")} {
		first, err := b.commit("/o", b.draft(content))
		b.must(err)
		same, err := b.commit("/o", b.draft(content), func(r *service.PutObject) {
			r.Attr = store.Attr{MTime: 7, HasMTime: true}
		})
		b.must(err)
		if !same.Unchanged || same.Version.Version != first.Version.Version || same.Version.Attr.MTime != 7 {
			t.Errorf("got %+v", same)
		}
	}
	changed, err := b.commit("/o", b.draft(large("eglar")))
	b.must(err)
	if changed.Unchanged {
		t.Error("other content of the same size is no version")
	}
}

func TestRefusedDraftStaysADraft(t *testing.T) {
	b := newBench(t)
	b.home(alice, "/alice")
	draft := b.draft(large("kept"))
	_, err := b.PutObject(b.ctx, bob, service.PutObject{Path: "/alice/o", Draft: draft})
	b.want(store.Denied, err)
	none := service.Conditions{IfMatch: &service.Tags{List: []string{"x"}}}
	_, err = b.PutObject(b.ctx, alice, service.PutObject{Path: "/alice/o", Draft: draft, Conditions: none})
	b.want(store.Precondition, err)
	info, err := draft.File.Stat()
	b.must(err)
	if info.Mode().Perm()&0o200 == 0 || b.files() != 0 {
		t.Errorf("the draft has mode %v, and there are %d files", info.Mode(), b.files())
	}
	_, err = b.PutObject(b.ctx, alice, service.PutObject{Path: "/alice/o", Draft: draft})
	b.must(err)
	b.wantContent(alice, "/alice/o", large("kept"))
}

func TestDraftKeepsTheContentType(t *testing.T) {
	b := newBench(t)
	b.put(root, "/o", "one")
	b.must(b.SetMetadata(b.ctx, root, ref("/o"), service.MetadataChange{Field: "content-type", Value: "text/csv"}))
	result, err := b.commit("/o", b.draft("two"))
	b.must(err)
	if result.Version.Metadata.ContentType != "text/csv" {
		t.Errorf("the content type is %q", result.Version.Metadata.ContentType)
	}
}

func TestDraftOfADeletedNameRevivesIt(t *testing.T) {
	b := newBench(t)
	old := b.put(root, "/o", "one")
	b.must(b.Delete(b.ctx, root, service.Delete{Path: "/o"}))
	result, err := b.commit("/o", b.draft("two"))
	b.must(err)
	if !result.Created {
		t.Error("a revived object does not count as created")
	}
	b.wantContent(root, "/o", "two")
	_, _, err = b.get(root, "/o:"+old)
	b.want(store.NotFound, err)
}
