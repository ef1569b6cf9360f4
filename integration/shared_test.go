package integration

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/hatrac/hatrac/store/postgres/pgtest"
	"github.com/hatrac/hatrac/store/s3/s3test"
)

// shared is a store that any number of processes serve: PostgreSQL has the directory and S3, behind
// a proxy, has the content, all of it.
type shared struct {
	t       *testing.T
	db      *pgtest.Server
	objects *s3test.Server
	proxy   *s3test.Proxy
	config  string
	token   string // of ada, who owns the store
}

func newShared(t *testing.T) *shared {
	t.Helper()
	s := &shared{t: t, db: startPostgres(t), objects: startS3(t)}
	if err := s.objects.MakeBucket(t.Context(), "bucket", false); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.proxy, err = s.objects.NewProxy(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.proxy.Close() })
	t.Setenv("AWS_CA_BUNDLE", "")
	s.config = configFile(t, map[string]any{
		"database_type": "postgres", "database_dsn": s.db.DSN("postgres"), "database_max_retries": 2,
		"storage_backend": "amazons3", "inline_limit": 0, "mount_spool_path": filepath.Join(t.TempDir(), "drafts"),
		"s3_config": map[string]any{
			"default_session": map[string]any{
				"aws_access_key_id": s3test.AccessKey, "aws_secret_access_key": s3test.SecretKey, "region_name": s3test.Region,
			},
			"buckets": map[string]any{"/": map[string]any{
				"bucket_name": "bucket", "hatrac_s3_method": "pref/**/hname:hver",
				"s3_client_kwargs": map[string]any{
					"endpoint_url": s.proxy.URL(),
					"config":       map[string]any{"read_timeout": 3, "retries": map[string]any{"total_max_attempts": 2}},
				},
			}},
		},
	})
	output(t, "", program, "init", "--config", s.config, "--owner", "curators")
	output(t, "correct horse\n", program, "user", "add", "ada", "--role", "curators", "--password-file", "-", "--config", s.config)
	s.token = strings.TrimSpace(output(t, "", program, "token", "create", "ada", "--config", s.config))
	return s
}

// serve starts a process that serves the store, and a client of it that is ada.
func (s *shared) serve(mounts []string, more ...string) (*process, *client) {
	s.t.Helper()
	args := []string{"serve", "--config", s.config, "--listen", "127.0.0.1:0", "--log-level", "fatal"}
	p := start(s.t, mounts, append(args, more...)...)
	return p, &client{t: s.t, url: p.waitFor("REST API"), token: s.token}
}
