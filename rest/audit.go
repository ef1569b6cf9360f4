package rest

import (
	"net/http"
	"strings"
)

// audit tells the audit log about a change that was asked for, and what came of it. All changes
// pass here; an empty name means that the request was none.
func (x *exchange) audit(change string) {
	if change == "" {
		return
	}
	rec := recordOf(x.ctx())
	status := rec.transfer.status
	switch {
	case status == 0 && rec.aborted:
		status = statusInterrupted
	case status == 0: // a panic is on its way
		status = http.StatusInternalServerError
	}
	event := x.server.audits.Info().
		Str("request", rec.id).
		Str("change", change).
		Str("resource", strings.ToValidUTF8(x.resource, "\uFFFD")).
		Str("client", rec.client).
		Str("remote", rec.remote).
		Int("status", status).
		Bool("done", status >= http.StatusOK && status < http.StatusMultipleChoices)
	if x.from != "" {
		event.Str("from", x.from)
	}
	if made := x.header().Get("Location"); made != "" {
		event.Str("made", made)
	}
	event.AnErr("error", rec.err).Msg("change")
}
