package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hatrac/hatrac/store/postgres/pgtest"
	"github.com/hatrac/hatrac/store/s3/s3test"
)

// stories are scripts in testdata/daily that do a day's work with a program or two. The value says
// whether it is also done with content in S3 and names in PostgreSQL.
var stories = map[string]bool{
	"rsync": true, "snapshots": true, "copy": false, "git": true, "sqlite": true, "editors": true, "append": true,
	"make": false, "python": true, "find": false, "storm": true, "emacs": true, "gio": false, "r": false, "stress": false,
}

// tell runs a story in a folder of its own in a mount that admin uses.
func tell(t *testing.T, story, mount string, admin *client) {
	t.Helper()
	folder, err := filepath.Abs("testdata/daily")
	if err != nil {
		t.Fatal(err)
	}
	inside := filepath.Join(mount, story)
	if err := os.Mkdir(inside, 0o755); err != nil {
		t.Fatal(err)
	}
	output(t, "", "env",
		"src="+t.TempDir(), "top="+mount, "api="+admin.url+"/"+story, "token="+admin.token,
		"bash", "-c", `cd "$1" && . "$2" && . "$3"`, "-", inside,
		filepath.Join(folder, "prelude.sh"), filepath.Join(folder, story+".sh"))
}

func TestADaysWork(t *testing.T) {
	s := newSite(t)
	admin := s.as(s.token("admin"))
	for story := range stories {
		t.Run(story, func(t *testing.T) { tell(t, story, s.mount, admin) })
	}
	s.stop()
	text, _ := s.text()
	if strings.Contains(text, `"level":"error"`) {
		t.Errorf("the server complains:\n%s", tail(text, 4<<10))
	}
}

// newFarSite makes a store with its names in PostgreSQL and its content in S3, and serves and mounts
// it.
func newFarSite(t *testing.T) (p *process, mount string, admin *client) {
	t.Helper()
	db, err := pgtest.New()
	if err == nil {
		t.Cleanup(func() { _ = db.Remove() })
		err = db.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Stop() })
	server, err := s3test.New()
	if err == nil {
		t.Cleanup(func() { _ = server.Remove() })
		err = server.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	if err := server.MakeBucket(t.Context(), "all", true); err != nil {
		t.Fatal(err)
	}
	config := configFile(t, map[string]any{
		"database_type": "postgres", "database_dsn": db.DSN("postgres"),
		"storage_backend": "amazons3", "mount_spool_path": filepath.Join(t.TempDir(), "spool"),
		"s3_config": map[string]any{
			"default_session": map[string]any{
				"aws_access_key_id": s3test.AccessKey, "aws_secret_access_key": s3test.SecretKey, "region_name": "us-east-1",
			},
			"buckets": map[string]any{"/": map[string]any{"bucket_name": "all", "s3_client_kwargs": map[string]any{
				"endpoint_url": server.URL(), "config": map[string]any{"s3": map[string]any{"addressing_style": "path"}},
			}}},
		},
	})
	output(t, "", program, "init", "--config", config, "--owner", "admin")
	output(t, "correct horse\n", program, "user", "add", "admin", "--password-file", "-", "--config", config)
	token := strings.TrimSpace(output(t, "", program, "token", "create", "admin", "--config", config))
	mount = filepath.Join(t.TempDir(), "mnt")
	p = start(t, []string{mount}, "serve", "--config", config, "--listen", "127.0.0.1:0", "--mount", mount, "--log-level", "warn")
	admin = &client{t: t, url: p.waitFor("REST API"), token: token}
	p.waitFor("Mount ")
	return p, mount, admin
}

func TestADaysWorkWithContentInS3(t *testing.T) {
	p, mount, admin := newFarSite(t)
	for story, far := range stories {
		if far {
			t.Run(story, func(t *testing.T) { tell(t, story, mount, admin) })
		}
	}
	p.stop()
}

func TestEachStoryIsTold(t *testing.T) {
	files, err := filepath.Glob("testdata/daily/*.sh")
	if err != nil || len(files) != len(stories)+1 {
		t.Errorf("there are %d scripts, %v; want one for each story, and the prelude", len(files), err)
	}
}
