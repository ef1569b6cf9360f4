package integration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// step is one command of a tour, with what it prints according to the page.
type step struct {
	line    int
	command string
	want    []string
}

// tour returns the commands of all blocks of a page that are marked ```console: lines that
// begin with "$ " are typed, what follows is printed.
func tour(t *testing.T, page string) []step {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var steps []step
	inside := false
	for i, line := range strings.Split(string(text), "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```console"
		case !inside:
		case strings.HasPrefix(line, "$ "):
			steps = append(steps, step{line: i + 1, command: line[2:]})
		case strings.HasPrefix(line, "> ") && len(steps) > 0 && len(steps[len(steps)-1].want) == 0:
			steps[len(steps)-1].command += "\n" + line[2:]
		case len(steps) > 0:
			last := &steps[len(steps)-1]
			last.want = append(last.want, line)
		}
	}
	return steps
}

// matches reports whether a printed line is what the page says, in which … stands for anything.
func matches(page, printed string) bool {
	parts := strings.Split(page, "…")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$").MatchString(printed)
}

// visitor types commands into one bash session, as a reader of the page would.
type visitor struct {
	t    *testing.T
	in   io.Writer
	out  *bufio.Reader
	mark string
}

func newVisitor(t *testing.T, dir string, environment ...string) *visitor {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "--norc")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), append(environment, "LC_ALL=C.UTF-8", "TZ=UTC")...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
	})
	return &visitor{t: t, in: in, out: bufio.NewReader(out), mark: "end-of-step"}
}

// do types a command and returns the lines that it prints.
func (v *visitor) do(command string) []string {
	v.t.Helper()
	fmt.Fprintf(v.in, "%s\nprintf '\\n%s\\n'\n", command, v.mark)
	var lines []string
	for {
		line, err := v.out.ReadString('\n')
		if err != nil {
			v.t.Fatalf("the shell ended in %q after %q: %v", command, lines, err)
		}
		line = strings.TrimSuffix(line, "\n")
		if line == v.mark {
			break
		}
		lines = append(lines, line)
	}
	if n := len(lines); n > 0 && lines[n-1] == "" {
		lines = lines[:n-1]
	}
	return lines
}

// TestToursOfThePages types what each page says, on a new server, and compares what it prints.
func TestToursOfThePages(t *testing.T) {
	for _, page := range []struct {
		path      string // below the top folder
		steps     int    // at least
		retention string // with which the page has the server started
	}{
		{"README.md", 15, "0"},
		{"docs/REST-API.md", 60, "24h"},
		{"docs/MOUNT.md", 35, "24h"},
	} {
		t.Run(page.path, func(t *testing.T) {
			t.Setenv("HATRAC_DELETED_RETENTION", page.retention)
			steps := tour(t, filepath.Join("..", page.path))
			if len(steps) < page.steps {
				t.Fatalf("the page has only %d commands", len(steps))
			}
			follow(t, page.path, steps)
		})
	}
}

// follow types the commands of a page in a folder where a server has just been started as the
// README says.
func follow(t *testing.T, page string, steps []step) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program, filepath.Join(dir, "bin/hatrac")); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	mount := filepath.Join(dir, "mnt")
	p := start(t, []string{mount}, "serve", "--data", filepath.Join(dir, "hatrac-data"), "--listen", address, "--mount", mount)
	p.waitFor("Account ")
	v := newVisitor(t, dir, "HOME="+dir)
	v.follow(page, steps, strings.NewReplacer("127.0.0.1:8080", address))
	p.stop()
}

// follow types the commands of a page, with replacements, and compares what they print.
func (v *visitor) follow(page string, steps []step, replace *strings.Replacer) {
	v.t.Helper()
	for _, s := range steps {
		printed := v.do(replace.Replace(s.command))
		want := s.want
		for len(want) > 0 && want[len(want)-1] == "" {
			want = want[:len(want)-1]
		}
		same := len(printed) == len(want)
		for i := 0; same && i < len(want); i++ {
			same = matches(want[i], printed[i])
		}
		if !same {
			v.t.Fatalf("%s:%d: %s\nprints\n%s\nbut the page says\n%s",
				page, s.line, s.command, strings.Join(printed, "\n"), strings.Join(want, "\n"))
		}
	}
}

// freeAddress returns a loopback address on which nobody listens now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
