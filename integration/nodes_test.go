package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNodesAreOneStore serves one store by two processes, which know nothing of one another.
func TestNodesAreOneStore(t *testing.T) {
	s := newShared(t)
	p, a := s.serve(nil)
	q, b := s.serve(nil)
	nodes := []*client{a, b}
	a.mkdir("/n")
	t.Run("what one takes the other gives", func(t *testing.T) {
		for i := range 10 {
			content := fmt.Sprint("content ", i)
			version := nodes[i%2].put("/n/o", content)
			other := nodes[1-i%2]
			for _, path := range []string{"/n/o", version} {
				if got := other.want(http.StatusOK, http.MethodGet, path, ""); string(got) != content {
					t.Errorf("%s is %q, want %q", path, got, content)
				}
			}
		}
		b.want(http.StatusNoContent, http.MethodDelete, "/n/o", "")
		a.want(http.StatusNotFound, http.MethodGet, "/n/o", "")
	})
	t.Run("one of many makes a name", func(t *testing.T) {
		for round := range 5 {
			makeOnce(t, nodes, fmt.Sprint("/n/made", round))
		}
	})
	t.Run("no update is lost", func(t *testing.T) { countUp(t, nodes, "/n/count", 4, 5) })
	t.Run("an upload goes on anywhere", func(t *testing.T) {
		for _, chunk := range []int{1 << 20, 5 << 20} { // too small for S3, and not
			uploadByTurns(t, nodes, fmt.Sprint("/n/upload", chunk), chunk)
		}
	})
	t.Run("an upload outlives the node where it began", func(t *testing.T) {
		job, content := beginUpload(a, "/n/orphan", 1<<20)
		sendChunk(a, job, content, 1<<20, 0)
		_ = p.signal(syscall.SIGKILL)
		sendChunk(b, job, content, 1<<20, 2)
		sendChunk(b, job, content, 1<<20, 1)
		made := b.want(http.StatusCreated, http.MethodPost, job, "")
		if got := b.want(http.StatusOK, http.MethodGet, b.below(strings.TrimSpace(string(made))), ""); string(got) != content {
			t.Error("the version has other content")
		}
	})
	q.stop()
}

// makeOnce lets many make the same name under the condition that it is not there.
func makeOnce(t *testing.T, nodes []*client, path string) {
	t.Helper()
	var winner atomic.Value
	var wins atomic.Int64
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			content := strconv.Itoa(i)
			response, text, err := nodes[i%2].attempt(http.MethodPut, path, strings.NewReader(content), "If-None-Match", "*")
			switch {
			case err != nil:
				t.Error(err)
			case response.StatusCode == http.StatusCreated:
				wins.Add(1)
				winner.Store(content)
			case response.StatusCode != http.StatusPreconditionFailed:
				t.Errorf("who came second is told %s: %s", response.Status, text)
			}
		})
	}
	all.Wait()
	if wins.Load() != 1 {
		t.Fatalf("%d have made the same name", wins.Load())
	}
	for _, node := range nodes {
		if got := node.want(http.StatusOK, http.MethodGet, path, ""); string(got) != winner.Load() {
			t.Errorf("%s is %q, want %q", path, got, winner.Load())
		}
	}
}

// countUp lets many add to a number, each replacing only what it has read.
func countUp(t *testing.T, nodes []*client, path string, many, times int) {
	t.Helper()
	nodes[0].put(path, "0")
	var all sync.WaitGroup
	for i := range many {
		node := nodes[i%2]
		all.Go(func() {
			for added := 0; added < times; {
				response, text, err := node.attempt(http.MethodGet, path, nil)
				if err != nil || response.StatusCode != http.StatusOK {
					t.Errorf("reading: %v", err)
					return
				}
				n, err := strconv.Atoi(string(text))
				if err != nil {
					t.Error(err)
					return
				}
				next := strings.NewReader(strconv.Itoa(n + 1))
				response, _, err = node.attempt(http.MethodPut, path, next, "If-Match", response.Header.Get("ETag"))
				switch {
				case err == nil && response.StatusCode == http.StatusCreated:
					added++
				case err != nil || response.StatusCode != http.StatusPreconditionFailed:
					t.Errorf("adding: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
	for _, node := range nodes {
		want := strconv.Itoa(many * times)
		if got := node.want(http.StatusOK, http.MethodGet, path, ""); string(got) != want {
			t.Errorf("the number is %s, want %s", got, want)
		}
	}
}

// beginUpload begins an upload of three chunks, the last one shorter, and returns it with what it is
// to be.
func beginUpload(c *client, path string, chunk int) (job, content string) {
	c.t.Helper()
	content = strings.Repeat("0123456789", chunk*5/2/10)
	description, err := json.Marshal(map[string]any{
		"chunk-length": chunk, "content-length": len(content), "content-sha256": sum([]byte(content)),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	made := c.want(http.StatusCreated, http.MethodPost, path+";upload", string(description), "Content-Type", "application/json")
	return c.below(strings.TrimSpace(string(made))), content
}

func sendChunk(c *client, job, content string, chunk, n int) {
	c.t.Helper()
	part := content[n*chunk : min((n+1)*chunk, len(content))]
	c.want(http.StatusNoContent, http.MethodPut, fmt.Sprint(job, "/", n), part)
}

// uploadByTurns sends each chunk to another node, and lets both finish at once.
func uploadByTurns(t *testing.T, nodes []*client, path string, chunk int) {
	t.Helper()
	job, content := beginUpload(nodes[0], path, chunk)
	for i, n := range []int{2, 0, 1} {
		sendChunk(nodes[(i+1)%2], job, content, chunk, n)
	}
	for _, node := range nodes {
		if diff := cmp.Diff([][2]int{{0, 2}}, node.received(t.TempDir(), job)); diff != "" {
			t.Error(diff)
		}
	}
	var finished sync.WaitGroup
	var made atomic.Int64
	for _, node := range nodes {
		finished.Go(func() {
			response, text, err := node.attempt(http.MethodPost, job, nil)
			switch {
			case err != nil:
				t.Error(err)
			case response.StatusCode == http.StatusCreated:
				made.Add(1)
			case response.StatusCode != http.StatusNotFound && response.StatusCode != http.StatusConflict:
				t.Errorf("who finishes second is told %s: %s", response.Status, text)
			}
		})
	}
	finished.Wait()
	if made.Load() != 1 {
		t.Errorf("the upload was finished %d times", made.Load())
	}
	for _, node := range nodes {
		if got := node.want(http.StatusOK, http.MethodGet, path, ""); string(got) != content {
			t.Error("the version has other content")
		}
		if versions := node.list(path + ";versions"); len(versions) != 1 {
			t.Errorf("there are the versions %q", versions)
		}
	}
}
