package s3

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/oklog/ulid/v2"
	"golang.org/x/sync/errgroup"

	"github.com/hatrac/hatrac/store"
)

// piecesScheme begins the address of chunks that are objects of their own:
//
//	pieces:BUCKET/FOLDER
//
// each percent-encoded; the keys of the pieces are FOLDER/NUMBER.
const piecesScheme = "pieces:"

// piecesFolder is where pieces lie under the prefix of a bucket. No name gives such a key: a colon
// in a name is encoded.
const piecesFolder = ":pieces/"

// pieces are the chunks of a content that become one object in the end.
type pieces struct {
	*place
	folder string
}

func (p *place) newPieces() *pieces {
	return &pieces{place: p, folder: p.under() + piecesFolder + ulid.Make().String()}
}

func (p *pieces) address() store.Address {
	return store.Address(piecesScheme + store.EncodeSegment(p.Name) + "/" + store.EncodeSegment(p.folder))
}

// piecesAt takes the address of pieces apart.
func (b *Bulk) piecesAt(a store.Address) (*pieces, error) {
	rest, _ := strings.CutPrefix(string(a), piecesScheme)
	bucket, folder, ok := strings.Cut(rest, "/")
	bucket, folder = store.DecodeSegment(bucket), store.DecodeSegment(folder)
	at := b.placeOfKey(bucket, folder)
	if !ok || at == nil {
		return nil, store.NewError(store.NotFound, "", "The bucket of this upload is not configured any more.")
	}
	return &pieces{place: at, folder: folder}, nil
}

func (p *pieces) key(number int64) string { return fmt.Sprintf("%s/%010d", p.folder, number) }

// putPiece stores a chunk. Its tag is the version id that S3 gave it.
func (b *Bulk) putPiece(ctx context.Context, p *pieces, number, length int64, r io.Reader) (string, error) {
	key := p.key(number)
	return b.sendChunk(ctx, length, r, func(body io.Reader, options ...func(*s3.Options)) (string, error) {
		ctx, w := watched(ctx, p.Client.ReadTimeout)
		defer w.end()
		said, err := p.service.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &p.Name, Key: &key, ContentLength: &length, Body: w.body(body),
		}, options...)
		if err != nil {
			return "", fail(ctx, "put piece", err)
		}
		return value(said.VersionId), nil
	})
}

// join makes one object of the pieces and removes them. Several parts are made at once.
func (b *Bulk) join(ctx context.Context, p *pieces, to store.Placement, chunks []store.Chunk) (store.Address, error) {
	u, err := p.beginJob(ctx, to)
	if err != nil {
		return "", err
	}
	parts, err := b.joinParts(ctx, p, u, to, chunks)
	if err == nil {
		_, err = u.complete(ctx, parts)
	}
	if err != nil {
		u.abort(ctx)
		if !missing(err) {
			return "", err
		}
	}
	a, err := u.made(ctx, to)
	if err == nil {
		_ = p.remove(ctx) // what stays is swept
	}
	return a, err
}

func (b *Bulk) joinParts(ctx context.Context, p *pieces, u *upload, to store.Placement, chunks []store.Chunk) ([]types.CompletedPart, error) {
	size := b.partSize(to.Size, 1)
	from := &pieceReader{ctx: ctx, pieces: p, chunks: chunks}
	defer from.Close()
	return b.sendParts(ctx, u, func(int32) int64 { return size }, nil, from)
}

// pieceReader reads pieces one after the other.
type pieceReader struct {
	ctx    context.Context
	pieces *pieces
	chunks []store.Chunk
	now    io.ReadCloser
}

func (r *pieceReader) Read(p []byte) (int, error) {
	for {
		if r.now == nil {
			if len(r.chunks) == 0 {
				return 0, io.EOF
			}
			c := r.chunks[0]
			r.chunks = r.chunks[1:]
			o := object{place: r.pieces.place, key: r.pieces.key(c.Number), version: c.Tag}
			size, err := o.look(r.ctx)
			if err != nil {
				return 0, err
			}
			if r.now, err = o.open(r.ctx, size).Section(r.ctx, 0, size); err != nil {
				return 0, err
			}
		}
		n, err := r.now.Read(p)
		if err == io.EOF {
			_ = r.Close()
			err = nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (r *pieceReader) Close() error {
	if r.now == nil {
		return nil
	}
	err := r.now.Close()
	r.now = nil
	return err
}

// remove removes all pieces, with all their versions.
func (p *pieces) remove(ctx context.Context) error {
	return p.eachVersion(ctx, p.folder+"/", func(page []types.ObjectVersion) error {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(parallelParts)
		for _, v := range page {
			group.Go(func() error {
				return object{place: p.place, key: value(v.Key), version: value(v.VersionId)}.remove(ctx)
			})
		}
		return group.Wait()
	})
}
