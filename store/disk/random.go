package disk

import (
	"context"
	"errors"
	"io"
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

// Lock is TryLock, but it waits. waiting, if not nil, is called each time before that; its error ends it.
func (d Disk) Lock(ctx context.Context, f *os.File, which ByteLock, how int16, waiting func(*os.File) error) error {
	for pause := minLockPause; ; pause = min(2*pause, maxLockPause) {
		err := d.TryLock(f, which, how)
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

// TryLock locks a byte of an open file, F_RDLCK with others or F_WRLCK alone, or unlocks it, F_UNLCK,
// against those who opened the file for themselves, in any process: EWOULDBLOCK if they hold the lock.
// Closing the file unlocks it, when the last call that uses it is over.
func (d Disk) TryLock(f *os.File, which ByteLock, how int16) error {
	return named("lock", f.Name(), d.Do(Step{Op: OpLock, Path: f.Name()}, func() error {
		err := which.ask(f, unix.F_OFD_SETLK, &how)
		if errors.Is(err, unix.EACCES) {
			err = unix.EWOULDBLOCK // which is what POSIX lets it mean
		}
		return err
	}))
}

// Locked reports whether others hold a lock of a byte.
func (d Disk) Locked(f *os.File, which ByteLock) (bool, error) {
	how := int16(unix.F_WRLCK)
	err := d.Do(Step{Op: OpLock, Path: f.Name()}, func() error { return which.ask(f, unix.F_OFD_GETLK, &how) })
	return how != unix.F_UNLCK, err
}

// TryLockFile locks a whole file, LOCK_SH or LOCK_EX: EWOULDBLOCK if others hold the lock.
func (d Disk) TryLockFile(f *os.File, how int) error {
	return named("lock", f.Name(), d.Do(Step{Op: OpLock, Path: f.Name()}, func() error {
		return withFD(f, func(fd int) error { return unix.Flock(fd, how|unix.LOCK_NB) })
	}))
}

// ByteLock is a lock of the byte of a file at that offset, where there need not be one.
type ByteLock int64

// ask locks the byte or looks at its lock, and tells how it is locked.
func (l ByteLock) ask(f *os.File, cmd int, how *int16) error {
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
