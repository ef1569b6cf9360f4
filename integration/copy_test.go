package integration

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hatrac/hatrac/store/postgres/pgtest"
)

// TestCopiesAStoreToAnotherDatabase takes an embedded store to PostgreSQL and serves it there.
func TestCopiesAStoreToAnotherDatabase(t *testing.T) {
	db, err := pgtest.New("fsync=off")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Remove() })
	if err := db.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Stop() })
	config := configFile(t, map[string]any{
		"database_type": "postgres", "database_dsn": db.DSN("postgres"), "storage_path": filepath.Join(t.TempDir(), "content"),
	})
	s := newSite(t)
	token := s.token("admin")
	before := s.as(token)
	before.mkdir("/d")
	first := before.put("/d/o", "first")
	large := before.put("/d/o", strings.Repeat("large", 3000))
	s.stop()

	run := func(args ...string) (code int, out string) {
		t.Helper()
		code, stdout, stderr := call(t, t.TempDir(), "", append([]string{"copy", "--from", s.data}, args...)...)
		return code, stdout + stderr
	}
	for _, want := range []struct {
		code int
		text string
		args []string
	}{
		{0, "this was a dry run", []string{"--to", config, "--dry-run"}},
		{0, "Copied 3 names, 2 versions and 1 accounts, with 1 contents of 15000 bytes", []string{"--to", config}},
		{0, "Copied 0 names, 0 versions and 0 accounts, with 0 contents of 0 bytes", []string{"--to", config}},
		{1, "the target is not empty", []string{"--to", s.data}},
		{1, "missing.json", []string{"--to", "missing.json"}},
		{2, "required", nil},
	} {
		if code, out := run(want.args...); code != want.code || !strings.Contains(strings.ToLower(out), strings.ToLower(want.text)) {
			t.Errorf("%v: exit %d, %s", want.args, code, out)
		}
	}
	output(t, "", program, "fsck", "--config", config, "--deep")
	if code, out := run("--to", config); code != 0 {
		t.Errorf("after a check: exit %d, %s", code, out)
	}

	p := start(t, nil, "serve", "--config", config, "--listen", "127.0.0.1:0", "--log-level", "warn")
	after := &client{t: t, url: p.waitFor("REST API"), token: token}
	for path, want := range map[string]string{first: "first", large: strings.Repeat("large", 3000), "/d/o": strings.Repeat("large", 3000)} {
		if got := after.want(http.StatusOK, http.MethodGet, path, ""); string(got) != want {
			t.Errorf("%s has %d bytes", path, len(got))
		}
	}
	after.put("/d/o", "of its own")
	p.stop()
	if code, out := run("--to", config); code != 1 || !strings.Contains(out, "not empty") {
		t.Errorf("to a store in use: exit %d, %s", code, out)
	}
}
