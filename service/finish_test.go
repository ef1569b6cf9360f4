package service_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// counting is content of at least n bytes, no part of which is like another.
func counting(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprint(&b, i, " ")
	}
	return b.String()
}

// rereading counts how often content is opened.
type rereading struct {
	store.Assembler
	opened atomic.Int64
}

func (r *rereading) Open(ctx context.Context, a store.Address) (store.Content, error) {
	r.opened.Add(1)
	return r.Assembler.Open(ctx, a)
}

func (r *rereading) OpenPart(ctx context.Context, a store.Address) (store.Content, error) {
	r.opened.Add(1)
	return r.Assembler.OpenPart(ctx, a)
}

// The digests run along with chunks that come in order, so that to finish an upload takes no longer if it
// is large.
func TestFinishingAnUploadReadsNothingAgain(t *testing.T) {
	b := newBench(t)
	bulk := &rereading{Assembler: b.bulk}
	var err error
	b.Service, err = service.New(service.Config{Directory: b.dir, Bulk: bulk, Firewall: acl.Open()})
	b.must(err)
	content := counting(service.DefaultInlineLimit + 1)
	const size = 1000
	sum := sha256.Sum256([]byte(content))
	job := b.begin(root, "/o", int64(len(content)), size, func(r *service.StartJob) { r.Metadata.SHA256 = sum[:] })
	for n := range job.Job.Chunks() {
		at, length := job.Job.Span(n)
		b.send(job, n, content[at:at+length])
	}
	result, err := b.finish(job)
	b.must(err)
	if !bytes.Equal(result.Version.SHA256, sum[:]) {
		t.Error("the version has another digest")
	}
	if n := bulk.opened.Load(); n > 0 {
		t.Errorf("the content was opened %d times", n)
	}
}

// A chunk that goes on from another one has the digest of what that was. If the other is sent again
// meanwhile, nothing goes on from there.
func TestADigestThatRanAlongDoesNotOutliveItsChunks(t *testing.T) {
	b := newBench(t)
	job := b.begin(root, "/o", 6, 3)
	b.send(job, 0, "aaa")
	out, in := io.Pipe()
	sent := make(chan error, 1)
	go func() {
		sent <- b.PutChunk(b.ctx, root, service.PutChunk{Path: job.Path, Job: job.Job.Job, Number: 1, Content: out, Length: 3})
	}()
	_, err := in.Write([]byte("cc"))
	b.must(err)
	b.send(job, 0, "bbb")
	_, err = in.Write([]byte("c"))
	b.must(err)
	b.must(in.Close())
	b.must(<-sent)
	_, err = b.finish(job)
	b.must(err)
	b.wantContent(root, "/o", "bbbccc")
}
