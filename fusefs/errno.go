package fusefs

import (
	"errors"
	"syscall"

	"github.com/hatrac/hatrac/store"
)

// errnoOf is the one table from what the service says to what a system call answers
// (spec/mount.md). Faults of the local disk, where drafts lie, come as they are.
func errnoOf(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	var plain syscall.Errno
	kind := store.KindOf(err)
	if kind == store.Internal && errors.As(err, &plain) {
		return plain
	}
	switch kind {
	case store.NotFound:
		return syscall.ENOENT
	case store.Exists:
		return syscall.EEXIST
	case store.WrongKind:
		return syscall.ENOTDIR
	case store.NotEmpty:
		return syscall.ENOTEMPTY
	case store.Unauthenticated, store.Denied:
		return syscall.EACCES
	case store.Precondition, store.Conflict:
		return syscall.EBUSY
	case store.Invalid, store.LengthRequired:
		return syscall.EINVAL
	case store.TooLong:
		return syscall.ENAMETOOLONG
	case store.TooLarge:
		return syscall.EFBIG
	case store.ReadOnly:
		return syscall.EROFS
	case store.NoSpace:
		return syscall.ENOSPC
	case store.Interrupted:
		return syscall.EINTR
	}
	return syscall.EIO
}

// errnoOfNew is errnoOf for operations that bind a name: what stands in the way exists.
func errnoOfNew(err error) syscall.Errno {
	switch store.KindOf(err) {
	case store.Conflict, store.Precondition:
		return syscall.EEXIST
	case store.WrongKind:
		return syscall.EISDIR
	}
	return errnoOf(err)
}
