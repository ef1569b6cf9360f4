package fusefs

import (
	"testing"
	"time"

	"github.com/hatrac/hatrac/store"
	layers "github.com/hatrac/hatrac/store/overlay"
	"github.com/hatrac/hatrac/store/postgres"
	"github.com/hatrac/hatrac/store/postgres/pgtest"
	"github.com/hatrac/hatrac/store/s3"
)

func postgresOf(t *testing.T) store.Directory {
	t.Helper()
	server, err := pgtest.New("fsync=off")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Remove() })
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	dir, err := postgres.Open(t.Context(), postgres.Config{DSN: server.DSN("postgres"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	return dir
}

// TestUseOnEveryPair uses a mount in all ways that there are, on stores that keep no content in the
// directory.
func TestUseOnEveryPair(t *testing.T) {
	files := func(t *testing.T) store.Assembler { return bulkOf(t, t.TempDir()) }
	buckets := func(t *testing.T) store.Assembler { return inS3(t) }
	over := func(first, second func(*testing.T) store.Assembler) func(*testing.T) store.Assembler {
		return func(t *testing.T) store.Assembler { return layers.New(first(t), second(t)) }
	}
	for _, pair := range []struct {
		name      string
		directory func(*testing.T) store.Directory
		storage   func(*testing.T) store.Assembler
	}{
		{"SQLite and files", sqliteOf, files},
		{"SQLite and S3", sqliteOf, buckets},
		{"SQLite and files over S3", sqliteOf, over(files, buckets)},
		{"PostgreSQL and files", postgresOf, files},
		{"PostgreSQL and S3", postgresOf, buckets},
		{"PostgreSQL and S3 over files", postgresOf, over(buckets, files)},
	} {
		t.Run(pair.name, func(t *testing.T) {
			svc := serviceOn(t, pair.directory(t), pair.storage(t), -1)
			runService(t, svc)
			useAll(mountRig(t, svc, func(c *Config) { c.SpoolDir = t.TempDir() }))
		})
	}
}

// useAll is what people do.
func useAll(r *rig) {
	r.Helper()
	r.expect("mkdir d; cd d; echo one > f; echo two > f; touch empty; ln -s f l; cat f l empty; ls", "two\ntwo\nempty\nf\nl\n")
	then := time.Now().UTC().Format(time.RFC3339Nano)
	ids := r.versions("/d/f")
	if len(ids) != 2 {
		r.Fatalf("there are the versions %q", ids)
	}
	r.expect("cd d; cat f:"+ids[0]+" .versions/f/*; ls 'f;versions' | wc -l", "one\none\ntwo\n2\n")
	r.expect("cd d; mv f g; echo three > g; cat g; cat ../.snapshots/"+then+"/d/f", "three\ntwo\n")
	r.refused("cat d/f", "No such file")

	out := r.TempDir()
	r.sh("mkdir in; rsync -a /usr/share/common-licenses/ in; diff -r /usr/share/common-licenses in")
	r.expect("rsync -ai /usr/share/common-licenses/ in", "")
	r.sh("rsync -a in/ " + out + "; diff -r in " + out)

	r.sh("head -c 20M /dev/urandom > big; cp big " + out + "; cp big copy; cmp big copy")
	r.sh("for file in copy " + out + "/big; do printf X | dd of=$file conv=notrunc seek=10M bs=1 status=none; echo end >> $file; done")
	r.sh("cmp copy " + out + "/big; truncate -s 7M copy; cmp -n 7340032 copy big")
	r.expect("stat -c %s copy; rm -r in d copy; ls", "7340032\nbig\n")
	r.settled()
	r.count("/big", 1)
}

// TestS3ThatStandsStill freezes S3 while a mount is used, lets it go on, and freezes it once more to
// unmount while a file is open for writing.
func TestS3ThatStandsStill(t *testing.T) {
	server := startS3(t)
	t.Cleanup(func() { _ = server.Thaw() })
	bulk := bucketIn(t, server, s3.Client{ReadTimeout: time.Second, Retries: 1})
	r := newRigOn(t, bulk, func(c *Config) { c.Deadline = 5 * time.Second })
	text := letters('a', 3<<20)
	r.put("/f", text)
	p := r.python()
	p.must(`fd = os.open("g", os.O_WRONLY | os.O_CREAT); n = os.write(fd, b"x" * 100000)`)

	if err := server.Freeze(); err != nil {
		t.Fatal(err)
	}
	p.fails("os.close(fd)", "EIO")
	r.refused("cat f", "Input/output error")
	r.refused("cp /bin/true h", "Input/output error")
	r.expect("ls", "f\n")
	r.settled()
	if kept := r.kept(); len(kept) != 2 {
		t.Errorf("kept: %+v", kept)
	}

	if err := server.Thaw(); err != nil {
		t.Fatal(err)
	}
	if r.sh("cat f") != text {
		t.Error("the file reads otherwise")
	}
	r.expect("head -c 100000 f > g; cmp -n 100000 f g; ls", "f\ng\n")
	p.must(`fd = os.open("late", os.O_WRONLY | os.O_CREAT); n = os.write(fd, b"x" * 100000); os.chdir("/")`)
	if err := server.Freeze(); err != nil {
		t.Fatal(err)
	}
	m := r.m
	r.unmount()
	p.fails("os.close(fd)", "EIO")
	m.Wait()
	if kept := r.kept(); len(kept) != 3 {
		t.Errorf("kept: %+v", kept)
	}
	if err := server.Thaw(); err != nil {
		t.Fatal(err)
	}
	r.mount()
	r.expect("ls; cat g", "f\ng\n"+text[:100000])
}
