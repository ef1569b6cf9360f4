package disk

import (
	"errors"
	"os"
	"path/filepath"
)

// MakeFolder creates a folder, durably, with all that is missing above it.
func (d Disk) MakeFolder(path string) error {
	err := d.CheckFolder(path)
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(path)
	if err := d.MakeFolder(parent); err != nil {
		return err
	}
	if err := d.Mkdir(path); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return d.SyncNames(parent)
}

// SyncNames makes the names in a folder durable.
func (d Disk) SyncNames(path string) error {
	folder, err := d.OpenFolder(path)
	if err != nil {
		return err
	}
	return errors.Join(d.SyncFolder(folder), folder.Close())
}
