package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrNotRegular is what UnlinkBeneath answers for what is no file.
var ErrNotRegular = errors.New("not a regular file")

// OpenRoot opens the folder that holds everything.
func (d Disk) OpenRoot(path string) (root *os.Root, err error) {
	err = d.Do(Step{Op: OpOpen, Path: path}, func() error { root, err = os.OpenRoot(path); return err })
	if err != nil && root != nil {
		_ = root.Close()
	}
	return root, err
}

// OpenBeneath is Open for a file below a root, out of which no link leads.
func (d Disk) OpenBeneath(op string, root *os.Root, name string, flags int) (*os.File, error) {
	var f *os.File
	err := d.Do(Step{Op: op, Path: filepath.Join(root.Name(), name)}, func() (err error) {
		f, err = root.OpenFile(name, flags, 0o600)
		return absent(err)
	})
	if err != nil && f != nil {
		_ = f.Close()
	}
	return f, err
}

// UnlinkBeneath removes a file below a root, and nothing but a file.
func (d Disk) UnlinkBeneath(root *os.Root, name string) error {
	return d.Do(Step{Op: OpUnlink, Path: filepath.Join(root.Name(), name)}, func() error {
		info, err := root.Lstat(name)
		if err == nil && !info.Mode().IsRegular() {
			err = ErrNotRegular
		}
		if err == nil {
			err = root.Remove(name)
		}
		return absent(err)
	})
}

// absent makes errors of names that no file can have, or not here, those of files that are not
// there.
func absent(err error) error {
	if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ENAMETOOLONG) {
		return errors.Join(fs.ErrNotExist, err)
	}
	return err
}
