package integration

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// acknowledged collects references with the digests of what was stored under them.
type acknowledged struct {
	mu   sync.Mutex // guards sums
	sums map[string]string
}

func (a *acknowledged) add(ref, digest string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sums[ref] = digest
	return len(a.sums)
}

// storeUntilCut stores versions by REST, small and large in turn, until the server is gone, and
// closes enough when as many as that were acknowledged.
func storeUntilCut(c *client, writer int, got *acknowledged, enough func(int)) {
	for i := 0; ; i++ {
		content := strings.Repeat(fmt.Sprintf("%d/%d ", writer, i), 1+i%2*50_000)
		path := fmt.Sprintf("/crash/rest-%d-%d", writer, i%5)
		r, err := http.NewRequest(http.MethodPut, c.url+path, strings.NewReader(content))
		if err != nil {
			c.t.Error(err)
			return
		}
		r.Header.Set("Authorization", "Bearer "+c.token)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			return
		}
		line, err := bufio.NewReader(response.Body).ReadString('\n')
		response.Body.Close()
		if err != nil {
			return
		}
		if response.StatusCode != http.StatusCreated {
			c.t.Errorf("PUT %s: %s", path, response.Status)
			return
		}
		enough(got.add(c.below(strings.TrimSpace(line)), sum([]byte(content))))
	}
}

func TestKillLosesNothingAcknowledged(t *testing.T) {
	s := newSite(t)
	admin := s.as(s.token("admin"))
	admin.mkdir("/crash")
	inside := filepath.Join(s.mount, "crash")
	shell(t, inside, `echo closed > closed; echo old > half`)

	// A writer that is in the middle of its file when the server dies.
	half, err := os.OpenFile(filepath.Join(inside, "half"), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer half.Close()
	if _, err := half.WriteString("new"); err != nil {
		t.Fatal(err)
	}

	got := &acknowledged{sums: make(map[string]string)}
	enough := make(chan struct{})
	var once sync.Once
	var writers sync.WaitGroup
	for i := range 4 {
		writers.Go(func() {
			storeUntilCut(admin, i, got, func(n int) {
				if n >= 100 {
					once.Do(func() { close(enough) })
				}
			})
		})
	}
	writers.Go(func() {
		_, _ = try(t, "", "rsync", "-a", sourceTrees(t)[0], inside)
	})
	<-enough
	_ = s.signal(syscall.SIGKILL)
	writers.Wait()
	if _, err := half.WriteString("er"); err == nil {
		t.Error("a write to a dead mount succeeds")
	}
	if t.Failed() {
		return
	}

	s.start()
	admin.url = s.url
	for at, digest := range got.sums {
		if sum(admin.want(http.StatusOK, http.MethodGet, at, "")) != digest {
			t.Errorf("%s was acknowledged and has other content", at)
		}
	}
	checkEveryVersion(t, admin, "/crash")
	for name, want := range map[string]string{"closed": "closed\n", "half": "old\n"} {
		content, err := os.ReadFile(filepath.Join(inside, name))
		if err != nil || string(content) != want {
			t.Errorf("%s has %q, %v", name, content, err)
		}
	}
	checkRsyncGoesOn(t, inside)
	shell(t, inside, `echo new > half; cat half >/dev/null; rm -r net; test ! -e net`)
	s.stop()
}

// checkEveryVersion reads all that is beneath a namespace, whole.
func checkEveryVersion(t *testing.T, c *client, path string) {
	t.Helper()
	for _, child := range c.list(path) {
		if r, _ := c.do(http.MethodHead, child+";versions", nil); r.StatusCode == http.StatusNotFound {
			checkEveryVersion(t, c, child)
			continue
		}
		for _, version := range c.list(child + ";versions") {
			response, content := c.do(http.MethodGet, version, nil)
			length, err := strconv.Atoi(response.Header.Get("Content-Length"))
			if err != nil || response.StatusCode != http.StatusOK || length != len(content) {
				t.Errorf("%s: %s with %d bytes of %d", version, response.Status, len(content), length)
			}
		}
	}
}

// checkRsyncGoesOn finishes the copy that was cut off. Nothing of the first try is in the way, but a file
// that it had closed under its temporary name stays under that, as on a disk.
func checkRsyncGoesOn(t *testing.T, inside string) {
	t.Helper()
	tree := sourceTrees(t)[0]
	output(t, "", "rsync", "-a", tree, inside)
	output(t, "", "diff", "-r", "-x", ".*.??????", tree, filepath.Join(inside, filepath.Base(tree)))
}
