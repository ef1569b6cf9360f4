package overlay_test

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/overlay"
	"github.com/hatrac/hatrac/store/s3"
	"github.com/hatrac/hatrac/store/sqlite"
)

var owner = acl.Client{ID: "owner"}

// site is a service on a directory that lives longer than its storages.
type site struct {
	*service.Service
	t *testing.T
}

func newDirectory(t *testing.T) store.Directory {
	t.Helper()
	dir, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "hatrac.db"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	if err := service.Init(t.Context(), dir, []string{owner.ID}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func serve(t *testing.T, dir store.Directory, bulk store.Assembler) *site {
	t.Helper()
	s, err := service.New(service.Config{Directory: dir, Bulk: bulk, Firewall: acl.Open(), InlineLimit: -1})
	if err != nil {
		t.Fatal(err)
	}
	return &site{Service: s, t: t}
}

func (s *site) put(path, content string) store.Ref {
	s.t.Helper()
	result, err := s.PutObject(s.t.Context(), owner, service.PutObject{
		Path: store.Path(path), Content: strings.NewReader(content), Size: int64(len(content)),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return store.Ref{Path: store.Path(path), Version: result.Version.Version}
}

func (s *site) wantContent(ref store.Ref, want string) {
	s.t.Helper()
	got, err := s.get(s.t.Context(), ref)
	if err != nil || got != want {
		s.t.Errorf("%s has %q, %v; want %q", ref, got, err, want)
	}
}

func (s *site) get(ctx context.Context, ref store.Ref) (string, error) {
	found, err := s.Fetch(ctx, owner, ref)
	if err != nil {
		return "", err
	}
	content, err := found.Open(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = content.Close() }()
	section, err := content.Section(ctx, 0, content.Size())
	if err != nil {
		return "", err
	}
	defer func() { _ = section.Close() }()
	text, err := io.ReadAll(section)
	return string(text), err
}

func (s *site) delete(ref store.Ref) {
	s.t.Helper()
	if err := s.DeleteVersion(s.t.Context(), owner, ref, service.Conditions{}); err != nil {
		s.t.Fatal(err)
	}
	if err := s.Reclaim(s.t.Context()); err != nil {
		s.t.Fatalf("reclaim: %v", err)
	}
}

func (s *site) upload(path string, content []byte, chunk int64) store.Ref {
	s.t.Helper()
	ctx := s.t.Context()
	job, err := s.StartJob(ctx, owner, service.StartJob{Path: store.Path(path), Size: int64(len(content)), ChunkSize: chunk})
	if err != nil {
		s.t.Fatal(err)
	}
	for n := range job.Job.Chunks() {
		off, length := job.Job.Span(n)
		err := s.PutChunk(ctx, owner, service.PutChunk{
			Path: store.Path(path), Job: job.Job.Job, Number: n, Length: length, Content: bytes.NewReader(content[off : off+length]),
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
	result, err := s.FinishJob(ctx, owner, service.FinishJob{Path: store.Path(path), Job: job.Job.Job})
	if err != nil {
		s.t.Fatal(err)
	}
	return store.Ref{Path: store.Path(path), Version: result.Version.Version}
}

// TestAStoreMovesToAnotherStorageInUse is what layers are for.
func TestAStoreMovesToAnotherStorageInUse(t *testing.T) {
	inFiles := func(t *testing.T) store.Assembler { return files(t, t.TempDir()) }
	byName := func(t *testing.T) store.Assembler { return objects(t, newBucket(t, s3.ByName)) }
	byNameAndVersion := func(t *testing.T) store.Assembler { return objects(t, newBucket(t, s3.ByNameAndVersion)) }
	for name, move := range map[string]struct {
		from, to func(*testing.T) store.Assembler
	}{
		"files to files":                  {inFiles, inFiles},
		"files to S3 by name":             {inFiles, byName},
		"files to S3 by name and version": {inFiles, byNameAndVersion},
		"S3 by name to files":             {byName, inFiles},
		"S3 to S3 by name":                {byNameAndVersion, byName},
		"S3 by name to S3 by name":        {byName, byName},
		"S3 to S3 by name and version":    {byName, byNameAndVersion},
	} {
		t.Run(name, func(t *testing.T) { moveInUse(t, move.from(t), move.to(t)) })
	}
}

func moveInUse(t *testing.T, older, newer store.Assembler) {
	dir := newDirectory(t)
	s := serve(t, dir, older)
	kept, gone := s.put("/kept", "kept content"), s.put("/gone", "gone content")

	s = serve(t, dir, overlay.New(newer, older))
	fresh := s.put("/kept", "new content")
	large := strings.Repeat("chunks ", 1000)
	joined := s.upload("/joined", []byte(large), 3000)
	s.wantContent(kept, "kept content")
	s.wantContent(fresh, "new content")
	s.wantContent(joined, large)
	s.delete(gone)
	s.delete(fresh)
	s.wantContent(store.Ref{Path: "/kept"}, "kept content")

	s = serve(t, dir, newer)
	s.wantContent(joined, large)
	if _, err := s.get(t.Context(), kept); store.KindOf(err) != store.NotFound {
		t.Errorf("content that only the older storage has: %v", err)
	}
}
