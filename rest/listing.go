package rest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"github.com/hatrac/hatrac/store"
)

// maxBuffered is how many bytes of a listing are gathered, so that its length can be told,
// before it is sent as it comes.
const maxBuffered = 512 << 10

// listing is a list of resources on its way to a client.
type listing struct {
	// tag changes when the list changes; it is empty for a list that has none.
	tag string
	// path and sub are what the list is of.
	path store.Path
	sub  keyword
	// rows are the first rows, next fetches those that follow; it is nil if there are
	// none.
	rows []row
	next func() (rows []row, more bool, err error)
	// whole, if not nil, is called with all of a short listing before it is sent, unless it
	// fails.
	whole func(body []byte) error
}

// row is one resource of a listing. Fields that the client may not be told, or that nobody
// knows, are empty.
type row struct {
	URL      string     `json:"url"`
	Name     string     `json:"name,omitempty"`
	Type     string     `json:"type"`
	Version  string     `json:"version,omitempty"`
	Size     *int64     `json:"content-length,omitempty"`
	Kind     string     `json:"content-type,omitempty"`
	Modified *time.Time `json:"last-modified,omitempty"`
	MD5      string     `json:"content-md5,omitempty"`
	SHA256   string     `json:"content-sha256,omitempty"`
	Owner    []string   `json:"owner,omitempty"`
}

// describe adds what is known of a version.
func (r *row) describe(v *store.Version) {
	r.Version = v.Version
	r.Size = &v.Size
	r.Kind = contentType(v)
	if !v.Created.IsZero() {
		modified := v.Created.UTC()
		r.Modified = &modified
	}
}

// describeFully adds digests and owners as well.
func (r *row) describeFully(v *store.Version) {
	r.describe(v)
	r.MD5 = base64.StdEncoding.EncodeToString(v.Metadata.MD5)
	r.SHA256 = base64.StdEncoding.EncodeToString(v.Metadata.SHA256)
	if r.SHA256 == "" {
		r.SHA256 = base64.StdEncoding.EncodeToString(v.SHA256)
	}
	r.Owner = v.ACLs["owner"]
}

// listFormat writes a listing in one media type.
type listFormat interface {
	begin(*bytes.Buffer) error
	rows(*bytes.Buffer, []row) error
	end(*bytes.Buffer) error
}

// sendListing answers with a listing in the format that the client likes.
func (x *exchange) sendListing(l listing) error {
	x.vary("Accept")
	mediaType := negotiate(x.c.Request.Header, typeJSON, typeURIList, typeHTML, typeListing)
	var format listFormat
	sent := mediaType
	switch mediaType {
	case typeURIList:
		format = &uriList{}
	case typeHTML:
		sent += "; charset=utf-8"
		format = &page{pages: x.server.pages, heading: x.heading(l)}
	case typeListing:
		format = &jsonArray{full: true}
	default:
		format = &jsonArray{}
	}
	write := func() error {
		if mediaType == typeHTML {
			x.header().Set("Content-Security-Policy", pagePolicy)
		}
		return x.writeListing(l, format, sent)
	}
	switch {
	case l.tag == "":
		return x.sendUntagged(write)
	case mediaType == typeHTML, mediaType == typeListing:
		// What these tell of each resource can change while the list stays. Of a long one it is
		// known too late, so that has no tag.
		l.whole = func(body []byte) error { return x.tagged(bodyTag(l.tag, mediaType, body)) }
		return x.sendUntagged(write)
	}
	return x.sendTagged(formatTag(l.tag, mediaType), write)
}

// writeListing sends a short listing with its length and a long one in pieces as it comes.
func (x *exchange) writeListing(l listing, format listFormat, contentType string) error {
	var b bytes.Buffer
	if err := format.begin(&b); err != nil {
		return err
	}
	rows, more := l.rows, l.next != nil
	for {
		if err := format.rows(&b, rows); err != nil {
			return err
		}
		if !more {
			break
		}
		if b.Len() > maxBuffered {
			if err := x.sendPiece(&b, contentType); err != nil || x.isHead() {
				return err
			}
		}
		var err error
		if rows, more, err = l.next(); err != nil {
			return err
		}
	}
	if err := format.end(&b); err != nil {
		return err
	}
	if x.c.Writer.Written() {
		return x.sendPiece(&b, contentType)
	}
	if l.whole != nil {
		if err := l.whole(b.Bytes()); err != nil {
			return err
		}
	}
	x.send(http.StatusOK, contentType, b.Bytes())
	return nil
}

// sendPiece sends what was gathered, the header first.
func (x *exchange) sendPiece(b *bytes.Buffer, contentType string) error {
	if !x.c.Writer.Written() {
		x.header().Set("Content-Type", contentType)
		x.noBody(http.StatusOK)
	}
	if x.isHead() {
		return nil
	}
	_, err := b.WriteTo(x.c.Writer)
	return err
}

// uriList is one URL a line (RFC 2483); at least the end of a line.
type uriList struct{ started bool }

func (*uriList) begin(*bytes.Buffer) error { return nil }

func (l *uriList) rows(b *bytes.Buffer, rows []row) error {
	l.started = l.started || len(rows) > 0
	for i := range rows {
		b.WriteString(rows[i].URL)
		b.WriteByte('\n')
	}
	return nil
}

func (l *uriList) end(b *bytes.Buffer) error {
	if l.started {
		return nil
	}
	return b.WriteByte('\n')
}

// jsonArray is an array of URLs, or of everything that rows tell.
type jsonArray struct {
	full    bool
	started bool
}

func (*jsonArray) begin(b *bytes.Buffer) error { return b.WriteByte('[') }

func (a *jsonArray) rows(b *bytes.Buffer, rows []row) error {
	for i := range rows {
		if a.started {
			b.WriteByte(',')
		}
		a.started = true
		if !a.full {
			// Canonical URLs have no character that JSON escapes.
			b.WriteByte('"')
			b.WriteString(rows[i].URL)
			b.WriteByte('"')
			continue
		}
		text, err := json.Marshal(rows[i])
		if err != nil {
			return err
		}
		b.Write(text)
	}
	return nil
}

func (*jsonArray) end(b *bytes.Buffer) error {
	_, err := b.WriteString("]\n")
	return err
}
