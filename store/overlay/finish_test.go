package overlay_test

import (
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/s3"
)

// halves is an upload of two chunks, of which the second has half the length.
type halves struct {
	*site
	job    string
	chunks [2]string
}

const uploadPath = "/upload"

func (s *site) beginUpload(chunk int) *halves {
	s.t.Helper()
	u := &halves{site: s, chunks: [2]string{strings.Repeat("a", chunk), strings.Repeat("b", chunk/2)}}
	digest := sha256.Sum256([]byte(u.chunks[0] + u.chunks[1]))
	job, err := s.StartJob(s.t.Context(), owner, service.StartJob{
		Path: uploadPath, Size: int64(chunk + chunk/2), ChunkSize: int64(chunk), Metadata: store.Metadata{SHA256: digest[:]},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	u.job = job.Job.Job
	return u
}

func (u *halves) send(number int, text string) {
	u.t.Helper()
	if err := u.PutChunk(u.t.Context(), owner, service.PutChunk{
		Path: uploadPath, Job: u.job, Number: int64(number), Content: strings.NewReader(text), Length: int64(len(text)),
	}); err != nil {
		u.t.Fatal(err)
	}
}

func (u *halves) finish() (*service.PutResult, error) {
	return u.FinishJob(u.t.Context(), owner, service.FinishJob{Path: uploadPath, Job: u.job})
}

// refused expects that the content is refused, and returns how many chunks are left.
func (u *halves) refused() (received int64) {
	u.t.Helper()
	_, err := u.finish()
	wantKind(u.t, err, store.Conflict)
	job, err := u.Job(u.t.Context(), owner, uploadPath, u.job)
	if err != nil {
		u.t.Fatalf("the upload is gone: %v", err)
	}
	for _, r := range job.Received {
		received += r.Last - r.First + 1
	}
	return received
}

// TestAWrongDigestKeepsTheUpload: whatever the storage is, its chunks can be sent again, and nothing of
// what was wrong stays.
func TestAWrongDigestKeepsTheUpload(t *testing.T) {
	const part = 5 << 20
	for name, c := range map[string]struct {
		bulk func(t *testing.T) store.Assembler
		// chunk is the length of a chunk; of small ones pieces are made in S3.
		chunk int
		// left is how many chunks are left of one that is finished with wrong content.
		left int64
	}{
		"files":             {func(t *testing.T) store.Assembler { return files(t, t.TempDir()) }, 100, 2},
		"parts by name":     {func(t *testing.T) store.Assembler { return objects(t, newBucket(t, s3.ByName)) }, part, 0},
		"parts by version":  {func(t *testing.T) store.Assembler { return objects(t, newBucket(t, s3.ByNameAndVersion)) }, part, 0},
		"pieces by name":    {func(t *testing.T) store.Assembler { return objects(t, newBucket(t, s3.ByName)) }, 100, 0},
		"pieces by version": {func(t *testing.T) store.Assembler { return objects(t, newBucket(t, s3.ByNameAndVersion)) }, 100, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bulk := c.bulk(t)
			dir := newDirectory(t)
			s := serve(t, dir, bulk)
			u := s.beginUpload(c.chunk)
			wrong := strings.Repeat("x", c.chunk/2)

			// In their order, the chunks are known to be wrong before anything is finished.
			u.send(0, u.chunks[0])
			u.send(1, wrong)
			if left := u.refused(); left != 2 {
				t.Errorf("of chunks that came in order %d are left", left)
			}
			// Sent again, they are digested when all is finished.
			u.send(0, u.chunks[0])
			if left := u.refused(); left != c.left {
				t.Errorf("%d chunks are left, want %d", left, c.left)
			}
			u.send(1, wrong)
			if c.left == 0 {
				_, err := u.finish() // one is missing, nothing changes
				wantKind(t, err, store.Conflict)
			}
			u.send(0, u.chunks[0])
			if left := u.refused(); left != c.left {
				t.Errorf("the second time %d chunks are left, want %d", left, c.left)
			}
			for n, chunk := range u.chunks {
				u.send(n, chunk)
			}
			result, err := u.finish()
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Reclaim(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.wantContent(store.Ref{Path: uploadPath, Version: result.Version.Version}, u.chunks[0]+u.chunks[1])
			wantNothingLeft(t, dir, bulk)
		})
	}
}

// wantNothingLeft expects that the storage keeps nothing that the directory does not refer to.
func wantNothingLeft(t *testing.T, dir store.Directory, bulk store.Bulk) {
	t.Helper()
	err := bulk.(store.Lister).List(t.Context(), func(a store.Address, size int64, _ time.Time) error {
		aliases := []store.Address{a}
		if shared, ok := bulk.(store.SharedLister); ok {
			var err error
			if aliases, err = shared.Aliases(t.Context(), a); err != nil {
				return err
			}
		}
		bound, err := dir.Bound(t.Context(), aliases)
		if !slices.Contains(bound, true) {
			t.Errorf("%d bytes are left at %s", size, a)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
