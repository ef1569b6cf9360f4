package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// curl runs curl as a client, in a folder, and returns what it prints. Any status but success
// fails the test.
func (c *client) curl(dir string, args ...string) string {
	c.t.Helper()
	all := append([]string{"-sS", "--fail-with-body", "-H", "Authorization: Bearer " + c.token}, args...)
	return strings.TrimSuffix(shell(c.t, dir, "curl "+quoted(all)), "\n")
}

// quoted makes words of a shell command.
func quoted(words []string) string {
	var line strings.Builder
	for _, word := range words {
		line.WriteString(" '" + strings.ReplaceAll(word, "'", `'\''`) + "'")
	}
	return line.String()
}

// received are the ranges of chunks that the server says it has of an upload.
func (c *client) received(dir, job string) [][2]int {
	c.t.Helper()
	var upload struct {
		Chunks [][2]int `json:"chunks-received"`
	}
	if err := json.Unmarshal([]byte(c.curl(dir, c.url+job)), &upload); err != nil {
		c.t.Fatal(err)
	}
	return upload.Chunks
}

// stall begins to send a chunk and stops halfway. The function that it returns waits for the end of
// the request and reports whether it was answered.
func (c *client) stall(dir, path string, chunk []byte) (finished func() bool) {
	c.t.Helper()
	fifo := filepath.Join(dir, "stalled")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		c.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := try(c.t, "", "curl", "-sS", "-H", "Authorization: Bearer "+c.token, "-H", "Transfer-Encoding:",
			"-H", "Content-Length: "+strconv.Itoa(len(chunk)), "-H", "Expect:", "-T", fifo, c.url+path)
		ended <- err
	}()
	in, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := in.Write(chunk[:len(chunk)/2]); err != nil {
		c.t.Fatal(err)
	}
	return func() bool {
		in.Close()
		return <-ended == nil
	}
}

// TestUploadGoesOnAfterAKill sends chunks in a mixed order, kills the server between and in the
// middle of them, and goes on with nothing but the URL of the upload.
func TestUploadGoesOnAfterAKill(t *testing.T) {
	const chunk, chunks = 1 << 20, 7
	dir := t.TempDir()
	// The last chunk is shorter than the others.
	shell(t, dir, `head -c 6789012 /dev/urandom > whole; split -b 1048576 -d -a 1 whole part.`)
	whole, err := os.ReadFile(filepath.Join(dir, "whole"))
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t)
	admin := s.as(s.token("admin"))
	description, err := json.Marshal(map[string]any{
		"chunk-length": chunk, "content-length": len(whole), "content-type": "application/x-test",
		"content-sha256": sum(whole),
	})
	if err != nil {
		t.Fatal(err)
	}
	job := admin.below(admin.curl(dir, "-d", string(description), "-H", "Content-Type: application/json",
		admin.url+"/deep/down/big;upload?parents=true"))
	send := func(n int) {
		t.Helper()
		part := "part." + strconv.Itoa(n)
		md5 := strings.Fields(shell(t, dir, "md5sum "+part))[0]
		admin.curl(dir, "-T", part, "-H", "Content-MD5: "+md5, admin.url+job+"/"+strconv.Itoa(n))
	}
	for _, n := range []int{6, 2, 0, 3} {
		send(n)
	}
	if diff := cmp.Diff([][2]int{{0, 0}, {2, 3}, {6, 6}}, admin.received(dir, job)); diff != "" {
		t.Fatal(diff)
	}
	finished := admin.stall(dir, job+"/5", whole[5*chunk:6*chunk])
	_ = s.signal(syscall.SIGKILL)
	if finished() {
		t.Error("a chunk that was cut off was taken")
	}

	s.start()
	admin.url = s.url
	have := admin.received(dir, job)
	if diff := cmp.Diff([][2]int{{0, 0}, {2, 3}, {6, 6}}, have); diff != "" {
		t.Fatalf("after the restart: %s", diff)
	}
	missing, err := try(t, "", "curl", "-s", "--fail-with-body", "-X", "POST", "-H", "Authorization: Bearer "+admin.token, admin.url+job)
	if err == nil || !strings.Contains(missing, "1, 4-5") {
		t.Errorf("an upload with holes is finished, or the holes are not named: %v, %s", err, missing)
	}
	for n := range chunks {
		if !within(n, have) {
			send(n)
		}
	}
	version := admin.below(admin.curl(dir, "-X", "POST", admin.url+job))
	header := admin.curl(dir, "-D", "-", "-o", "got", admin.url+version)
	if !strings.Contains(header, "application/x-test") {
		t.Errorf("the version has lost its type:\n%s", header)
	}
	shell(t, dir, `cmp whole got`)
	got, err := os.ReadFile(filepath.Join(dir, "got"))
	if err != nil || sum(got) != sum(whole) {
		t.Errorf("the download differs from what was uploaded, %v", err)
	}
	if jobs := admin.list("/deep/down/big;upload"); len(jobs) != 0 {
		t.Errorf("a finished upload is still open: %v", jobs)
	}
	s.stop()
}

func within(n int, ranges [][2]int) bool {
	for _, r := range ranges {
		if r[0] <= n && n <= r[1] {
			return true
		}
	}
	return false
}
