package service_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/filesystem"
	"github.com/hatrac/hatrac/store/sqlite"
)

// The people of these tests: root owns the store, the others own what they are given.
var (
	root    = acl.Client{ID: "root"}
	alice   = acl.Client{ID: "alice", Roles: []string{"staff"}}
	bob     = acl.Client{ID: "bob", Roles: []string{"staff"}}
	mallory = acl.Client{ID: "mallory"}
	nobody  = acl.Client{}
)

// bench is a service on a real database and real files.
type bench struct {
	*service.Service
	t       *testing.T
	ctx     context.Context
	content string // the folder of the content
	bulk    *filesystem.Bulk
	dir     store.Directory
}

func newBench(t *testing.T, adjust ...func(*service.Config)) *bench {
	t.Helper()
	folder := t.TempDir()
	dir, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(folder, "hatrac.db"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	content := filepath.Join(folder, "content")
	bulk, err := filesystem.Open(t.Context(), filesystem.Config{Root: content})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bulk.Close() })
	if err := service.Init(t.Context(), dir, []string{root.ID}); err != nil {
		t.Fatal(err)
	}
	cfg := service.Config{Directory: dir, Bulk: bulk, Firewall: acl.Open()}
	for _, f := range adjust {
		f(&cfg)
	}
	s, err := service.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{Service: s, t: t, ctx: t.Context(), content: content, bulk: bulk, dir: dir}
}

func ref(text string) store.Ref {
	path, version, _ := strings.Cut(text, ":")
	return store.Ref{Path: store.Path(path), Version: version}
}

// must ends the test at an error.
func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// want ends the test unless the error is of that kind.
func (b *bench) want(kind store.ErrorKind, err error) {
	b.t.Helper()
	if err == nil || store.KindOf(err) != kind {
		b.t.Fatalf("got %v, want: %s", err, kind.Sentence())
	}
}

func (b *bench) mkdir(c acl.Client, path string) {
	b.t.Helper()
	_, err := b.CreateNamespace(b.ctx, c, service.CreateNamespace{Path: store.Path(path)})
	b.must(err)
}

// home makes a namespace that belongs to a client with all that is in it.
func (b *bench) home(c acl.Client, path string) {
	b.t.Helper()
	_, err := b.CreateNamespace(b.ctx, root, service.CreateNamespace{
		Path: store.Path(path), ACLs: acl.Lists{acl.Owner: {c.ID}, acl.SubtreeOwner: {c.ID}},
	})
	b.must(err)
}

// grant adds an entry to a list of what ref means.
func (b *bench) grant(c acl.Client, at string, list acl.Name, entry string) {
	b.t.Helper()
	b.must(b.SetACL(b.ctx, c, ref(at), service.ACLChange{Op: service.AddEntry, List: list, Entry: entry}))
}

func (b *bench) tryPut(c acl.Client, path, content string) (*service.PutResult, error) {
	return b.PutObject(b.ctx, c, service.PutObject{
		Path: store.Path(path), Content: strings.NewReader(content), Size: int64(len(content)),
	})
}

// put stores content and returns the version id.
func (b *bench) put(c acl.Client, path, content string) string {
	b.t.Helper()
	result, err := b.tryPut(c, path, content)
	b.must(err)
	return result.Version.Version
}

// get fetches content; found is the reference of the version that has it.
func (b *bench) get(c acl.Client, at string) (content string, found store.Ref, err error) {
	f, err := b.Fetch(b.ctx, c, ref(at))
	if err != nil {
		return "", store.Ref{}, err
	}
	opened, err := f.Open(b.ctx)
	if err != nil {
		return "", f.Ref, err
	}
	defer opened.Close()
	data, err := io.ReadAll(io.NewSectionReader(opened, 0, opened.Size()))
	sum := sha256.Sum256(data)
	if err == nil && !bytes.Equal(sum[:], f.Version.SHA256) {
		b.t.Fatalf("%s: the directory has another digest than the content", at)
	}
	return string(data), f.Ref, err
}

func (b *bench) wantContent(c acl.Client, at, content string) {
	b.t.Helper()
	got, _, err := b.get(c, at)
	b.must(err)
	if got != content {
		b.t.Fatalf("%s has %.40q, want %.40q", at, got, content)
	}
}

// children returns the decoded names that a client sees in a namespace.
func (b *bench) children(c acl.Client, path string) string {
	b.t.Helper()
	listing, err := b.List(b.ctx, c, store.Path(path), service.ListPage{})
	b.must(err)
	var names []string
	for _, child := range listing.Children {
		names = append(names, store.DecodeSegment(child.Ref.Path.Base()))
	}
	return strings.Join(names, " ")
}

// versions returns the ids of an object's versions, newest first.
func (b *bench) versions(c acl.Client, path string) string {
	b.t.Helper()
	listing, err := b.Versions(b.ctx, c, store.Path(path), 0, 0)
	b.must(err)
	var ids []string
	for _, v := range listing.Versions {
		ids = append(ids, v.Version)
	}
	return strings.Join(ids, " ")
}

// files counts the files below the content folder, drafts not counted.
func (b *bench) files() (n int) {
	b.t.Helper()
	b.must(filepath.WalkDir(b.content, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path == b.bulk.SpoolDir() {
			return filepath.SkipDir
		}
		if err == nil && d.Type().IsRegular() {
			n++
		}
		return err
	}))
	return n
}

// draft makes a finished file in the spool.
func (b *bench) draft(content string) *service.Draft {
	b.t.Helper()
	f, err := os.CreateTemp(b.SpoolDir(), "draft")
	b.must(err)
	b.t.Cleanup(func() {
		_ = f.Close()
		_ = os.Remove(f.Name())
	})
	_, err = f.WriteString(content)
	b.must(err)
	return &service.Draft{File: f}
}

// large is content that the directory does not keep itself.
func large(word string) string { return strings.Repeat(word, 1+service.DefaultInlineLimit/len(word)) }
