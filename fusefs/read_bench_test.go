package fusefs

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/cache"
	"github.com/hatrac/hatrac/store/filesystem"
	"github.com/hatrac/hatrac/store/sqlite"
	"github.com/hatrac/hatrac/store/storetest"
)

// readBench is a store with one large object, /f.
type readBench struct {
	*testing.B
	svc *service.Service
}

// What a request to storage elsewhere takes before its first byte, and what it gives then in a second.
const (
	latency = 20 * time.Millisecond
	rate    = 50 << 20
)

// newReadBench makes the store; over may put something over its storage.
func newReadBench(b *testing.B, size int64, over func(*filesystem.Bulk) store.Assembler) *readBench {
	b.Helper()
	check := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	check(Available())
	root := b.TempDir()
	dir, err := sqlite.Open(b.Context(), sqlite.Config{Path: filepath.Join(root, "db"), Migrate: true})
	check(err)
	b.Cleanup(func() { _ = dir.Close() })
	bulk, err := filesystem.Open(b.Context(), filesystem.Config{Root: filepath.Join(root, "content")})
	check(err)
	b.Cleanup(func() { _ = bulk.Close() })
	check(service.Init(b.Context(), dir, []string{"alice"}))
	svc, err := service.New(service.Config{Directory: dir, Bulk: over(bulk), Firewall: acl.Open()})
	check(err)
	_, err = svc.PutObject(b.Context(), alice, service.PutObject{
		Path: "/f", Content: io.LimitReader(endless{}, size), Size: size,
	})
	check(err)
	return &readBench{B: b, svc: svc}
}

// endless gives zeros.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func local(bulk *filesystem.Bulk) store.Assembler { return bulk }

// mounted runs use in a new mount.
func (r *readBench) mounted(noPassthrough bool, use func(dir string)) {
	r.Helper()
	m, err := New(r.Context(), Config{
		Dir: r.TempDir(), SpoolDir: r.TempDir(), Service: r.svc, Client: alice, Logger: zerolog.Nop(),
		NoPassthrough: noPassthrough,
	})
	if err != nil {
		r.Fatal(err)
	}
	use(m.cfg.Dir)
	if err := m.Unmount(context.WithoutCancel(r.Context())); err != nil {
		r.Fatal(err)
	}
}

// script runs a program in a folder and returns how long it took.
func (r *readBench) script(dir, script string) time.Duration {
	r.Helper()
	cmd := exec.CommandContext(r.Context(), "bash", "-c", script)
	cmd.Dir = dir
	begun := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		r.Fatalf("%s: %v\n%s", script, err, out)
	}
	return time.Since(begun)
}

// BenchmarkMountPassthrough compares reads that the kernel does by itself with those that go through
// the process, the first time and again, from the page cache. In all, the file itself is in memory.
func BenchmarkMountPassthrough(b *testing.B) {
	const size = 1 << 30
	for name, script := range map[string]string{
		"sequential 1 GiB": "dd if=f of=/dev/null bs=1M status=none",
		"random 4 KiB": `python3 -c '
import os, random
fd, rnd = os.open("f", os.O_RDONLY), random.Random(1)
os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
for _ in range(50000): os.pread(fd, 4096, rnd.randrange(1 << 18) << 12)'`,
	} {
		b.Run(name, func(b *testing.B) {
			r := newReadBench(b, size, local)
			var through, first, again time.Duration
			for b.Loop() {
				r.mounted(false, func(dir string) { r.script(dir, script); through += r.script(dir, script) })
				r.mounted(true, func(dir string) { first += r.script(dir, script); again += r.script(dir, script) })
			}
			b.ReportMetric(through.Seconds()/float64(b.N), "s/passthrough")
			b.ReportMetric(first.Seconds()/through.Seconds(), "×first")
			b.ReportMetric(again.Seconds()/through.Seconds(), "×again")
		})
	}
}

// BenchmarkMountElsewhere compares reading a file whose content lies elsewhere in order with a plain
// loop of as many requests at once, of the same size.
func BenchmarkMountElsewhere(b *testing.B) {
	const size = 512 << 20
	for name, storage := range map[string]func(*filesystem.Bulk) store.Assembler{
		"far": func(bulk *filesystem.Bulk) store.Assembler {
			return &storetest.Remote{Assembler: bulk, Latency: latency, Rate: rate}
		},
		"S3 nearby": func(*filesystem.Bulk) store.Assembler { return inS3(b) },
	} {
		b.Run(name, func(b *testing.B) {
			r := newReadBench(b, size, storage)
			var mounted, plain time.Duration
			for b.Loop() {
				r.mounted(false, func(dir string) { mounted += r.script(dir, "dd if=f of=/dev/null bs=1M status=none") })
				plain += r.plainLoop(size)
			}
			b.ReportMetric(size/(1<<20)*float64(b.N)/mounted.Seconds(), "MiB/s")
			b.ReportMetric(100*plain.Seconds()/mounted.Seconds(), "%ofPlain")
		})
	}
}

// plainLoop reads all content in order by requests as large, and as many at once, as the cache makes.
func (r *readBench) plainLoop(size int64) time.Duration {
	r.Helper()
	const request = 4 * cache.DefaultBlockSize
	found, err := r.svc.Fetch(r.Context(), alice, store.Ref{Path: "/f"})
	if err != nil {
		r.Fatal(err)
	}
	content, err := found.Open(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	defer func() { _ = content.Close() }()
	begun := time.Now()
	next := make(chan int64)
	var workers sync.WaitGroup
	for range cache.DefaultParallel {
		workers.Go(func() {
			buf := make([]byte, request)
			for off := range next {
				section, err := content.Section(r.Context(), off, request)
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
	for off := int64(0); off < size; off += request {
		next <- off
	}
	close(next)
	workers.Wait()
	return time.Since(begun)
}
