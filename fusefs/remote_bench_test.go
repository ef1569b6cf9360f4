package fusefs

import (
	"context"
	"fmt"
	"io"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/cache"
	"github.com/hatrac/hatrac/store/filesystem"
	"github.com/hatrac/hatrac/store/s3"
	"github.com/hatrac/hatrac/store/storetest"
)

const (
	remoteSize    = 512 << 20
	remoteRequest = 4 << 20 // bytes of a request that the cache makes ahead of a reader

	readInOrder = "dd if=f of=/dev/null bs=1M status=none"
)

// BenchmarkMountElsewhere compares reading a file in order whose content lies elsewhere with a plain
// loop of requests as large, and as many at once. Besides, it tells what processor time either takes
// of this process, which holds the mount but neither the reader nor the storage, and compares the
// mount with what it cannot beat on these processors: a mounted file in memory that is read while the
// plain loop runs.
func BenchmarkMountElsewhere(b *testing.B) {
	for _, storage := range []struct {
		name string
		make func(*testing.B) (store.Assembler, func())
	}{
		{"20 ms 50 MiB/s each", func(b *testing.B) (store.Assembler, func()) {
			bulk, err := filesystem.Open(b.Context(), filesystem.Config{Root: b.TempDir()})
			must(b, err)
			remote := &storetest.Remote{Assembler: bulk}
			return remote, func() { remote.Latency, remote.Rate = 20*time.Millisecond, 50<<20 }
		}},
		{"S3 20 ms", s3Behind(20 * time.Millisecond)},
		{"S3 5 ms", s3Behind(5 * time.Millisecond)},
		{"S3 1 ms", s3Behind(time.Millisecond)},
		{"S3 0 ms", func(b *testing.B) (store.Assembler, func()) { return inS3(b), func() {} }},
	} {
		b.Run(storage.name, func(b *testing.B) {
			bulk, begin := storage.make(b)
			r := newReadBench(b, remoteSize, func(*filesystem.Bulk) store.Assembler { return bulk })
			begin()
			var mounted, plain, floor spent
			for b.Loop() {
				r.mounted(false, func(dir string) {
					mounted.add(b, func() { r.script(dir, readInOrder) })
				})
				plain.add(b, func() { r.plainLoop(remoteSize) })
				r.memoryFile(remoteSize, func(dir string) {
					floor.add(b, func() {
						var loop sync.WaitGroup
						loop.Go(func() { r.plainLoop(remoteSize) })
						r.script(dir, readInOrder)
						loop.Wait()
					})
				})
			}
			gib := float64(b.N) * remoteSize / (1 << 30)
			b.ReportMetric(1024*gib/mounted.wall.Seconds(), "MiB/s")
			b.ReportMetric(100*plain.wall.Seconds()/mounted.wall.Seconds(), "%ofPlain")
			b.ReportMetric(100*floor.wall.Seconds()/mounted.wall.Seconds(), "%ofFloor")
			b.ReportMetric(mounted.processor.Seconds()/gib, "cpu-s/GiB")
			b.ReportMetric(plain.processor.Seconds()/gib, "cpu-s/GiB-plain")
			b.ReportMetric(floor.processor.Seconds()/gib, "cpu-s/GiB-floor")
		})
	}
}

// s3Behind makes a storage in S3 that is that far away, as soon as it has its content.
func s3Behind(delay time.Duration) func(*testing.B) (store.Assembler, func()) {
	return func(b *testing.B) (store.Assembler, func()) {
		b.Helper()
		server := startS3(b)
		line, err := server.NewLine()
		must(b, err)
		b.Cleanup(func() { _ = line.Close() })
		return bucketAt(b, line.URL(), s3.Client{}), func() { line.SetDelay(delay) }
	}
}

// spent is what was used of a clock, and of the processors by this process.
type spent struct{ wall, processor time.Duration }

func (s *spent) add(tb testing.TB, do func()) {
	tb.Helper()
	begun, used := time.Now(), processorTime(tb)
	do()
	s.wall += time.Since(begun)
	s.processor += processorTime(tb) - used
}

// memoryFile mounts a file of zeros, f, with the options of a mount, and runs use there.
func (r *readBench) memoryFile(size int64, use func(dir string)) {
	r.Helper()
	dir := r.TempDir()
	opts := (&Mount{cfg: Config{Source: "memory"}, root: &dirNode{}}).options()
	root := &memoryRoot{size: size}
	server, err := fs.Mount(dir, root, opts)
	must(r, err)
	_ = widenReadAhead(dir) // as far as the mount may, too
	use(dir)
	must(r, server.Unmount())
}

type memoryRoot struct {
	fs.Inode
	size int64
}

// OnAdd implements fs.NodeOnAdder.
func (r *memoryRoot) OnAdd(ctx context.Context) {
	f := &memoryFile{size: r.size, zeros: make([]byte, maxRequest)}
	r.AddChild("f", r.NewPersistentInode(ctx, f, fs.StableAttr{}), false)
}

type memoryFile struct {
	fs.Inode
	size  int64
	zeros []byte
}

// Getattr implements fs.NodeGetattrer.
func (f *memoryFile) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Size = 0o444, uint64(f.size)
	return 0
}

// Open implements fs.NodeOpener.
func (f *memoryFile) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, 0, 0
}

// Read implements fs.NodeReader.
func (f *memoryFile) Read(_ context.Context, _ fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	return fuse.ReadResultData(f.zeros[:min(int64(len(dest)), f.size-off)]), 0
}

// plainLoop reads all content in order by requests as large, and as many at once, as the cache makes.
func (r *readBench) plainLoop(size int64) {
	r.Helper()
	found, err := r.svc.Fetch(r.Context(), alice, store.Ref{Path: "/f"})
	must(r, err)
	content, err := found.Open(r.Context())
	must(r, err)
	defer func() { _ = content.Close() }()
	next := make(chan int64)
	var workers sync.WaitGroup
	for range cache.DefaultParallel {
		workers.Go(func() {
			buf := make([]byte, remoteRequest)
			for off := range next {
				section, err := content.Section(r.Context(), off, remoteRequest)
				if err == nil {
					_, err = io.ReadFull(section, buf)
					_ = section.Close()
				}
				if err != nil {
					r.Error(fmt.Errorf("read from %d: %w", off, err))
				}
			}
		})
	}
	for off := int64(0); off < size; off += remoteRequest {
		next <- off
	}
	close(next)
	workers.Wait()
}

// BenchmarkMountElsewhereOtherwise reads a file whose content lies 5 ms away in other ways than one
// program from begin to end, and tells how much is fetched for a byte that is read.
func BenchmarkMountElsewhereOtherwise(b *testing.B) {
	const size = 256 << 20
	python := func(read string) string {
		return `python3 -c '
import os, random
fd, rnd = os.open("f", os.O_RDONLY), random.Random(1)
` + read + `'`
	}
	for _, use := range []struct {
		name, script string
		read         int64
	}{
		{"random 4 KiB", python("for _ in range(300): os.pread(fd, 4096, rnd.randrange(1 << 16) << 12)"), 300 << 12},
		{"random 1 MiB", python("for _ in range(60): os.pread(fd, 1 << 20, rnd.randrange(255 << 20))"), 60 << 20},
		{"skipping", python("for i in range(256): os.pread(fd, 64 << 10, i << 20)"), 16 << 20},
		{"the first 64 KiB", python("os.pread(fd, 64 << 10, 0)"), 64 << 10},
		{"four at once", `for i in 0 1 2 3; do dd if=f of=/dev/null bs=1M skip=$((64*i)) count=64 status=none & done; wait`, size},
	} {
		b.Run(use.name, func(b *testing.B) {
			remote := &storetest.Remote{}
			r := newReadBench(b, size, func(bulk *filesystem.Bulk) store.Assembler {
				remote.Assembler = bulk
				return remote
			})
			remote.Latency = 5 * time.Millisecond
			var used spent
			was := remote.Bytes()
			for b.Loop() {
				r.mounted(false, func(dir string) {
					used.add(b, func() { r.script(dir, use.script) })
				})
			}
			b.ReportMetric(used.wall.Seconds()*1000/float64(b.N), "ms")
			b.ReportMetric(used.processor.Seconds()*1000/float64(b.N), "cpu-ms")
			b.ReportMetric(float64(remote.Bytes()-was)/float64(b.N)/float64(use.read), "×read")
		})
	}
}
