// Package postgres keeps the directory in a PostgreSQL database, or in a distributed one that
// speaks the same language, for any number of servers at the same time. Every change is durable
// when it is acknowledged, if the database makes its commits durable.
package postgres

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hatrac/hatrac/store"
)

// Config says which database to use and how.
type Config struct {
	// DSN is the connection string, in the form "dbname=hatrac" or as a URL. What it leaves out
	// comes from the environment (PGHOST, …) and libpq's defaults.
	DSN string
	// Schema holds the tables; empty means "hatrac".
	Schema string
	// Migrate creates the schema and its tables if they are missing, and brings older tables
	// up to date. Without it that is an error.
	Migrate bool
	// MaxRetries is how often a transaction is tried again after a serialization failure, a
	// deadlock or a lost connection; 0 means 5, less means never.
	MaxRetries int
	// Connections is how many connections are open at most, unless the DSN says so itself
	// (pool_max_conns); 0 means 16.
	Connections int
	// NoNotes switches notes to other processes off: LISTEN and NOTIFY.
	NoNotes bool

	// tracer, if not nil, hears what is sent to the database.
	tracer pgx.QueryTracer
}

const (
	defaultSchema      = "hatrac"
	defaultRetries     = 5
	defaultConnections = 16
	connectTimeout     = 5 * time.Second
)

func (c Config) withDefaults() Config {
	if c.Schema == "" {
		c.Schema = defaultSchema
	}
	if c.MaxRetries == 0 {
		c.MaxRetries = defaultRetries
	}
	if c.Connections <= 0 {
		c.Connections = defaultConnections
	}
	return c
}

// pool returns the configuration of the connections.
func (c Config) pool() (*pgxpool.Config, error) {
	said, err := pgx.ParseConfig(c.DSN)
	if err != nil {
		return nil, malformed(err)
	}
	pool, err := pgxpool.ParseConfig(c.DSN)
	if err != nil {
		return nil, malformed(err)
	}
	if _, ok := said.RuntimeParams["pool_max_conns"]; !ok {
		pool.MaxConns = int32(c.Connections)
	}
	if pool.ConnConfig.ConnectTimeout == 0 {
		pool.ConnConfig.ConnectTimeout = connectTimeout
	}
	parameters := pool.ConnConfig.RuntimeParams
	parameters["search_path"] = pgx.Identifier{c.Schema}.Sanitize()
	if parameters["application_name"] == "" {
		parameters["application_name"] = "hatrac"
	}
	pool.ConnConfig.Tracer = c.tracer
	pool.AfterConnect = settle
	return pool, nil
}

// settings make the plan of a statement the same for all arguments and all sizes of the tables, so
// that it is made once for a connection: planning a look-up takes longer than it takes. Every
// statement is served by indexes, also if the tables were empty when it was planned.
const settings = `SELECT set_config('plan_cache_mode', 'force_generic_plan', false),
	set_config('enable_seqscan', 'off', false), set_config('jit', 'off', false)`

// settle prepares a new connection. A database that does not know the settings does without.
func settle(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, settings)
	var said *pgconn.PgError
	if errors.As(err, &said) && survived(said) {
		return nil
	}
	return err
}

func malformed(err error) error {
	return &store.Error{Kind: store.Invalid, Message: "The connection string of the database is malformed.", Err: err}
}

// Directory is a store.Directory in a PostgreSQL database.
type Directory struct {
	pool       *pgxpool.Pool
	maxRetries int
	notes      notes
	closed     atomic.Bool
}

var _ store.Directory = (*Directory)(nil)

// Open connects to the database. Tables that are missing or older are brought up to date if the
// configuration says so, under a lock that other processes starting on the same database wait
// for; else they are a Conflict, as are always tables of a newer program.
func Open(ctx context.Context, cfg Config) (*Directory, error) {
	cfg = cfg.withDefaults()
	config, err := cfg.pool()
	if err != nil {
		return nil, err
	}
	if err := prepareSchema(ctx, config.ConnConfig, cfg); err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, failed("open the database", err)
	}
	d := &Directory{pool: pool, maxRetries: cfg.MaxRetries, notes: newNotes(!cfg.NoNotes, cfg.Schema)}
	if err := d.probe(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return d, nil
}

// Accounts implements store.Directory.
func (d *Directory) Accounts() store.Accounts { return accounts{d} }

// Close implements store.Directory.
func (d *Directory) Close() error {
	d.closed.Store(true)
	d.pool.Close()
	return nil
}
