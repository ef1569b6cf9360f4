package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store/s3"
)

// read reads a file of testdata, which must be usable.
func read(t *testing.T, name string) (*Config, *Report) {
	t.Helper()
	cfg, report := Read(Source{File: filepath.Join("testdata", name)})
	if err := report.Err(); err != nil {
		t.Fatalf("%v: %q", err, report.Errors)
	}
	return cfg, report
}

// mentions checks that there is one sentence with each of the words, and no other.
func mentions(t *testing.T, sentences []string, words ...string) {
	t.Helper()
	if len(sentences) != len(words) {
		t.Fatalf("got %d sentences, want %d: %q", len(sentences), len(words), sentences)
	}
	for i, word := range words {
		if !strings.Contains(sentences[i], word) {
			t.Errorf("%q does not mention %q", sentences[i], word)
		}
	}
}

func TestAnOriginalFileIsUnderstood(t *testing.T) {
	got, report := read(t, "old.json")
	mentions(t, report.Warnings, "firewall_acls.manage_acl")
	want := acl.Firewall{
		Create: acl.List{"https://auth.example.org/curators"}, Delete: acl.List{},
		ManageACLs: acl.List{"https://auth.example.org/admins"}, ManageMetadata: acl.List{"*"},
	}
	if diff := cmp.Diff(want, got.Firewall); diff != "" {
		t.Error(diff)
	}
	if got.Database != "dbname=hatrac" || got.Storage.Path != "/var/www/hatrac" || got.Storage.Backend != Filesystem {
		t.Errorf("got %+v", got)
	}
	templates := map[string]map[string]string{
		"401": {"text/html": "<p>Please log in.</p>"},
		"403": {"text/plain": "Forbidden: %(message)s", "application/vnd.example.v1+json": "{}"},
	}
	if diff := cmp.Diff(templates, got.ErrorTemplates); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{Accounts, SessionProxy}, got.Sessions.Providers); diff != "" {
		t.Error(diff)
	}
	proxy := Proxy{
		Host: "auth.example.org:8443", Path: "/authn/session", Cookie: "webauthn", MaxAge: time.Minute, MaxEntries: 10000,
		Resources: []string{"urn:one"},
	}
	if diff := cmp.Diff(proxy, got.Sessions.Proxy); diff != "" {
		t.Error(diff)
	}
}

func TestTheImpliedSessionProxyIsToldAbout(t *testing.T) {
	for text, warns := range map[string]int{
		`{"database_type": "postgres", "database_dsn": "x"}`:                                    1,
		`{"database_type": "postgres", "database_dsn": "x", "session_providers": ["accounts"]}`: 0,
		`{"database_type": "postgres", "database_dsn": "x", "webauthn_proxy_config": {}}`:       0,
		`{"database_dsn": "x"}`: 0,
		`{"database_type": "postgres", "database_dsn": "x", "session_tables": {"database_dsn": "y"}}`: 0,
	} {
		_, report := Read(Source{File: write(t, text)})
		if len(report.Errors) > 0 || len(report.Warnings) != warns {
			t.Errorf("%s: %q, %q", text, report.Errors, report.Warnings)
		}
	}
}

func TestBucketsAreUnderstood(t *testing.T) {
	got, report := read(t, "s3.json")
	mentions(t, report.Warnings, "presigned_url_threshold")
	whole := s3.Client{AccessKeyID: "AKIA1", SecretAccessKey: "tiger", Region: "us-west-2"}
	third := whole
	third.Endpoint, third.Insecure, third.PathStyle = "http://10.0.0.1:9000", true, true
	want := &s3.Config{
		Legacy: true,
		Buckets: map[string]s3.Bucket{
			"": {Name: "everything", PathPrefix: "top", Method: s3.ByName, PresignExpiry: 300 * time.Second, Client: whole},
			"NS.v1/Sub": {
				Name: "sub", Method: s3.ByNameAndVersion, UnquoteKeys: true, PresignThreshold: 1000000, PresignExpiry: time.Minute,
				Client: s3.Client{
					Endpoint: "https://s3.example.org", CertificateFile: "/etc/ssl/site.pem", PathStyle: true,
					Region: "eu-central-1", Profile: "other",
					ConnectTimeout: 5 * time.Second, ReadTimeout: 2500 * time.Millisecond, Retries: 5, MaxConnections: 50,
				},
			},
			"ns3": {Name: "b3", PathPrefix: "hatrac", Method: s3.ByName, PresignExpiry: 300 * time.Second, Client: third},
		},
	}
	if diff := cmp.Diff(want, got.Storage.S3); diff != "" {
		t.Error(diff)
	}
}

func TestAnOverlayHasBackendConfigurations(t *testing.T) {
	got, _ := read(t, "overlay.json")
	want := []Storage{
		{Backend: Filesystem, Path: "/new"},
		{Backend: AmazonS3, Path: defaultStoragePath, S3: &s3.Config{
			Buckets: map[string]s3.Bucket{"": {
				Name: "old", PathPrefix: "data", Method: s3.ByName,
				Client: s3.Client{AccessKeyID: "A", SecretAccessKey: "B"},
			}},
		}},
	}
	if diff := cmp.Diff(want, got.Storage.Layers); diff != "" {
		t.Error(diff)
	}
}

func TestWebauthn2SettingsCountWhereNothingElseIsSaid(t *testing.T) {
	got, report := Read(Source{File: write(t, `{"database_dsn": "x", "webauthn2_config": "testdata/webauthn2.json", "web_cookie_name": "own"}`)})
	mentions(t, report.Errors)
	mentions(t, report.Warnings, "oauth2_discovery_uri")
	want := Sessions{
		Providers: []string{Accounts, SessionTables}, Lifetime: 45 * time.Minute, Cookie: "own", Secure: true,
		Path: "/ermrest/authn/session", LogoutURL: "/",
		Tables: Tables{DSN: "dbname=webauthn", Schema: "webauthn2x", Cookie: "own", Lifetime: 45 * time.Minute},
		Proxy:  got.Sessions.Proxy,
	}
	if diff := cmp.Diff(want, got.Sessions); diff != "" {
		t.Error(diff)
	}
	tables, err := Webauthn2Tables("testdata/webauthn2.json")
	if diff := cmp.Diff(Tables{DSN: "dbname=webauthn", Schema: "webauthn2x"}, tables); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

func TestAllMistakesAreReported(t *testing.T) {
	_, report := Read(Source{File: write(t, `{
		"database_dsn": "x", "storage_pth": "/x", "storage_backend": "overlay", "service_prefix": "h", "read_only": "perhaps",
		"webauthn_proxy_config": {"session_hots": "h", "session_host": "user@evil"}, "session_providers": ["accounts", "nobody"],
		"overlay_backends": [
			{"storage_backend": "overlay"}, 7,
			{"storage_backend": "amazons3", "s3_config": {"buckets": {"ns.v1/x": {"bucket_nam": "b", "hatrac_s3_method": "m"}}}}
		]
	}`)})
	mentions(
		t, report.Errors, `unknown key "storage_pth"; did you mean "storage_path"?`,
		`"webauthn_proxy_config.session_hots"; did you mean "webauthn_proxy_config.session_host"?`,
		"read_only must be true or false", `service_prefix "h"`,
		"overlay_backends[0].storage_backend", "overlay_backends[1]",
		"overlay_backends[2].s3_config.buckets.ns.v1/x.bucket_name is missing", "hatrac_s3_method",
		`"bucket_nam" in overlay_backends[2].s3_config.buckets.ns.v1/x; did you mean "bucket_name"?`,
		`"nobody"`, `session_host "user@evil"`,
	)
}

func TestPrecedence(t *testing.T) {
	file := write(t, `{
		"database_dsn": "file", "deleted_retention": "1h", "upload_expiration": "1h", "trusted_proxies": ["10.0.0.1"],
		"webauthn_proxy_config": {"session_host": "file", "session_path": "/file"},
		"s3_config": {"buckets": {"a.b/C": {"bucket_name": "x"}}}, "storage_backend": "amazons3"
	}`)
	got, report := Read(Source{
		File: file,
		Environ: []string{
			"HATRAC_DATABASE_NAME=environment", "HATRAC_DELETED_RETENTION=2h", "HATRAC_UPLOAD_EXPIRATION=2h",
			"HATRAC_TRUSTED_PROXIES=10.0.0.2, 10.0.0.3", "HATRAC_WEBAUTHN_PROXY_CONFIG__SESSION_HOST=environment",
			`HATRAC_FIREWALL_ACLS__CREATE=["a,b"]`, "HATRAC_FIREWALL_ACLS__DELETE=", "HATRAC_S3_CONFIG__LEGACY_MAPPING=true",
			"HATRAC_NONSENSE=1", "OTHER=1", "HATRAC_TEST_DSN=1",
		},
		Flags: map[string]string{"deleted_retention": "3h", "webauthn_proxy_config.session_cache_max_age_s": "1.5"},
	})
	mentions(t, report.Errors)
	mentions(t, report.Warnings, "HATRAC_NONSENSE")
	if got.Database != "environment" || got.DeletedRetention != 3*time.Hour || got.UploadExpiration != 2*time.Hour {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff([]string{"10.0.0.2", "10.0.0.3"}, got.TrustedProxies); diff != "" {
		t.Error(diff)
	}
	if p := got.Sessions.Proxy; p.Host != "environment" || p.Path != "/file" || p.MaxAge != 1500*time.Millisecond || !p.Verify {
		t.Errorf("got %+v", p)
	}
	if diff := cmp.Diff(acl.Firewall{Create: acl.List{"a,b"}, Delete: acl.List{}, ManageACLs: acl.List{"*"}, ManageMetadata: acl.List{"*"}}, got.Firewall); diff != "" {
		t.Error(diff)
	}
	if got.Storage.S3 == nil || !got.Storage.S3.Legacy || got.Storage.S3.Buckets["a.b/C"].Name != "x" {
		t.Errorf("got %+v", got.Storage)
	}
}

func TestEnvironmentAloneIsEnough(t *testing.T) {
	got, report := Read(Source{Environ: []string{
		"HATRAC_DATABASE_TYPE=postgres", "HATRAC_DATABASE_DSN=dbname=h", "HATRAC_STORAGE_BACKEND=amazons3",
		`HATRAC_S3_CONFIG={"buckets": {"/NS.v1/Sub": {"bucket_name": "x"}}}`,
	}})
	mentions(t, report.Errors)
	if got.Data != "" || got.Database != "dbname=h" || got.Storage.S3.Buckets["NS.v1/Sub"].Name != "x" {
		t.Errorf("got %+v", got)
	}
	got, report = Read(Source{Data: "/d", Environ: []string{
		"HATRAC_STORAGE_PATH=/elsewhere", "HATRAC_S3_CONNECTION__AWS_SECRET_ACCESS_KEY=0123",
	}})
	mentions(t, report.Errors)
	if got.Storage.Path != "/d/content" || got.values.s3Connection != nil {
		t.Errorf("the environment moves an embedded store: %+v", got.Storage)
	}
	_, report = Read(Source{
		File: write(t, `{"database_dsn": "x", "backend": "amazons3", "s3_bucket": "b", "s3_connection": {"aws_access_key_id": "A"}}`),
		Environ: []string{
			"HATRAC_S3_CONNECTION__AWS_SECRET_ACCESS_KEY=0123", "HATRAC_S3_CONFIG__LEGACY={", "HATRAC_S3_OBJECT_PREFIX=12",
		},
	})
	mentions(t, report.Errors, "HATRAC_S3_CONFIG__LEGACY must be JSON")
	got, report = Read(Source{
		File:    write(t, `{"database_dsn": "x", "backend": "amazons3", "s3_bucket": "b", "s3_connection": {"aws_access_key_id": "A"}}`),
		Environ: []string{"HATRAC_S3_CONNECTION__AWS_SECRET_ACCESS_KEY=0123", "HATRAC_S3_OBJECT_PREFIX=12"},
	})
	mentions(t, report.Errors)
	if b := got.Storage.S3.Buckets[""]; b.Client.SecretAccessKey != "0123" || b.Client.AccessKeyID != "A" || b.PathPrefix != "12" {
		t.Errorf("got %+v", b)
	}
	got, report = Read(Source{Environ: []string{"HATRAC_DATA=/d", "HATRAC_INLINE_LIMIT=0"}})
	mentions(t, report.Errors)
	if got.Data != "/d" || got.Database != "/d/hatrac.db" || got.InlineLimit != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestSecretsComeFromFiles(t *testing.T) {
	dir := t.TempDir()
	secret := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	dsn, key := secret("dsn", "dbname=h password=p\n", 0o644), secret("key", "tiger\r\n", 0o600)
	text := `{"database_type": "postgres", "database_dsn_file": "` + dsn + `", "storage_backend": "amazons3", "session_providers": ["accounts"],
		"s3_bucket": "b", "s3_connection": {"aws_access_key_id": "A", "aws_secret_access_key_file": "` + key + `"}}`
	got, report := Read(Source{File: write(t, text)})
	mentions(t, report.Errors)
	mentions(t, report.Warnings, "everybody on this machine can read "+dsn)
	if got.Database != "dbname=h password=p" || got.Storage.S3.Buckets[""].Client.SecretAccessKey != "tiger" {
		t.Errorf("got %+v", got)
	}
	got, report = Read(Source{File: write(t, `{"database_dsn": "file"}`), Environ: []string{"HATRAC_DATABASE_DSN_FILE=" + key}})
	mentions(t, report.Errors)
	if got.Database != "tiger" {
		t.Errorf("got %q", got.Database)
	}
	for config, word := range map[string]string{
		`{"database_dsn": "x", "database_dsn_file": "` + key + `"}`: "both given",
		`{"database_dsn_file": "/nowhere/dsn"}`:                     "/nowhere/dsn",
	} {
		_, report := Read(Source{File: write(t, config)})
		if len(report.Errors) == 0 || !strings.Contains(report.Errors[0], word) {
			t.Errorf("%s: %q", config, report.Errors)
		}
	}
}

func TestWhatIsShownHasNoSecrets(t *testing.T) {
	for _, name := range []string{"old.json", "s3.json", "overlay.json"} {
		cfg, _ := read(t, name)
		text, err := cfg.Show()
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"hunter2", "tiger", `"B"`} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s shows %s", name, secret)
			}
		}
		// What is shown is a configuration, and means the same but for the secrets.
		again, report := Read(Source{File: write(t, string(text))})
		if len(report.Errors) > 0 {
			t.Fatalf("%s: %q\n%s", name, report.Errors, text)
		}
		if diff := cmp.Diff(cfg.Firewall, again.Firewall); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(cfg.ErrorTemplates, again.ErrorTemplates); diff != "" {
			t.Error(diff)
		}
		if !json.Valid(text) {
			t.Errorf("%s is no JSON", text)
		}
	}
	for dsn, want := range map[string]string{
		"host=h password='a b\\' c' user=u":    "host=h password=*** user=u",
		"host=h sslpassword = x dbname=d":      "host=h sslpassword = *** dbname=d",
		"postgres://u:p%40x@h/d?sslpassword=y": "postgres://u:***@h/d?sslpassword=***",
		"postgres://u@h/d":                     "postgres://u@h/d",
		"postgres://u:p@h:bad port/d":          "***",
		"/d/h.db":                              "/d/h.db",
	} {
		if got := maskDSN(dsn); got != want {
			t.Errorf("%s is shown as %s, want %s", dsn, got, want)
		}
	}
}

func TestTheTableOfKeysIsSound(t *testing.T) {
	names, flags := map[string]bool{}, map[string]bool{}
	for _, k := range Keys() {
		if names[k.Name] || flags[k.Flag] || k.Doc == "" {
			t.Errorf("%s is there twice, or says nothing", k.Name)
		}
		names[k.Name], flags[k.Flag] = true, true
	}
}
