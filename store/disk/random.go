package disk

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// The operations on files that are written in any order.
const (
	OpOpenWritable = "open for writing"
	OpTruncate     = "truncate"
	OpSyncData     = "sync data"
	OpLock         = "lock"
)

// Between two attempts to lock a file passes a time that grows from the one to the other.
const (
	minLockPause = time.Millisecond
	maxLockPause = 50 * time.Millisecond
)

// Truncate sets the length of a file.
func (d Disk) Truncate(f *os.File, size int64) error {
	return d.Do(Step{Op: OpTruncate, Path: f.Name()}, func() error { return f.Truncate(size) })
}

// WriteAt writes all of p at an offset and returns how much that was, which is less after an error.
func (d Disk) WriteAt(f *os.File, p []byte, off int64) (n int, err error) {
	err = d.Do(Step{Op: OpWrite, Path: f.Name()}, func() error { n, err = f.WriteAt(p, off); return err })
	return n, err
}

// SyncData makes the bytes of a file durable, and its length, but not its permissions.
func (d Disk) SyncData(f *os.File) error {
	return d.Do(Step{Op: OpSyncData, Path: f.Name()}, func() error {
		return withFD(f, unix.Fdatasync)
	})
}

// Lock locks an open file, LOCK_SH or LOCK_EX, against those who opened it for themselves, in
// any process. Closing the file unlocks it.
func (d Disk) Lock(ctx context.Context, f *os.File, how int) error {
	for pause := minLockPause; ; pause = min(2*pause, maxLockPause) {
		err := d.TryLock(f, how)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// TryLock is Lock for who does not wait: EWOULDBLOCK if others hold the lock.
func (d Disk) TryLock(f *os.File, how int) error {
	return named("lock", f.Name(), d.Do(Step{Op: OpLock, Path: f.Name()}, func() error {
		return withFD(f, func(fd int) error { return unix.Flock(fd, how|unix.LOCK_NB) })
	}))
}

// withFD calls a function with the descriptor of an open file, which it keeps from being
// closed meanwhile.
func withFD(f *os.File, call func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	controlled := conn.Control(func(fd uintptr) {
		err = again(func() error { return call(int(fd)) })
	})
	return errors.Join(controlled, err)
}
