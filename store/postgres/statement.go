package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// statement is an SQL statement with what it is for, which errors tell. The driver prepares it
// once for each connection.
type statement struct{ doing, sql string }

// step is a statement to be executed.
type step struct {
	statement
	args []any
	// rows, if not nil, reads the answer. As a step may be executed again, it begins anew
	// each time.
	rows func(pgx.Rows) error
	// count is how many rows the statement has found or changed.
	count int64
}

func (st statement) with(args ...any) *step { return &step{statement: st, args: args} }

// into makes a step that replaces *found with what scan makes of every row.
func into[T any](found *[]T, st statement, scan func(pgx.Rows) (T, error), args ...any) *step {
	s := st.with(args...)
	s.rows = func(rows pgx.Rows) error {
		*found = nil
		for rows.Next() {
			one, err := scan(rows)
			if err != nil {
				return err
			}
			*found = append(*found, one)
		}
		return nil
	}
	return s
}

// querier executes steps in their order, with one round trip: outside of transactions reads,
// inside *tx.
type querier interface {
	// do executes the steps. Its errors have a kind.
	do(ctx context.Context, steps ...*step) error
}

// all returns what scan makes of every row.
func all[T any](ctx context.Context, q querier, st statement, scan func(pgx.Rows) (T, error), args ...any) ([]T, error) {
	var found []T
	if err := q.do(ctx, into(&found, st, scan, args...)); err != nil {
		return nil, err
	}
	return found, nil
}

// first returns what scan makes of the first row, and whether there is one.
func first[T any](ctx context.Context, q querier, st statement, scan func(pgx.Rows) (T, error), args ...any) (T, bool, error) {
	found, err := all(ctx, q, st, scan, args...)
	if err != nil || len(found) == 0 {
		var none T
		return none, false, err
	}
	return found[0], true, nil
}

// one is a scan of a single column.
func one[T any](rows pgx.Rows) (v T, err error) {
	err = rows.Scan(&v)
	return v, err
}

// send executes the steps on a connection, with one round trip once it knows the statements.
func send(ctx context.Context, conn *pgx.Conn, steps []*step) error {
	var batch pgx.Batch
	for _, s := range steps {
		batch.Queue(s.sql, s.args...)
	}
	answers := conn.SendBatch(ctx, &batch)
	doing := steps[0].doing
	var err error
	for _, s := range steps {
		doing = s.doing
		if err = s.receive(answers); err != nil {
			break
		}
	}
	if e := answers.Close(); err == nil {
		err = e
	}
	if err = gone(ctx, err); err != nil && conn.IsClosed() {
		err = lostError{err}
	}
	return failed(doing, err)
}

// receive reads the answer to the step, the next one of the batch.
func (s *step) receive(answers pgx.BatchResults) error {
	rows, err := answers.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	if s.rows != nil {
		if err := s.rows(rows); err != nil {
			return err
		}
	}
	rows.Close()
	s.count = rows.CommandTag().RowsAffected()
	return rows.Err()
}
