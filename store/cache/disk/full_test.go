package disk

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store/storetest"
)

func TestAFullDiskFailsNoReadingAndIsTriedAgainLater(t *testing.T) {
	if !storetest.AsRoot(t) {
		return
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	var failed atomic.Int64
	r := newRig(t, Config{Dir: dir, Rest: time.Hour, Failed: func(error) { failed.Add(1) }})
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	r.all()
	if n := failed.Load(); n != 1 {
		t.Errorf("it was told %d times that the disk is full", n)
	}
	if r.fetched() == 0 {
		t.Fatal("the disk was large enough")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	r.cfg.Rest = time.Nanosecond
	r.again()
	before := r.fetched()
	r.written()
	if now := r.fetched(); now >= before {
		t.Errorf("%d bytes are fetched after %d, with room for more", now, before)
	}
}

func TestNothingIsOfferedToADiskThatFailed(t *testing.T) {
	r := newRig(t, Config{Rest: time.Hour})
	if !r.cache.accepts() {
		t.Error("a new cache takes nothing")
	}
	r.cache.fail(unix.ENOSPC)
	if r.cache.accepts() {
		t.Error("a disk that is full is written to")
	}
	r.cache.cfg.Rest = -time.Second
	r.cache.fail(unix.ENOSPC)
	if !r.cache.accepts() {
		t.Error("a disk that was full is not tried again")
	}
}
