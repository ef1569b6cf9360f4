package fusefs

import (
	"context"
	"syscall"
)

// All of a file is read when it becomes a version, holes too. So there is a size in bytes that none may
// have, and one up to which nobody asks how much the store can hold.
const (
	maxFileSize = 16 << 40
	smallFile   = 1 << 40
)

// mayGrow answers EFBIG if a file of that size could never become a version.
func (m *Mount) mayGrow(ctx context.Context, size int64) error {
	switch {
	case size <= smallFile:
		return nil
	case size > maxFileSize:
		return syscall.EFBIG
	}
	space, err := m.svc.Space(ctx)
	if err == nil && uint64(size) > space.Total {
		err = syscall.EFBIG
	}
	return err
}
