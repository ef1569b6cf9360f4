package integration

import (
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hatrac/hatrac/store/s3/s3test"
)

// startS3 starts an S3 server for the test.
func startS3(t *testing.T) *s3test.Server {
	t.Helper()
	server, err := s3test.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Remove(); err != nil {
			t.Error(err)
		}
	})
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Kill(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// TestServesFromS3 keeps the content in two buckets, of which the configuration gives one to a
// namespace whose name has a dot.
func TestServesFromS3(t *testing.T) {
	server := startS3(t)
	if err := errors.Join(server.MakeBucket(t.Context(), "all", true), server.MakeBucket(t.Context(), "part", false)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", "")
	t.Setenv("HATRAC_INLINE_LIMIT", "0")
	reached := map[string]any{"endpoint_url": server.URL(), "config": map[string]any{"s3": map[string]any{"addressing_style": "path"}}}
	config := configFile(t, map[string]any{
		"database_dsn": filepath.Join(t.TempDir(), "h.db"), "storage_backend": "amazons3",
		"s3_config": map[string]any{
			"default_session": map[string]any{
				"aws_access_key_id": s3test.AccessKey, "aws_secret_access_key": s3test.SecretKey, "region_name": "us-east-1",
			},
			"buckets": map[string]any{
				"/":          map[string]any{"bucket_name": "all", "s3_client_kwargs": reached},
				"/NS.v1/Sub": map[string]any{"bucket_name": "part", "hatrac_s3_method": "pref/**/hname:hver", "client_config": reached},
			},
		},
	})
	output(t, "", program, "init", "--config", config, "--owner", "curators")
	output(t, "", program, "config", "check", "--config", config, "--connect")
	output(t, "correct horse\n", program, "user", "add", "ada", "--role", "curators", "--password-file", "-", "--config", config)
	token := strings.TrimSpace(output(t, "", program, "token", "create", "ada", "--config", config))
	p := start(t, nil, "serve", "--config", config, "--listen", "127.0.0.1:0")
	ada := &client{t: t, url: p.waitFor("REST API"), token: token}
	ada.mkdir("/NS.v1")
	ada.mkdir("/NS.v1/Sub")
	for _, path := range []string{"/o", "/NS.v1/Sub/o"} {
		version := ada.put(path, "content of "+path)
		if got := ada.want(http.StatusOK, http.MethodGet, version, ""); string(got) != "content of "+path {
			t.Errorf("%s has %q", path, got)
		}
	}
	for bucket, key := range map[string]string{"all": "hatrac/o", "part": "hatrac/NS.v1/Sub/o:"} {
		if keys := keysIn(t, server, bucket); len(keys) != 1 || !strings.HasPrefix(keys[0], key) {
			t.Errorf("the bucket %s has %q, want %s", bucket, keys, key)
		}
	}
	p.stop()
}

// keysIn returns the keys of a bucket.
func keysIn(t *testing.T, server *s3test.Server, bucket string) []string {
	t.Helper()
	listed, err := server.Client().ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, object := range listed.Contents {
		keys = append(keys, *object.Key)
	}
	return keys
}
