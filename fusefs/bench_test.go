package fusefs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store/filesystem"
	"github.com/hatrac/hatrac/store/sqlite"
)

// measured is a store with a mount, and a folder on the same disk to compare with. The programs
// that use them run in processes of their own.
type measured struct {
	*testing.B
	mount, plain string
	before       string // a program that runs first and is not measured, if it is not empty
	n            int
}

func newMeasured(b *testing.B) *measured {
	b.Helper()
	if err := Available(); err != nil {
		b.Fatal(err)
	}
	root := b.TempDir()
	dir, err := sqlite.Open(b.Context(), sqlite.Config{Path: filepath.Join(root, "db"), Migrate: true})
	must(b, err)
	bulk, err := filesystem.Open(b.Context(), filesystem.Config{Root: filepath.Join(root, "content")})
	must(b, err)
	must(b, service.Init(b.Context(), dir, []string{"alice"}))
	svc, err := service.New(service.Config{Directory: dir, Bulk: bulk, Firewall: acl.Open()})
	must(b, err)
	b.Cleanup(func() {
		must(b, bulk.Close())
		must(b, dir.Close())
	})
	runService(b, svc)
	m, err := New(b.Context(), Config{
		Dir: b.TempDir(), Service: svc, Client: acl.Client{ID: "alice"}, Logger: zerolog.New(zerolog.NewTestWriter(b)),
	})
	must(b, err)
	b.Cleanup(func() { must(b, m.Unmount(context.WithoutCancel(b.Context()))) })
	return &measured{B: b, mount: m.cfg.Dir, plain: b.TempDir()}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// compare times a program in a new folder of the mount, whose name it gets as $1, and in one of the
// plain disk. It reports what the mount does in a second, how much processor time it takes itself,
// which tells most on a machine with other work, and how many times faster the disk is.
func (m *measured) compare(unit string, amount int, script string) {
	m.Helper()
	var mounted, plain, busy time.Duration
	for m.Loop() {
		m.StopTimer()
		on := m.prepare(m.mount)
		m.StartTimer()
		before := processorTime(m)
		mounted += m.run(on, script)
		busy += processorTime(m) - before
		m.StopTimer()
		plain += m.run(m.prepare(m.plain), script)
		m.StartTimer()
	}
	total := float64(amount * m.N)
	m.ReportMetric(total/mounted.Seconds(), unit+"/s")
	m.ReportMetric(float64(busy.Microseconds())/total, "cpu-µs/"+unit)
	m.ReportMetric(mounted.Seconds()/plain.Seconds(), "×disk")
}

// processorTime returns how long this process has run on processors.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var usage unix.Rusage
	must(tb, unix.Getrusage(unix.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// prepare makes a new folder with what is to be there before.
func (m *measured) prepare(in string) string {
	m.Helper()
	m.n++
	folder := filepath.Join(in, strconv.Itoa(m.n))
	must(m, os.Mkdir(folder, 0o755))
	if m.before != "" {
		m.run(folder, m.before)
	}
	return folder
}

func (m *measured) run(folder, script string) time.Duration {
	m.Helper()
	cmd := exec.CommandContext(m.Context(), "bash", "-c", script, "-", folder)
	begun := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		m.Fatalf("%s: %v\n%s", script, err, out)
	}
	return time.Since(begun)
}

// createFiles makes $2 files of $3 bytes each in the folder $1, one after the other.
const createFiles = `exec python3 -c '
import sys
content = b"x" * int(sys.argv[3])
for i in range(int(sys.argv[2])):
	with open("%s/%d" % (sys.argv[1], i), "wb", buffering=0) as f:
		f.write(content)
' "$1" `

func BenchmarkMountCreate(b *testing.B) {
	for _, size := range []int{4 << 10, 64 << 10} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			newMeasured(b).compare("files", 1000, createFiles+fmt.Sprint(1000, size))
		})
	}
}

// BenchmarkMountCreateTogether is BenchmarkMountCreate by eight programs at once.
func BenchmarkMountCreateTogether(b *testing.B) {
	newMeasured(b).compare("files", 8*250, `for i in 1 2 3 4 5 6 7 8; do
	mkdir "$1/$i"
	( set -- "$1/$i"; `+createFiles+`250 4096 ) &
done
wait`)
}

// BenchmarkMountRemove removes a folder with 1,000 files, after it has made them.
func BenchmarkMountRemove(b *testing.B) {
	m := newMeasured(b)
	m.before = createFiles + "1000 4096"
	m.compare("files", 1000, `exec rm -r "$1"`)
}

// BenchmarkMountClone clones a repository of 1,000 files.
func BenchmarkMountClone(b *testing.B) {
	m := newMeasured(b)
	origin := b.TempDir()
	script := createFiles + `1000 3000 && cd "$1" && git init -q && git add . && git -c user.name=a -c user.email=a@b commit -qm all`
	out, err := exec.CommandContext(b.Context(), "bash", "-c", strings.ReplaceAll(script, "exec python3", "python3"), "-", origin).CombinedOutput()
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	m.compare("files", 1000, `exec git clone -q "`+origin+`" "$1/clone"`)
}

// BenchmarkMountWalk looks at 1,000 files in 20 folders, twice.
func BenchmarkMountWalk(b *testing.B) {
	m := newMeasured(b)
	m.before = `for i in $(seq 20); do mkdir "$1/$i"; ( set -- "$1/$i"; ` + createFiles + `50 100 ); done; sleep 1.1`
	m.compare("files", 1000, `find "$1" -ls > /dev/null; exec find "$1" -ls > /dev/null`)
}

// BenchmarkMountRsync copies a tree in: 1,500 files of up to 60 KiB in 100 folders.
func BenchmarkMountRsync(b *testing.B) {
	m := newMeasured(b)
	tree := b.TempDir()
	const files = 1500
	for i := range files {
		folder := filepath.Join(tree, strconv.Itoa(i%100))
		must(b, os.MkdirAll(folder, 0o755))
		must(b, os.WriteFile(filepath.Join(folder, strconv.Itoa(i)), make([]byte, i*i%(60<<10)), 0o644))
	}
	m.compare("files", files, `exec rsync -a "`+tree+`/" "$1"`)
}

func BenchmarkMountWrite(b *testing.B) {
	const mib = 256
	newMeasured(b).compare("MiB", mib, fmt.Sprintf(`exec dd if=/dev/zero of="$1/f" bs=1M count=%d conv=fsync status=none`, mib))
}
