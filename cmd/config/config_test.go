package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hatrac_config.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(path string) (*Config, error) {
	cfg, report := Read(Source{File: path, Environ: os.Environ()})
	return cfg, report.Err()
}

func forData(dir string) (*Config, error) {
	cfg, report := Read(Source{Data: dir, Environ: os.Environ()})
	return cfg, report.Err()
}

func TestFileOverridesDefaults(t *testing.T) {
	got, err := load(write(t, `{
		"comment": "a site", "database_dsn": "/d/h.db", "storage_path": "/c", "service_prefix": "/files/",
		"max_request_payload_size": 5, "deleted_retention": "720h", "session_expiration_minutes": 90,
		"allowed_url_char_class": "[-._~A-Za-z0-9/+]",
		"upload_expiration": "1h", "allowed_origins": ["https://portal.example.org"], "trusted_proxies": ["10.0.0.0/8"],
		"web_cookie_secure": true, "handler_uri_usersession": "/session",
		"error_templates": {"404": {"text/html": "<p>%(message)s</p>"}},
		"firewall_acls": {"create": ["staff"], "manage_acl": ["admins"], "manage_acls": ["nobody"]}
	}`))
	if err != nil {
		t.Fatal(err)
	}
	if !got.Bare['+'] || !got.Bare['a'] || got.Bare['@'] || got.Bare['/'] {
		t.Error("the character class is not what was configured")
	}
	got.Bare, got.File = nil, ""
	all := acl.List{"*"}
	want := &Config{
		ServicePrefix: "/files", DatabaseType: "sqlite", Database: "/d/h.db", DatabaseSchema: "hatrac", DatabaseRetries: 5, DatabaseNotify: true,
		Storage: Storage{Backend: Filesystem, Path: "/c"}, MaxRequestPayload: 5, Listen: "127.0.0.1:8080",
		InlineLimit: 4096, SweepGrace: 24 * time.Hour, SweepInterval: time.Hour, SyncInterval: time.Second,
		MountCache: 256 << 20, MountDiskCacheSize: 10 << 30,
		Firewall: acl.Firewall{
			Create: acl.List{"staff"}, Delete: all, ManageACLs: acl.List{"admins"}, ManageMetadata: all,
		},
		DeletedRetention: 720 * time.Hour, UploadExpiration: time.Hour,
		Sessions: Sessions{
			Providers: []string{"accounts"}, Lifetime: 90 * time.Minute, Cookie: "webauthn", Secure: true,
			Path: "/session", LogoutURL: "/",
			Tables: Tables{Schema: "webauthn2", Cookie: "webauthn", Lifetime: 90 * time.Minute},
			Proxy: Proxy{
				Host: "localhost", Path: "/authn/session", Cookie: "webauthn", MaxAge: time.Minute, MaxEntries: 10000,
				Resources: []string{"urn:deriva:rest:service:all"},
			},
		},
		AllowedOrigins: []string{"https://portal.example.org"}, TrustedProxies: []string{"10.0.0.0/8"},
		ErrorTemplates: map[string]map[string]string{"404": {"text/html": "<p>%(message)s</p>"}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Config{})); diff != "" {
		t.Error(diff)
	}
}

func TestReadOnlyClosesWhatIsNotConfigured(t *testing.T) {
	got, err := load(write(t, `{"database_dsn": "x", "read_only": true, "firewall_acls": {"delete": ["*"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := acl.Firewall{Create: acl.List{}, Delete: acl.List{"*"}, ManageACLs: acl.List{}, ManageMetadata: acl.List{}}
	if diff := cmp.Diff(want, got.Firewall); diff != "" {
		t.Error(diff)
	}
}

func TestPostgreSQLIsConfiguredAsEver(t *testing.T) {
	got, err := load(write(t, `{"database_type": "postgres", "database_name": "dbname=h", "database_schema": "s", "database_max_retries": 9}`))
	if err != nil {
		t.Fatal(err)
	}
	if got.DatabaseType != "postgres" || got.Database != "dbname=h" || got.DatabaseSchema != "s" || got.DatabaseRetries != 9 {
		t.Errorf("got %+v", got)
	}
}

func TestEnvironmentOverridesFile(t *testing.T) {
	t.Setenv("HATRAC_STORAGE_PATH", "/elsewhere")
	t.Setenv("HATRAC_MAX_REQUEST_PAYLOAD_SIZE", "7")
	t.Setenv("HATRAC_UNRELATED", "1")
	got, err := load(write(t, `{"database_dsn": "x", "storage_path": "/c"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got.Storage.Path != "/elsewhere" || got.MaxRequestPayload != 7 {
		t.Errorf("the environment does not count: %+v", got)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":         {`{"storage_pth": "/x"}`, `unknown key "storage_pth"`},
		"unknown nested key":  {`{"database_dsn": "x", "firewall_acls": {"red": []}}`, `"firewall_acls.red"`},
		"not JSON":            {`{`, "cannot be read"},
		"wrong type":          {`{"database_dsn": "x", "max_request_payload_size": "many"}`, "max_request_payload_size"},
		"no database":         {`{}`, "database_dsn"},
		"another database":    {`{"database_type": "oracle"}`, `"oracle"`},
		"another storage":     {`{"database_dsn": "x", "storage_backend": "tape"}`, `"tape"`},
		"negative retries":    {`{"database_dsn": "x", "database_max_retries": -1}`, "database_max_retries"},
		"a disk of nothing":   {`{"database_dsn": "x", "mount_disk_cache_size": 0}`, "mount_disk_cache_size"},
		"cache of nothing":    {`{"database_dsn": "x", "mount_cache_size": 0}`, "mount_cache_size"},
		"payload of nothing":  {`{"database_dsn": "x", "max_request_payload_size": 0}`, "max_request_payload_size"},
		"prefix not a path":   {`{"database_dsn": "x", "service_prefix": "hatrac"}`, "service_prefix"},
		"class not a class":   {`{"database_dsn": "x", "allowed_url_char_class": ".*"}`, "allowed_url_char_class"},
		"upload for ever":     {`{"database_dsn": "x", "upload_expiration": "ever"}`, "upload_expiration"},
		"negative retention":  {`{"database_dsn": "x", "deleted_retention": "-1h"}`, "deleted_retention"},
		"session of no time":  {`{"database_dsn": "x", "session_expiration_minutes": 0}`, "session_expiration_minutes"},
		"cookie with a space": {`{"database_dsn": "x", "web_cookie_name": "a b"}`, "web_cookie_name"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(write(t, c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %s", err, c.want)
			}
		})
	}
	if _, err := load("/nowhere/hatrac_config.json"); err == nil || !strings.Contains(err.Error(), "/nowhere/hatrac_config.json") {
		t.Errorf("a missing file is not named: %v", err)
	}
}

func TestDataFolderHoldsEverything(t *testing.T) {
	t.Setenv("HATRAC_STORAGE_PATH", "/elsewhere")
	got, err := forData("/d")
	if err != nil {
		t.Fatal(err)
	}
	if got.Database != "/d/hatrac.db" || got.Storage.Path != "/d/content" || got.ServicePrefix != "/hatrac" {
		t.Errorf("got %+v", got)
	}
}

// The server writes unreserved characters bare, so clients may always do the same.
func TestACharacterClassOnlyAddsCharacters(t *testing.T) {
	got, err := load(write(t, `{"database_dsn": "x", "allowed_url_char_class": "[@/]"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := store.DefaultBareCharacters()
	want['@'] = true
	if *got.Bare != *want {
		t.Error("the class [@/] does more than to add @")
	}
}
