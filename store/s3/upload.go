package s3

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/hatrac/hatrac/store"
)

// parallelParts is how many parts of one content are sent at once.
const parallelParts = 4

// upload is an upload in parts that is under way.
type upload struct {
	*place
	key, id string
}

// beginUpload begins an upload in parts of a version of an object, which the mark tells from
// others in the end.
func (p *place) beginUpload(ctx context.Context, name, version, mark string) (*upload, error) {
	u := &upload{place: p, key: p.newKey(name, version)}
	return u, u.begin(ctx, name, version, mark)
}

func (u *upload) begin(ctx context.Context, name, version, mark string) error {
	ctx, w := watched(ctx, u.Client.ReadTimeout)
	defer w.end()
	said, err := u.service.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &u.Name, Key: &u.key, Metadata: u.marks(name, version, mark),
	})
	if err != nil {
		return fail(ctx, "begin upload", err)
	}
	u.id = value(said.UploadId)
	return nil
}

// sendParts sends the first part, which may be nil, and all that r gives in more, several at once;
// length tells how long the part of a number, from 1, may be. An error of r is returned as it is.
func (b *Bulk) sendParts(ctx context.Context, u *upload, length func(int32) int64, first *part, r io.Reader) ([]types.CompletedPart, error) {
	sending, sendCtx := errgroup.WithContext(ctx)
	sending.SetLimit(parallelParts)
	var mu sync.Mutex // guards done
	var done []types.CompletedPart
	var ended error
	for number := int32(1); ended == nil && sendCtx.Err() == nil; number++ {
		next := first
		if first = nil; next == nil {
			next, ended = b.nextPart(sendCtx, length, number, r)
		}
		if next == nil {
			break
		}
		sending.Go(func() error {
			defer next.free()
			tag, err := u.put(sendCtx, number, next.reader(), int64(next.n))
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			done = append(done, types.CompletedPart{PartNumber: &number, ETag: &tag})
			return nil
		})
	}
	err := sending.Wait()
	if ended != nil && ended != io.EOF && (err == nil || !errors.Is(ended, sendCtx.Err())) {
		err = ended
	}
	return done, err
}

var errParts = store.NewError(store.TooLarge, "", "The content is too large for this storage.")

// nextPart reads one more part; it is nil at the end of r, which is io.EOF, and may come with the
// last part.
func (b *Bulk) nextPart(ctx context.Context, length func(int32) int64, number int32, r io.Reader) (*part, error) {
	if number > maxParts {
		return nil, errParts
	}
	p, err := b.part(ctx, length(number))
	if err != nil {
		return nil, err
	}
	err = p.fill(r)
	if err != nil && err != io.EOF || p.n == 0 {
		p.free()
		return nil, err
	}
	return p, err
}

// put sends a part of that many bytes, again if the service asks for it.
func (u *upload) put(ctx context.Context, number int32, body io.Reader, size int64, options ...func(*s3.Options)) (tag string, err error) {
	ctx, w := watched(ctx, u.Client.ReadTimeout)
	defer w.end()
	said, err := u.service.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &u.Name, Key: &u.key, UploadId: &u.id, PartNumber: &number, ContentLength: &size,
		Body: w.body(body),
	}, options...)
	if err != nil {
		return "", fail(ctx, "send part", err)
	}
	return value(said.ETag), nil
}

// complete makes the parts an object, and returns its version id.
func (u *upload) complete(ctx context.Context, parts []types.CompletedPart) (version string, err error) {
	slices.SortFunc(parts, func(a, b types.CompletedPart) int { return int(*a.PartNumber - *b.PartNumber) })
	ctx, w := watched(ctx, completeTimeout)
	defer w.end()
	said, err := u.service.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &u.Name, Key: &u.key, UploadId: &u.id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if err != nil {
		return "", fail(ctx, "complete upload", err)
	}
	return value(said.VersionId), nil
}

// abort gives the upload up. What stays in spite of that is swept.
func (u *upload) abort(ctx context.Context) {
	ctx, w := watched(context.WithoutCancel(ctx), u.Client.ReadTimeout)
	defer w.end()
	_, _ = u.service.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: &u.Name, Key: &u.key, UploadId: &u.id,
	})
}
