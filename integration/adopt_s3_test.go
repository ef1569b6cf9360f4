package integration

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/jackc/pgx/v5"

	"github.com/hatrac/hatrac/store/postgres/pgtest"
	"github.com/hatrac/hatrac/store/s3/s3test"
)

// originalS3 is a deployment of the original server that keeps its content in two buckets, one for
// each way to make keys.
type originalS3 struct {
	t      *testing.T
	client *s3.Client
	conn   *pgx.Conn
	config string
	next   int // ID of the next row
}

// part is the least length of a part in S3 that is not the last one.
const part = 5 << 20

func newOriginalS3(t *testing.T) *originalS3 {
	t.Helper()
	server, err := s3test.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Remove() })
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	if err := errors.Join(server.MakeBucket(t.Context(), "plain", true), server.MakeBucket(t.Context(), "versions", true)); err != nil {
		t.Fatal(err)
	}
	db, err := pgtest.New("fsync=off")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Remove() })
	if err := db.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Stop() })
	o := &originalS3{t: t, client: server.Client(), next: 100}
	if o.conn, err = pgx.Connect(t.Context(), db.DSN("postgres")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.conn.Close(context.Background()) })
	text, err := os.ReadFile("../store/postgres/testdata/original.sql")
	if err != nil {
		t.Fatal(err)
	}
	tables, _, _ := strings.Cut(string(text), "\nINSERT INTO")
	o.exec(tables)
	reached := map[string]any{"endpoint_url": server.URL(), "config": map[string]any{"s3": map[string]any{"addressing_style": "path"}}}
	o.config = configFile(t, map[string]any{
		"database_type": "postgres", "database_dsn": db.DSN("postgres"), "storage_backend": "amazons3",
		"s3_config": map[string]any{
			"default_session": map[string]any{
				"aws_access_key_id": s3test.AccessKey, "aws_secret_access_key": s3test.SecretKey, "region_name": s3test.Region,
			},
			"buckets": map[string]any{
				"/":    map[string]any{"bucket_name": "plain", "s3_client_kwargs": reached},
				"/ver": map[string]any{"bucket_name": "versions", "hatrac_s3_method": "pref/**/hname:hver", "s3_client_kwargs": reached},
			},
		},
	})
	return o
}

func (o *originalS3) exec(sql string, args ...any) {
	o.t.Helper()
	if _, err := o.conn.Exec(o.t.Context(), sql, args...); err != nil {
		o.t.Fatal(err)
	}
}

// name adds a name in the namespace with the ID parent, and returns its ID.
func (o *originalS3) name(parent any, name string, subtype int) int {
	o.t.Helper()
	o.next++
	o.exec(`INSERT INTO hatrac.name (id, pid, ancestors, name, subtype, is_deleted, owner) VALUES ($1, $2, '{}', $3, $4, false, '{curators}')`,
		o.next, parent, name, subtype)
	return o.next
}

// version adds a version of the name.
func (o *originalS3) version(name int, version, content string, aux any) {
	o.t.Helper()
	o.next++
	o.exec(`INSERT INTO hatrac.version (id, nameid, version, nbytes, metadata, is_deleted, owner, aux)
		VALUES ($1, $2, $3, $4, '{"content-type": "text/plain"}', false, '{curators}', $5::json)`,
		o.next, name, version, len(content), aux)
}

// put stores an object and returns the version id that S3 gave it.
func (o *originalS3) put(bucket, key, content string) string {
	o.t.Helper()
	said, err := o.client.PutObject(o.t.Context(), &s3.PutObjectInput{
		Bucket: &bucket, Key: aws.String("hatrac/" + key), Body: strings.NewReader(content), ContentType: aws.String("text/plain"),
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return *said.VersionId
}

// upload begins an upload of a part and five bytes, of which the part is there, and returns its id.
func (o *originalS3) upload(name int, bucket, key, prefix, first string) string {
	o.t.Helper()
	key = "hatrac/" + key
	begun, err := o.client.CreateMultipartUpload(o.t.Context(), &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: &key})
	if err != nil {
		o.t.Fatal(err)
	}
	sent, err := o.client.UploadPart(o.t.Context(), &s3.UploadPartInput{
		Bucket: &bucket, Key: &key, UploadId: begun.UploadId, PartNumber: aws.Int32(1), Body: bytes.NewReader([]byte(first)),
	})
	if err != nil {
		o.t.Fatal(err)
	}
	o.next++
	job := prefix + *begun.UploadId
	o.exec(`INSERT INTO hatrac.upload (id, nameid, job, nbytes, chunksize, metadata, owner) VALUES ($1, $2, $3, $4, $5, '{}', '{curators}')`,
		o.next, name, job, part+5, part)
	o.exec(`INSERT INTO hatrac.chunk (uploadid, position, aux) VALUES ($1, 0, json_build_object('etag', $2::text))`, o.next, *sent.ETag)
	return job
}

// TestTakesOverAnOriginalServerOnS3 serves what the original server put into S3, byte by byte, and
// goes on with its uploads.
func TestTakesOverAnOriginalServerOnS3(t *testing.T) {
	o := newOriginalS3(t)
	t.Setenv("AWS_CA_BUNDLE", "")
	root := o.name(nil, "/", 0)
	ns, ver := o.name(root, "/ns", 0), o.name(root, "/ver", 0)
	want := make(map[string]string)

	twice := o.name(ns, "/ns/twice", 1)
	for _, content := range []string{"first", "second"} {
		id := o.put("plain", "ns/twice", content)
		o.version(twice, id, content, nil)
		want["/ns/twice:"+id], want["/ns/twice"] = content, content
	}
	old, renamed := o.name(ns, "/ns/old", 1), o.name(ns, "/ns/renamed", 1)
	moved := o.put("plain", "ns/old", "renamed")
	o.version(old, moved, "renamed", `{"rename_to": ["/ns/renamed", "`+moved+`"]}`)
	o.version(renamed, moved, "renamed", `{"hname": "/ns/old", "hversion": "`+moved+`"}`)
	want["/ns/old"], want["/ns/renamed"], want["/ns/old:"+moved] = "renamed", "renamed", "renamed"
	typed := o.put("plain", "ns/T%c3%a9l%2d1", "as it was typed")
	o.version(o.name(ns, "/ns/T%c3%a9l%2d1", 1), typed, "as it was typed", nil)
	want["/ns/T%C3%A9l-1"] = "as it was typed"

	byVersion := o.name(ver, "/ver/o", 1)
	for id, content := range map[string]string{"H1": "one", "H2": "two!"} {
		o.put("versions", "ver/o:"+id, content)
		o.version(byVersion, id, content, "null")
		want["/ver/o:"+id] = content
	}
	kept := o.put("versions", "ver/former:H3", "kept")
	o.put("versions", "ver/former:H3", "what was put over it")
	o.version(o.name(ver, "/ver/other", 1), "H3", "kept", `{"hname": "/ver/former", "hversion": "H3", "version": "`+kept+`"}`)
	want["/ver/other:H3"] = "kept"

	first := strings.Repeat("p", part)
	jobs := map[string]string{
		"/ns/up":  o.upload(o.name(ns, "/ns/up", 1), "plain", "ns/up", "", first),
		"/ver/up": o.upload(o.name(ver, "/ver/up", 1), "versions", "ver/up:V9", "V9.", first),
	}

	code, stdout, stderr := call(t, t.TempDir(), "", "migrate", "--config", o.config)
	if code != 0 || !strings.Contains(stderr, "webauthn_proxy_config") || !strings.Contains(stdout, "2         uploads are under way") {
		t.Fatalf("exit %d, %s%s", code, stdout, stderr)
	}
	output(t, "", program, "fsck", "--config", o.config, "--deep", "--grace", "0s")
	output(t, "correct horse\n", program, "user", "add", "ada", "--role", "curators", "--password-file", "-", "--config", o.config)
	token := strings.TrimSpace(output(t, "", program, "token", "create", "ada", "--config", o.config))
	p := start(t, nil, "serve", "--config", o.config, "--listen", "127.0.0.1:0", "--log-level", "warn")
	ada := &client{t: t, url: p.waitFor("REST API"), token: token}
	for path, content := range want {
		if got := ada.want(http.StatusOK, http.MethodGet, path, ""); string(got) != content {
			t.Errorf("%s is %q, want %q", path, got, content)
		}
	}
	for path, job := range jobs {
		upload := path + ";upload/" + strings.ReplaceAll(job, "/", "%2F")
		ada.want(http.StatusNoContent, http.MethodPut, upload+"/1", "rest!")
		made := strings.TrimSpace(string(ada.want(http.StatusCreated, http.MethodPost, upload, "")))
		if got := ada.want(http.StatusOK, http.MethodGet, strings.TrimPrefix(made, "/hatrac"), ""); string(got) != first+"rest!" {
			t.Errorf("%s has %d bytes", made, len(got))
		}
	}
	made := ada.put("/ns/twice", "third")
	if got := ada.want(http.StatusOK, http.MethodGet, made, ""); string(got) != "third" {
		t.Errorf("%s is %q", made, got)
	}
	ada.want(http.StatusNoContent, http.MethodDelete, "/ver/o", "")
	p.stop()
	output(t, "", program, "fsck", "--config", o.config, "--deep", "--grace", "0s")
	copied := filepath.Join(t.TempDir(), "copied")
	output(t, "", program, "copy", "--from", o.config, "--to", copied)
	output(t, "", program, "fsck", "--data", copied, "--deep")
}
