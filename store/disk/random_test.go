package disk

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func TestALockLastsAsLongAsACallThatUsesTheFile(t *testing.T) {
	const somewhere ByteLock = 1 << 62
	path := filepath.Join(t.TempDir(), "file")
	var files [2]*os.File
	for i := range files {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		files[i] = f
	}
	var d Disk
	if err := d.TryLock(files[0], somewhere, unix.F_WRLCK); err != nil {
		t.Fatal(err)
	}
	calling, over := make(chan struct{}), make(chan struct{})
	var call sync.WaitGroup
	call.Go(func() {
		if err := withFD(files[0], func(int) error { close(calling); <-over; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-calling
	if err := files[0].Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.TryLock(files[1], somewhere, unix.F_WRLCK); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("locked while a call is under way: %v", err)
	}
	close(over)
	call.Wait()
	if err := d.Lock(t.Context(), files[1], somewhere, unix.F_WRLCK, nil); err != nil {
		t.Error(err)
	}
}
