// Package disk makes the calls by which its users change the disk, and those that they go by when they
// do. Each of them is one step, so that a test can look at, fail or end the work at every single
// one (package disktest). Reading open content, and closing what was only read, is no step.
package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"
)

// Disk makes calls that reach the disk. Its zero value makes them as they are.
type Disk struct {
	// Around, if set, is called for each step and decides whether to make the call. Only tests
	// set it.
	Around func(s Step, call func() error) error
}

// Step is one call: the operation, the file it is about, and its new name if it gets one.
type Step struct {
	Op, Path, To string
}

// The operations.
const (
	OpCreate     = "create"
	OpOpen       = "open"
	OpWrite      = "write"
	OpMode       = "mode"
	OpSync       = "sync"
	OpClose      = "close"
	OpMove       = "move"
	OpLink       = "link"
	OpUnlink     = "unlink"
	OpMkdir      = "mkdir"
	OpRmdir      = "rmdir"
	OpSyncFolder = "sync folder"
	OpStat       = "stat"
	OpList       = "list"
	OpStatfs     = "statfs"
)

// Do makes a call of the caller's own as a step.
func (d Disk) Do(s Step, call func() error) error {
	if d.Around == nil {
		return call()
	}
	return d.Around(s, call)
}

// Create makes a new file for writing.
func (d Disk) Create(path string) (*os.File, error) {
	return d.Open(OpCreate, path, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
}

// OpenFile opens a file for reading; a symbolic link fails.
func (d Disk) OpenFile(path string) (*os.File, error) {
	return d.Open(OpOpen, path, os.O_RDONLY|unix.O_NOFOLLOW)
}

// OpenFolder opens a folder, to be synced.
func (d Disk) OpenFolder(path string) (*os.File, error) {
	return d.Open(OpOpen, path, os.O_RDONLY|unix.O_DIRECTORY)
}

// Open opens a file in any way; op says in which. A file that it makes is for its owner alone.
func (d Disk) Open(op, path string, flags int) (*os.File, error) {
	var f *os.File
	err := d.Do(Step{Op: op, Path: path}, func() (err error) {
		f, err = os.OpenFile(path, flags, 0o600)
		return err
	})
	if err != nil && f != nil {
		_ = f.Close()
	}
	return f, err
}

// Write writes all of p.
func (d Disk) Write(f *os.File, p []byte) error {
	return d.Do(Step{Op: OpWrite, Path: f.Name()}, func() error { _, err := f.Write(p); return err })
}

// Chmod sets the permissions of an open file.
func (d Disk) Chmod(f *os.File, mode os.FileMode) error {
	return d.Do(Step{Op: OpMode, Path: f.Name()}, func() error { return f.Chmod(mode) })
}

// Sync makes a file durable, but not its name.
func (d Disk) Sync(f *os.File) error {
	return d.Do(Step{Op: OpSync, Path: f.Name()}, f.Sync)
}

// Close closes a file that was written.
func (d Disk) Close(f *os.File) error {
	return d.Do(Step{Op: OpClose, Path: f.Name()}, f.Close)
}

// Move renames a file and fails if the new name exists. Where the file system cannot do that
// in one step, it makes a link and removes the old name.
func (d Disk) Move(from, to string) error {
	err := d.Do(Step{Op: OpMove, Path: from, To: to}, func() error {
		return again(func() error {
			return unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
		})
	})
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EOPNOTSUPP) {
		return named("move", to, err)
	}
	err = d.Do(Step{Op: OpLink, Path: from, To: to}, func() error { return os.Link(from, to) })
	if err != nil {
		return err
	}
	return d.Unlink(from)
}

// Replace renames a file over another one.
func (d Disk) Replace(from, to string) error {
	return d.Do(Step{Op: OpMove, Path: from, To: to}, func() error { return os.Rename(from, to) })
}

// LinkOpen gives an open file a further name, whatever its present one is.
func (d Disk) LinkOpen(f *os.File, to string) error {
	err := d.Do(Step{Op: OpLink, Path: f.Name(), To: to}, func() error {
		return again(func() error {
			return unix.Linkat(unix.AT_FDCWD, procName(f), unix.AT_FDCWD, to, unix.AT_SYMLINK_FOLLOW)
		})
	})
	runtime.KeepAlive(f)
	return named("link", to, err)
}

// procName returns the name in /proc that leads to an open file.
func procName(f *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", f.Fd()) }

// Unlink removes a file.
func (d Disk) Unlink(path string) error {
	return d.Do(Step{Op: OpUnlink, Path: path}, func() error {
		return named("unlink", path, again(func() error { return unix.Unlink(path) }))
	})
}

// Mkdir makes a folder for its owner alone.
func (d Disk) Mkdir(path string) error {
	return d.Do(Step{Op: OpMkdir, Path: path}, func() error { return os.Mkdir(path, 0o700) })
}

// Rmdir removes a folder if it is empty.
func (d Disk) Rmdir(path string) error {
	return d.Do(Step{Op: OpRmdir, Path: path}, func() error {
		return named("rmdir", path, again(func() error { return unix.Rmdir(path) }))
	})
}

// SyncFolder makes the names in an open folder durable.
func (d Disk) SyncFolder(f *os.File) error {
	return d.Do(Step{Op: OpSyncFolder, Path: f.Name()}, f.Sync)
}

// Stat describes a file, not what a symbolic link leads to.
func (d Disk) Stat(path string) (info os.FileInfo, err error) {
	err = d.Do(Step{Op: OpStat, Path: path}, func() error { info, err = os.Lstat(path); return err })
	return info, err
}

// CheckFolder fails if there is no folder of that name.
func (d Disk) CheckFolder(path string) error {
	return d.Do(Step{Op: OpStat, Path: path}, func() error {
		info, err := os.Stat(path)
		if err == nil && !info.IsDir() {
			err = named("open", path, unix.ENOTDIR)
		}
		return err
	})
}

// Resolve returns the name of a file that is free of symbolic links.
func (d Disk) Resolve(path string) (name string, err error) {
	err = d.Do(Step{Op: OpStat, Path: path}, func() error { name, err = filepath.EvalSymlinks(path); return err })
	return name, err
}

// StatOpen describes an open file.
func (d Disk) StatOpen(f *os.File) (info os.FileInfo, err error) {
	err = d.Do(Step{Op: OpStat, Path: f.Name()}, func() error { info, err = f.Stat(); return err })
	return info, err
}

// Where returns the present name of an open file, free of symbolic links.
func (d Disk) Where(f *os.File) (name string, err error) {
	err = d.Do(Step{Op: OpStat, Path: f.Name()}, func() error { name, err = os.Readlink(procName(f)); return err })
	runtime.KeepAlive(f)
	return name, err
}

// List returns the names in a folder, sorted.
func (d Disk) List(path string) (names []string, err error) {
	err = d.Do(Step{Op: OpList, Path: path}, func() error {
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

// Statfs describes the file system of a file.
func (d Disk) Statfs(path string) (s unix.Statfs_t, err error) {
	err = d.Do(Step{Op: OpStatfs, Path: path}, func() error {
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
