package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/hatrac/hatrac/acl"
)

// exchange is one request with its answer.
type exchange struct {
	server  *Server
	c       *gin.Context
	client  acl.Client
	address address
	// resource and from are what the audit log says of a change: the URL of the resource, and
	// where something came from.
	resource, from string
}

func (x *exchange) ctx() context.Context { return x.c.Request.Context() }

func (x *exchange) header() http.Header { return x.c.Writer.Header() }

// reading reports whether the method asks for a representation.
func (x *exchange) reading() bool {
	return x.c.Request.Method == http.MethodGet || x.c.Request.Method == http.MethodHead
}

// isHead reports whether the answer must not have a body.
func (x *exchange) isHead() bool { return x.c.Request.Method == http.MethodHead }

// flag reports whether a query parameter is true; anything else is false.
func (x *exchange) flag(name string) bool {
	return strings.EqualFold(x.c.Request.URL.Query().Get(name), "true")
}

// vary adds a field that the answer depends on.
func (x *exchange) vary(field string) {
	for _, present := range x.header().Values("Vary") {
		if strings.EqualFold(present, field) {
			return
		}
	}
	x.header().Add("Vary", field)
}

// send answers with a body that is all there.
func (x *exchange) send(status int, contentType string, body []byte) {
	h := x.header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.c.Writer.WriteHeader(status)
	x.c.Writer.WriteHeaderNow()
	if x.isHead() {
		return
	}
	if _, err := x.c.Writer.Write(body); err != nil {
		recordOf(x.ctx()).err = err
	}
}

// noBody answers with a status alone.
func (x *exchange) noBody(status int) {
	x.c.Writer.WriteHeader(status)
	x.c.Writer.WriteHeaderNow()
}

// created answers that something came to be at url.
func (x *exchange) created(url string) {
	x.header().Set("Location", url)
	x.send(http.StatusCreated, typeURIList, []byte(url+"\n"))
}

// sendJSON answers with a small JSON document.
func (x *exchange) sendJSON(status int, document any) error {
	body, err := json.Marshal(document)
	if err != nil {
		return err
	}
	x.send(status, typeJSON, append(body, '\n'))
	return nil
}

// sendTagged answers a GET or HEAD with what write sends, unless a condition on its tag fails
// or a part of it is asked for.
func (x *exchange) sendTagged(tag string, write func() error) error {
	return x.sendUntagged(func() error {
		if err := x.tagged(tag); err != nil {
			return err
		}
		return write()
	})
}

// tagged gives the answer to a GET or HEAD its tag, unless a condition on that fails.
func (x *exchange) tagged(tag string) error {
	given, err := conditions(x.c.Request.Header)
	if err != nil {
		return err
	}
	if err := given.Hold(tag); err != nil {
		return err
	}
	x.header().Set("ETag", quoteTag(tag))
	return nil
}

// sendUntagged is sendTagged for what has no tag yet, or none at all and so no conditions.
func (x *exchange) sendUntagged(write func() error) error {
	if err := x.unranged(); err != nil {
		return err
	}
	x.header().Set("Cache-Control", "no-cache")
	return write()
}

// unranged refuses a Range on what is not content.
func (x *exchange) unranged() error {
	if x.c.Request.Method == http.MethodGet && len(x.c.Request.Header.Values("Range")) > 0 {
		return noRange()
	}
	return nil
}

// first returns a check that answers the first of errs that is one.
func first(errs ...error) func() error {
	return func() error {
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
		return nil
	}
}
