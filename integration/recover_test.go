package integration

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// drafts returns the ids of the drafts that are kept, by their paths.
func (s *site) drafts() map[string]string {
	s.t.Helper()
	ids := make(map[string]string)
	for _, line := range strings.Split(s.hatrac("recover", "list"), "\n")[1:] {
		if fields := strings.Fields(line); len(fields) > 4 {
			ids[fields[3]] = fields[0]
		}
	}
	return ids
}

// refused runs a command that must fail with a message.
func (s *site) refused(message string, args ...string) {
	s.t.Helper()
	if out, err := try(s.t, "", program, append(args, "--data", s.data)...); err == nil || !strings.Contains(out, message) {
		s.t.Errorf("%v: %v, want failure with %q\n%s", args, err, message, out)
	}
}

func TestWhatWasSyncedSurvivesTheServer(t *testing.T) {
	s := newSite(t)
	large := strings.Repeat("what was written and synced\n", 40_000)
	shell(t, s.mount, `mkdir d; echo first > d/old`)
	for name, content := range map[string]string{"d/old": large, "d/new": "small", "d/dropped": "x", "d/folder": "was a file"} {
		f, err := os.OpenFile(filepath.Join(s.mount, name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(content); err != nil {
			t.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	_ = s.signal(syscall.SIGKILL)
	s.start() // on the dead mount
	shell(t, s.mount, `test "$(cat d/old)" = first; test ! -e d/new; mkdir d/folder`)

	ids := s.drafts()
	if len(ids) != 4 {
		t.Fatalf("the drafts are %v", ids)
	}
	s.hatrac("user", "add", "mallory", "--password-file", s.data+"/admin-password")
	s.refused("", "recover", "commit", ids["/d/old"], "--as", "mallory")
	s.refused("namespace", "recover", "commit", ids["/d/folder"])
	s.refused("no draft with this id", "recover", "commit", "../../hatrac.db")
	copied := filepath.Join(t.TempDir(), "copied")
	s.hatrac("recover", "save", ids["/d/folder"], copied)
	if got, err := os.ReadFile(copied); err != nil || string(got) != "was a file" {
		t.Errorf("the copy has %q, %v", got, err)
	}
	s.refused("exists", "recover", "save", ids["/d/folder"], copied)
	s.hatrac("recover", "commit", ids["/d/folder"], "--path", "/d/file")
	s.hatrac("recover", "commit", ids["/d/old"], ids["/d/new"])
	s.hatrac("recover", "drop", ids["/d/dropped"])
	s.refused("no draft with this id", "recover", "drop", ids["/d/dropped"])
	if left := s.drafts(); len(left) != 0 {
		t.Errorf("drafts are left: %v", left)
	}

	admin := s.as(s.token("admin"))
	for path, want := range map[string]string{"/d/old": large, "/d/new": "small", "/d/file": "was a file"} {
		if got := string(admin.want(http.StatusOK, http.MethodGet, path, "")); got != want {
			t.Errorf("%s has %d bytes, want %d", path, len(got), len(want))
		}
	}
	if n := len(admin.list("/d/old;versions")); n != 2 {
		t.Errorf("d/old has %d versions, want 2", n)
	}
	s.stop()
}

func TestWhatIsOpenAtTheEndOfTheServerIsKept(t *testing.T) {
	s := newSite(t)
	f, err := os.Create(filepath.Join(s.mount, "open"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	clean, err := os.Create(filepath.Join(s.mount, "closed"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("held"); err != nil {
		t.Fatal(err)
	}
	if err := clean.Close(); err != nil {
		t.Fatal(err)
	}
	s.stop() // detaches the mount, which is busy
	if _, err := f.WriteString("more"); err == nil {
		t.Error("a write succeeds when the server has gone")
	}
	s.start()
	if ids := s.drafts(); len(ids) != 1 || ids["/open"] == "" {
		t.Fatalf("the drafts are %v", ids)
	}
	s.hatrac("recover", "commit", s.drafts()["/open"])
	shell(t, s.mount, `cat open closed >/dev/null`)
	admin := s.as(s.token("admin"))
	if got := string(admin.want(http.StatusOK, http.MethodGet, "/open", "")); got != "held" {
		t.Errorf("open has %q", got)
	}
	s.stop()
}
