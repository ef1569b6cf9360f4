package fusefs

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/filesystem"
	"github.com/hatrac/hatrac/store/sqlite"
)

// frozen is a directory that stops answering.
type frozen struct {
	store.Directory
	mu      sync.Mutex    // guards ice
	ice     chan struct{} // closed when it melts; nil: there is none
	waiting chan struct{} // gets a token for each call that waits
}

func (f *frozen) freeze(ice bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ice != nil {
		close(f.ice)
		f.ice = nil
	}
	if ice {
		f.ice = make(chan struct{})
	}
}

func (f *frozen) wait(ctx context.Context) error {
	f.mu.Lock()
	ice := f.ice
	f.mu.Unlock()
	if ice == nil {
		return nil
	}
	select {
	case f.waiting <- struct{}{}:
	default:
	}
	select {
	case <-ice:
		return nil
	case <-ctx.Done():
		return store.Wrap(store.Unavailable, "wait", ctx.Err())
	}
}

func (f *frozen) Resolve(ctx context.Context, path store.Path, version string) (*store.Resolution, error) {
	if err := f.wait(ctx); err != nil {
		return nil, err
	}
	return f.Directory.Resolve(ctx, path, version)
}

func frozenRig(t *testing.T, change ...func(*Config)) (*rig, *frozen) {
	t.Helper()
	root := t.TempDir()
	_, dir := openService(t, root)
	f := &frozen{Directory: dir, waiting: make(chan struct{}, 100)}
	svc, err := service.New(service.Config{Directory: f, Bulk: bulkOf(t, root), Firewall: acl.Open()})
	if err != nil {
		t.Fatal(err)
	}
	return mountRig(t, svc, change...), f
}

func TestAProgramThatWaitsForAFrozenDatabaseCanBeKilled(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGKILL, syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			r, f := frozenRig(t, func(c *Config) { c.Deadline = time.Hour })
			f.freeze(true)
			cmd := exec.CommandContext(t.Context(), "cat", filepath.Join(r.dir, "f"))
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-f.waiting
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // an hour, if nobody looks
			f.freeze(false)
			r.expect("ls", "")
		})
	}
}

func TestAFrozenDatabaseIsAnErrorInBoundedTime(t *testing.T) {
	r, f := frozenRig(t, func(c *Config) { c.Deadline = 5 * time.Second })
	f.freeze(true)
	r.refused("cat f", "Input/output error")
	f.freeze(false)
	r.refused("cat f", "No such file")
}

// TestMain lets the test binary be a server that dies.
func TestMain(m *testing.M) {
	if root := os.Getenv("FUSEFS_TEST_SERVE"); root != "" {
		serve(root)
		return
	}
	os.Exit(m.Run())
}

// serve mounts the store at root on root/mnt, says so and waits to be killed.
func serve(root string) {
	ctx := context.Background()
	dir, err := sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(root, "db")})
	if err != nil {
		panic(err)
	}
	bulk, err := filesystem.Open(ctx, filesystem.Config{Root: filepath.Join(root, "content")})
	if err != nil {
		panic(err)
	}
	svc, err := service.New(service.Config{Directory: dir, Bulk: bulk, Firewall: acl.Open()})
	if err != nil {
		panic(err)
	}
	m, err := New(ctx, Config{Dir: filepath.Join(root, "mnt"), Service: svc, Client: alice, Logger: zerolog.Nop()})
	if err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString("mounted\n")
	m.Wait()
}

func TestAMountThatDiedIsReplacedAndWhatWasWrittenIsKept(t *testing.T) {
	root := t.TempDir()
	svc, _ := openService(t, root)
	mnt := filepath.Join(root, "mnt")
	if err := os.Mkdir(mnt, 0o700); err != nil {
		t.Fatal(err)
	}
	server := exec.CommandContext(t.Context(), os.Args[0])
	server.Env = append(server.Environ(), "FUSEFS_TEST_SERVE="+root)
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unmount(mnt, true) })
	if n, err := out.Read(make([]byte, 100)); n == 0 {
		t.Fatalf("the server does not start: %v", err)
	}
	dead := &rig{T: t, svc: svc, dir: mnt}
	p := dead.python()
	p.must(`fd = os.open("f", os.O_WRONLY | os.O_CREAT); n = os.write(fd, b"written"); os.fsync(fd)`)
	p.must(`os.close(os.open("empty", os.O_WRONLY | os.O_CREAT))`)
	if err := server.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = server.Wait()
	p.end()
	if _, err := os.Stat(mnt); err == nil || !strings.Contains(err.Error(), "not connected") {
		t.Fatalf("the dead mount point: %v", err)
	}
	r := mountRig(t, svc, func(c *Config) { c.Dir = mnt })
	r.refused("cat f", "No such file")
	if kept := r.kept(); len(kept) != 1 || kept[0].Path != "/f" || kept[0].Size != 7 {
		t.Errorf("kept: %+v", kept)
	}
	r.sh("echo again > f; cat f")
}
