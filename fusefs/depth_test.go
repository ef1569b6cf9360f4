package fusefs

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// lateRig is a rig whose commits wait until somebody asks for more.
func lateRig(t *testing.T) (*rig, store.Directory) {
	t.Helper()
	root := t.TempDir()
	_, dir := openService(t, root)
	svc, err := service.New(service.Config{
		Directory: dir, Bulk: bulkOf(t, root), Firewall: acl.Open(), SyncInterval: time.Hour, Log: zerolog.Nop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	runService(t, svc)
	return mountRig(t, svc), dir
}

// unsynced returns the paths of the versions that are not durable.
func unsynced(t *testing.T, dir store.Directory) string {
	t.Helper()
	entries, err := dir.UnsyncedVersions(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, e := range entries {
		paths = append(paths, string(e.Name.Path))
	}
	return strings.Join(paths, " ")
}

func TestACloseWaitsForNoDiskButAnFsyncDoes(t *testing.T) {
	r, dir := lateRig(t)
	const big = `head -c 50000 /dev/zero`
	for _, c := range []struct{ script, waits string }{
		{big + ` > closed`, "/closed"},
		{`sync closed`, ""},
		{big + ` | tr '\0' x > closed`, "/closed"},
		{`python3 -c 'import os; os.fsync(os.open(".", os.O_RDONLY))'`, ""},
		{`dd if=/dev/zero of=synced bs=50000 count=1 conv=fsync status=none`, ""},
		{`python3 -c '
import os
f = os.open("early", os.O_WRONLY | os.O_CREAT)
os.write(f, b"x" * 50000)
os.fsync(f)
os.write(f, b"y" * 50000)
os.close(f)'`, ""},
		{big + ` > .scratch.abcdef; mv .scratch.abcdef scratch`, "/scratch"},
		{`mv scratch moved`, ""},
		{big + ` | tr '\0' z > moved; truncate -s 40000 moved`, "/moved /moved"},
		{`echo few > small; chmod 600 small; mkdir dir; ln -s small link`, "/moved /moved"},
		{`sync -f .; sync moved`, ""},
		{big + ` | tr '\0' y > last`, "/last"},
	} {
		r.sh(c.script)
		if got := unsynced(t, dir); got != c.waits {
			t.Errorf("after %s not durable are %q, want %q", c.script, got, c.waits)
		}
	}
	r.unmount()
	if got := unsynced(t, dir); got != "" {
		t.Errorf("after the end of the mount not durable are %q", got)
	}
}

func TestSpoolFilesOfSmallFilesServeAgain(t *testing.T) {
	r, _ := lateRig(t)
	script := `for i in {1..50}; do echo $i > f$i; done`
	r.sh(script)
	made := r.m.session.next.Load()
	if made > 10 {
		t.Errorf("%d spool files were made for 50 small files, one after the other", made)
	}
	r.expect("for i in {1..50}; do test $i = $(cat f$i) || echo $i; done", "")
	left, err := filepath.Glob(filepath.Join(r.m.session.dir, draftName+"*"))
	if err != nil || len(left) > maxFree {
		t.Errorf("%d spool files are left, %v", len(left), err)
	}
	for _, name := range left {
		if content, err := os.ReadFile(name); err != nil || len(content) > 0 {
			t.Errorf("a spool file that is free holds %d bytes, %v", len(content), err)
		}
	}
}

// TestADraftIsReadAndWrittenOnAfterItsSpoolFileServesAnother because it was committed.
func TestADraftIsReadAndWrittenOnAfterItsSpoolFileServesAnother(t *testing.T) {
	b := newBench(t)
	d := b.empty()
	put := func(f finished) error {
		text := make([]byte, f.size)
		_, err := f.file.ReadAt(text, 0)
		b.puts = append(b.puts, string(text))
		return err
	}
	write := func(text string, off int64) {
		t.Helper()
		if _, err := d.writeAt(t.Context(), []byte(text), off); err != nil {
			t.Fatal(err)
		}
		if err := d.commit(t.Context(), claim{}, always, put); err != nil {
			t.Fatal(err)
		}
	}
	write("first", 0)
	if len(b.session.free) != 1 {
		t.Fatalf("%d spool files are free after the commit", len(b.session.free))
	}
	other := b.empty()
	b.write(other, "another draft", 0)
	got := make([]byte, 10)
	if n, err := d.readAt(context.Background(), got, 0); err != nil || !bytes.Equal(got[:n], []byte("first")) {
		t.Errorf("the draft reads %q, %v", got[:n], err)
	}
	write("second", 5)
	if strings.Join(b.puts, " ") != "first firstsecond" {
		t.Errorf("committed were %q", b.puts)
	}
	if err := d.close(); err != nil {
		t.Error(err)
	}
}
