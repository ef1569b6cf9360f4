package integration

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hatrac/hatrac/store/postgres/pgtest"
)

// startPostgres starts a database server for the test.
func startPostgres(t *testing.T) *pgtest.Server {
	t.Helper()
	db, err := pgtest.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Remove(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Stop(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// outage is a load of requests that goes on while a back end comes and goes.
type outage struct {
	*client
	lengths []int // of the contents, in words of some bytes, in turn
	breaks  bool  // connections may break
	got     acknowledged
	stored  atomic.Int64 // versions acknowledged
	refused atomic.Int64 // requests answered with 503
	over    atomic.Bool
	writers sync.WaitGroup
}

func (o *outage) begin() {
	for writer := range 4 {
		o.writers.Go(func() {
			for i := 0; !o.over.Load(); i++ {
				o.store(writer, i)
			}
		})
	}
}

// store stores a version and reads what was acknowledged. Only success and 503, which says when to
// try again, are answers.
func (o *outage) store(writer, i int) {
	content := strings.Repeat(fmt.Sprintf("%d/%d ", writer, i), o.lengths[(i+writer)%len(o.lengths)])
	path := fmt.Sprintf("/load/%d-%d", writer, i%5)
	response, made, err := o.attempt(http.MethodPut, path, strings.NewReader(content), "Content-Type", "text/plain")
	if !o.bearable(path, response, err, http.StatusCreated) {
		return
	}
	at := o.below(strings.TrimSpace(string(made)))
	o.got.add(at, sum([]byte(content)))
	o.stored.Add(1)
	response, read, err := o.attempt(http.MethodGet, at, nil)
	if o.bearable(at, response, err, http.StatusOK) && string(read) != content {
		o.t.Errorf("%s has other content", at)
	}
}

// bearable reports whether the answer is the one that is wanted.
func (o *outage) bearable(path string, response *http.Response, err error, want int) bool {
	switch {
	case err != nil && o.breaks:
		o.refused.Add(1)
	case err != nil:
		o.t.Errorf("%s: %v", path, err)
		o.over.Store(true)
	case response.StatusCode == want:
		return true
	case response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "":
		o.t.Errorf("%s %s: %s", response.Request.Method, response.Request.URL, response.Status)
		o.over.Store(true)
	default:
		o.refused.Add(1)
	}
	return false
}

// await waits until a count has grown by as many as that.
func (o *outage) await(count *atomic.Int64, more int64) {
	o.t.Helper()
	deadline := time.After(patience)
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for enough := count.Load() + more; count.Load() < enough && !o.over.Load(); {
		select {
		case <-look.C:
		case <-deadline:
			o.over.Store(true)
			o.t.Errorf("after %d versions and %d refusals nothing goes on", o.stored.Load(), o.refused.Load())
		}
	}
}

// end ends the load and looks at all that was stored.
func (o *outage) end() {
	o.t.Helper()
	o.over.Store(true)
	o.writers.Wait()
	for at, digest := range o.got.sums {
		if sum(o.want(http.StatusOK, http.MethodGet, at, "")) != digest {
			o.t.Errorf("%s was acknowledged and has other content", at)
		}
	}
	checkEveryVersion(o.t, o.client, "/load")
}

// TestDatabaseMayDieUnderLoad kills the database twice while clients store, and restarts it in
// good order once. The server stays up all the time.
func TestDatabaseMayDieUnderLoad(t *testing.T) {
	db := startPostgres(t)
	config := configFile(t, map[string]any{
		"database_type": "postgres", "database_dsn": db.DSN("postgres"), "database_max_retries": 2,
		"storage_path": filepath.Join(t.TempDir(), "content"),
	})
	output(t, "", program, "init", "--config", config, "--owner", "curators")
	output(t, "correct horse\n", program, "user", "add", "ada", "--role", "curators", "--password-file", "-", "--config", config)
	token := strings.TrimSpace(output(t, "", program, "token", "create", "ada", "--config", config))
	p := start(t, nil, "serve", "--config", config, "--listen", "127.0.0.1:0", "--log-level", "fatal")
	ada := &client{t: t, url: p.waitFor("REST API"), token: token}
	ada.mkdir("/load")

	o := &outage{client: ada, lengths: []int{1, 5_000}, got: acknowledged{sums: make(map[string]string)}}
	o.begin()
	for _, end := range []func() error{db.Kill, db.Stop, db.Kill} {
		o.await(&o.stored, 40)
		if err := end(); err != nil {
			t.Error(err)
		}
		o.await(&o.refused, 8)
		if err := db.Start(); err != nil {
			t.Error(err)
		}
	}
	o.await(&o.stored, 40)
	o.end()
	p.stop()
}
