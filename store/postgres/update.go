package postgres

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hatrac/hatrac/store"
)

// How long to wait before the first repetition, which doubles for each later one, and how long
// at most; how long the end of a transaction may take.
const (
	firstPause = 10 * time.Millisecond
	longPause  = 500 * time.Millisecond
	endTimeout = 30 * time.Second
)

// acquire returns a connection for the caller alone.
func (d *Directory) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	const doing = "connect to the database"
	if err := ctx.Err(); err != nil {
		return nil, failed(doing, err)
	}
	if d.closed.Load() {
		return nil, failed(doing, errClosed)
	}
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return nil, failed(doing, lostError{gone(ctx, err)})
	}
	return conn, nil
}

// release gives a connection back. If it was lost, all others that wait in the pool may be,
// and are opened anew.
func (d *Directory) release(ctx context.Context, conn *pgxpool.Conn) {
	if conn.Conn().IsClosed() && ctx.Err() == nil {
		d.pool.Reset()
	}
	conn.Release()
}

// retry calls attempt until it does not ask for more, or has been repeated often enough.
func (d *Directory) retry(ctx context.Context, attempt func() (again bool, err error)) error {
	for repeated := 0; ; repeated++ {
		again, err := attempt()
		if !again || repeated >= d.maxRetries || ctx.Err() != nil {
			return err
		}
		pause := min(firstPause<<repeated, longPause)
		timer := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}

// reads implements querier for what changes nothing.
type reads struct{ d *Directory }

func (r reads) do(ctx context.Context, steps ...*step) error {
	return r.d.retry(ctx, func() (bool, error) {
		conn, err := r.d.acquire(ctx)
		if err != nil {
			return retryable(err), err
		}
		defer r.d.release(ctx, conn)
		err = send(ctx, conn.Conn(), steps)
		return retryable(err), err
	})
}

// Update implements store.Directory. Rows are locked where the contract says so; what is read
// without a lock may change before the commit.
func (d *Directory) Update(ctx context.Context, fn func(tx store.Tx) error) error {
	return d.change(ctx, func(t *tx) error { return fn(t) })
}

// UpdateSoon implements store.Directory. The database writes its log within a moment anyway.
func (d *Directory) UpdateSoon(ctx context.Context, fn func(tx store.Tx) error) error {
	return d.retry(ctx, func() (bool, error) {
		return d.attempt(ctx, []*step{begin.with(), commitSoon.with()}, func(t *tx) error { return fn(t) })
	})
}

func (d *Directory) change(ctx context.Context, fn func(*tx) error) error {
	return d.retry(ctx, func() (bool, error) { return d.attempt(ctx, []*step{begin.with()}, fn) })
}

// attempt runs fn in one transaction, which begins with the steps that are given.
func (d *Directory) attempt(ctx context.Context, begin []*step, fn func(*tx) error) (again bool, err error) {
	conn, err := d.acquire(ctx)
	if err != nil {
		return retryable(err), err
	}
	defer d.release(ctx, conn)
	t := &tx{conn: conn.Conn(), begin: begin, notes: d.notes}
	defer t.end(ctx) // also if fn panics
	err = fn(t)
	switch {
	case t.broken != nil && retryable(t.broken):
		return true, t.broken
	case err != nil:
		return false, err
	case t.broken != nil:
		return false, t.broken
	}
	return t.commit(ctx)
}

// commit makes the transaction durable. One whose outcome is in doubt is not repeated: that would
// do it twice. Whoever asked is told that the database is Unavailable, and may look.
func (t *tx) commit(ctx context.Context) (again bool, err error) {
	const doing = "commit"
	if !t.begun {
		return false, nil
	}
	if err := ctx.Err(); err != nil {
		return false, failed(doing, err)
	}
	if t.conn.IsClosed() {
		return true, failed(doing, lostError{errCut})
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	_, err = t.conn.Exec(ctx, "COMMIT")
	if err == nil {
		return false, nil
	}
	if uncertain(err) {
		return false, failed(doing, lostError{err})
	}
	err = failed(doing, err)
	return retryable(err), err
}

// end rolls back what was not committed. If that fails, the connection is not used again.
func (t *tx) end(ctx context.Context) {
	t.over = true
	if t.conn.IsClosed() || t.conn.PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	_, _ = t.conn.Exec(ctx, "ROLLBACK")
}

// tx is a store.Tx. Its transaction begins with its first statement, in the same round trip,
// and every statement sees all that was committed before it.
type tx struct {
	conn  *pgx.Conn
	begin []*step
	notes notes
	begun bool
	over  bool // fn has returned
	// broken is the error that has ended the transaction.
	broken error
}

var _ store.Tx = (*tx)(nil)

var (
	begin = statement{"begin a transaction", `BEGIN`}
	// commitSoon makes the commit of this transaction not wait for the disk. As the log is
	// written in order, whatever commits later and waits makes this one durable too.
	commitSoon = statement{"begin a transaction", `SET LOCAL synchronous_commit = off`}
)

// do implements querier.
func (t *tx) do(ctx context.Context, steps ...*step) error {
	switch {
	case t.over:
		return failed(steps[0].doing, errOver)
	case t.broken != nil:
		return t.broken
	case ctx.Err() != nil:
		return failed(steps[0].doing, ctx.Err())
	}
	if !t.begun {
		t.begun = true
		steps = append(slices.Clip(t.begin), steps...)
	}
	t.broken = send(ctx, t.conn, steps)
	return t.broken
}

// must executes steps of which the one at the index has to find or change something, or else
// what it is about is NotFound.
func (t *tx) must(ctx context.Context, index int, steps ...*step) error {
	if err := t.do(ctx, steps...); err != nil {
		return err
	}
	if steps[index].count == 0 {
		return failed(steps[index].doing, errNoRow)
	}
	return nil
}
