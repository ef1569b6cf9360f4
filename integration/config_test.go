package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConfigurationIsCheckedAsAWhole(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("AWS_CA_BUNDLE", "") // what the machine has for Amazon is not what is tested
	t.Setenv("HATRAC_LISTEN", "127.0.0.1:9")
	file := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file("good.json", `{"database_dsn": "db/h.db", "storage_path": "bulk", "service_prefix": "/files"}`)
	file("old.json", `{"database_type": "postgres", "database_name": "host=127.0.0.1 port=1 dbname=h password=hunter2",
		"backend": "filesystem", "storage_path": "bulk", "firewall_acls": {"manage_acl": ["admins"]}, "404_html": "<p>none</p>"}`)
	file("bad.json", `{"database_dsn": "db/h.db", "storage_pth": "x", "service_prefix": "files", "trusted_proxies": ["proxy"],
		"web_cookie_name": "a b"}`)
	file("faces.json", `{"database_dsn": "db/h.db", "trusted_proxies": ["proxy"], "allowed_origins": ["portal"],
		"error_templates": {"999": {}}, "webauthn_proxy_config": {"session_https_verify": "none.pem"}}`)
	file("proxy.json", `{"database_dsn": "db/h.db", "storage_path": "bulk", "session_providers": ["session_proxy"],
		"webauthn_proxy_config": {"session_host": "127.0.0.1:1"}}`)
	file("s3.json", `{"database_dsn": "db/h.db", "storage_backend": "amazons3", "s3_config": {
		"default_session": {"aws_access_key_id": "A", "aws_secret_access_key": "hunter2"},
		"buckets": {"/NS.v1/Sub": {"bucket_name": "b1", "s3_client_kwargs": {
			"endpoint_url": "http://127.0.0.1:1", "config": {"retries": {"total_max_attempts": 1}}}}}}}`)
	file("secret", "host=127.0.0.1 port=1 dbname=h password=hunter2\n")

	for _, c := range []struct {
		line  string
		code  int
		words []string // that are printed
	}{
		{"config check --config good.json", 0, []string{"The configuration can be used."}},
		{"config check", 0, []string{"can be used"}},
		{"config check --config none.json", 1, []string{"error: there is no configuration file none.json", "has 1 error"}},
		{"config check --config bad.json", 1, []string{
			`error: unknown key "storage_pth"; did you mean "storage_path"?`, `error: service_prefix "files"`,
			`error: web_cookie_name "a b"`, "has 3 errors",
		}},
		{"config check --config faces.json", 1, []string{`"proxy"`, `"portal"`, `"999"`, "none.pem"}},
		{"config check --config old.json", 0, []string{
			"warning: firewall_acls.manage_acl", "warning: an original hatrac_config.json without webauthn_proxy_config",
		}},
		{"config check --config old.json --session-providers accounts --show", 0, []string{`"database_dsn": "host=127.0.0.1 port=1 dbname=h password=***"`, `"text/html": "`}},
		{"config show --config good.json --database-type postgres --database-dsn-file secret", 0, []string{"password=***"}},
		{"config show --config good.json --max-request-payload-size 7 --store-read-only", 0, []string{`"max_request_payload_size": 7`, `"read_only": true`, `"service_prefix": "/files"`, `"listen": "127.0.0.1:9"`}},
		{"config show --config good.json --listen :80", 0, []string{`"listen": ":80"`}},
		{"config show --config bad.json", 1, []string{"storage_pth", "2 more"}},
		{"config keys", 0, []string{"storage_path", "HATRAC_FIREWALL_ACLS__CREATE, --firewall-acls-create", "or database_dsn_file"}},
		{"config check --config good.json --connect", 1, []string{"hatrac init --config good.json", "bulk"}},
		{"init --config good.json --owner curators", 0, nil},
		{"config check --config good.json --connect", 0, []string{"can be used"}},
		{"config check --config proxy.json --connect", 1, []string{"error: ", "session host"}},
		{"config check --config s3.json --show", 0, []string{"/NS.v1/Sub", `"aws_secret_access_key": "***"`}},
		{"config check --config s3.json --connect", 1, []string{"error: ", "b1 cannot be reached"}},
		{"config check --config old.json --connect", 1, []string{"error: "}},
	} {
		code, stdout, stderr := call(t, dir, "", strings.Fields(c.line)...)
		printed := stdout + stderr
		if code != c.code {
			t.Errorf("hatrac %s: exit %d, want %d\n%s", c.line, code, c.code, printed)
		}
		for _, word := range c.words {
			if !strings.Contains(printed, word) {
				t.Errorf("hatrac %s does not print %q:\n%s", c.line, word, printed)
			}
		}
		if strings.Contains(printed, "hunter2") {
			t.Errorf("hatrac %s prints a password:\n%s", c.line, printed)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "hatrac-data")); err == nil {
		t.Error("a check made a store")
	}
}

// TestChangesAreInTheAuditLog has the file that the configuration names.
func TestChangesAreInTheAuditLog(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "audit.log")
	p := start(t, nil, "serve", "--data", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0", "--audit-log", log)
	url := p.waitFor("REST API")
	p.waitFor("Account ")
	token := strings.TrimSpace(output(t, "", program, "token", "create", "admin", "--data", filepath.Join(dir, "data")))
	admin := &client{t: t, url: url, token: token}
	admin.put("/a", "x")
	p.stop()
	text, err := os.ReadFile(log)
	if err != nil || !strings.Contains(string(text), `"client":"admin"`) || strings.Count(string(text), "\n") != 1 {
		t.Errorf("the audit log has %q, %v", text, err)
	}
	if info, err := os.Stat(log); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the audit log is open to others: %v, %v", info.Mode(), err)
	}
}

// TestContentMovesToAnotherFolder lays a new folder over the one that has all content.
func TestContentMovesToAnotherFolder(t *testing.T) {
	t.Setenv("HATRAC_INLINE_LIMIT", "0")
	dir := t.TempDir()
	database, old, fresh := filepath.Join(dir, "h.db"), filepath.Join(dir, "old"), filepath.Join(dir, "new")
	before := configFile(t, map[string]any{"database_dsn": database, "storage_path": old})
	after := configFile(t, map[string]any{
		"database_dsn": database, "storage_backend": "overlay",
		"overlay_backends": []any{map[string]any{"storage_path": fresh}, map[string]any{"backend": "filesystem", "storage_path": old}},
	})
	output(t, "", program, "init", "--config", before, "--owner", "ada")
	output(t, "correct horse\n", program, "user", "add", "ada", "--password-file", "-", "--config", before)
	token := strings.TrimSpace(output(t, "", program, "token", "create", "ada", "--config", before))
	serve := func(config string) (*process, *client) {
		p := start(t, nil, "serve", "--config", config, "--listen", "127.0.0.1:0")
		return p, &client{t: t, url: p.waitFor("REST API"), token: token}
	}
	p, ada := serve(before)
	first := ada.put("/a", "first")
	p.stop()

	code, stdout, _ := call(t, dir, "", "config", "check", "--config", after, "--connect")
	if code != 1 || !strings.Contains(stdout, fresh) || strings.Contains(stdout, old) {
		t.Errorf("the folder that is missing is not told: %d, %s", code, stdout)
	}
	p, ada = serve(after)
	second := ada.put("/a", "second")
	for version, want := range map[string]string{first: "first", second: "second"} {
		if got := ada.want(200, "GET", version, ""); string(got) != want {
			t.Errorf("there is %q, want %q", got, want)
		}
	}
	p.stop()
	if entries, err := os.ReadDir(fresh); err != nil || len(entries) == 0 {
		t.Errorf("the first folder has nothing: %v", err)
	}
}
