package filesystem

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// disk makes all calls of the package that reach the disk, but for reading open content and
// closing what was only read. Each of them is one step, so that a test can look at, fail or
// end the work at every single one.
type disk struct {
	// around, if set, is called for each step and decides whether to make the call.
	around func(s step, call func() error) error
}

// step is one call: the operation, the file it is about, and its new name if it gets one.
type step struct {
	op, path, to string
}

// The operations.
const (
	opCreate     = "create"
	opOpen       = "open"
	opWrite      = "write"
	opMode       = "mode"
	opSync       = "sync"
	opClose      = "close"
	opMove       = "move"
	opLink       = "link"
	opUnlink     = "unlink"
	opMkdir      = "mkdir"
	opRmdir      = "rmdir"
	opSyncFolder = "sync folder"
	opStat       = "stat"
	opList       = "list"
	opStatfs     = "statfs"
)

func (d disk) do(s step, call func() error) error {
	if d.around == nil {
		return call()
	}
	return d.around(s, call)
}

// create makes a new file for writing.
func (d disk) create(path string) (*os.File, error) {
	return d.open(opCreate, path, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
}

// openFile opens a file for reading; a symbolic link fails.
func (d disk) openFile(path string) (*os.File, error) {
	return d.open(opOpen, path, os.O_RDONLY|unix.O_NOFOLLOW)
}

func (d disk) openFolder(path string) (*os.File, error) {
	return d.open(opOpen, path, os.O_RDONLY|unix.O_DIRECTORY)
}

func (d disk) open(op, path string, flags int) (*os.File, error) {
	var f *os.File
	err := d.do(step{op: op, path: path}, func() (err error) {
		f, err = os.OpenFile(path, flags, 0o600)
		return err
	})
	if err != nil && f != nil {
		_ = f.Close()
	}
	return f, err
}

func (d disk) write(f *os.File, p []byte) error {
	return d.do(step{op: opWrite, path: f.Name()}, func() error { _, err := f.Write(p); return err })
}

func (d disk) mode(f *os.File, mode os.FileMode) error {
	return d.do(step{op: opMode, path: f.Name()}, func() error { return f.Chmod(mode) })
}

func (d disk) sync(f *os.File) error {
	return d.do(step{op: opSync, path: f.Name()}, f.Sync)
}

func (d disk) close(f *os.File) error {
	return d.do(step{op: opClose, path: f.Name()}, f.Close)
}

// move renames a file and fails if the new name exists. Where the file system cannot do that
// in one step, it makes a link and removes the old name.
func (d disk) move(from, to string) error {
	err := d.do(step{op: opMove, path: from, to: to}, func() error {
		return again(func() error {
			return unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
		})
	})
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EOPNOTSUPP) {
		return named("move", to, err)
	}
	err = d.do(step{op: opLink, path: from, to: to}, func() error { return os.Link(from, to) })
	if err != nil {
		return err
	}
	return d.unlink(from)
}

// replace renames a file over another one.
func (d disk) replace(from, to string) error {
	return d.do(step{op: opMove, path: from, to: to}, func() error { return os.Rename(from, to) })
}

// linkOpen gives an open file a further name, whatever its present one is.
func (d disk) linkOpen(f *os.File, to string) error {
	err := d.do(step{op: opLink, path: f.Name(), to: to}, func() error {
		return again(func() error {
			return unix.Linkat(unix.AT_FDCWD, procName(f), unix.AT_FDCWD, to, unix.AT_SYMLINK_FOLLOW)
		})
	})
	runtime.KeepAlive(f)
	return named("link", to, err)
}

// procName returns the name in /proc that leads to an open file.
func procName(f *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", f.Fd()) }

func (d disk) unlink(path string) error {
	return d.do(step{op: opUnlink, path: path}, func() error {
		return named("unlink", path, again(func() error { return unix.Unlink(path) }))
	})
}

func (d disk) mkdir(path string) error {
	return d.do(step{op: opMkdir, path: path}, func() error { return os.Mkdir(path, 0o700) })
}

// rmdir removes a folder if it is empty.
func (d disk) rmdir(path string) error {
	return d.do(step{op: opRmdir, path: path}, func() error {
		return named("rmdir", path, again(func() error { return unix.Rmdir(path) }))
	})
}

func (d disk) syncFolder(f *os.File) error {
	return d.do(step{op: opSyncFolder, path: f.Name()}, f.Sync)
}

// stat describes a file, not what a symbolic link leads to.
func (d disk) stat(path string) (info os.FileInfo, err error) {
	err = d.do(step{op: opStat, path: path}, func() error { info, err = os.Lstat(path); return err })
	return info, err
}

// checkFolder fails if there is no folder of that name.
func (d disk) checkFolder(path string) error {
	return d.do(step{op: opStat, path: path}, func() error {
		info, err := os.Stat(path)
		if err == nil && !info.IsDir() {
			err = named("open", path, unix.ENOTDIR)
		}
		return err
	})
}

// resolve returns the name of a file that is free of symbolic links.
func (d disk) resolve(path string) (name string, err error) {
	err = d.do(step{op: opStat, path: path}, func() error { name, err = filepath.EvalSymlinks(path); return err })
	return name, err
}

// statOpen describes an open file.
func (d disk) statOpen(f *os.File) (info os.FileInfo, err error) {
	err = d.do(step{op: opStat, path: f.Name()}, func() error { info, err = f.Stat(); return err })
	return info, err
}

// where returns the present name of an open file, free of symbolic links.
func (d disk) where(f *os.File) (name string, err error) {
	err = d.do(step{op: opStat, path: f.Name()}, func() error { name, err = os.Readlink(procName(f)); return err })
	runtime.KeepAlive(f)
	return name, err
}

// list returns the names in a folder, sorted.
func (d disk) list(path string) (names []string, err error) {
	err = d.do(step{op: opList, path: path}, func() error {
		folder, err := os.Open(path)
		if err != nil {
			return err
		}
		names, err = folder.Readdirnames(-1)
		return errors.Join(err, folder.Close())
	})
	slices.Sort(names)
	return names, err
}

func (d disk) statfs(path string) (s unix.Statfs_t, err error) {
	err = d.do(step{op: opStatfs, path: path}, func() error {
		return named("statfs", path, again(func() error { return unix.Statfs(path, &s) }))
	})
	return s, err
}

// again repeats a call that a signal interrupted.
func again(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func named(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &os.PathError{Op: op, Path: path, Err: err}
}

// changed returns when the file system last changed what it knows of a file, by its own
// clock: no program can set it, and a new name renews it.
func changed(info os.FileInfo) time.Time {
	s := info.Sys().(*syscall.Stat_t)
	return time.Unix(s.Ctim.Unix())
}
