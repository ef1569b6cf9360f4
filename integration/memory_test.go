package integration

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// memory returns a field of the server's status that tells bytes of memory.
func (s *site) memory(field string) int64 {
	s.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			kB, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			if err != nil {
				s.t.Fatal(err)
			}
			return kB << 10
		}
	}
	s.t.Fatalf("the system does not tell the %s of a process", field)
	return 0
}

// peak is the most memory in bytes that the server has had resident.
func (s *site) peak() int64 { return s.memory("VmHWM") }

// confine lets the server have no more than so many bytes of memory in addition to what it has: at
// the next one it ends. The memory of the race detector knows no such bounds.
func (s *site) confine(more int64) {
	s.t.Helper()
	if raceEnabled {
		return
	}
	most := uint64(s.memory("VmSize") + more)
	if err := unix.Prlimit(s.cmd.Process.Pid, unix.RLIMIT_AS, &unix.Rlimit{Cur: most, Max: most}, nil); err != nil {
		s.t.Fatal(err)
	}
}

// noise returns n bytes of content that cannot be squeezed and is the same every time.
func noise(n int64) io.Reader { return io.LimitReader(rand.NewChaCha8([32]byte{1}), n) }

// exchanged stores and reads n bytes on a server of its own, which may not allocate more than a given
// number of bytes for that, and returns its peak of memory.
func exchanged(t *testing.T, n, room int64) int64 {
	t.Helper()
	s := newSite(t)
	admin := s.as(s.token("admin"))
	s.confine(room)
	digest := sha256.New()
	if r, body := admin.do(http.MethodPut, "/content", io.TeeReader(noise(n), digest)); r.StatusCode != http.StatusCreated {
		t.Fatalf("PUT of %d bytes: %s %s", n, r.Status, body)
	}
	sent := digest.Sum(nil)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/content", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+admin.token)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	digest.Reset()
	if got, err := io.Copy(digest, response.Body); err != nil || got != n || !bytes.Equal(digest.Sum(nil), sent) {
		t.Fatalf("GET of %d bytes: got %d, %v", n, got, err)
	}
	peak := s.peak()
	s.stop()
	return peak
}

func TestLargeContentNeedsNoMoreMemoryThanSmall(t *testing.T) {
	large := int64(1 << 30)
	if raceEnabled {
		large = 256 << 20
	}
	room := large / 4
	t.Setenv("HATRAC_MAX_REQUEST_PAYLOAD_SIZE", strconv.FormatInt(large, 10))
	small := exchanged(t, 1<<20, room)
	got := exchanged(t, large, room)
	t.Logf("peaks of memory: %d MiB with %d MiB of content, %d MiB with 1 MiB", got>>20, large>>20, small>>20)
	if got > 2*small {
		t.Errorf("%d MiB of content took %d MiB of memory, 1 MiB took %d MiB", large>>20, got>>20, small>>20)
	}
}

// fill makes namespaces beneath one, numbered from 1, behind the server's back: by requests it would
// take too long.
func (s *site) fill(namespace string, n int) {
	s.t.Helper()
	output(s.t, fmt.Sprintf(`.timeout 60000
BEGIN IMMEDIATE;
WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < %[2]d)
INSERT INTO name (pid, name, subtype, acls)
SELECT (SELECT id FROM name WHERE name = '%[1]s'), printf('%[1]s/%%07d', i), 0, '{}' FROM number;
UPDATE name SET changes = changes + 1 WHERE name = '%[1]s';
COMMIT;
`, namespace, n), "sqlite3", "-bail", filepath.Join(s.data, "hatrac.db"))
}

// ask begins a GET as a client; the body is to be read.
func (c *client) ask(target, accept string) *http.Response {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.url+target, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Accept", accept)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = response.Body.Close() })
	if response.StatusCode != http.StatusOK {
		c.t.Fatalf("GET %s: %s", target, response.Status)
	}
	return response
}

// listed lists n children on a server of its own, in two formats, and returns its peak of memory.
func listed(t *testing.T, n int) int64 {
	t.Helper()
	s := newSite(t)
	admin := s.as(s.token("admin"))
	admin.mkdir("/many")
	s.fill("/many", n)
	s.confine(128 << 20)
	lines, count := bufio.NewScanner(admin.ask("/many", "text/uri-list").Body), 0
	for lines.Scan() {
		count++
		if want := fmt.Sprintf("/hatrac/many/%07d", count); lines.Text() != want {
			t.Fatalf("line %d is %q, want %q", count, lines.Text(), want)
		}
	}
	if err := lines.Err(); err != nil || count != n {
		t.Fatalf("%d lines of %d came, %v", count, n, err)
	}
	response := admin.ask("/many", "application/vnd.hatrac.listing+json")
	if response.ContentLength >= 0 {
		t.Errorf("a listing of %d children was gathered to tell its length, %d", n, response.ContentLength)
	}
	rows := json.NewDecoder(response.Body)
	if _, err := rows.Token(); err != nil {
		t.Fatal(err)
	}
	for count = 0; rows.More(); count++ {
		var row struct{ Name, Type string }
		if err := rows.Decode(&row); err != nil || row.Name != fmt.Sprintf("%07d", count+1) || row.Type != "namespace" {
			t.Fatalf("row %d is %+v, %v", count, row, err)
		}
	}
	if _, err := rows.Token(); err != nil || count != n {
		t.Fatalf("%d rows of %d came, %v", count, n, err)
	}
	peak := s.peak()
	s.stop()
	return peak
}

func TestAListingNeedsTheSameMemoryHoweverLongItIs(t *testing.T) {
	const some = 50_000 // from where on more is the same
	many := 1_000_000
	if raceEnabled {
		many = 100_000
	}
	before := listed(t, some)
	got := listed(t, many)
	t.Logf("peaks of memory: %d MiB with %d children, %d MiB with %d", got>>20, many, before>>20, some)
	if got > before+before/2 {
		t.Errorf("%d children took %d MiB of memory, %d took %d MiB", many, got>>20, some, before>>20)
	}
}
