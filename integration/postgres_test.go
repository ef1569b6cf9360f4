package integration

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// configFile writes a hatrac_config.json and returns its path.
func configFile(t *testing.T, settings map[string]any) string {
	t.Helper()
	text, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "hatrac_config.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestServesFromPostgreSQL keeps the directory in PostgreSQL, kills that, and goes on.
func TestServesFromPostgreSQL(t *testing.T) {
	db := startPostgres(t)
	config := configFile(t, map[string]any{
		"database_type": "postgres", "database_dsn": db.DSN("postgres"),
		"storage_path": filepath.Join(t.TempDir(), "content"),
	})
	code, _, stderr := call(t, t.TempDir(), "", "serve", "--config", config, "--listen", "127.0.0.1:0")
	if code != 1 || !strings.Contains(stderr, "hatrac init") {
		t.Fatalf("a database without a store: exit %d, %s", code, stderr)
	}
	output(t, "", program, "init", "--config", config, "--owner", "curators")
	output(t, "correct horse\n", program, "user", "add", "ada", "--role", "curators", "--password-file", "-", "--config", config)
	token := strings.TrimSpace(output(t, "", program, "token", "create", "ada", "--config", config))

	mount := filepath.Join(t.TempDir(), "mnt")
	p := start(t, []string{mount}, "serve", "--config", config, "--listen", "127.0.0.1:0", "--mount", mount, "--as", "ada", "--log-level", "warn")
	ada := &client{t: t, url: p.waitFor("REST API"), token: token}
	p.waitFor("Mount ")
	ada.mkdir("/data")
	shell(t, mount, `echo from the mount > data/f; rsync -a /usr/share/common-licenses data/; diff -r /usr/share/common-licenses data/common-licenses`)
	first := ada.list("/data/f;versions")[0]
	kept := ada.put("/data/o", "acknowledged")

	if err := db.Kill(); err != nil {
		t.Fatal(err)
	}
	response, _ := ada.do(http.MethodGet, "/data/o", nil)
	if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("without its database the server answers %s", response.Status)
	}
	if err := db.Start(); err != nil {
		t.Fatal(err)
	}
	if got := ada.want(http.StatusOK, http.MethodGet, kept, ""); string(got) != "acknowledged" {
		t.Errorf("after the crash there is %q", got)
	}
	if got := ada.want(http.StatusOK, http.MethodGet, first, ""); string(got) != "from the mount\n" {
		t.Errorf("after the crash there is %q", got)
	}
	ada.put("/data/f", "by REST\n")
	then := time.Now().UTC().Format(time.RFC3339Nano)
	if got := shell(t, mount, "cat data/f; mv data/f data/g; cat data/g; cat .snapshots/"+then+"/data/f"); got != "by REST\nby REST\nby REST\n" {
		t.Errorf("the mount shows %q", got)
	}
	past := filepath.Join(t.TempDir(), "past")
	q := start(t, []string{past}, "mount", past, "--as-of", then, "--as", "ada", "--config", config, "--log-level", "warn")
	q.waitFor("is mounted on")
	if got := shell(t, past, "ls data; diff -r /usr/share/common-licenses data/common-licenses; touch data/x 2>/dev/null || cat data/f"); got != "common-licenses\nf\no\nby REST\n" {
		t.Errorf("the past shows %q", got)
	}
	q.stop()
	p.stop()
}
