package sqlite

import (
	"context"
	"database/sql"
	"sync"
)

// statement is an SQL statement with what it is for, which errors tell.
type statement struct{ doing, sql string }

// preparer is a *sql.DB or *sql.Conn.
type preparer interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// statements prepares each statement once.
type statements struct {
	on preparer

	mu       sync.RWMutex // guards prepared
	prepared map[string]*sql.Stmt
}

func newStatements(on preparer) *statements {
	return &statements{on: on, prepared: make(map[string]*sql.Stmt)}
}

func (s *statements) get(ctx context.Context, text string) (*sql.Stmt, error) {
	s.mu.RLock()
	found := s.prepared[text]
	s.mu.RUnlock()
	if found != nil {
		return found, nil
	}
	made, err := s.on.PrepareContext(context.WithoutCancel(ctx), text)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	found = s.prepared[text]
	if found == nil {
		s.prepared[text] = made
	}
	s.mu.Unlock()
	if found != nil {
		return found, made.Close()
	}
	return made, nil
}

func (s *statements) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	prepared, err := s.get(ctx, text)
	if err != nil {
		return nil, err
	}
	return prepared.QueryContext(ctx, args...)
}

func (s *statements) exec(ctx context.Context, text string, args ...any) (int64, error) {
	prepared, err := s.get(ctx, text)
	if err != nil {
		return 0, err
	}
	result, err := prepared.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// querier answers queries: outside of transactions *reads, inside *tx.
type querier interface {
	// each calls fn for every row of the answer. Its errors have a kind.
	each(ctx context.Context, st statement, fn func(*row) error, args ...any) error
}

// reads asks on the connections that only read.
type reads struct{ *statements }

func (r *reads) each(ctx context.Context, st statement, fn func(*row) error, args ...any) error {
	err := eachRow(ctx, r.statements, st, fn, args)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return failed(st.doing, err)
}

func eachRow(ctx context.Context, s *statements, st statement, fn func(*row) error, args []any) (err error) {
	rows, err := s.query(ctx, st.sql, args...)
	if err != nil {
		return err
	}
	defer func() {
		if e := rows.Close(); err == nil {
			err = e
		}
	}()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	r := newRow(len(columns))
	for rows.Next() {
		if err := rows.Scan(r.targets...); err != nil {
			return err
		}
		r.next = 0
		if err := fn(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

// all returns what scan makes of every row.
func all[T any](ctx context.Context, q querier, st statement, scan func(*row) (T, error), args ...any) ([]T, error) {
	var found []T
	err := q.each(ctx, st, func(r *row) error {
		one, err := scan(r)
		found = append(found, one)
		return err
	}, args...)
	if err != nil {
		return nil, err
	}
	return found, nil
}

// first returns what scan makes of the first row, and whether there is one.
func first[T any](ctx context.Context, q querier, st statement, scan func(*row) (T, error), args ...any) (T, bool, error) {
	found, err := all(ctx, q, st, scan, args...)
	if err != nil || len(found) == 0 {
		var none T
		return none, false, err
	}
	return found[0], true, nil
}
