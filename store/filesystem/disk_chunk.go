package filesystem

import (
	"context"
	"errors"
	"io"
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

// lock is tryLock, but it waits. waiting, if not nil, is called each time before that; its error ends it.
func (d disk) lock(ctx context.Context, f *os.File, which byteLock, how int16, waiting func(*os.File) error) error {
	for pause := minLockPause; ; pause = min(2*pause, maxLockPause) {
		err := d.tryLock(f, which, how)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		if waiting != nil {
			if err := waiting(f); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// tryLock locks a byte of an open file, F_RDLCK with others or F_WRLCK alone, or unlocks it, F_UNLCK,
// against those who opened the file for themselves, in any process: EWOULDBLOCK if they hold the lock.
// Closing the file unlocks it, when the last call that uses it is over.
func (d disk) tryLock(f *os.File, which byteLock, how int16) error {
	return named("lock", f.Name(), d.do(step{op: opLock, path: f.Name()}, func() error {
		err := which.ask(f, unix.F_OFD_SETLK, &how)
		if errors.Is(err, unix.EACCES) {
			err = unix.EWOULDBLOCK // which is what POSIX lets it mean
		}
		return err
	}))
}

// locked reports whether others hold a lock of a byte.
func (d disk) locked(f *os.File, which byteLock) (bool, error) {
	how := int16(unix.F_WRLCK)
	err := d.do(step{op: opLock, path: f.Name()}, func() error { return which.ask(f, unix.F_OFD_GETLK, &how) })
	return how != unix.F_UNLCK, err
}

// tryLockFile locks a whole file, LOCK_SH or LOCK_EX: EWOULDBLOCK if others hold the lock.
func (d disk) tryLockFile(f *os.File, how int) error {
	return named("lock", f.Name(), d.do(step{op: opLock, path: f.Name()}, func() error {
		return withFD(f, func(fd int) error { return unix.Flock(fd, how|unix.LOCK_NB) })
	}))
}

// byteLock is a lock of the byte of a file at that offset, where there need not be one.
type byteLock int64

// ask locks the byte or looks at its lock, and tells how it is locked.
func (l byteLock) ask(f *os.File, cmd int, how *int16) error {
	about := unix.Flock_t{Type: *how, Whence: io.SeekStart, Start: int64(l), Len: 1}
	err := withFD(f, func(fd int) error { return unix.FcntlFlock(uintptr(fd), cmd, &about) })
	*how = about.Type
	return err
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
