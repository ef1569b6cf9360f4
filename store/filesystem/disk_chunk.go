package filesystem

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// The operations on files that are written in chunks.
const (
	opOpenWritable = "open for writing"
	opTruncate     = "truncate"
	opSyncData     = "sync data"
	opLock         = "lock"
)

// Between two attempts to lock a file passes a time that grows from the one to the other.
const (
	minLockPause = time.Millisecond
	maxLockPause = 50 * time.Millisecond
)

func (d disk) truncate(f *os.File, size int64) error {
	return d.do(step{op: opTruncate, path: f.Name()}, func() error { return f.Truncate(size) })
}

func (d disk) writeAt(f *os.File, p []byte, off int64) error {
	return d.do(step{op: opWrite, path: f.Name()}, func() error { _, err := f.WriteAt(p, off); return err })
}

// syncData makes the bytes of a file durable, and its length, but not its permissions.
func (d disk) syncData(f *os.File) error {
	return d.do(step{op: opSyncData, path: f.Name()}, func() error {
		return withFD(f, unix.Fdatasync)
	})
}

// lock locks an open file, LOCK_SH or LOCK_EX, against those who opened it for themselves, in
// any process. Closing the file unlocks it.
func (d disk) lock(ctx context.Context, f *os.File, how int) error {
	for pause := minLockPause; ; pause = min(2*pause, maxLockPause) {
		err := d.tryLock(f, how)
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

// tryLock is lock for who does not wait: EWOULDBLOCK if others hold the lock.
func (d disk) tryLock(f *os.File, how int) error {
	return named("lock", f.Name(), d.do(step{op: opLock, path: f.Name()}, func() error {
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
