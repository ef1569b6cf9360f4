package postgres

import (
	"cmp"
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

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

// lostError says that the connection is gone, or that there never was one.
type lostError struct{ error }

func (e lostError) Unwrap() error { return e.error }

var (
	errClosed = errors.New("the directory is closed")
	errNoRow  = errors.New("there is no such row")
	errTwin   = errors.New("there is such a row already")
	errOver   = errors.New("the transaction has ended")
	errCut    = errors.New("the connection is closed")
)

func kindOf(err error) store.ErrorKind {
	var lost lostError
	var said *pgconn.PgError
	var connecting *pgconn.ConnectError
	switch {
	case errors.Is(err, errNoRow):
		return store.NotFound
	case errors.Is(err, errTwin):
		return store.Exists
	case errors.As(err, &lost), errors.As(err, &connecting), errors.Is(err, errClosed):
		return store.Unavailable
	case errors.As(err, &said):
		return kindOfCode(said.Code)
	}
	return store.Internal
}

// kindOfCode classifies what PostgreSQL says (its documentation, appendix A).
func kindOfCode(code string) store.ErrorKind {
	switch code {
	case "23505": // unique_violation
		return store.Exists
	case "23503": // foreign_key_violation
		return store.NotFound
	case "53100": // disk_full
		return store.NoSpace
	case "25006": // read_only_sql_transaction
		return store.ReadOnly
	case "22021", "22P05": // what text cannot hold
		return store.Invalid
	case "54000": // program_limit_exceeded: a name is too long for its index
		return store.TooLong
	case "55P03", "57014": // lock_not_available, query_canceled
		return store.Unavailable
	}
	switch code[:min(2, len(code))] {
	case "08", "40", "53": // connection, transaction rollback, insufficient resources
		return store.Unavailable
	}
	if passing(code) {
		return store.Unavailable
	}
	return store.Internal
}

// passing reports whether a server that says so is starting, stopping or full.
func passing(code string) bool {
	switch code {
	case "57P01", "57P02", "57P03", "53300":
		return true
	}
	return false
}

// collided reports whether the database has undone a transaction because of another one, so
// that it may well succeed the next time.
func collided(err error) bool {
	var said *pgconn.PgError
	return errors.As(err, &said) && (said.Code == "40001" || said.Code == "40P01")
}

// retryable reports whether what failed, and has not been committed, may succeed the next
// time.
func retryable(err error) bool {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		return collided(err) || passing(said.Code)
	}
	var lost lostError
	return errors.As(err, &lost)
}

// uncertain reports whether a COMMIT that was sent and failed so may have happened all the same:
// the connection broke, or the server fell while it worked on it. What the driver believes is not
// asked, because it takes a connection that broke before the answer for one that was closed before.
func uncertain(err error) bool {
	var said *pgconn.PgError
	return !errors.As(err, &said) || !survived(said) || said.Code == "40003"
}

// survived reports whether the connection goes on after what the server said.
func survived(said *pgconn.PgError) bool {
	return cmp.Or(said.SeverityUnlocalized, said.Severity) == "ERROR"
}

// gone returns why ctx has ended, if it has, because the driver tells that in many ways, else
// err.
func gone(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
