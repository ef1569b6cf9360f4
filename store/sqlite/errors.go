package sqlite

import (
	"database/sql"
	"errors"
	"strings"
	"syscall"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/hatrac/hatrac/store"
)

// failed gives an error of the database, met while doing something, its kind. It is the only
// place that does. An error that has its kind already is returned as it is.
func failed(doing string, err error) error {
	var known *store.Error
	if errors.As(err, &known) {
		return err
	}
	return store.Wrap(kindOf(err), doing, err)
}

func kindOf(err error) store.ErrorKind {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return store.NoSpace
	}
	var said *sqlite.Error
	if !errors.As(err, &said) {
		return kindOfGo(err)
	}
	switch said.Code() {
	case lib.SQLITE_CONSTRAINT_UNIQUE, lib.SQLITE_CONSTRAINT_PRIMARYKEY:
		return store.Exists
	case lib.SQLITE_CONSTRAINT_FOREIGNKEY:
		return store.NotFound
	case lib.SQLITE_IOERR_SHMSIZE:
		// The index of the write-ahead log cannot grow.
		return store.NoSpace
	}
	switch said.Code() & 0xff {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_CANTOPEN, lib.SQLITE_INTERRUPT, lib.SQLITE_PROTOCOL:
		return store.Unavailable
	case lib.SQLITE_FULL:
		return store.NoSpace
	case lib.SQLITE_READONLY:
		return store.ReadOnly
	}
	return store.Internal
}

// kindOfGo classifies what database/sql itself says.
func kindOfGo(err error) store.ErrorKind {
	switch {
	case errors.Is(err, sql.ErrConnDone), errors.Is(err, errClosed), err != nil && err.Error() == "sql: database is closed":
		return store.Unavailable
	case errors.Is(err, errNoRow):
		return store.NotFound
	}
	return store.Internal
}

var (
	errClosed = errors.New("the directory is closed")
	errNoRow  = errors.New("there is no such row")
)

// refused reports whether err is a constraint that a statement ran into. Such a statement
// did nothing, and its transaction goes on.
func refused(err error) bool {
	var said *sqlite.Error
	return errors.As(err, &said) && said.Code()&0xff == lib.SQLITE_CONSTRAINT
}

// busy reports whether err is another connection's lock.
func busy(err error) bool {
	var said *sqlite.Error
	return errors.As(err, &said) && said.Code()&0xff == lib.SQLITE_BUSY
}

// idle reports whether err says that there was no transaction to end.
func idle(err error) bool {
	return err != nil && strings.Contains(err.Error(), "no transaction is active")
}
