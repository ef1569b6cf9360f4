package postgres

import (
	"context"
	"errors"
	"net/url"

	"github.com/jackc/pgx/v5"
)

// execute executes a statement on a connection of its own.
func execute(ctx context.Context, dsn, text string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, text)
	return errors.Join(err, conn.Close(ctx))
}

// inDatabase returns the connection string with another database.
func inDatabase(dsn, database string) string {
	if address, err := url.Parse(dsn); err == nil && address.Scheme != "" {
		address.Path = "/" + database
		return address.String()
	}
	return dsn + " dbname=" + database
}
