package integration

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// peak is the most memory in bytes that the server has had resident.
func (s *site) peak() int64 {
	s.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kB, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			if err != nil {
				s.t.Fatal(err)
			}
			return kB << 10
		}
	}
	s.t.Fatal("the system does not tell the peak of memory")
	return 0
}

// noise returns n bytes of content that cannot be squeezed and is the same every time.
func noise(n int64) io.Reader { return io.LimitReader(rand.NewChaCha8([32]byte{1}), n) }

// exchanged stores and reads n bytes on a server of its own and returns its peak of memory.
func exchanged(t *testing.T, n int64) int64 {
	t.Helper()
	s := newSite(t)
	admin := s.as(s.token("admin"))
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
	t.Setenv("HATRAC_MAX_REQUEST_PAYLOAD_SIZE", strconv.FormatInt(large, 10))
	small := exchanged(t, 1<<20)
	got := exchanged(t, large)
	t.Logf("peaks of memory: %d MiB with %d MiB of content, %d MiB with 1 MiB", got>>20, large>>20, small>>20)
	if got > 2*small {
		t.Errorf("%d MiB of content took %d MiB of memory, 1 MiB took %d MiB", large>>20, got>>20, small>>20)
	}
}

// fill makes empty objects in a namespace, side by side.
func (c *client) fill(namespace string, n int) {
	c.t.Helper()
	// One connection for each writer, or most of them are closed after each request.
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	defer transport.CloseIdleConnections()
	var next, made atomic.Int64
	var writers sync.WaitGroup
	for range 32 {
		writers.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				url := fmt.Sprintf("%s%s/%06d", c.url, namespace, i)
				r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPut, url, http.NoBody)
				if err != nil {
					c.t.Error(err)
					return
				}
				r.Header.Set("Authorization", "Bearer "+c.token)
				response, err := transport.RoundTrip(r)
				if err != nil {
					c.t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, response.Body)
				response.Body.Close()
				if response.StatusCode == http.StatusCreated {
					made.Add(1)
				}
			}
		})
	}
	writers.Wait()
	if made.Load() != int64(n) {
		c.t.Fatalf("only %d of %d objects were made", made.Load(), n)
	}
}

func TestLongListingStreams(t *testing.T) {
	children := 20_000
	if raceEnabled {
		children = 5_000
	}
	s := newSite(t)
	admin := s.as(s.token("admin"))
	admin.mkdir("/many")
	admin.fill("/many", children)
	const full = "application/vnd.hatrac.listing+json"
	response, body := admin.do(http.MethodGet, "/many", nil, "Accept", full)
	if response.StatusCode != http.StatusOK || response.ContentLength >= 0 {
		t.Errorf("the listing comes with %s and a length of %d; it should be sent as it comes", response.Status, response.ContentLength)
	}
	var rows []struct {
		Name, Type string
	}
	if err := json.Unmarshal(body, &rows); err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(rows))
	for i := range rows {
		names[i] = rows[i].Name
	}
	if len(rows) != children || !slices.IsSorted(names) || len(slices.Compact(names)) != children {
		t.Errorf("the listing has %d rows of %d, or they are not in order", len(rows), children)
	}
	if urls := admin.list("/many"); len(urls) != children {
		t.Errorf("the listing has %d URLs of %d", len(urls), children)
	}
	s.stop()
}
