package fusefs

import (
	"context"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/s3"
	"github.com/hatrac/hatrac/store/s3/s3test"
	"github.com/hatrac/hatrac/store/sqlite"
	"github.com/hatrac/hatrac/store/storetest"
)

// newRemoteRig is a rig whose content lies elsewhere.
func newRemoteRig(t *testing.T, change ...func(*Config)) (*rig, *storetest.Remote) {
	t.Helper()
	remote := &storetest.Remote{Assembler: bulkOf(t, t.TempDir())}
	return newRigOn(t, remote, change...), remote
}

// newRigOn is a rig on a storage without a folder for drafts.
func newRigOn(t *testing.T, bulk store.Assembler, change ...func(*Config)) *rig {
	t.Helper()
	return mountRig(t, serviceOn(t, sqliteOf(t), bulk, 0), append(change, func(c *Config) { c.SpoolDir = t.TempDir() })...)
}

// serviceOn makes a store of two back ends, of which the directory is new.
func serviceOn(t *testing.T, dir store.Directory, bulk store.Assembler, inline int) *service.Service {
	t.Helper()
	if err := service.Init(t.Context(), dir, []string{"alice"}); err != nil {
		t.Fatal(err)
	}
	svc, err := service.New(service.Config{Directory: dir, Bulk: bulk, InlineLimit: inline, Firewall: acl.Open()})
	if err != nil {
		t.Fatal(err)
	}
	return svc
}

func sqliteOf(t *testing.T) store.Directory {
	t.Helper()
	dir, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "db"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	return dir
}

// inS3 returns a storage in an S3 server of its own.
func inS3(t testing.TB) *s3.Bulk {
	t.Helper()
	return bucketIn(t, startS3(t), s3.Client{})
}

// startS3 starts an S3 server with a bucket.
func startS3(t testing.TB) *s3test.Server {
	t.Helper()
	server, err := s3test.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Remove() })
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Kill() })
	if err := server.MakeBucket(t.Context(), "bucket", false); err != nil {
		t.Fatal(err)
	}
	return server
}

// bucketIn returns a storage in the bucket of a server, which it reaches as the client says.
func bucketIn(t testing.TB, server *s3test.Server, client s3.Client) *s3.Bulk {
	t.Helper()
	return bucketAt(t, server.URL(), client)
}

// bucketAt is bucketIn for a server behind something else.
func bucketAt(t testing.TB, url string, client s3.Client) *s3.Bulk {
	t.Helper()
	client.Endpoint, client.PathStyle, client.Region = url, true, s3test.Region
	client.AccessKeyID, client.SecretAccessKey = s3test.AccessKey, s3test.SecretKey
	bulk, err := s3.Open(t.Context(), s3.Config{Buckets: map[string]s3.Bucket{"": {
		Name: "bucket", PathPrefix: s3.DefaultPathPrefix, Method: s3.ByNameAndVersion, Client: client,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bulk.Close() })
	return bulk
}

func TestContentInS3(t *testing.T) {
	r := newRigOn(t, inS3(t))
	text := strings.Repeat("0123456789abcdef", 1<<20)
	v := r.put("/f", text)
	reader := r.python()
	reader.must(`fd = os.open("f", os.O_RDONLY); assert os.pread(fd, 16, 9 << 20) == b"0123456789abcdef"`)
	if r.sh("cat f") != text || r.sh("cat f:"+v.Version) != text {
		t.Error("the file reads otherwise")
	}
	r.sh("printf X | dd of=f conv=notrunc seek=8M bs=1 status=none; cp f g; cmp f g; cat f >> g")
	r.settled()
	changed := text[:8<<20] + "X" + text[8<<20+1:]
	r.holds("/f", changed)
	r.holds("/g", changed+changed)
	reader.must(`assert os.pread(fd, 16, 8 << 20) == b"0123456789abcdef"; os.close(fd)`)
}

func TestContentElsewhereIsReadAheadAndKept(t *testing.T) {
	r, remote := newRemoteRig(t)
	text := strings.Repeat("0123456789abcdef", 1<<20) // 16 blocks
	v := r.put("/f", text)
	if r.sh("cat f") != text {
		t.Error("the file reads otherwise")
	}
	if n := remote.Requests(); n > 12 {
		t.Errorf("%d requests for 16 blocks", n)
	}
	was := remote.Requests()
	if r.sh("cat f:"+v.Version) != text { // another inode: not in the kernel's cache
		t.Error("the snapshot reads otherwise")
	}
	if n := remote.Requests(); n != was {
		t.Errorf("%d more requests for what was read already", n-was)
	}
}

func TestContentElsewhereIsWrittenInPlace(t *testing.T) {
	r, _ := newRemoteRig(t)
	r.put("/f", letters('a', 3<<20))
	reader := r.python()
	reader.must(`fd = os.open("f", os.O_RDONLY)`)
	r.sh("printf b | dd of=f conv=notrunc seek=2M bs=1 status=none")
	r.settled()
	r.holds("/f", letters('a', 2<<20)+"b"+letters('a', 1<<20-1))
	reader.must(`assert os.pread(fd, 4 << 20, 0) == b"a" * (3 << 20)`)
	r.count("/f", 2)
}

func TestStorageThatHangsIsAnErrorInBoundedTime(t *testing.T) {
	r, remote := newRemoteRig(t, func(c *Config) { c.Deadline = 200 * time.Millisecond })
	r.put("/f", letters('a', 3<<20))
	remote.SetFault(storetest.Hang)
	r.refused("cat f", "Input/output error")
	remote.SetFault(nil)
	r.expect("cksum < f | cut -d' ' -f2", "3145728\n")
}

func TestWhoWaitsForStorageThatHangsCanBeKilled(t *testing.T) {
	for _, use := range []string{
		"cat f", "dd if=/dev/zero count=1 of=f conv=notrunc", "truncate -s 2M f",
		`python3 -c "import os; os.read(os.open('f', os.O_RDWR), 9)"`,
	} {
		t.Run(use, func(t *testing.T) {
			r, remote := newRemoteRig(t, func(c *Config) { c.Deadline = time.Hour })
			r.put("/f", letters('a', 3<<20))
			var asked atomic.Bool
			remote.SetFault(func(ctx context.Context, off, n int64) error {
				asked.Store(true)
				return storetest.Hang(ctx, off, n)
			})
			p := r.open()
			p.must("exec " + use + " > /dev/null 2>&1 & pid=$!")
			for !asked.Load() {
				r.sh("stat . > /dev/null")
			}
			if out, _ := p.run("kill -9 $pid; wait $pid; echo $?"); !strings.Contains(out, "137") {
				t.Errorf("the end: %s", out)
			}
		})
	}
}
