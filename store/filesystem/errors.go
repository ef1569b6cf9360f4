package filesystem

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store"
)

// fail turns what the system said into an error of the kind that fits; nil stays nil. A file
// that does not exist is Internal: only the caller knows whether content was looked for.
func fail(doing string, err error) error {
	return store.Wrap(kindOf(err), doing, err)
}

func kindOf(err error) store.ErrorKind {
	var errno unix.Errno
	if !errors.As(err, &errno) {
		return store.Internal
	}
	switch errno {
	case unix.ENOSPC, unix.EDQUOT, unix.EFBIG:
		return store.NoSpace
	case unix.ESTALE, unix.ETIMEDOUT, unix.ENOTCONN, unix.EHOSTDOWN, unix.EHOSTUNREACH,
		unix.ECONNREFUSED, unix.ECONNRESET, unix.EREMOTEIO, unix.EAGAIN, unix.EBUSY,
		unix.ENOMEM, unix.EMFILE, unix.ENFILE:
		return store.Unavailable
	}
	return store.Internal
}
