package integration

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// closing waits until the journal says of a draft of the path that it was closed.
func (s *site) closing(path string) {
	s.t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-look.C {
		drafts, err := filepath.Glob(filepath.Join(s.data, "content/:spool/*/draft-*"))
		if err != nil {
			s.t.Fatal(err)
		}
		for _, draft := range drafts {
			said := make([]byte, 4096)
			n, err := unix.Getxattr(draft, "user.hatrac.draft", said)
			if err == nil && strings.Contains(string(said[:n]), `"closed"`) && strings.Contains(string(said[:n]), `"`+path+`"`) {
				return
			}
		}
	}
	s.t.Fatalf("nobody notes that %s was closed", path)
}

// lockDatabase keeps all others from changing the database until unlock is called.
func (s *site) lockDatabase() (unlock func()) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), "python3", "-c", `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=60)
db.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()`, filepath.Join(s.data, "hatrac.db"))
	in, err := cmd.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		s.t.Fatal(err)
	}
	return func() {
		_ = in.Close()
		_ = cmd.Wait()
	}
}

// write makes a file in the mount and leaves it open.
func (s *site) write(name, content string) *os.File {
	s.t.Helper()
	f, err := os.OpenFile(filepath.Join(s.mount, name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = f.Close() })
	if _, err := f.WriteString(content); err != nil {
		s.t.Fatal(err)
	}
	return f
}

// TestWhatWasClosedWhenTheServerDiedIsFinished kills the server with drafts in all states. The next
// start finishes those whose writers were done with them, and keeps the others.
func TestWhatWasClosedWhenTheServerDiedIsFinished(t *testing.T) {
	s := newSite(t)
	admin := s.as(s.token("admin"))
	large := strings.Repeat("what was written\n", 1000)
	shell(t, s.mount, `mkdir d gone; echo before > d/f; echo before > d/open`)
	half := s.write("d/open", large)
	if err := half.Sync(); err != nil {
		t.Fatal(err)
	}
	again := s.write("d/again.part", large)
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	again = s.write("d/again.part", "written again and not closed")
	defer again.Close()
	shell(t, s.mount, `cp d/open d/copy.part; cp d/open d/.DS_Store; : > d/empty.lock; cp d/open d/left~; chmod 600 d/left~; rm d/empty.lock; : > d/empty.lock`)

	// A close that was answered with an error while somebody still has the file open.
	refused := s.write("gone/f", large)
	held, err := unix.Dup(int(refused.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(held)
	admin.want(http.StatusNoContent, http.MethodDelete, "/gone", "")
	if err := refused.Close(); err == nil {
		t.Error("a close without a namespace succeeds")
	}
	admin.want(http.StatusNoContent, http.MethodPost, "/gone", `{"command": "restore"}`, "Content-Type", "application/json")

	// A close that is under way.
	unlock := s.lockDatabase()
	defer unlock()
	f := s.write("d/f", large)
	closed := make(chan error, 1)
	go func() { closed <- f.Close() }()
	s.closing("/d/f")
	_ = s.signal(syscall.SIGKILL)
	if err := <-closed; err == nil {
		t.Error("the close succeeded without the database")
	}
	unlock()

	s.start()
	admin.url = s.url
	for path, want := range map[string]string{"/d/f": large, "/d/copy.part": large, "/d/left~": large, "/d/empty.lock": "", "/d/open": "before\n"} {
		if got := string(admin.want(http.StatusOK, http.MethodGet, path, "")); got != want {
			t.Errorf("%s has %d bytes, want %d", path, len(got), len(want))
		}
	}
	for _, path := range []string{"/d/again.part", "/d/.DS_Store", "/gone/f"} {
		admin.want(http.StatusNotFound, http.MethodGet, path, "")
	}
	if n := len(admin.list("/d/f;versions")); n != 2 {
		t.Errorf("d/f has %d versions, want 2", n)
	}
	shell(t, s.mount, `test "$(stat -c %a d/left~ d/f | tr '\n' ' ')" = "600 644 "`)
	if kept := s.drafts(); len(kept) != 3 || kept["/d/open"] == "" || kept["/d/again.part"] == "" || kept["/gone/f"] == "" {
		t.Errorf("the drafts are %v", kept)
	}
	log, _ := s.text()
	if n := strings.Count(log, "is committed"); n != 4 {
		t.Errorf("%d drafts are said to be finished, want 4:\n%s", n, log)
	}
	s.stop()
}

// TestRecoverFinishesWhatWasClosed without a mount.
func TestRecoverFinishesWhatWasClosed(t *testing.T) {
	s := newSite(t)
	shell(t, s.mount, `echo closed > f.part`)
	s.closing("/f.part")
	_ = s.signal(syscall.SIGKILL)
	if list := s.hatrac("recover", "list"); !strings.Contains(list, "is committed") || strings.Count(list, "f.part") != 1 {
		t.Errorf("hatrac recover list says\n%s", list)
	}
	s.start()
	shell(t, s.mount, `test "$(cat f.part)" = closed`)
	s.stop()
}
