package sessiontable

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service/account"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/postgres/pgtest"
)

// server is the PostgreSQL of all tests of this package.
var server *pgtest.Server

func TestMain(m *testing.M) {
	code, err := runAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runAll(m *testing.M) (code int, err error) {
	if server, err = pgtest.New("fsync=off"); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, server.Remove()) }()
	if err := server.Start(); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	return m.Run(), nil
}

// tables are those of the sister service, as it makes them.
const tables = `
CREATE SCHEMA "web Auth";
SET search_path = "web Auth";
CREATE TABLE session (
	key text UNIQUE, key_old text UNIQUE, since timestamptz, keysince timestamptz, expires timestamptz,
	client json, attributes json[]
);
CREATE TABLE "user" (uid serial PRIMARY KEY, id text UNIQUE);
CREATE TABLE password (uid int PRIMARY KEY REFERENCES "user" (uid), pwhash text, salthex text, reps int);
CREATE TABLE attribute (aid serial PRIMARY KEY, attribute text UNIQUE);
CREATE TABLE userattribute (id text, aid int REFERENCES attribute (aid), UNIQUE (id, aid));
CREATE TABLE nestedattribute (child int REFERENCES attribute (aid), parent int REFERENCES attribute (aid), UNIQUE (child, parent));
`

// site is the database of a sister service with the sessions in it.
type site struct {
	*Sessions
	t    *testing.T
	conn *pgx.Conn
}

func newSite(t *testing.T, lifetime time.Duration) *site {
	t.Helper()
	ctx := t.Context()
	name := fmt.Sprintf("s%d", time.Now().UnixNano())
	admin, err := pgx.Connect(ctx, server.DSN("postgres"))
	must(t, err)
	_, err = admin.Exec(ctx, "CREATE DATABASE "+name)
	must(t, errors.Join(err, admin.Close(ctx)))
	s := &site{t: t}
	s.conn, err = pgx.Connect(ctx, server.DSN(name))
	must(t, err)
	t.Cleanup(func() { _ = s.conn.Close(context.Background()) })
	s.exec(tables)
	s.Sessions, err = Open(ctx, Config{DSN: server.DSN(name), Schema: "web Auth", Cookie: "ermrest", Lifetime: lifetime})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *site) exec(statement string, args ...any) {
	s.t.Helper()
	_, err := s.conn.Exec(s.t.Context(), statement, args...)
	must(s.t, err)
}

// put makes a session that ends after so many seconds.
func (s *site) put(key string, old *string, seconds int, client string, attributes ...string) {
	s.t.Helper()
	s.exec(`INSERT INTO session VALUES ($1, $2, '2026-01-02 03:04:05+00', now(), now() + make_interval(secs => $3), $4::text::json, $5::text[]::json[])`,
		key, old, seconds, client, attributes)
}

// remaining returns how many seconds a session lasts.
func (s *site) remaining(key string) (seconds float64) {
	s.t.Helper()
	must(s.t, s.conn.QueryRow(s.t.Context(), `SELECT extract(epoch FROM expires - now())::float8 FROM session WHERE key = $1`, key).Scan(&seconds))
	return seconds
}

func cookie(values ...string) account.Credentials {
	return account.Credentials{Cookies: map[string][]string{"ermrest": values}}
}

// who returns the client that the cookies lead to.
func (s *site) who(values ...string) string {
	s.t.Helper()
	session, err := s.Find(s.t.Context(), cookie(values...))
	must(s.t, err)
	if session == nil {
		return ""
	}
	return session.Client.ID
}

func TestACookieLeadsToASessionByItsKey(t *testing.T) {
	s := newSite(t, 0)
	old := "former"
	s.put("key1", &old, 3600, `{"id": "ada", "display_name": "Ada"}`, `{"id": "g1", "display_name": "Group"}`, `"g2"`)
	s.put("key2", nil, 3600, `"bob"`)
	s.put("key3", nil, -1, `"carl"`)
	s.put("key4", nil, 3600, `null`)
	s.exec(`INSERT INTO session (key, expires) VALUES ('key5', now() + '1h')`)
	for _, c := range []struct{ value, want string }{
		{"key1", "ada"},
		{"key1|source|host", "ada"},
		{"former|x", "ada"},
		{"key2|", "bob"},
		{"key3", ""},
		{"key4", ""},
		{"key5", ""},
		{"KEY1", ""},
		{"key", ""},
		{"|key1", ""},
		{"", ""},
		{"key1'--", ""},
		{"key\x00", ""},
		{"\xff", ""},
	} {
		if got := s.who(c.value); got != c.want {
			t.Errorf("the cookie %q leads to %q, want %q", c.value, got, c.want)
		}
	}
	if got := s.who("stale", "key2|x"); got != "bob" {
		t.Errorf("the second cookie leads to %q", got)
	}
	session, err := s.Find(t.Context(), cookie("key1"))
	must(t, err)
	want := acl.Client{ID: "ada", DisplayName: "Ada", Roles: []string{"g1", "g2"}}
	if diff := cmp.Diff(want, session.Client); diff != "" || session.RoleNames["g1"] != "Group" || !session.Ambient {
		t.Errorf("%s %+v", diff, session)
	}
	if since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC); !session.Since.Equal(since) {
		t.Errorf("the session began at %v", session.Since)
	}
	other := account.Credentials{Cookies: map[string][]string{"other": {"key1"}}, Authorization: "Bearer key1"}
	if session, err := s.Find(t.Context(), other); session != nil || err != nil {
		t.Errorf("another cookie leads to %v, %v", session, err)
	}
}

func TestUseExtendsASession(t *testing.T) {
	s := newSite(t, time.Hour)
	s.put("short", nil, 60, `"ada"`)
	session, err := s.Find(t.Context(), cookie("short|x"))
	must(t, err)
	if left := s.remaining("short"); left < 1800 || time.Until(session.Expires) < 30*time.Minute {
		t.Errorf("after its use the session lasts %v s, and tells %v", left, session.Expires)
	}
	// Used just now: one second less than its time is not worth a change, unless that is asked for.
	s.put("fresh", nil, 3598, `"ada"`)
	s.exec(`CREATE RULE frozen AS ON UPDATE TO session WHERE old.key = 'fresh' DO INSTEAD DELETE FROM session WHERE key = 'fresh'`)
	s.who("fresh")
	if s.who("fresh") != "ada" {
		t.Error("each use writes")
	}
	if _, err := s.Extend(t.Context(), cookie("fresh")); err != nil || s.who("fresh") != "" {
		t.Errorf("the session is not extended when asked: %v", err)
	}

	still := newSite(t, 0)
	still.put("short", nil, 60, `"ada"`)
	if still.who("short") != "ada" || still.remaining("short") > 60 {
		t.Error("a session is extended though it is not to be")
	}
}

func TestASessionThatCannotBeExtendedIsOne(t *testing.T) {
	s := newSite(t, time.Hour)
	s.put("k", nil, 60, `"ada"`)
	s.exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $$no$$; END'`)
	s.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON session EXECUTE FUNCTION refuse()`)
	if got := s.who("k"); got != "ada" {
		t.Errorf("the cookie leads to %q", got)
	}
}

func TestALogoutEndsTheSession(t *testing.T) {
	s := newSite(t, time.Hour)
	old := "former"
	s.put("k", &old, 60, `"ada"`)
	s.put("other", nil, 60, `"bob"`)
	for _, want := range []bool{true, false} {
		if ended, err := s.End(t.Context(), cookie("former|x")); err != nil || ended != want {
			t.Errorf("ended: %v, %v; want %v", ended, err, want)
		}
	}
	if s.who("k") != "" || s.who("other") != "bob" {
		t.Error("another session was ended")
	}
}

func TestNobodyIsAnonymousWithoutTheDatabase(t *testing.T) {
	s, err := Open(t.Context(), Config{DSN: "host=127.0.0.1 port=1 user=u password=hunter2 dbname=d", Cookie: "ermrest"})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	_, err = s.Find(t.Context(), cookie("k"))
	if store.KindOf(err) != store.Unavailable || s.Check(t.Context()) == nil {
		t.Errorf("got %v", err)
	}
	if session, err := s.Find(t.Context(), account.Credentials{}); session != nil || err != nil {
		t.Errorf("without a cookie: %v, %v", session, err)
	}
	missing := newSite(t, 0)
	missing.exec(`DROP TABLE session`)
	if _, err := missing.Find(t.Context(), cookie("k")); store.KindOf(err) != store.Unavailable {
		t.Errorf("got %v", err)
	}
	if _, err := Open(t.Context(), Config{DSN: "password=hunter2 port=x"}); err == nil || store.KindOf(err) != store.Invalid {
		t.Errorf("got %v", err)
	}
}

func TestAccountsAreReadWithAllTheirRoles(t *testing.T) {
	s := newSite(t, 0)
	s.exec(`INSERT INTO "user" (uid, id) VALUES (1, 'ada'), (2, 'bob'), (3, 'carl')`)
	s.exec(`INSERT INTO password VALUES (1, 'aa', 'bb', 7)`)
	s.exec(`INSERT INTO attribute (aid, attribute) VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'alone'), (5, 'bob')`)
	s.exec(`INSERT INTO userattribute VALUES ('ada', 1), ('carl', 4), ('gone', 4)`)
	s.exec(`INSERT INTO nestedattribute VALUES (1, 2), (2, 3), (3, 1), (5, 3)`) // in a circle
	got, err := s.Users(t.Context())
	must(t, err)
	want := []account.Imported{
		{Name: "ada", Roles: []string{"a", "b", "c"}, Hash: "aa", Salt: "bb", Rounds: 7},
		{Name: "bob", Roles: []string{"a", "b", "c"}},
		{Name: "carl", Roles: []string{"alone"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
