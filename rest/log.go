package rest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/rs/zerolog"
)

// record gathers what the access log says about one request.
type record struct {
	id       string
	start    time.Time
	remote   string
	client   string
	err      error // what was answered as an error, in full
	aborted  bool  // the answer was broken off, or there was nobody to answer
	transfer *transfer
}

type recordKey struct{}

func newRecord() *record { return &record{id: rand.Text(), start: time.Now()} }

// recordOf returns the record of a request that the server handles.
func recordOf(ctx context.Context) *record {
	rec, _ := ctx.Value(recordKey{}).(*record)
	return rec
}

// write logs the request as one line. The query is left out: it may hold what is not for the
// log.
func (rec *record) write(log *zerolog.Logger, r *http.Request) {
	status := rec.transfer.status
	if rec.aborted && status == 0 {
		status = statusInterrupted
	}
	event := log.Info()
	if status >= http.StatusInternalServerError {
		event = log.Error()
	}
	event.Str("method", r.Method).
		Str("path", strings.ToValidUTF8(targetPath(r.RequestURI), "\uFFFD")).
		Int("status", status).
		Int64("in", rec.transfer.body.n).
		Int64("out", rec.transfer.n).
		Dur("ms", time.Since(rec.start)).
		Str("remote", rec.remote).
		Str("client", rec.client).
		Str("agent", r.UserAgent()).
		AnErr("error", rec.err)
	if rec.aborted {
		event.Bool("aborted", true)
	}
	event.Msg("request")
}

// noted remembers where the request came from.
func noted(c *gin.Context) { recordOf(c.Request.Context()).remote = c.ClientIP() }

// recovered answers a panic as an internal error. If an answer is under way already it breaks
// off the connection.
func (s *Server) recovered(c *gin.Context) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if cause == http.ErrAbortHandler { //nolint:errorlint // the value itself is thrown
			panic(cause)
		}
		s.begin(c).fail(fmt.Errorf("panic: %v\n%s", cause, debug.Stack()))
	}()
	c.Next()
}
