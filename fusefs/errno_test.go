package fusefs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/hatrac/hatrac/store"
)

func TestErrnos(t *testing.T) {
	for _, c := range []struct {
		err  error
		want syscall.Errno
	}{
		{nil, 0},
		{store.NewError(store.NotFound, "", ""), syscall.ENOENT},
		{store.NewError(store.Exists, "", ""), syscall.EEXIST},
		{store.NewError(store.WrongKind, "", ""), syscall.ENOTDIR},
		{store.NewError(store.NotEmpty, "", ""), syscall.ENOTEMPTY},
		{store.NewError(store.Unauthenticated, "", ""), syscall.EACCES},
		{store.NewError(store.Denied, "", ""), syscall.EACCES},
		{store.NewError(store.Precondition, "", ""), syscall.EBUSY},
		{store.NewError(store.Conflict, "", ""), syscall.EBUSY},
		{store.NewError(store.Invalid, "", ""), syscall.EINVAL},
		{store.NewError(store.TooLong, "", ""), syscall.ENAMETOOLONG},
		{store.NewError(store.TooLarge, "", ""), syscall.EFBIG},
		{store.NewError(store.ReadOnly, "", ""), syscall.EROFS},
		{store.NewError(store.NoSpace, "", ""), syscall.ENOSPC},
		{store.NewError(store.Unavailable, "", ""), syscall.EIO},
		{store.NewError(store.Internal, "", ""), syscall.EIO},
		{store.Wrap(store.Internal, "write", syscall.ENOSPC), syscall.ENOSPC},
		{fmt.Errorf("draft: %w", &os.PathError{Op: "write", Err: syscall.EDQUOT}), syscall.EDQUOT},
		{errors.New("anything"), syscall.EIO},
		{context.Canceled, syscall.EINTR},
		{context.DeadlineExceeded, syscall.EIO},
		{syscall.ESTALE, syscall.ESTALE},
	} {
		if got := errnoOf(c.err); got != c.want {
			t.Errorf("%v is %v, want %v", c.err, got, c.want)
		}
	}
}

func TestWhatStandsInTheWayOfANewNameExists(t *testing.T) {
	for kind, want := range map[store.ErrorKind]syscall.Errno{
		store.Conflict: syscall.EEXIST, store.Precondition: syscall.EEXIST,
		store.WrongKind: syscall.EISDIR, store.Denied: syscall.EACCES,
	} {
		if got := errnoOfNew(store.NewError(kind, "", "")); got != want {
			t.Errorf("%v is %v, want %v", kind, got, want)
		}
	}
}
