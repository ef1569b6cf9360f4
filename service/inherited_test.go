package service_test

import (
	"crypto/md5"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// inherit makes an upload to /d/o that another server began: its file, and no record of chunks.
func (b *bench) inherit(job, content string, size int64, m store.Metadata) *service.JobInfo {
	b.t.Helper()
	b.must(os.MkdirAll(filepath.Join(b.content, "d"), 0o755))
	b.must(os.WriteFile(filepath.Join(b.content, "d", "o:"+job), []byte(content), 0o644))
	inherited := store.Job{
		Job: job, Size: size, ChunkSize: 4, Metadata: m, ACLs: acl.Lists{acl.Owner: {root.ID}},
		Active: time.Now(), Address: store.Origin{Name: "/d/o", Version: job}.Address(),
	}
	b.must(b.dir.Update(b.ctx, func(tx store.Tx) error {
		r, err := tx.Resolve(b.ctx, "/d/o", "")
		if err != nil {
			return err
		}
		inherited.NameID = r.Name.ID
		return tx.CreateJob(b.ctx, &inherited)
	}))
	return &service.JobInfo{Path: "/d/o", Job: inherited}
}

func md5Of(content string) store.Metadata {
	sum := md5.Sum([]byte(content))
	return store.Metadata{MD5: sum[:]}
}

func TestAnInheritedUploadIsWholeIfItHasItsDigest(t *testing.T) {
	b := newBench(t)
	b.home(alice, "/d")
	b.put(alice, "/d/o", "before")

	whole := b.inherit("WHOLE", "0123456789", 10, md5Of("0123456789"))
	if got := b.gotten(whole); len(got) != 0 {
		t.Errorf("chunks that nobody recorded are told: %v", got)
	}
	result, err := b.finish(whole)
	b.must(err)
	if result.Version.Version != "WHOLE" {
		t.Errorf("the version is %s", result.Version.Version)
	}
	b.wantContent(alice, "/d/o:WHOLE", "0123456789")
	b.wantContent(alice, "/d/o", "0123456789")

	for _, c := range []struct {
		job, content string
		m            store.Metadata
	}{
		{"DAMAGED", "0123456780", md5Of("0123456789")},
		{"SHORT", "01234567", md5Of("0123456789")},
		{"LONG", "0123456789A", md5Of("0123456789")},
		{"UNKNOWN", "0123456789", store.Metadata{ContentType: "text/plain"}},
	} {
		_, err := b.finish(b.inherit(c.job, c.content, 10, c.m))
		b.want(store.Conflict, err)
	}
	b.wantContent(alice, "/d/o", "0123456789")
}

func TestAnInheritedUploadGoesOn(t *testing.T) {
	b := newBench(t)
	b.home(alice, "/d")
	b.put(alice, "/d/o", "before")

	job := b.inherit("SOME", "0123", 10, md5Of("0123456789"))
	b.send(job, 2, "89")
	_, err := b.finish(job)
	b.want(store.Conflict, err)
	b.send(job, 1, "4567")
	_, err = b.finish(job)
	b.must(err)
	b.wantContent(alice, "/d/o:SOME", "0123456789")

	all := b.inherit("ALL", "lost", 10, store.Metadata{})
	b.send(all, 1, "4567")
	b.send(all, 2, "89")
	_, err = b.finish(all)
	b.want(store.Conflict, err)
	b.send(all, 0, "0123")
	_, err = b.finish(all)
	b.must(err)
	b.wantContent(alice, "/d/o:ALL", "0123456789")

	cancelled := b.inherit("NEVER", "0123", 10, store.Metadata{})
	b.must(b.CancelJob(b.ctx, root, cancelled.Path, cancelled.Job.Job))
	b.must(b.Reclaim(b.ctx))
	if _, err := os.Stat(filepath.Join(b.content, "d", "o:NEVER")); !os.IsNotExist(err) {
		t.Errorf("what was cancelled is still there: %v", err)
	}
}
