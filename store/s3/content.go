package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hatrac/hatrac/store"
)

// content is an open object. Nothing is held open between two readings.
type content struct {
	object
	size int64
	tag  string          // the entity tag that the object must have, or ""
	ctx  context.Context // of ReadAt, which is given none
	end  context.CancelFunc
}

// Open implements store.Bulk.
func (b *Bulk) Open(ctx context.Context, a store.Address) (store.Content, error) {
	o, err := b.object(a)
	if err != nil {
		return nil, err
	}
	size, err := o.look(ctx)
	if err != nil {
		return nil, err
	}
	return o.open(ctx, size), nil
}

// OpenSized implements store.SizedOpener, without a request.
func (b *Bulk) OpenSized(ctx context.Context, a store.Address, size int64) (store.Content, error) {
	o, err := b.object(a)
	if err != nil {
		return nil, err
	}
	if size == 0 { // nothing would be read that could tell
		if size, err = o.look(ctx); err != nil {
			return nil, err
		}
	}
	return o.open(ctx, size), nil
}

// look returns the length of the object.
func (o object) look(ctx context.Context) (int64, error) {
	said, err := o.head(ctx)
	if err != nil {
		return 0, err
	}
	if said.ContentLength == nil {
		return 0, store.Wrap(store.Internal, "look at object", errors.New("the service gave no length"))
	}
	return *said.ContentLength, nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (o object) open(ctx context.Context, size int64) *content {
	ctx, end := context.WithCancel(context.WithoutCancel(ctx))
	return &content{object: o, size: size, ctx: ctx, end: end}
}

// Size implements store.Content.
func (c *content) Size() int64 { return c.size }

var _ store.Identified = (*content)(nil)

// Identity implements store.Identified: where the object is, if nothing can come to be in its place.
// The key has the version id in it, or S3 keeps versions.
func (c *content) Identity() string {
	if c.version == "" && c.Method == ByName {
		return ""
	}
	return strings.Join([]string{c.Client.Endpoint, c.service.Options().Region, c.Name, c.key, c.version}, "\n")
}

// Close implements store.Content. Readings under way end.
func (c *content) Close() error {
	c.end()
	return nil
}

// ReadAt implements store.Content.
func (c *content) ReadAt(p []byte, off int64) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, store.Wrap(store.Internal, "read object", errors.New("the content is closed"))
	}
	if off < 0 {
		return 0, store.Wrap(store.Internal, "read object", errors.New("the offset is negative"))
	}
	if off >= c.size {
		return 0, io.EOF
	}
	n := min(int64(len(p)), c.size-off)
	section, err := c.Section(c.ctx, off, n)
	if err != nil {
		return 0, err
	}
	defer section.Close()
	read, err := io.ReadFull(section, p[:n])
	if err == nil && n < int64(len(p)) {
		err = io.EOF
	}
	return read, err
}

// Section implements store.Content. A connection that breaks is replaced, and the reading goes on
// where it was.
func (c *content) Section(ctx context.Context, off, n int64) (io.ReadCloser, error) {
	s := &section{content: c, ctx: ctx, off: off, left: n}
	if off < 0 || n < 0 || n > c.size-off {
		return nil, store.Wrap(store.Internal, "read object", errors.New("the section lies outside of the content"))
	}
	if n == 0 {
		return s, nil
	}
	if err := s.connect(); err != nil {
		return nil, err
	}
	return s, nil
}

// section streams a part of an object.
type section struct {
	content   *content
	ctx       context.Context
	off, left int64
	body      io.ReadCloser // nil between two connections
	request   context.Context
	watch     *watch
	broken    int // connections that broke without having given anything
}

func (s *section) connect() error {
	const doing = "read object"
	c := s.content
	ctx, w := watched(s.ctx, c.Client.ReadTimeout)
	span := fmt.Sprintf("bytes=%d-%d", s.off, s.off+s.left-1)
	said, err := c.service.GetObject(ctx, &s3.GetObjectInput{
		Bucket: &c.Name, Key: &c.key, VersionId: optional(c.version), Range: &span, IfMatch: optional(c.tag),
	})
	if status(err) == http.StatusPreconditionFailed {
		w.end()
		return replaced()
	}
	if err != nil {
		err = fail(ctx, doing, err)
		w.end()
		return err
	}
	if whole(said) != c.size {
		w.end()
		_ = said.Body.Close()
		return store.NewError(store.Internal, "", "The stored content of this version is damaged.")
	}
	s.body, s.request, s.watch = said.Body, ctx, w
	w.rest()
	return nil
}

// whole returns the length of the whole object that an answer tells, or -1.
func whole(said *s3.GetObjectOutput) int64 {
	text := value(said.ContentRange)
	if text == "" {
		if said.ContentLength == nil {
			return -1
		}
		return *said.ContentLength
	}
	size, err := strconv.ParseInt(text[strings.LastIndexByte(text, '/')+1:], 10, 64)
	if err != nil {
		return -1
	}
	return size
}

// Read implements io.Reader.
func (s *section) Read(p []byte) (int, error) {
	for {
		if s.left == 0 {
			return 0, io.EOF
		}
		if s.body == nil {
			if err := s.connect(); err != nil {
				return 0, err
			}
		}
		s.watch.work()
		n, err := s.body.Read(p[:min(int64(len(p)), s.left)])
		s.watch.rest()
		s.off, s.left = s.off+int64(n), s.left-int64(n)
		if n > 0 {
			s.broken = 0
			return n, nil
		}
		if err == nil {
			continue
		}
		cause := context.Cause(s.request)
		s.disconnect()
		if s.broken++; s.broken >= s.content.Client.Retries || cause != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			if cause == nil {
				cause = err
			}
			return 0, store.Wrap(store.Unavailable, "read object", cause)
		}
		if err := pause(s.ctx, s.broken); err != nil {
			return 0, err
		}
	}
}

// pause waits before another try of that number.
func pause(ctx context.Context, try int) error {
	timer := time.NewTimer(min(firstPause<<(try-1), longPause))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fail(ctx, "read object", ctx.Err())
	}
}

// Close implements io.Closer.
func (s *section) Close() error {
	s.disconnect()
	s.left = 0
	return nil
}

func (s *section) disconnect() {
	if s.body == nil {
		return
	}
	s.watch.end()
	_ = s.body.Close()
	s.body = nil
}
