package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a step may take before it counts as hanging. It is no measure of speed.
const patience = 5 * time.Minute

// process is one running hatrac.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	mounts []string
	exited chan struct{} // closed when the process has ended
	err    error         // of the process, once it has ended

	mu     sync.Mutex // guards output and printed
	output bytes.Buffer
	grown  chan struct{} // closed and replaced when there is more output
}

// start runs hatrac with the arguments. It is killed, and its mounts are taken away, when the
// test ends.
func start(t *testing.T, mounts []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, mounts: mounts, exited: make(chan struct{}), grown: make(chan struct{})}
	p.cmd = exec.Command(program, args...)
	p.run()
	return p
}

// startApart is start with mounts that nobody else sees. A script makes them and becomes the program,
// which it knows as $0.
func startApart(t *testing.T, script string, args ...string) *process {
	t.Helper()
	p := &process{t: t, exited: make(chan struct{}), grown: make(chan struct{})}
	own := []string{"--mount"}
	if os.Geteuid() != 0 {
		own = append(own, "--map-root-user")
	}
	p.cmd = exec.Command("unshare", append(append(own, "sh", "-c", script, program), args...)...)
	p.run()
	return p
}

// inside runs a script with the mounts that a process apart sees, to its end.
func (p *process) inside(script string) (string, error) {
	p.t.Helper()
	own := []string{"--mount", "--target", strconv.Itoa(p.cmd.Process.Pid)}
	if os.Geteuid() != 0 {
		own = append(own, "--user", "--preserve-credentials")
	}
	return try(p.t, "", "nsenter", append(own, "bash", "-euc", script)...)
}

// run starts the process.
func (p *process) run() {
	p.t.Helper()
	p.cmd.Stdout, p.cmd.Stderr = p, p
	p.cmd.Env = append(os.Environ(), "GORACE=halt_on_error=1")
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	p.t.Cleanup(p.clean)
}

// Write takes output of the process.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.grown)
	p.grown = make(chan struct{})
	return p.output.Write(b)
}

func (p *process) text() (string, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String(), p.grown
}

// waitFor waits until the process has printed a line that contains the words, and returns what
// follows them on it.
func (p *process) waitFor(words string) string {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		text, grown := p.text()
		if _, after, ok := strings.Cut(text, words); ok {
			if line, _, whole := strings.Cut(after, "\n"); whole {
				return strings.TrimSpace(line)
			}
		}
		select {
		case <-grown:
		case <-p.exited:
			text, _ := p.text()
			p.t.Fatalf("hatrac ended before it printed %q: %v\n%s", words, p.err, text)
		case <-deadline:
			p.t.Fatalf("hatrac did not print %q:\n%s", words, text)
		}
	}
}

// signal sends a signal and waits for the end of the process.
func (p *process) signal(s syscall.Signal) error {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatal(err)
	}
	select {
	case <-p.exited:
		return p.err
	case <-time.After(patience):
		p.t.Fatalf("hatrac did not end after %v", s)
		return nil
	}
}

// stop ends the process as an operator does; that must succeed.
func (p *process) stop() {
	p.t.Helper()
	if err := p.signal(syscall.SIGTERM); err != nil {
		text, _ := p.text()
		p.t.Fatalf("hatrac ended with %v\n%s", err, text)
	}
	for _, dir := range p.mounts {
		if mounted(dir) {
			p.t.Errorf("%s is still mounted", dir)
		}
	}
}

func (p *process) clean() {
	_ = p.cmd.Process.Kill()
	<-p.exited
	for _, dir := range p.mounts {
		for mounted(dir) {
			if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
				p.t.Errorf("%s stays mounted: %v", dir, err)
				break
			}
		}
	}
	text, _ := p.text()
	if strings.Contains(text, "DATA RACE") {
		p.t.Errorf("hatrac has a data race:\n%s", text)
	}
	if p.t.Failed() {
		p.t.Logf("hatrac %s printed:\n%s", strings.Join(p.cmd.Args[1:], " "), tail(text, 8<<10))
	}
}

func tail(text string, n int) string {
	if len(text) > n {
		return "…" + text[len(text)-n:]
	}
	return text
}

func mounted(dir string) bool {
	table, err := os.ReadFile("/proc/self/mounts")
	return err == nil && bytes.Contains(table, []byte(" "+dir+" fuse"))
}

// site is a store that is served and mounted.
type site struct {
	*process
	t        *testing.T
	data     string
	mount    string
	url      string // of the API, with prefix
	password string // of admin
}

// newSite makes an empty store and serves it.
func newSite(t *testing.T) *site {
	t.Helper()
	folder := t.TempDir()
	s := &site{t: t, data: filepath.Join(folder, "data"), mount: filepath.Join(folder, "mnt")}
	s.start()
	secret, err := os.ReadFile(filepath.Join(s.data, "admin-password"))
	if err != nil {
		t.Fatal(err)
	}
	s.password = strings.TrimSpace(string(secret))
	return s
}

// start serves the store, on a free port.
func (s *site) start() {
	s.t.Helper()
	s.process = start(s.t, []string{s.mount},
		"serve", "--data", s.data, "--listen", "127.0.0.1:0", "--mount", s.mount, "--log-level", "warn")
	s.url = s.waitFor("REST API")
	if note := s.waitFor("Mount "); note != s.mount+" (as admin)" {
		s.t.Fatalf("the mount is %s", note)
	}
	s.waitFor("Data ")
}

// hatrac runs another command on the store to its end and returns what it prints.
func (s *site) hatrac(args ...string) string {
	s.t.Helper()
	return output(s.t, "", program, append(args, "--data", s.data)...)
}

// token makes a token for a user.
func (s *site) token(user string) string {
	s.t.Helper()
	return strings.TrimSpace(s.hatrac("token", "create", user))
}

// output runs a program to its end, which must be a success, and returns what it prints.
func output(t *testing.T, input, name string, args ...string) string {
	t.Helper()
	text, err := try(t, input, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, tail(text, 4<<10))
	}
	return text
}

// try runs a program to its end and returns what it prints.
func try(t *testing.T, input, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(input)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC")
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		err = fmt.Errorf("it hangs: %w", ctx.Err())
	}
	return string(out), err
}

// shell runs a script in bash, which ends at the first error, in a folder.
func shell(t *testing.T, dir, script string) string {
	t.Helper()
	return output(t, "", "bash", "-euo", "pipefail", "-c", "cd \"$1\"\n"+script, "bash", dir)
}
