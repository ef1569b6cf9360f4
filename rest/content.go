package rest

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// contentPolicy keeps stored content from acting on the origin of the API.
const contentPolicy = "sandbox"

// worthSendfile is the length in bytes from which the kernel's help pays.
const worthSendfile = 64 << 10

// serveContent answers GET and HEAD of a version that the client may read.
func (x *exchange) serveContent(found *service.Found) error {
	r, v := x.c.Request, found.Version
	given, err := conditions(r.Header)
	if err != nil {
		return err
	}
	x.header().Set("Content-Location", x.server.scheme.ref(found.Ref))
	x.header().Set("Cache-Control", "no-cache")
	if err := given.Hold(v.Version); err != nil {
		return err
	}
	if sent, err := x.redirect(found); sent || err != nil {
		return err
	}
	part, partial := span{0, v.Size}, false
	if r.Method == http.MethodGet && rangeCounts(r.Header, v) {
		if part, partial, err = parseRange(r.Header.Values("Range"), v.Size); err != nil {
			return rangeRefusal(err, v.Size)
		}
	}
	if x.isHead() {
		x.describeContent(found, part, partial)
		x.noBody(http.StatusOK)
		return nil
	}
	out, err := openPart(x.ctx(), found, part)
	if err != nil {
		return err
	}
	defer out.Close()
	x.describeContent(found, part, partial)
	status := http.StatusOK
	if partial {
		status = http.StatusPartialContent
	}
	x.noBody(status)
	return out.send(recordOf(x.ctx()).transfer, part.length)
}

// rangeCounts reports whether the request has a Range that is not off because of its If-Range
// (RFC 9110 §13.1.5).
func rangeCounts(h http.Header, v *store.Version) bool {
	if len(h.Values("Range")) == 0 {
		return false
	}
	if len(h.Values("If-Range")) == 0 {
		return true
	}
	value := strings.TrimSpace(h.Get("If-Range"))
	if value == quoteTag(v.Version) {
		return true
	}
	date, err := http.ParseTime(value)
	return err == nil && !v.Created.IsZero() && date.Equal(v.Created.Truncate(time.Second))
}

// redirect answers with the place from which the client can fetch the content by itself, if there
// is one (rest-api §6): always for content that lives elsewhere, and for all of what the storage
// wants to give out itself.
func (x *exchange) redirect(found *service.Found) (sent bool, err error) {
	url, err := found.Elsewhere()
	if err == nil && url == "" && !x.isHead() && len(x.c.Request.Header.Values("Range")) == 0 {
		url, err = found.Presign(x.ctx(), store.Metadata{
			ContentType: contentType(found.Version), ContentDisposition: disposition(found),
		})
	}
	if err != nil || url == "" {
		return false, err
	}
	h := x.header()
	h.Del("Content-Location") // which would name the body of this answer
	h.Set("Cache-Control", "no-store")
	h.Set("Location", url)
	x.send(http.StatusSeeOther, typeURIList, []byte(url+"\n"))
	return true, nil
}

func rangeRefusal(err error, size int64) error {
	if errors.Is(err, errUnsatisfiable) {
		return outOfRange(size)
	}
	return noRange()
}

// describeContent sets all headers of content (rest-api §6). Digests go with all of it only.
func (x *exchange) describeContent(found *service.Found, part span, partial bool) {
	h, v := x.header(), found.Version
	h.Set("ETag", quoteTag(v.Version))
	h.Set("Content-Type", contentType(v))
	h.Set("Content-Length", strconv.FormatInt(part.length, 10))
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("Content-Disposition", disposition(found))
	if !v.Created.IsZero() {
		h.Set("Last-Modified", v.Created.UTC().Format(http.TimeFormat))
	}
	if partial {
		h.Set("Content-Range", part.contentRange(v.Size))
		return
	}
	setDigest(h, "Content-MD5", "", v.Metadata.MD5, "")
	setDigest(h, "Content-SHA256", "", v.Metadata.SHA256, "")
	setDigest(h, "Repr-Digest", "sha-256=:", v.SHA256, ":")
}

func setDigest(h http.Header, name, before string, sum []byte, after string) {
	if sum != nil {
		h.Set(name, before+base64.StdEncoding.EncodeToString(sum)+after)
	}
}

func contentType(v *store.Version) string {
	if v.Metadata.ContentType == "" {
		return typeBytes
	}
	return v.Metadata.ContentType
}

// disposition is what was given, or the name under which the content is.
func disposition(found *service.Found) string {
	if given := found.Version.Metadata.ContentDisposition; given != "" {
		return given
	}
	return "filename*=UTF-8''" + found.Ref.Path.Base()
}

// outgoing is open content, ready to be sent from where the part begins.
type outgoing struct {
	content store.Content
	file    *os.File      // with an offset of its own, or nil
	section io.ReadCloser // if there is no file
}

// openPart opens a part of the content before anything is answered, so that what goes wrong can
// still be said.
func openPart(ctx context.Context, found *service.Found, part span) (*outgoing, error) {
	content, err := found.Open(ctx)
	if err != nil {
		return nil, err
	}
	out := &outgoing{content: content}
	if shared, ok := content.(store.FileContent); ok && part.length >= worthSendfile {
		if out.file = reopen(shared.File(), part.first); out.file != nil {
			return out, nil
		}
	}
	if out.section, err = content.Section(ctx, part.first, part.length); err != nil {
		_ = content.Close()
		return nil, store.Wrap(store.Internal, "read content", err)
	}
	return out, nil
}

// reopen returns the file once more with an offset of its own, which sendfile needs, or nil
// where the system cannot.
func reopen(shared *os.File, offset int64) *os.File {
	raw, err := shared.SyscallConn()
	if err != nil {
		return nil
	}
	var own *os.File
	var openErr error
	err = raw.Control(func(fd uintptr) {
		own, openErr = os.Open("/proc/self/fd/" + strconv.FormatUint(uint64(fd), 10))
	})
	if err != nil || openErr != nil {
		return nil
	}
	if _, err := own.Seek(offset, io.SeekStart); err != nil {
		_ = own.Close()
		return nil
	}
	return own
}

// send sends n bytes. An error means that the answer is not whole.
func (o *outgoing) send(t *transfer, n int64) error {
	if o.file != nil {
		return t.sendFile(o.file, n)
	}
	return t.copy(o.section, n)
}

// Close closes everything that was opened. What was read is out already, so errors say
// nothing new.
func (o *outgoing) Close() {
	if o.file != nil {
		_ = o.file.Close()
	}
	if o.section != nil {
		_ = o.section.Close()
	}
	_ = o.content.Close()
}
