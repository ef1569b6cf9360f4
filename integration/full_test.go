package integration

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// cramped is a site whose content lies on a small disk, which a ballast can fill.
type cramped struct {
	*site
	content string // the folder of the content
}

func newCramped(t *testing.T) *cramped {
	t.Helper()
	dir := t.TempDir()
	script := `mkdir -p "$1/d/content" && mount -t tmpfs -o size=12m none "$1/d/content" &&
exec "$0" serve --data "$1/d" --listen 127.0.0.1:0 --mount "$1/m" --log-level fatal`
	p := startApart(t, script, dir)
	s := &site{process: p, t: t, data: filepath.Join(dir, "d"), mount: filepath.Join(dir, "m"), url: p.waitFor("REST API")}
	if note := p.waitFor("Mount "); note != s.mount+" (as admin)" {
		t.Fatalf("the mount is %s", note)
	}
	return &cramped{site: s, content: filepath.Join(s.data, "content")}
}

// must runs a script beside the content.
func (c *cramped) must(script string) string {
	c.t.Helper()
	out, err := c.inside("cd " + c.content + "\n" + script)
	if err != nil {
		c.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return strings.TrimSpace(out)
}

func (c *cramped) free() string {
	c.t.Helper()
	return c.must("df --output=avail . | tail -n 1")
}

// TestFullDiskTakesNothingAndLosesNothing fills the disk of the content, not that of the database.
func TestFullDiskTakesNothingAndLosesNothing(t *testing.T) {
	s := newCramped(t)
	admin := s.as(s.token("admin"))
	admin.mkdir("/d")
	text := strings.Repeat("0123456789", 10_000)
	kept := admin.put("/d/kept", text)
	job, whole := beginUpload(admin, "/d/upload", 1<<20)
	sendChunk(admin, job, whole, 1<<20, 0)

	s.must(`head -c 100M /dev/zero > ballast || truncate -s -64K ballast`)
	before := s.free()
	for range 3 {
		admin.want(http.StatusInsufficientStorage, http.MethodPut, "/d/large", text)
	}
	if after := s.free(); after != before {
		t.Errorf("after what was refused %s KiB are free, before %s", after, before)
	}
	admin.want(http.StatusNotFound, http.MethodGet, "/d/large", "")
	admin.want(http.StatusInsufficientStorage, http.MethodPut, job+"/1", whole[1<<20:2<<20])
	out, err := s.inside("cd " + s.mount + "/d\nhead -c 1000000 /dev/zero > file")
	if err == nil || !strings.Contains(out, "No space left on device") {
		t.Errorf("writing to the mount: %v, %s", err, out)
	}
	small := admin.put("/d/small", "which the database keeps")
	admin.want(http.StatusNoContent, http.MethodDelete, small, "")
	if got := admin.want(http.StatusOK, http.MethodGet, kept, ""); string(got) != text {
		t.Error("what was stored has other content")
	}

	s.must("rm ballast")
	admin.put("/d/large", text)
	sendChunk(admin, job, whole, 1<<20, 2)
	sendChunk(admin, job, whole, 1<<20, 1)
	admin.want(http.StatusCreated, http.MethodPost, job, "")
	if got := admin.want(http.StatusOK, http.MethodGet, "/d/upload", ""); string(got) != whole {
		t.Error("the upload has other content")
	}
	if out, err := s.inside("cd " + s.mount + "/d\nhead -c 1000000 /dev/zero > file; cmp -n 1000000 file /dev/zero; cmp large kept"); err != nil {
		t.Errorf("the mount: %v, %s", err, out)
	}
	s.stop()
}
