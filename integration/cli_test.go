package integration

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// call runs hatrac in a folder and returns its exit code and what it prints.
func call(t *testing.T, dir, input string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader(input)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	switch err := cmd.Run(); {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		t.Fatal(err)
	}
	return code, out.String(), errs.String()
}

func TestCommandLine(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"database_dsn": "db/h.db", "storage_path": "bulk"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "wrong.json"), []byte(`{"storage_pth": "bulk"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		line   string // words of the command line
		input  string
		code   int
		stdout string // what is printed has to contain this
		stderr string
	}{
		{line: "", code: 0, stdout: "hatrac serve"},
		{line: "--help", code: 0, stdout: "Usage:"},
		{line: "version", code: 0, stdout: "hatrac "},
		{line: "completion bash", code: 0, stdout: "complete"},
		{line: "nonsense", code: 2, stderr: `unknown command "nonsense"`},
		{line: "user nonsense", code: 2, stderr: `"nonsense" is no command of "hatrac user"`},
		{line: "user", code: 0, stdout: "passwd"},
		{line: "serve --nonsense", code: 2, stderr: "unknown flag: --nonsense"},
		{line: "serve more", code: 2, stderr: "more"},
		{line: "user add", code: 2, stderr: "arg"},
		{line: "init", code: 2, stderr: "owner"},
		{line: "user list --data x --config y", code: 2, stderr: "data"},

		{line: "user list", code: 1, stderr: "there is no store in hatrac-data"},
		{line: "user list --config none.json", code: 1, stderr: "none.json"},
		{line: "user list --config wrong.json", code: 1, stderr: `"storage_pth"`},
		{line: "user list --config config.json", code: 1, stderr: "hatrac init --config config.json"},
		{line: "mount mnt --data none", code: 1, stderr: "there is no store in none"},
		{line: "mount mnt --as-of yesterday", code: 2, stderr: "2026-11-24T19:56:14Z"},
		{line: "mount mnt --as-of 2200-01-01", code: 2, stderr: "has not come yet"},
		{line: "serve --listen nowhere:1:2", code: 1, stderr: "nowhere:1:2"},
		{line: "serve --config config.json --listen 127.0.0.1:0", code: 1, stderr: "hatrac init"},

		{line: "init --config config.json --owner curators --owner alice", code: 0, stdout: "bulk"},
		{line: "init --config config.json --owner alice", code: 1, stderr: "exists already"},
		{line: "user list --config config.json", code: 0, stdout: "NAME"},
		{line: "init --data d --owner alice", code: 0, stdout: "ready"},
		{line: "user add alice --role staff --role readers --data d --password-file -", input: "correct horse\n", code: 0},
		{line: "user add alice --data d --password-file -", input: "correct horse\n", code: 1, stderr: "already"},
		{line: "user add bob --data d --password-file -", input: "short\n", code: 1, stderr: "at least 8"},
		{line: "user add bob --data d --password-file -", input: "", code: 1, stderr: "empty"},
		{line: "user add bob --data d --password-file none", code: 1, stderr: "none"},
		{line: "user add bob --data d", code: 1, stderr: "--password-file"},
		{line: "user add * --data d --password-file -", input: "correct horse\n", code: 1, stderr: "*"},
		{line: "user passwd alice --data d --password-file -", input: "battery staple\n", code: 0},
		{line: "user passwd bob --data d --password-file -", input: "battery staple\n", code: 1, stderr: "no user"},
		{line: "user list --data d", code: 0, stdout: "staff, readers"},
		{line: "token create alice --data d --note x --lifetime 24h", code: 0, stdout: "hatrac_"},
		{line: "token create bob --data d", code: 1, stderr: "no user"},
		{line: "token create alice --data d --lifetime soon", code: 2, stderr: "lifetime"},
		{line: "token list --data d", code: 0, stdout: "alice"},
		{line: "token revoke none --data d", code: 1, stderr: "no token"},
		{line: "user rm alice --data d", code: 0},
		{line: "user rm alice --data d", code: 1, stderr: "no user"},
		{line: "serve --log-level loud --data d", code: 1, stderr: "loud"},
		{line: "serve --log-format xml --data d", code: 1, stderr: "xml"},
	} {
		code, stdout, stderr := call(t, dir, c.input, strings.Fields(c.line)...)
		if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
			t.Errorf("hatrac %s: exit %d, want %d\nstdout %q, want %q\nstderr %q, want %q",
				c.line, code, c.code, stdout, c.stdout, stderr, c.stderr)
		}
		if code != 0 && (stdout != "" || !strings.HasPrefix(stderr, "hatrac: ") || strings.Count(stderr, "\n") > 2) {
			t.Errorf("hatrac %s: the error is no sentence: %q, %q", c.line, stdout, stderr)
		}
	}
}

func TestRevokedTokenOpensNothing(t *testing.T) {
	s := newSite(t)
	token := s.token("admin")
	s.as(token).want(200, "GET", "/", "")
	id := strings.Fields(strings.Split(s.hatrac("token", "list"), "\n")[1])[0]
	s.hatrac("token", "revoke", id)
	s.as(token).want(401, "GET", "/", "")
	s.stop()
}

func TestPasswordOfTheFirstAccountIsToldOnce(t *testing.T) {
	s := newSite(t)
	s.stop()
	first, _ := s.text()
	file := filepath.Join(s.data, "admin-password")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file with the password has mode %v, %v", info.Mode(), err)
	}
	s.start()
	s.stop()
	again, _ := s.text()
	if !strings.Contains(first, s.password) || strings.Contains(again, s.password) {
		t.Errorf("the password is not told exactly once:\n%s\n%s", first, again)
	}
	kept, err := os.ReadFile(file)
	if err != nil || strings.TrimSpace(string(kept)) != s.password {
		t.Errorf("the password was changed by a second start: %v", err)
	}
}

// TestServesWithoutFUSE hides the device, as a container without it does.
func TestServesWithoutFUSE(t *testing.T) {
	dir := t.TempDir()
	script := `mount -t tmpfs none /dev 2>/dev/null && exec "$0" serve --data "$1/d" --listen 127.0.0.1:0 --mount "$1/m"`
	p := startApart(t, script, dir)
	s := &site{process: p, t: t, data: filepath.Join(dir, "d"), url: p.waitFor("REST API")}
	if note := p.waitFor("Mount "); !strings.HasPrefix(note, "none: ") || !strings.Contains(note, "/dev/fuse") {
		t.Errorf("the mount is %q", note)
	}
	s.as(s.token("admin")).want(200, "GET", "/", "")
	s.stop()
}
