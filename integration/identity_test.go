package integration

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/hatrac/hatrac/store/postgres/pgtest"
)

// sisterTables are those of a companion library, with a session of ada and accounts. The password
// of bob is "correct horse"; the hash was made by another program.
const sisterTables = `
CREATE SCHEMA webauthn2; SET search_path = webauthn2;
CREATE TABLE session (key text UNIQUE, key_old text UNIQUE, since timestamptz, keysince timestamptz,
	expires timestamptz, client json, attributes json[]);
INSERT INTO session VALUES ('k1', 'k0', now(), now(), now() + '1 minute',
	'{"id": "https://auth/ada", "display_name": "ada"}', ARRAY['{"id": "curators"}', '"readers"']::json[]);
CREATE TABLE "user" (uid serial PRIMARY KEY, id text UNIQUE);
CREATE TABLE password (uid int PRIMARY KEY REFERENCES "user" (uid), pwhash text, salthex text, reps int);
CREATE TABLE attribute (aid serial PRIMARY KEY, attribute text UNIQUE);
CREATE TABLE userattribute (id text, aid int REFERENCES attribute (aid));
CREATE TABLE nestedattribute (child int REFERENCES attribute (aid), parent int REFERENCES attribute (aid));
INSERT INTO "user" VALUES (1, 'bob');
INSERT INTO password VALUES (1, 'fbb27f172f5ce49b21b0311f57e4d97a', '00ff10', 1000);
INSERT INTO attribute VALUES (1, 'students'), (2, 'curators');
INSERT INTO userattribute VALUES ('bob', 1);
INSERT INTO nestedattribute VALUES (1, 2);
`

// sisterDatabase starts a PostgreSQL with the tables of a sister service.
func sisterDatabase(t *testing.T) (dsn string) {
	t.Helper()
	db, err := pgtest.New("fsync=off")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Remove() })
	if err := db.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Stop() })
	conn, err := pgx.Connect(t.Context(), db.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), sisterTables); err != nil {
		t.Fatal(err)
	}
	return db.DSN("postgres")
}

// status sends a request with header fields, given as "Name: value", and returns its status.
func status(t *testing.T, method, url, body string, fields ...string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		request.Header.Add(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

// TestASisterServiceKnowsClients has the sessions of one in its tables and takes its accounts over.
func TestASisterServiceKnowsClients(t *testing.T) {
	dir := t.TempDir()
	dsn := sisterDatabase(t)
	sister := configFile(t, map[string]any{
		"database_type": "postgres", "database_dsn": dsn, "database_schema": "webauthn2", "sessionstates_provider": "database",
		"web_cookie_name": "ermrest", "session_expiration_minutes": 30, "hash_passwd_reps": 1000,
	})
	own := configFile(t, map[string]any{
		"database_dsn": filepath.Join(dir, "h.db"), "storage_path": filepath.Join(dir, "content"), "webauthn2_config": sister,
	})
	output(t, "", program, "init", "--config", own, "--owner", "curators")
	for _, want := range []string{"1 accounts were added, 0 were here", "0 accounts were added, 1 were here"} {
		if got := output(t, "", program, "user", "import", "--webauthn2", sister, "--config", own); !strings.Contains(got, want) {
			t.Errorf("the import prints %q, want %q", got, want)
		}
	}
	if got := output(t, "", program, "user", "list", "--config", own); !strings.Contains(got, "curators, students") {
		t.Errorf("the accounts are\n%s", got)
	}
	p := start(t, nil, "serve", "--config", own, "--listen", "127.0.0.1:0")
	api := p.waitFor("REST API")
	session := strings.TrimSuffix(api, "/hatrac") + "/authn/session"
	for _, c := range []struct {
		cookie string
		status int
	}{{"ermrest=k1|x", 201}, {"ermrest=k0", 200}, {"ermrest=k2", 401}, {"webauthn=k1", 401}, {"x=y", 401}} {
		if got := status(t, "PUT", api+"/f", "x", "Cookie: "+c.cookie).StatusCode; got/100 != c.status/100 {
			t.Errorf("with %s a change is answered with %d, want %d", c.cookie, got, c.status)
		}
	}
	if got := status(t, "GET", session, "", "Cookie: ermrest=k1").StatusCode; got != 200 {
		t.Errorf("the session is answered with %d", got)
	}
	const form = "Content-Type: application/x-www-form-urlencoded"
	for range 2 { // with the old hash, and with the new one
		login := status(t, "POST", session, url.Values{"username": {"bob"}, "password": {"correct horse"}}.Encode(), form)
		if login.StatusCode != 200 || len(login.Cookies()) != 1 || login.Cookies()[0].Name != "ermrest" {
			t.Fatalf("the login is answered with %s, %v", login.Status, login.Cookies())
		}
		cookie := "Cookie: ermrest=" + login.Cookies()[0].Value
		if got := status(t, "PUT", api+"/g", "x", cookie).StatusCode; got/100 != 2 {
			t.Errorf("bob's change is answered with %d", got)
		}
	}
	if got := status(t, "POST", session, "username=bob&password=wrong", form).StatusCode; got != 401 {
		t.Errorf("a wrong password is answered with %d", got)
	}
	p.stop()
}

// TestASessionHostKnowsClients asks a host, until that fails.
func TestASessionHostKnowsClients(t *testing.T) {
	answers := make(chan int, 100)
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(<-answers)
		_, _ = w.Write([]byte(`{"client": {"id": "ada"}, "attributes": ["curators"]}`))
	}))
	t.Cleanup(host.Close)
	dir := t.TempDir()
	own := configFile(t, map[string]any{
		"database_dsn": filepath.Join(dir, "h.db"), "storage_path": filepath.Join(dir, "content"),
		"webauthn_proxy_config": map[string]any{"session_host": strings.TrimPrefix(host.URL, "http://")},
	})
	output(t, "", program, "init", "--config", own, "--owner", "curators")
	p := start(t, nil, "serve", "--config", own, "--listen", "127.0.0.1:0")
	api := p.waitFor("REST API")
	answers <- 200
	for range 2 { // the second time it is not asked
		if got := status(t, "PUT", api+"/f", "x", "Cookie: webauthn=a").StatusCode; got/100 != 2 {
			t.Errorf("a change is answered with %d", got)
		}
	}
	answers <- 404
	if got := status(t, "GET", api+"/f", "", "Cookie: webauthn=b").StatusCode; got != 401 {
		t.Errorf("somebody whom the host does not know is answered with %d", got)
	}
	for range 3 {
		answers <- 502
	}
	if got := status(t, "GET", api+"/f", "", "Cookie: webauthn=c"); got.StatusCode != 503 || got.Header.Get("Retry-After") == "" {
		t.Errorf("when the host fails, the answer is %s", got.Status)
	}
	p.stop()
}
