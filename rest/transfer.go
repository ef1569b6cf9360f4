package rest

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/hatrac/hatrac/store"
)

// stride is how many bytes go out before the deadline is moved on. It bounds how slow a client
// may be: this much in one stall.
const stride = 256 << 10

// transfer is the stretch between client and handler. There is no limit to how long a request
// takes, only to how long nothing moves: each byte that is sent or taken moves the deadline.
type transfer struct {
	http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
	body    *body
	status  int   // 0 before the header is sent
	n       int64 // bytes of content sent
	moved   time.Time
}

func newTransfer(w http.ResponseWriter, r *http.Request, stall time.Duration) *transfer {
	t := &transfer{ResponseWriter: w, control: http.NewResponseController(w), stall: stall}
	t.body = &body{from: r.Body, control: t.control, stall: stall, ended: r.Body == nil || r.Body == http.NoBody}
	return t
}

// Unwrap gives http.ResponseController what it needs.
func (t *transfer) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// extend moves the deadline for what goes out. A connection that cannot have one is left
// alone.
func (t *transfer) extend() {
	now := time.Now()
	if now.Sub(t.moved) < t.stall/16 {
		return
	}
	t.moved = now
	_ = t.control.SetWriteDeadline(now.Add(t.stall))
}

// WriteHeader implements http.ResponseWriter.
func (t *transfer) WriteHeader(status int) {
	if t.status != 0 {
		return
	}
	t.status = status
	if t.body.ended {
		t.extend()
		t.ResponseWriter.WriteHeader(status)
		return
	}
	// Before and after the answer net/http reads the rest of a body that nobody wanted; of one
	// that broke nothing more can come.
	now, patience := time.Now(), t.stall
	if t.body.broken {
		patience = 0
	}
	_ = t.control.SetReadDeadline(now.Add(patience))
	t.moved = now.Add(patience)
	_ = t.control.SetWriteDeadline(t.moved.Add(t.stall))
	t.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (t *transfer) Write(p []byte) (int, error) {
	if t.status == 0 {
		t.WriteHeader(http.StatusOK)
	}
	total := 0
	for {
		t.extend()
		n, err := t.ResponseWriter.Write(p[:min(len(p), stride)])
		total += n
		t.n += int64(n)
		if p = p[n:]; err != nil || len(p) == 0 {
			return total, err
		}
	}
}

// sendFile sends n bytes of a file from its offset on, by the kernel where the connection lets
// it. It answers io.ErrUnexpectedEOF if the file is shorter.
func (t *transfer) sendFile(file *os.File, n int64) error {
	out, ok := t.ResponseWriter.(io.ReaderFrom)
	if !ok {
		return t.copy(io.LimitReader(file, n), n)
	}
	for n > 0 {
		t.extend()
		sent, err := out.ReadFrom(io.LimitReader(file, min(n, stride)))
		t.n += sent
		n -= sent
		if err != nil {
			return err
		}
		if sent == 0 {
			return io.ErrUnexpectedEOF
		}
	}
	return nil
}

// copy sends n bytes of a reader.
func (t *transfer) copy(from io.Reader, n int64) error {
	buffer := make([]byte, min(max(n, 1), stride))
	sent, err := io.CopyBuffer(writerOnly{t}, readerOnly{io.LimitReader(from, n)}, buffer)
	if err == nil && sent < n {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// writerOnly and readerOnly hide all other methods, so that io.CopyBuffer uses the buffer.
type (
	writerOnly struct{ io.Writer }
	readerOnly struct{ io.Reader }
)

// body is the content of a request.
type body struct {
	from    io.ReadCloser
	control *http.ResponseController
	stall   time.Duration
	moved   time.Time
	n       int64 // bytes so far
	limit   int64 // most bytes there may be; 0: no limit
	ended   bool  // all of it was read
	broken  bool  // it cannot be read any more
}

// limited lets the body have at most limit bytes; then reads answer TooLarge.
func (b *body) limited(limit int64) io.Reader {
	b.limit = limit
	return b
}

// Read implements io.Reader. Errors other than io.EOF are *store.Error.
func (b *body) Read(p []byte) (int, error) {
	if b.ended {
		return 0, io.EOF
	}
	if now := time.Now(); now.Sub(b.moved) >= b.stall/16 {
		b.moved = now
		_ = b.control.SetReadDeadline(now.Add(b.stall))
	}
	n, err := b.from.Read(p)
	b.n += int64(n)
	if b.limit > 0 && b.n > b.limit {
		return 0, tooLarge()
	}
	if err == nil {
		return n, nil
	}
	// At the end net/http takes the deadline back and reads on, to notice when the client goes.
	b.ended, b.broken = err == io.EOF, err != io.EOF
	return n, bodyError(err)
}

// Close implements io.Closer.
func (b *body) Close() error {
	if b.from == nil {
		return nil
	}
	return b.from.Close()
}

func bodyError(err error) error {
	switch {
	case err == io.EOF:
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &store.Error{Kind: store.Invalid, Message: "The content ended before its announced length.", Err: err}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &store.Error{Kind: store.Invalid, Message: "The content did not arrive in time.", Err: err}
	}
	return &store.Error{Kind: store.Invalid, Message: "The content could not be read from the connection.", Err: err}
}

func tooLarge() error {
	return store.NewError(store.TooLarge, "", "The content is larger than one request may bring.")
}
