package integration

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/hatrac/hatrac/store/postgres/pgtest"
)

// originalSite makes a deployment of the original server, in a folder with its configuration and
// the program, and returns the folder.
func originalSite(t *testing.T) string {
	t.Helper()
	db, err := pgtest.New("fsync=off")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Remove(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Stop(); err != nil {
			t.Error(err)
		}
	})
	text, err := os.ReadFile("../store/postgres/testdata/original.sql")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), db.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	// This one keeps its content in files.
	const notInS3 = `;
DELETE FROM hatrac.version WHERE aux ->> 'version' IS NOT NULL;
DELETE FROM hatrac.chunk;
DELETE FROM hatrac.upload WHERE job LIKE 'version.%'`
	if _, err := conn.Exec(t.Context(), string(text)+notInS3); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string]string{
		"ns/plain:V1": "one", "ns/plain:V0": "two!", "ns/older:R1": "renamed", "ns/T%c3%a9l%2d1:N1": "typed",
		"ns/sub%2Dns/a+b:C1": "child", "ns/tw%69n:W2": "twins", "ns/two:X1": "third",
		"ns/upload:WHOLE": "0123456789", "ns/upload:BLIND": "0123456789", "ns/left:L1": "ghost",
	} {
		path := filepath.Join(dir, "content", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	config, err := os.ReadFile(configFile(t, map[string]any{
		"database_type": "postgres", "database_dsn": db.DSN("postgres"), "storage_path": filepath.Join(dir, "content"),
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "hatrac_config.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program, filepath.Join(dir, "bin/hatrac")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// redirect returns where the answer 303 to a request leads.
func (c *client) redirect(path string) string {
	c.t.Helper()
	return c.curl(c.t.TempDir(), "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", c.url+path)
}

// TestTakesOverAnOriginalServer does what docs/MIGRATING.md says and looks at what is served then.
func TestTakesOverAnOriginalServer(t *testing.T) {
	dir := originalSite(t)
	config := filepath.Join(dir, "hatrac_config.json")
	code, _, stderr := call(t, dir, "", "serve", "--config", config, "--listen", "127.0.0.1:0")
	if code != 1 || !strings.Contains(stderr, "hatrac migrate") {
		t.Fatalf("before: exit %d, %s", code, stderr)
	}
	steps := tour(t, "../docs/MIGRATING.md")
	if len(steps) != 7 {
		t.Fatalf("the page has %d commands", len(steps))
	}
	newVisitor(t, dir).follow("docs/MIGRATING.md", steps, strings.NewReplacer())

	output(t, "correct horse\n", program, "user", "add", "ada", "--password-file", "-", "--config", config)
	token := strings.TrimSpace(output(t, "", program, "token", "create", "ada", "--config", config))
	p := start(t, nil, "serve", "--config", config, "--listen", "127.0.0.1:0", "--log-level", "warn")
	ada := &client{t: t, url: p.waitFor("REST API"), token: token}
	for path, want := range map[string]string{
		"/ns/plain": "two!", "/ns/plain:V1": "one", "/ns/older": "renamed", "/ns/old:R1": "renamed", "/ns/new": "renamed",
		"/ns/T%C3%A9l-1": "typed", "/ns/T%c3%a9l%2d1:N1": "typed", "/ns/alias": "typed",
		"/ns/sub-ns/a%2Bb": "child", "/ns/twin": "twins", "/ns/tw%69n:W2": "twins", "/ns/two": "third",
	} {
		if got := ada.want(http.StatusOK, http.MethodGet, path, ""); string(got) != want {
			t.Errorf("%s is %q", path, got)
		}
	}
	for path, status := range map[string]int{
		"/ns/gone": http.StatusNotFound, "/ns/plain:V3": http.StatusNotFound, "/ns/left": http.StatusNotFound,
		"/ns/twin:W1": http.StatusNotFound, "/dropped/child": http.StatusNotFound,
		"/ns/deadend": http.StatusConflict, "/ns/halfway": http.StatusConflict,
	} {
		ada.want(status, http.MethodGet, path, "")
	}
	anonymous := &client{t: t, url: ada.url}
	anonymous.want(http.StatusOK, http.MethodGet, "/ns/plain", "") // subtree-read of /ns is for everybody
	anonymous.want(http.StatusUnauthorized, http.MethodDelete, "/ns/plain", "")
	response, _ := ada.do(http.MethodGet, "/ns/plain:V1", nil)
	if got := response.Header.Get("Content-Type"); got != "text/plain" {
		t.Errorf("the media type is %q", got)
	}
	if got := ada.redirect("/ns/elsewhere"); got != "303 https://archive.example.org/e1" {
		t.Errorf("what lies elsewhere is at %q", got)
	}
	if got := ada.received(dir, "/ns/upload;upload/WHOLE"); len(got) != 0 {
		t.Errorf("chunks that nobody recorded are told: %v", got)
	}
	ada.want(http.StatusCreated, http.MethodPost, "/ns/upload;upload/WHOLE", "")
	if got := ada.want(http.StatusOK, http.MethodGet, "/ns/upload:WHOLE", ""); string(got) != "0123456789" {
		t.Errorf("the upload became %q", got)
	}
	ada.want(http.StatusConflict, http.MethodPost, "/ns/upload;upload/BLIND", "")
	ada.put("/ns/plain", "three")
	if got := ada.list("/ns/plain;versions"); len(got) != 3 || !strings.HasSuffix(got[2], ":V1") {
		t.Errorf("the versions are %v", got)
	}
	p.stop()

	if err := os.Remove(filepath.Join(dir, "content/ns/two:X1")); err != nil {
		t.Fatal(err)
	}
	code, stdout, _ := call(t, dir, "", "fsck", "--config", config)
	if code != 1 || !strings.Contains(stdout, "/ns/two:X1: Its content is missing.") {
		t.Errorf("with content that is missing: exit %d, %s", code, stdout)
	}
}

// TestFsckRepairsWhatWasLeft removes content that nothing refers to, and nothing else.
func TestFsckRepairsWhatWasLeft(t *testing.T) {
	s := newSite(t)
	s.as(s.token("admin")).put("/o", strings.Repeat("content", 1000))
	s.stop()
	for _, args := range [][]string{{"fsck"}, {"fsck", "--deep"}, {"fsck", "--repair"}, {"migrate"}, {"migrate", "--dry-run"}} {
		if out := s.hatrac(args...); !strings.Contains(out, "All content is there") && !strings.Contains(out, "up to date already") {
			t.Errorf("%v prints %s", args, out)
		}
	}
	left := filepath.Join(s.data, "content/:content/01JDCZ3V9Q8T5S4R2P1N0M7K6H/1")
	if err := os.Mkdir(filepath.Dir(left), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(left, []byte("left"), 0o444); err != nil {
		t.Fatal(err)
	}
	if out := s.hatrac("fsck"); strings.Contains(out, "Nothing refers") {
		t.Errorf("what is young is told: %s", out)
	}
	code, stdout, _ := call(t, t.TempDir(), "", "fsck", "--grace", "0s", "--data", s.data)
	if code != 1 || !strings.Contains(stdout, "01JDCZ3V9Q8T5S4R2P1N0M7K6H/1: Nothing refers to this content.") {
		t.Errorf("with content that was left: exit %d, %s", code, stdout)
	}
	if out := s.hatrac("fsck", "--grace", "0s", "--repair"); !strings.Contains(out, "Removed 1 files of 4 bytes") {
		t.Errorf("the repair prints %s", out)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("what was left is still there: %v", err)
	}
	s.hatrac("fsck", "--grace", "0s", "--deep")
	code, _, stderr := call(t, t.TempDir(), "", "migrate", "--data", "nowhere")
	if code != 1 || !strings.Contains(stderr, "there is no store") {
		t.Errorf("without a store: exit %d, %s", code, stderr)
	}
}
