package fusefs

import (
	"context"
	"io"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/filesystem"
	"github.com/hatrac/hatrac/store/sqlite"
)

// readBench is a store with one large object, /f.
type readBench struct {
	*testing.B
	svc *service.Service
}

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
