package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/storetest"
)

func noise(seed uint64, n int64) io.Reader {
	return io.LimitReader(rand.NewChaCha8([32]byte{byte(seed)}), n)
}

func digestOf(t *testing.T, r io.Reader) string {
	t.Helper()
	sum := sha256.New()
	if _, err := io.Copy(sum, r); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}

func (b *Bulk) digest(t *testing.T, a store.Address, size int64) string {
	t.Helper()
	c, err := b.OpenSized(t.Context(), a, size)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	section, err := c.Section(t.Context(), 0, size)
	if err != nil {
		t.Fatal(err)
	}
	defer section.Close()
	return digestOf(t, section)
}

func TestLargeContentGoesInPartsWithBoundedMemory(t *testing.T) {
	const size = 37<<20 + 11
	for _, announced := range []int64{size, -1} {
		b := openBulk(t, Config{
			Buckets: map[string]Bucket{"": newBucket(t, server, ByName)}, PartSize: 5 << 20, Memory: 10 << 20,
		})
		a, err := b.Put(t.Context(), store.Placement{Path: "/large", Version: "V", Size: announced}, noise(1, size))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := b.digest(t, a, size), digestOf(t, noise(1, size)); got != want {
			t.Error("other bytes came back")
		}
		if !b.memory.TryAcquire(b.cfg.Memory) {
			t.Error("memory for parts is not given back")
		}
	}
}

func TestNothingIsLeftOfContentThatBreaksOff(t *testing.T) {
	broken := errors.New("the client has gone")
	bucket := newBucket(t, server, ByNameAndVersion)
	b := openBulk(t, Config{Buckets: map[string]Bucket{"": bucket}, PartSize: 5 << 20})
	for _, n := range []int64{1, 6 << 20, 17 << 20} {
		r := io.MultiReader(noise(1, n), iotest.ErrReader(broken))
		if _, err := b.Put(t.Context(), store.Placement{Path: "/broken", Version: "V", Size: -1}, r); err != broken {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
	if got := uploadsOf(t, bucket.Name); got != 0 {
		t.Errorf("%d uploads are left", got)
	}
	listed, err := server.Client().ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket.Name})
	if err != nil || len(listed.Contents) != 0 {
		t.Errorf("left are %v, %v", listed.Contents, err)
	}
	if !b.memory.TryAcquire(b.cfg.Memory) {
		t.Error("memory for parts is not given back")
	}
}

func uploadsOf(t *testing.T, bucket string) int {
	t.Helper()
	listed, err := server.Client().ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	return len(listed.Uploads)
}

// TestChunksArePartsWhereTheyCanBe uses chunks that are larger than a part in memory, too.
func TestChunksArePartsWhereTheyCanBe(t *testing.T) {
	const size, chunk = 21 << 20, 9 << 20
	for _, method := range []Method{ByName, ByNameAndVersion} {
		bucket := newBucket(t, server, method)
		b := openBulk(t, Config{Buckets: map[string]Bucket{"": bucket}, PartSize: 5 << 20})
		place := store.Placement{Path: "/ns/o", Version: "JOB", Size: size}
		a, err := b.Begin(t.Context(), place, chunk)
		if err != nil {
			t.Fatal(err)
		}
		if got := uploadsOf(t, bucket.Name); got != 1 {
			t.Fatalf("there are %d uploads", got)
		}
		want, _ := io.ReadAll(noise(3, size))
		job := store.Job{Size: size, ChunkSize: chunk}
		var chunks []store.Chunk
		for _, n := range []int64{2, 0, 1} {
			off, length := job.Span(n)
			broken := errors.New("broken")
			bad := io.MultiReader(bytes.NewReader(want[off:off+length]), iotest.ErrReader(broken))
			if _, err := storetest.PutChunk(t.Context(), b, a, n, off, length, bad); err != broken {
				t.Errorf("a chunk with a broken end: %v", err)
			}
			tag, err := storetest.PutChunk(t.Context(), b, a, n, off, length, bytes.NewReader(want[off:off+length]))
			if err != nil {
				t.Fatal(err)
			}
			chunks = append(chunks, store.Chunk{Number: n, Tag: tag})
		}
		at, err := b.Finish(t.Context(), a, place, chunks)
		if err != nil {
			t.Fatal(err)
		}
		again, err := b.Finish(t.Context(), a, place, chunks)
		if err != nil || again != at {
			t.Errorf("finished again: %s, %v; want %s", again, err, at)
		}
		if b.digest(t, at, size) != digestOf(t, bytes.NewReader(want)) {
			t.Error("other bytes came back")
		}
		if uploadsOf(t, bucket.Name) != 0 {
			t.Error("the upload is left")
		}
		_, err = storetest.PutChunk(t.Context(), b, a, 0, 0, chunk, bytes.NewReader(want[:chunk]))
		if store.KindOf(err) != store.Conflict {
			t.Errorf("a chunk that comes too late: %v", err)
		}
		if err := b.Remove(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Finish(t.Context(), a, place, chunks); store.KindOf(err) != store.NotFound {
			t.Errorf("finishing what was removed: %v", err)
		}
	}
}

// TestUploadsOfTheOriginalGoOn begins an upload as the original server does.
func TestUploadsOfTheOriginalGoOn(t *testing.T) {
	for _, method := range []Method{ByName, ByNameAndVersion} {
		bucket := newBucket(t, server, method)
		b := openBulk(t, Config{Buckets: map[string]Bucket{"": bucket}})
		key := "hatrac/ns/o"
		if method == ByNameAndVersion {
			key += ":OLD"
		}
		begun, err := server.Client().CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &bucket.Name, Key: &key})
		if err != nil {
			t.Fatal(err)
		}
		job := *begun.UploadId
		if method == ByNameAndVersion {
			job = "OLD." + job
		}
		a, err := b.UploadAddress("/ns/o", job)
		if err != nil {
			t.Fatal(err)
		}
		tag, err := storetest.PutChunk(t.Context(), b, a, 0, 0, 4, bytes.NewReader([]byte("text")))
		if err != nil {
			t.Fatal(err)
		}
		place := store.Placement{Path: "/ns/o", Version: job, Size: 4}
		at, err := b.Finish(t.Context(), a, place, []store.Chunk{{Tag: tag}})
		if err != nil {
			t.Fatal(err)
		}
		if method == ByNameAndVersion && b.VersionID(at) != "OLD" {
			t.Errorf("the version is %s", b.VersionID(at))
		}
		if b.digest(t, at, 4) != digestOf(t, bytes.NewReader([]byte("text"))) {
			t.Error("other bytes came back")
		}
	}
}

func TestSweepsLeaveAloneWhatIsNotTheirs(t *testing.T) {
	for _, method := range []Method{ByName, ByNameAndVersion} {
		bucket := newBucket(t, server, method)
		b := openBulk(t, Config{Buckets: map[string]Bucket{"": bucket}})
		for _, key := range []string{"hatrac/foreign", "hatrac/ns/foreign:V", "elsewhere"} {
			if _, err := server.Client().PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: &bucket.Name, Key: &key, Body: bytes.NewReader([]byte("x")),
			}); err != nil {
				t.Fatal(err)
			}
		}
		own, err := b.Put(t.Context(), store.Placement{Path: "/own", Version: "V", Size: 1}, bytes.NewReader([]byte("y")))
		if err != nil {
			t.Fatal(err)
		}
		none := func(_ context.Context, asked []store.Address) ([]bool, error) { return make([]bool, len(asked)), nil }
		swept, err := b.Sweep(t.Context(), time.Now().Add(time.Hour), none)
		if err != nil || swept.Removed != 1 || swept.Bytes != 1 {
			t.Errorf("swept %+v, %v", swept, err)
		}
		if _, err := b.Open(t.Context(), own); store.KindOf(err) != store.NotFound {
			t.Errorf("own content that nothing refers to: %v", err)
		}
		for _, key := range []string{"hatrac/foreign", "hatrac/ns/foreign:V", "elsewhere"} {
			fetch(t, bucket.Name, key, "")
		}
	}
}
