package rest

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/hatrac/hatrac/store"
)

// statusInterrupted is what the log says when the client has gone; nobody receives it.
const statusInterrupted = 499

// retryAfter is how many seconds a client should wait for a back end to come back.
const retryAfter = 5

// statusOf is the one table from kinds of errors to HTTP statuses.
func statusOf(kind store.ErrorKind) int {
	switch kind {
	case store.NotFound:
		return http.StatusNotFound
	case store.Exists, store.WrongKind, store.NotEmpty, store.Conflict:
		return http.StatusConflict
	case store.Unauthenticated:
		return http.StatusUnauthorized
	case store.Denied, store.ReadOnly:
		return http.StatusForbidden
	case store.Precondition:
		return http.StatusPreconditionFailed
	case store.Invalid, store.TooLong:
		return http.StatusBadRequest
	case store.TooLarge:
		return http.StatusRequestEntityTooLarge
	case store.LengthRequired:
		return http.StatusLengthRequired
	case store.NoSpace:
		return http.StatusInsufficientStorage
	case store.Unavailable:
		return http.StatusServiceUnavailable
	case store.Interrupted:
		return statusInterrupted
	}
	return http.StatusInternalServerError
}

// refusal is an error that only HTTP knows, such as a method that a resource does not have.
type refusal struct {
	status  int
	message string
	header  map[string]string
}

func (r *refusal) Error() string { return r.message }

func notAllowed(allow string) error {
	return &refusal{
		status:  http.StatusMethodNotAllowed,
		message: "The resource does not have this method.",
		header:  map[string]string{"Allow": allow},
	}
}

func noRange() error {
	return &refusal{status: http.StatusNotImplemented, message: "Only content can be had in parts, one range of bytes at a time."}
}

func outOfRange(size int64) error {
	return &refusal{
		status:  http.StatusRequestedRangeNotSatisfiable,
		message: "No part of the range lies within the content.",
		header:  map[string]string{"Content-Range": "bytes */" + strconv.FormatInt(size, 10)},
	}
}

// problem is an error as the client is told it, with the names of RFC 9457.
type problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Instance string `json:"instance,omitempty"`
	Request  string `json:"request-id"`
}

// fail answers an error. What may be told is told; the whole error goes to the log. Once the
// status line is out the connection is broken off instead, so that nobody takes a part of
// the answer for all of it.
func (x *exchange) fail(err error) {
	rec := recordOf(x.ctx())
	rec.err = err
	if x.c.Writer.Written() || store.KindOf(err) == store.Interrupted {
		rec.aborted = true
		panic(http.ErrAbortHandler)
	}
	if x.reading() && store.KindOf(err) == store.Precondition {
		x.tag(err)
		x.noBody(http.StatusNotModified)
		return
	}
	p := problem{Type: "about:blank", Request: rec.id, Instance: x.instance(err)}
	p.Status, p.Detail = statusOf(store.KindOf(err)), store.Sentence(err)
	h := x.header()
	for _, name := range contentFields() {
		h.Del(name)
	}
	var own *refusal
	if errors.As(err, &own) {
		p.Status, p.Detail = own.status, own.message
		for name, value := range own.header {
			h.Set(name, value)
		}
	}
	p.Title = http.StatusText(p.Status)
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="hatrac"`)
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.Itoa(retryAfter))
	case http.StatusPreconditionFailed:
		x.tag(err)
	}
	x.explain(p)
}

// contentFields are the header fields that describe content and would be wrong with an error.
func contentFields() []string {
	return []string{
		"Accept-Ranges", "Cache-Control", "Content-Disposition", "Content-Length", "Content-Location",
		"Content-Md5", "Content-Range", "Content-Security-Policy", "Content-Sha256", "Etag",
		"Last-Modified", "Link", "Location", "Repr-Digest",
	}
}

// tag tells the entity tag that a failed condition was compared with.
func (x *exchange) tag(err error) {
	var known *store.Error
	if errors.As(err, &known) && known.Tag != "" {
		x.header().Set("ETag", quoteTag(known.Tag))
	}
}

// instance is the URL that the error is about.
func (x *exchange) instance(err error) string {
	var known *store.Error
	if errors.As(err, &known) && strings.HasPrefix(known.Resource, "/") {
		return x.server.scheme.prefix + known.Resource
	}
	return strings.ToValidUTF8(targetPath(x.c.Request.RequestURI), "\uFFFD")
}

// message is the whole story in one line.
func (p problem) message() string { return p.Instance + ": " + p.Detail }

// explain sends an error in the format that the client likes. A page of the configuration is
// trusted to be what its site wants; the built-in one needs nothing but its style.
func (x *exchange) explain(p problem) {
	x.vary("Accept")
	mediaType := negotiate(x.c.Request.Header, x.server.errors.offers(p.Status)...)
	var body []byte
	switch own := x.server.errors.find(p.Status, mediaType); {
	case own != nil:
		body = own.render(p, mediaType)
	case mediaType == typeHTML:
		x.header().Set("Content-Security-Policy", pagePolicy)
		body = x.server.pages.problem(p)
	case mediaType == typeProblem:
		text, err := json.Marshal(p)
		if err != nil {
			panic(err) // strings and a number always marshal
		}
		body = append(text, '\n')
	default:
		body = []byte(p.message() + "\n")
	}
	if mediaType == typePlain || mediaType == typeHTML {
		mediaType += "; charset=utf-8"
	}
	x.send(p.Status, mediaType, body)
}
