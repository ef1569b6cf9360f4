package integration

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// client speaks to the REST API with a token; an empty one is the anonymous client.
type client struct {
	t     *testing.T
	url   string
	token string
}

func (s *site) as(token string) *client { return &client{t: s.t, url: s.url, token: token} }

// attempt sends one request, path being escaped and without prefix, and returns the answer. The error
// is that of a connection that broke; there may be an answer with it that was not whole.
func (c *client) attempt(method, path string, body io.Reader, header ...string) (*http.Response, []byte, error) {
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, body)
	if err != nil {
		return nil, nil, err
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return response, content, err
}

// do is attempt where no connection may break.
func (c *client) do(method, path string, body io.Reader, header ...string) (*http.Response, []byte) {
	c.t.Helper()
	response, content, err := c.attempt(method, path, body, header...)
	if err != nil {
		c.t.Fatalf("%s %s: the answer breaks off: %v", method, path, err)
	}
	return response, content
}

// want sends a request that must be answered with the status.
func (c *client) want(status int, method, path string, body string, header ...string) []byte {
	c.t.Helper()
	response, content := c.do(method, path, strings.NewReader(body), header...)
	if response.StatusCode != status {
		c.t.Fatalf("%s %s: got %s, want %d: %s", method, path, response.Status, status, tail(string(content), 500))
	}
	return content
}

func (c *client) mkdir(path string) {
	c.t.Helper()
	c.want(http.StatusCreated, http.MethodPut, path, "", "Content-Type", "application/x-hatrac-namespace")
}

// put stores a version and returns its escaped path with version id, without prefix.
func (c *client) put(path, content string) string {
	c.t.Helper()
	made := c.want(http.StatusCreated, http.MethodPut, path, content, "Content-Type", "text/plain")
	return c.below(strings.TrimSpace(string(made)))
}

// below takes the prefix off a path that the server issued.
func (c *client) below(issued string) string {
	c.t.Helper()
	base, err := url.Parse(c.url)
	if err != nil {
		c.t.Fatal(err)
	}
	path, ok := strings.CutPrefix(issued, base.Path)
	if !ok {
		c.t.Fatalf("the server issued %q", issued)
	}
	return path
}

// list returns the paths in a JSON array that the server issues, without prefix.
func (c *client) list(path string) []string {
	c.t.Helper()
	var issued []string
	if err := json.Unmarshal(c.want(http.StatusOK, http.MethodGet, path, ""), &issued); err != nil {
		c.t.Fatal(err)
	}
	for i := range issued {
		issued[i] = c.below(issued[i])
	}
	return issued
}

// escape makes an escaped path of one with plain segments.
func escape(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i] = strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
	}
	return strings.Join(segments, "/")
}

// sums returns the SHA-256 of every regular file below a folder, by its path below it.
func sums(t *testing.T, top string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		below, err := filepath.Rel(top, path)
		found[below] = sum(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func sum(content []byte) string {
	digest := sha256.Sum256(content)
	return hex.EncodeToString(digest[:])
}
