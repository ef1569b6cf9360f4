package service_test

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/filesystem"
	"github.com/hatrac/hatrac/store/sqlite"
)

// node makes another service of the same store, which shares with the first nothing but the
// directory and the files, like another process.
func (b *bench) node() *service.Service {
	b.t.Helper()
	dir, err := sqlite.Open(b.ctx, sqlite.Config{Path: filepath.Join(filepath.Dir(b.content), "hatrac.db")})
	b.must(err)
	b.t.Cleanup(func() { _ = dir.Close() })
	bulk, err := filesystem.Open(b.ctx, filesystem.Config{Root: b.content})
	b.must(err)
	b.t.Cleanup(func() { _ = bulk.Close() })
	s, err := service.New(service.Config{Directory: dir, Bulk: bulk, Firewall: acl.Open()})
	b.must(err)
	return s
}

// chunkSize is more than a storage writes at once.
const chunkSize = 1 << 20

func chunkOf(letter byte) []byte { return bytes.Repeat([]byte{letter}, chunkSize) }

// sendVia stores what r gives as a chunk.
func (b *bench) sendVia(s *service.Service, job *service.JobInfo, n int64, r io.Reader) error {
	return s.PutChunk(b.ctx, root, service.PutChunk{
		Path: job.Path, Job: job.Job.Job, Number: n, Content: r, Length: chunkSize,
	})
}

func TestANewerRequestAtAnotherNodeTakesTheChunkOver(t *testing.T) {
	b := newBench(t)
	other := b.node()
	job := b.begin(root, "/o", 2*chunkSize, chunkSize)
	b.must(b.sendVia(b.Service, job, 1, bytes.NewReader(chunkOf('z'))))
	out, in := io.Pipe()
	older := make(chan error, 1)
	go func() {
		err := b.sendVia(b.Service, job, 0, out)
		_ = out.CloseWithError(io.ErrClosedPipe)
		older <- err
	}()
	_, err := in.Write(chunkOf('a')[:chunkSize/2])
	b.must(err)
	b.must(b.sendVia(other, job, 0, bytes.NewReader(chunkOf('b'))))
	_, _ = in.Write(chunkOf('a')[chunkSize/2:])
	_ = in.Close()
	b.want(store.Conflict, <-older)
	_, err = b.finish(job)
	b.must(err)
	b.wantContent(root, "/o", string(chunkOf('b'))+string(chunkOf('z')))
}

// slowly gives a turn to others after each read.
type slowly struct{ io.Reader }

func (s slowly) Read(p []byte) (int, error) {
	runtime.Gosched()
	return s.Reader.Read(p[:min(len(p), chunkSize/16)])
}

// Many send one chunk through two nodes at the same time, some of them only half of it. What becomes a
// version has the chunk of one of them, whole, and the digest that fits.
func TestNodesNeverMixAChunk(t *testing.T) {
	b := newBench(t)
	nodes := []*service.Service{b.Service, b.node()}
	for round := range 4 {
		path := fmt.Sprint("/o", round)
		job := b.begin(root, path, 2*chunkSize, chunkSize)
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				content := chunkOf('a' + byte(i))
				if i >= 6 {
					content = content[:chunkSize/2]
				}
				err := b.sendVia(nodes[i%2], job, 1, slowly{bytes.NewReader(content)})
				if i >= 6 && err == nil {
					t.Error("half a chunk was taken")
				}
			})
		}
		all.Wait()
		b.must(b.sendVia(nodes[round%2], job, 0, bytes.NewReader(chunkOf('z'))))
		// The last one may have been a half.
		if len(b.gotten(job)) == 1 && b.gotten(job)[0].Last == 0 {
			b.must(b.sendVia(nodes[round%2], job, 1, bytes.NewReader(chunkOf('y'))))
		}
		_, err := b.finish(job)
		b.must(err)
		got, _, err := b.get(root, path)
		b.must(err)
		if last := got[chunkSize:]; last != strings.Repeat(last[:1], chunkSize) {
			t.Errorf("round %d: the bytes of several requests are mixed", round)
		}
	}
}
