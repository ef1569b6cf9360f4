// Package sessiontable knows clients by the sessions that a sister service keeps in PostgreSQL,
// in the tables of the companion library of the original Hatrac server.
package sessiontable

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"github.com/hatrac/hatrac/service/account"
	"github.com/hatrac/hatrac/store"
)

// Config says where the tables are.
type Config struct {
	// DSN is the connection string of the database.
	DSN string
	// Schema holds the tables; empty means "webauthn2".
	Schema string
	// Cookie is the name of the cookie whose value begins with the key of a session.
	Cookie string
	// Lifetime is how long a session lasts after its last use; 0: use does not extend it.
	Lifetime time.Duration
}

const (
	defaultSchema  = "webauthn2"
	connections    = 8
	connectTimeout = 5 * time.Second
	queryTimeout   = 10 * time.Second
	// extendInterval is the least time by which use extends a session, so that not every
	// request writes.
	extendInterval = 5 * time.Second
	// maxKey is the most bytes that a key can have.
	maxKey = 256
)

// Sessions are those of the sister service. Its methods may be called concurrently.
type Sessions struct {
	cfg  Config
	pool *pgxpool.Pool
	// statements, with the schema in them
	find, extend, end, users, roles string
}

// Open prepares to read the tables; the database need not answer yet.
func Open(ctx context.Context, cfg Config) (*Sessions, error) {
	if cfg.Schema == "" {
		cfg.Schema = defaultSchema
	}
	config, err := pgxpool.ParseConfig(cfg.DSN)
	if err != nil {
		return nil, &store.Error{Kind: store.Invalid, Message: "The connection string of the session tables is malformed.", Err: errors.New("malformed")}
	}
	config.MaxConns = connections
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "hatrac sessions"
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, failed("open the session tables", err)
	}
	s := &Sessions{cfg: cfg, pool: pool}
	s.prepare()
	return s, nil
}

// prepare writes the statements.
func (s *Sessions) prepare() {
	in := func(statement string) string {
		return strings.ReplaceAll(statement, "SCHEMA", pgx.Identifier{s.cfg.Schema}.Sanitize())
	}
	s.find = in(`
SELECT client::text, attributes::text[], coalesce(since, keysince, now()), expires
FROM SCHEMA.session WHERE (key = $1 OR key_old = $1) AND expires > now() ORDER BY key = $1 DESC LIMIT 1`)
	s.extend = in(`
UPDATE SCHEMA.session SET expires = now() + $2::interval
WHERE (key = $1 OR key_old = $1) AND expires > now() AND expires < now() + $3::interval`)
	s.end = in(`DELETE FROM SCHEMA.session WHERE (key = $1 OR key_old = $1) AND expires > now()`)
	s.prepareImport(in)
}

// Close gives the connections back.
func (s *Sessions) Close() error {
	s.pool.Close()
	return nil
}

// Check tells whether the session table can be read.
func (s *Sessions) Check(ctx context.Context) error {
	_, err := s.session(ctx, "-")
	return err
}

// Find returns the session that a cookie leads to, or nil, and extends it.
func (s *Sessions) Find(ctx context.Context, c account.Credentials) (*account.Session, error) {
	return s.use(ctx, c, extendInterval)
}

// Extend makes the session last its full time from now.
func (s *Sessions) Extend(ctx context.Context, c account.Credentials) (*account.Session, error) {
	return s.use(ctx, c, 0)
}

// use returns the session of the credentials, and extends it if that makes it last longer by at
// least the given time.
func (s *Sessions) use(ctx context.Context, c account.Credentials, atLeast time.Duration) (*account.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	for _, key := range s.keys(c) {
		session, err := s.session(ctx, key)
		if err != nil {
			return nil, err
		}
		if session != nil {
			s.prolong(ctx, key, session, atLeast)
			return session, nil
		}
	}
	return nil, nil
}

// prolong extends a session. A session that cannot be extended is one nevertheless.
func (s *Sessions) prolong(ctx context.Context, key string, session *account.Session, atLeast time.Duration) {
	limit := s.cfg.Lifetime - atLeast
	if s.cfg.Lifetime <= 0 || limit <= 0 || time.Until(session.Expires) >= limit {
		return
	}
	tag, err := s.pool.Exec(ctx, s.extend, key, s.cfg.Lifetime, limit)
	switch {
	case err != nil:
		zerolog.Ctx(ctx).Warn().Err(err).Msg("a session of the session tables could not be extended")
	case tag.RowsAffected() > 0:
		session.Expires = time.Now().Add(s.cfg.Lifetime)
	}
}

// End ends the session of the credentials.
func (s *Sessions) End(ctx context.Context, c account.Credentials) (ended bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	for _, key := range s.keys(c) {
		tag, err := s.pool.Exec(ctx, s.end, key)
		if err != nil {
			return ended, failed("end a session of the session tables", err)
		}
		ended = ended || tag.RowsAffected() > 0
	}
	return ended, nil
}

// keys returns the keys that the cookies may have: what stands before the first bar.
func (s *Sessions) keys(c account.Credentials) []string {
	var keys []string
	for _, value := range c.Cookies[s.cfg.Cookie] {
		key, _, _ := strings.Cut(value, "|")
		if key != "" && len(key) <= maxKey && utf8.ValidString(key) && !strings.ContainsRune(key, 0) {
			keys = append(keys, key)
		}
	}
	return keys
}

// session returns the session with a key, which may be its former one, or nil.
func (s *Sessions) session(ctx context.Context, key string) (*account.Session, error) {
	const doing = "look up a session in the session tables"
	var client *string
	var attributes []*string
	var since, expires time.Time
	err := s.pool.QueryRow(ctx, s.find, key).Scan(&client, &attributes, &since, &expires)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && client == nil {
		return nil, nil
	}
	if err != nil {
		return nil, failed(doing, err)
	}
	var texts []json.RawMessage
	for _, text := range attributes {
		if text != nil {
			texts = append(texts, json.RawMessage(*text))
		}
	}
	session, err := account.ParseSession(json.RawMessage(*client), texts)
	if err != nil || session == nil {
		return nil, store.Wrap(store.Internal, doing, err)
	}
	session.Since, session.Expires, session.Ambient = since, expires, true
	return session, nil
}

// failed is an error of the database: without it nobody can tell who a client is.
func failed(doing string, err error) error {
	if errors.Is(err, context.Canceled) {
		return store.Wrap(store.Interrupted, doing, err)
	}
	return &store.Error{
		Kind: store.Unavailable, Message: "The sessions cannot be looked up; please try again later.",
		Err: &wrapped{doing, err},
	}
}

// wrapped says what failed.
type wrapped struct {
	doing string
	err   error
}

func (w *wrapped) Error() string { return w.doing + ": " + w.err.Error() }

func (w *wrapped) Unwrap() error { return w.err }
