package integration

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/sqlite"
)

// inDoubt reads from the directory of a server that is gone which versions are not durable.
func (s *site) inDoubt() []store.Entry {
	s.t.Helper()
	dir, err := sqlite.Open(s.t.Context(), sqlite.Config{Path: filepath.Join(s.data, "hatrac.db")})
	if err != nil {
		s.t.Fatal(err)
	}
	defer dir.Close()
	entries, err := dir.UnsyncedVersions(s.t.Context(), 0, 10_000)
	if err != nil {
		s.t.Fatal(err)
	}
	return entries
}

// writeUntilKilled lets a shell overwrite five files in turn, and kills the server in the middle
// of that.
func (s *site) writeUntilKilled(inside string) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", fmt.Sprintf(`
cd %q
for ((i = 0; ; i++)); do
	head -c 50000 /dev/urandom > f$((i %% 5)) || exit
	((i == 20)) && echo enough
done`, inside))
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		s.t.Errorf("the writer ended: %v", err)
	}
	_ = s.signal(syscall.SIGKILL)
	cancel()
	_ = cmd.Wait()
}

// TestAPowerFailureTakesOnlyWhatWasNotDurable plays a power failure by damage to the content of
// one version that the server had not made durable when it was killed.
func TestAPowerFailureTakesOnlyWhatWasNotDurable(t *testing.T) {
	s := newSite(t)
	admin := s.as(s.token("admin"))
	admin.mkdir("/late")
	inside := filepath.Join(s.mount, "late")
	shell(t, inside, `for i in 0 1 2 3 4; do head -c 50000 /dev/zero > f$i; done; sync f0`)
	var doubted []store.Entry
	for len(doubted) < 2 {
		s.writeUntilKilled(inside)
		if doubted = s.inDoubt(); len(doubted) < 2 {
			s.start()
		}
	}
	damaged := doubted[len(doubted)-1]
	content := filepath.Join(s.data, "content", ":content", string(damaged.Current.Address))
	if err := os.Truncate(content, 4096); err != nil {
		t.Fatal(err)
	}

	s.start()
	admin.url = s.url
	if left := s.inDoubt(); len(left) > 0 {
		t.Errorf("%d versions are in doubt still", len(left))
	}
	lost := string(damaged.Name.Path)
	admin.want(http.StatusNotFound, http.MethodGet, lost+":"+damaged.Current.Version, "")
	checkEveryVersion(t, admin, "/late")
	for _, e := range doubted[:len(doubted)-1] {
		admin.want(http.StatusOK, http.MethodGet, string(e.Name.Path)+":"+e.Current.Version, "")
	}
	for i := range 5 {
		if got := admin.want(http.StatusOK, http.MethodGet, fmt.Sprint("/late/f", i), ""); len(got) != 50_000 {
			t.Errorf("f%d has %d bytes", i, len(got))
		}
	}
	if log, _ := s.text(); strings.Count(log, damaged.Current.Version) != 1 || !strings.Contains(log, "it was removed") {
		t.Errorf("the loss of %s:%s is not reported:\n%s", lost, damaged.Current.Version, log)
	}
	shell(t, inside, `head -c 50000 /dev/urandom > f0; sync f0`)
	s.stop()
	if left := s.inDoubt(); len(left) > 0 {
		t.Errorf("%d versions are in doubt after an orderly end", len(left))
	}
}
