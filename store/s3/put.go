package s3

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hatrac/hatrac/store"
)

// The user metadata of objects, by which a sweep knows what this server has made.
const (
	metaName    = "hatrac-name"    // the name that the content was stored under
	metaVersion = "hatrac-version" // its version id, unless S3 gives it
	metaUpload  = "hatrac-upload"  // which upload in parts has made it
)

// Put implements store.Bulk. Content that fits into one part is sent by one request.
func (b *Bulk) Put(ctx context.Context, p store.Placement, r io.Reader) (store.Address, error) {
	at, err := b.placeOf(string(p.Path))
	if err != nil {
		return "", err
	}
	length := func(number int32) int64 { return b.partSize(p.Size, number) }
	first, err := b.nextPart(ctx, length, 1, r)
	switch {
	case err == nil:
		return b.putParts(ctx, at, p, length, first, r)
	case err != io.EOF:
		return "", err
	case first == nil:
		return at.putWhole(ctx, at.newKey(string(p.Path), p.Version), p, nil, "")
	}
	defer first.free()
	return at.putWhole(ctx, at.newKey(string(p.Path), p.Version), p, first.bytes(), "")
}

// putParts stores content that begins with a part, which it frees.
func (b *Bulk) putParts(ctx context.Context, at *place, p store.Placement, length func(int32) int64, first *part, r io.Reader) (store.Address, error) {
	u, err := at.beginUpload(ctx, string(p.Path), p.Version, p.Version)
	if err != nil {
		first.free()
		return "", err
	}
	parts, err := b.sendParts(ctx, u, length, first, r)
	var version string
	if err == nil {
		version, err = u.complete(ctx, parts)
	}
	if err != nil {
		u.abort(ctx)
		return "", err
	}
	return object{at, u.key, version}.bound(string(p.Path), p.Version)
}

// putWhole makes an object by one request.
func (p *place) putWhole(ctx context.Context, key string, to store.Placement, content []byte, mark string) (store.Address, error) {
	name := string(to.Path)
	ctx, w := watched(ctx, p.Client.ReadTimeout)
	defer w.end()
	size := int64(len(content))
	said, err := p.service.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &p.Name, Key: &key, ContentLength: &size, Metadata: p.marks(name, to.Version, mark),
		Body: w.body(bytes.NewReader(content)),
	})
	if err != nil {
		return "", fail(ctx, "put object", err)
	}
	return object{p, key, value(said.VersionId)}.bound(name, to.Version)
}

// maxMark is the longest name in bytes that an object carries as a mark: S3 has room for 2 KiB.
const maxMark = 1024

// marks is the metadata of an object that is made.
func (p *place) marks(name, version, upload string) map[string]string {
	marks := make(map[string]string)
	if len(name) <= maxMark {
		marks[metaName] = name
	}
	if p.Method == ByNameAndVersion {
		marks[metaVersion] = store.EncodeSegment(version)
	}
	if upload != "" {
		marks[metaUpload] = upload
	}
	return marks
}

var errUnversioned = errors.New("the bucket gave no version id: its versioning is not enabled")

// bound returns the address of an object that was made.
func (o object) bound(name, version string) (store.Address, error) {
	if o.Method == ByName && (o.version == "" || o.version == "null") {
		return "", store.Wrap(store.Internal, "put object", errUnversioned)
	}
	return o.address(name, version), nil
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// partSize returns the length of the part of that number, from 1, of content of a size that may be
// unknown, so that there are enough numbers for all of it.
func (b *Bulk) partSize(size int64, number int32) int64 {
	length := b.cfg.PartSize
	if size >= 0 {
		length = max(length, (size+maxParts-1)/maxParts)
	} else {
		length *= 1 + int64(number-1)/1000
	}
	return min(length, b.cfg.Memory)
}

// part is memory for a part of content on its way.
type part struct {
	bulk   *Bulk
	buffer *[]byte
	size   int64 // that memory is held for
	n      int   // bytes that are filled
}

// part waits for memory.
func (b *Bulk) part(ctx context.Context, size int64) (*part, error) {
	if err := b.memory.Acquire(ctx, size); err != nil {
		return nil, fail(ctx, "wait for memory", err)
	}
	p := &part{bulk: b, size: size}
	if size == b.cfg.PartSize {
		p.buffer = b.pool.Get().(*[]byte)
	} else {
		buffer := make([]byte, size)
		p.buffer = &buffer
	}
	return p, nil
}

func (p *part) free() {
	if p.size == p.bulk.cfg.PartSize {
		p.bulk.pool.Put(p.buffer)
	}
	p.bulk.memory.Release(p.size)
}

func (p *part) bytes() []byte { return (*p.buffer)[:p.n] }

func (p *part) reader() *bytes.Reader { return bytes.NewReader(p.bytes()) }

// fill reads until the part is full: io.EOF says that r ended before.
func (p *part) fill(r io.Reader) error {
	for p.n < len(*p.buffer) {
		n, err := r.Read((*p.buffer)[p.n:])
		p.n += n
		if err != nil {
			return err
		}
	}
	return nil
}
