package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// maxBatch is how many changes at most share one commit.
const maxBatch = 256

// writer makes changes on the one connection that writes, and commits in one go those that
// arrive together.
//
// Whoever wants to change something waits for the turn, makes its change in the transaction
// that is open, or opens one, gives the turn back and at once waits for it again. Those who
// wait get the turn in the order of their coming, so everybody who waited before makes its
// change in the same transaction first. Whoever gets the turn for the second time and finds
// its transaction still open commits it and tells all others in it. So a commit serves all
// who came while the commit before was under way, nobody waits for a timer, and there is
// always somebody who will commit.
type writer struct {
	// turn has room for one. Who has put something in may use the connection and the
	// fields below, also over I/O, until it takes it out.
	turn chan struct{}

	db       *sql.DB
	conn     *sql.Conn
	prepared *statements
	patience time.Duration
	open     *batch // the transaction that is open, or nil
	depth    depth  // to which the connection commits
	closed   bool
}

// depth says what holds for a change that is acknowledged. In the write-ahead log a commit to
// full depth makes all commits before it durable too, by whomever they were made: it syncs the
// whole log. The others only write to it.
type depth uint8

const (
	full depth = iota // it survives a crash
	soon              // it survives a crash if a later one does that was committed to full depth
)

// synchronous is how SQLite calls a depth. FULL syncs the log at each commit; NORMAL only where
// the log begins anew, so that what is in the file never rests on what is not.
var synchronous = [...]string{full: "PRAGMA synchronous(FULL)", soon: "PRAGMA synchronous(NORMAL)"}

// batch is the changes of one transaction.
type batch struct {
	members int // guarded by the turn

	// err says what became of all of them; it may be read when done is closed.
	err  error
	done chan struct{}
}

// newWriter takes over db, which has one connection at most.
func newWriter(ctx context.Context, db *sql.DB, patience time.Duration) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, failed("open the database", err)
	}
	w := &writer{
		turn:     make(chan struct{}, 1),
		db:       db,
		conn:     conn,
		prepared: newStatements(conn),
		patience: patience,
	}
	// From now on begin is who waits, because it can stop when its context ends.
	if err := w.do(ctx, "PRAGMA busy_timeout(20)"); err != nil {
		return nil, failed("open the database", errors.Join(err, conn.Close()))
	}
	return w, nil
}

// do executes a statement to its end, whatever becomes of ctx: an interrupted statement could
// take the changes of others with it.
func (w *writer) do(ctx context.Context, text string) error {
	_, err := w.prepared.exec(context.WithoutCancel(ctx), text)
	return err
}

// update runs fn as a change of its own and returns when it is durable, or has not happened.
// An error of fn may rest on changes of others that are not durable yet, so it too is
// returned only when these are.
func (w *writer) update(ctx context.Context, fn func(*tx) error) error {
	return w.updateTo(ctx, full, fn)
}

// updateTo is update to a depth.
func (w *writer) updateTo(ctx context.Context, to depth, fn func(*tx) error) (err error) {
	if err := ctx.Err(); err != nil {
		return failed("wait to change the directory", err)
	}
	select {
	case w.turn <- struct{}{}:
	case <-ctx.Done():
		return failed("wait to change the directory", ctx.Err())
	}
	b, err := w.join(ctx, to)
	if err != nil {
		<-w.turn
		return err
	}
	defer func() { // also if fn panics
		if lost := w.settle(ctx, b); lost != nil {
			err = lost
		}
	}()
	return w.run(ctx, b.members == 1, fn)
}

// join makes sure that a transaction is open and takes part in it. One that is committed to full
// depth serves changes of each depth. The caller has the turn.
func (w *writer) join(ctx context.Context, to depth) (*batch, error) {
	if w.open != nil && (w.open.members >= maxBatch || to == full && w.depth == soon) {
		w.commit(ctx)
	}
	if w.closed {
		return nil, failed("change the directory", errClosed)
	}
	if w.open == nil {
		err := w.dive(ctx, to)
		if err == nil {
			err = w.begin(ctx)
		}
		if err != nil {
			return nil, failed("begin a transaction", err)
		}
		w.open = &batch{done: make(chan struct{})}
	}
	w.open.members++
	return w.open, nil
}

// dive makes the connection commit to that depth from now on; it cannot be changed inside of a
// transaction. The statement has its effect when it is prepared, so it is prepared each time.
func (w *writer) dive(ctx context.Context, to depth) error {
	if w.depth == to {
		return nil
	}
	if _, err := w.conn.ExecContext(context.WithoutCancel(ctx), synchronous[to]); err != nil {
		return err
	}
	w.depth = to
	return nil
}

// begin opens a transaction that may write. It waits for other processes that write by asking
// often, so that one that writes all the time cannot keep it out.
func (w *writer) begin(ctx context.Context) error {
	for start := time.Now(); ; {
		err := w.do(ctx, "BEGIN IMMEDIATE")
		switch {
		case err == nil:
			return nil
		case !busy(err):
			// Should a transaction be open that should not, it will not be in the way again.
			return errors.Join(err, w.rollback(ctx))
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Since(start) > w.patience:
			return err
		}
	}
}

// run makes one change in the open transaction, which is as before if the change fails. The first
// one needs no savepoint, which would copy all pages that it changes: if it fails, the transaction
// ends. The caller has the turn; run gives it back, whatever happens.
func (w *writer) run(ctx context.Context, first bool, fn func(*tx) error) error {
	defer func() { <-w.turn }()
	if !first {
		if err := w.do(ctx, "SAVEPOINT change"); err != nil {
			err = failed("begin a change", err)
			w.abandon(ctx, err)
			return err
		}
	}
	t := &tx{prepared: w.prepared}
	kept := false
	defer func() {
		t.over = true
		switch {
		case kept:
		case first:
			w.abandon(ctx, nil)
		default:
			w.undo(ctx, t)
		}
	}()
	if err := fn(t); err != nil {
		return err
	}
	if t.broken != nil {
		return t.broken
	}
	if !first {
		if err := w.do(ctx, "RELEASE change"); err != nil {
			t.broken = failed("end a change", err)
			return t.broken
		}
	}
	kept = true
	return nil
}

// undo takes back what t did. If that is impossible, as when the database has ended the whole
// transaction because the disk is full, the batch is lost.
func (w *writer) undo(ctx context.Context, t *tx) {
	err := w.do(ctx, "ROLLBACK TO change")
	if err == nil {
		err = w.do(ctx, "RELEASE change")
	}
	if err == nil {
		return
	}
	if t.broken == nil {
		t.broken = failed("take back a change", err)
	}
	w.abandon(ctx, t.broken)
}

// settle waits until the outcome of b is known and returns it; it commits b if its turn comes
// before anybody has. It does not heed the end of ctx: what happened has to be known.
func (w *writer) settle(ctx context.Context, b *batch) error {
	select {
	case <-b.done:
	case w.turn <- struct{}{}:
		if w.open == b {
			w.commit(ctx)
		}
		<-w.turn
	}
	<-b.done
	return b.err
}

// commit makes the open transaction durable and tells its members. The caller has the turn.
func (w *writer) commit(ctx context.Context) {
	if err := w.do(ctx, "COMMIT"); err != nil {
		w.abandon(ctx, failed("commit", err))
		return
	}
	close(w.open.done)
	w.open = nil
}

// abandon ends the open transaction without effect and tells its members why, but for nil, where
// there is only one who knows. The caller has the turn.
func (w *writer) abandon(ctx context.Context, why error) {
	w.open.err = why
	if err := w.rollback(ctx); err != nil {
		w.open.err = failed("roll back", errors.Join(why, err))
	}
	close(w.open.done)
	w.open = nil
}

// rollback ends the connection's transaction, if there still is one.
func (w *writer) rollback(ctx context.Context) error {
	err := w.do(ctx, "ROLLBACK")
	if idle(err) {
		return nil
	}
	return err
}

// close commits what is open, refuses what comes later, and closes the connection.
func (w *writer) close() error {
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	if w.closed {
		return nil
	}
	w.closed = true
	if w.open != nil {
		w.commit(context.Background())
	}
	return failed("close the database", errors.Join(w.conn.Close(), w.db.Close()))
}
