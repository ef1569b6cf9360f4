package fusefs

import (
	"bytes"
	"context"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
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

var alice = acl.Client{ID: "alice"}

// rig is a store of alice's with a mount. What happens in the mount happens in other processes:
// one that uses its own mount can wait for itself.
type rig struct {
	*testing.T
	svc *service.Service
	cfg Config
	dir string
	m   *Mount

	rooted atomic.Int64 // changes of the root that the mount has heard of
}

// openService makes a store in a folder.
func openService(t *testing.T, root string) (*service.Service, store.Directory) {
	t.Helper()
	dir, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(root, "db"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	if err := service.Init(t.Context(), dir, []string{"alice"}); err != nil {
		t.Fatal(err)
	}
	svc, err := service.New(service.Config{Directory: dir, Bulk: bulkOf(t, root), Firewall: acl.Open()})
	if err != nil {
		t.Fatal(err)
	}
	runService(t, svc)
	return svc, dir
}

// runService does the service's background work until the test ends.
func runService(tb testing.TB, svc *service.Service) {
	tb.Helper()
	background, stop := context.WithCancel(context.WithoutCancel(tb.Context()))
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		_ = svc.Run(background)
	}()
	tb.Cleanup(func() {
		stop()
		<-ran
	})
}

func bulkOf(t *testing.T, root string) *filesystem.Bulk {
	t.Helper()
	bulk, err := filesystem.Open(t.Context(), filesystem.Config{Root: filepath.Join(root, "content")})
	if err != nil {
		t.Fatal(err)
	}
	return bulk
}

func newRig(t *testing.T, change ...func(*Config)) *rig {
	t.Helper()
	svc, _ := openService(t, t.TempDir())
	return mountRig(t, svc, change...)
}

func mountRig(t *testing.T, svc *service.Service, change ...func(*Config)) *rig {
	t.Helper()
	if err := Available(); err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Dir: t.TempDir(), Service: svc, Client: alice, UnmountGrace: time.Second,
		Logger: zerolog.New(zerolog.NewTestWriter(t)),
	}
	for _, f := range change {
		f(&cfg)
	}
	r := &rig{T: t, svc: svc, cfg: cfg, dir: cfg.Dir}
	r.cfg.told = func(c service.Change) {
		if c.Path.IsRoot() {
			r.rooted.Add(1)
		}
	}
	r.mount()
	t.Cleanup(r.unmount)
	return r
}

func (r *rig) mount() {
	r.Helper()
	m, err := New(r.Context(), r.cfg)
	if err != nil {
		r.Fatal(err)
	}
	r.m = m
}

func (r *rig) unmount() {
	r.Helper()
	if r.m == nil {
		return
	}
	if err := r.m.Unmount(context.WithoutCancel(r.Context())); err != nil {
		r.Errorf("unmount: %v", err)
	}
	r.m = nil
}

// try runs a shell script in the mount and returns all its output.
func (r *rig) try(script string) (string, error) {
	cmd := exec.CommandContext(r.Context(), "bash", "-c", `cd "$1" && eval "$2"`, "-", r.dir, script)
	cmd.Env = append(cmd.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// sh is try for scripts that must succeed.
func (r *rig) sh(script string) string {
	r.Helper()
	out, err := r.try(script)
	if err != nil {
		r.Fatalf("%s: %v\n%s", script, err, out)
	}
	return out
}

// refused runs a script that must fail with a message.
func (r *rig) refused(script, message string) {
	r.Helper()
	out, err := r.try(script)
	if err == nil || !strings.Contains(out, message) {
		r.Errorf("%s: %v, want failure with %q\n%s", script, err, message, out)
	}
}

// expect compares what a script says.
func (r *rig) expect(script, want string) {
	r.Helper()
	if got := r.sh(script); got != want {
		r.Errorf("%s says %q, want %q", script, got, want)
	}
}

// shell is an interpreter in the mount that runs one line after the other, so that what is open
// stays open between them.
type shell struct {
	*rig
	in   io.WriteCloser
	out  *bytes.Buffer
	from io.Reader
}

// open starts a shell.
func (r *rig) open() *shell {
	r.Helper()
	return r.interpreter("bash", "-c", `cd "$1"; while IFS= read -r line; do eval "$line" 2>&1; printf '\n==%d==\n' $?; done`, "-", r.dir)
}

// python starts a Python, which answers a failed system call with the name of the errno.
func (r *rig) python() *shell {
	r.Helper()
	return r.interpreter("python3", "-c", pythonLoop, r.dir)
}

const pythonLoop = `
import errno, os, sys
os.chdir(sys.argv[1])
names = {"os": os}
for line in sys.stdin:
    code = 0
    try:
        exec(line, names)
    except OSError as e:
        print(errno.errorcode[e.errno], end="")
        code = 1
    print("\n==%d==" % code, flush=True)
`

func (r *rig) interpreter(name string, args ...string) *shell {
	r.Helper()
	return r.interpreterAs(nil, name, args...)
}

// interpreterAs is interpreter with another user's credential, if that is given.
func (r *rig) interpreterAs(user *syscall.SysProcAttr, name string, args ...string) *shell {
	r.Helper()
	cmd := exec.CommandContext(r.Context(), name, args...)
	cmd.SysProcAttr = user
	in, err := cmd.StdinPipe()
	if err != nil {
		r.Fatal(err)
	}
	from, err := cmd.StdoutPipe()
	if err != nil {
		r.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	s := &shell{rig: r, in: in, from: from, out: new(bytes.Buffer)}
	r.Cleanup(func() { s.end(); _ = cmd.Wait() })
	return s
}

// run runs one command and returns its output and whether it succeeded.
func (s *shell) run(command string) (string, bool) {
	s.Helper()
	if _, err := io.WriteString(s.in, command+"\n"); err != nil {
		s.Fatal(err)
	}
	buf := make([]byte, 4096)
	for {
		if text, end, ok := strings.Cut(s.out.String(), "\n=="); ok && strings.HasSuffix(end, "==\n") {
			s.out.Reset()
			return text, end == "0==\n"
		}
		n, err := s.from.Read(buf)
		s.out.Write(buf[:n])
		if err != nil {
			s.Fatalf("%s: the shell ended: %s", command, s.out)
		}
	}
}

func (s *shell) must(command string) string {
	s.Helper()
	out, ok := s.run(command)
	if !ok {
		s.Fatalf("%s failed: %s", command, out)
	}
	return out
}

// fails runs a line that must fail with that answer.
func (s *shell) fails(line, want string) {
	s.Helper()
	if out, ok := s.run(line); ok || out != want {
		s.Errorf("%s answers %q, success %v; want %s", line, out, ok, want)
	}
}

func (s *shell) end() { _ = s.in.Close() }

// versions returns the ids of an object's versions, oldest first.
func (r *rig) versions(path store.Path) []string {
	r.Helper()
	list, err := r.svc.Versions(r.Context(), alice, path, 0, 0)
	if store.KindOf(err) == store.NotFound && err != nil {
		return nil
	}
	if err != nil {
		r.Fatal(err)
	}
	var ids []string
	for _, v := range list.Versions {
		if v.Forward == nil {
			ids = append([]string{v.Version}, ids...)
		}
	}
	return ids
}

// count checks how many versions an object has.
func (r *rig) count(path store.Path, want int) {
	r.Helper()
	if got := r.versions(path); len(got) != want {
		r.Errorf("%s has %d versions, want %d", path, len(got), want)
	}
}

// settled waits until releases of closed handles, which nobody waits for, were worked off: the
// kernel hands requests over in order, and a change in the same tree comes after them.
func (r *rig) settled() {
	r.Helper()
	for range 1000 {
		if len(r.m.overlay.all()) == 0 {
			return
		}
		r.sh("stat . >/dev/null")
	}
	r.Fatal("a draft does not end")
}

// put stores an object by the service, as REST does.
func (r *rig) put(path store.Path, content string) store.Version {
	r.Helper()
	result, err := r.svc.PutObject(r.Context(), alice, service.PutObject{
		Path: path, Content: strings.NewReader(content), Size: int64(len(content)), Parents: true,
	})
	if err != nil {
		r.Fatal(err)
	}
	return result.Version
}

// content returns what the service has under a reference.
func (r *rig) content(ref store.Ref) string {
	r.Helper()
	found, err := r.svc.Fetch(r.Context(), alice, ref)
	if err != nil {
		r.Fatalf("%s: %v", ref, err)
	}
	c, err := found.Open(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	b := make([]byte, c.Size())
	if n, err := c.ReadAt(b, 0); n < len(b) {
		r.Fatal(err)
	}
	return string(b)
}

// holds checks what the service has under a path.
func (r *rig) holds(path store.Path, want string) {
	r.Helper()
	if got := r.content(store.Ref{Path: path}); got != want {
		r.Errorf("%s holds %q, want %q", path, got, want)
	}
}
