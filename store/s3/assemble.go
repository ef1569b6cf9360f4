package s3

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/hatrac/hatrac/store"
)

// Content that is built of chunks is an upload in parts, each chunk a part, if the chunks fit S3's
// rules for parts; else the chunks are objects of their own, pieces, which are joined in the end.

const (
	// completeTimeout bounds how long a service may think about the completion of an upload.
	completeTimeout = 5 * time.Minute
	// maxPartSize is the largest length in bytes of a part.
	maxPartSize = 5 << 30
)

// The pauses between tries of a reading.
const (
	firstPause = 50 * time.Millisecond
	longPause  = 2 * time.Second
)

// uploadScheme begins the address of an upload in parts:
//
//	upload:BUCKET/KEY/ID
//
// each percent-encoded.
const uploadScheme = "upload:"

// UploadAddress returns the address of an upload in parts which the original server began for the
// object with that name, and which clients know by the id job.
func (b *Bulk) UploadAddress(name, job string) (store.Address, error) {
	p, err := b.placeOf(name)
	if err != nil {
		return "", err
	}
	version, id := "", job
	if p.Method == ByNameAndVersion {
		version, id, _ = strings.Cut(job, ".")
	}
	u := upload{place: p, key: p.key(name, version), id: id}
	return u.address(), nil
}

func (u *upload) address() store.Address {
	return store.Address(uploadScheme + store.EncodeSegment(u.Name) + "/" + store.EncodeSegment(u.key) + "/" + store.EncodeSegment(u.id))
}

// uploadAt takes the address of an upload apart.
func (b *Bulk) uploadAt(a store.Address) (*upload, error) {
	rest, ok := strings.CutPrefix(string(a), uploadScheme)
	fields := strings.Split(rest, "/")
	if !ok || len(fields) != 3 {
		return nil, store.NewError(store.NotFound, "", "This storage has no such upload.")
	}
	key := store.DecodeSegment(fields[1])
	p := b.placeOfKey(store.DecodeSegment(fields[0]), key)
	if p == nil {
		return nil, store.NewError(store.NotFound, "", "The bucket of this upload is not configured any more.")
	}
	return &upload{place: p, key: key, id: store.DecodeSegment(fields[2])}, nil
}

// placeOfKey returns the place with that bucket and the longest prefix that the key begins with.
func (b *Bulk) placeOfKey(bucket, key string) *place {
	var found *place
	for _, p := range b.places {
		fits := p.Name == bucket && strings.HasPrefix(key, p.under())
		if fits && (found == nil || len(p.under()) > len(found.under())) {
			found = p
		}
	}
	return found
}

// Begin implements store.Assembler.
func (b *Bulk) Begin(ctx context.Context, p store.Placement, chunkSize int64) (store.Address, error) {
	if p.Size < 0 || chunkSize < 1 {
		return "", store.NewError(store.Invalid, "", "The content needs a size, and chunks of at least one byte.")
	}
	at, err := b.placeOf(string(p.Path))
	if err != nil {
		return "", err
	}
	chunks := (p.Size + chunkSize - 1) / chunkSize
	if chunks > 1 && (chunkSize < minPartSize || chunks > maxParts) || min(p.Size, chunkSize) > maxPartSize {
		made, err := at.beginPieces(ctx, p)
		if err != nil {
			return "", err
		}
		return made.address(), nil
	}
	u, err := at.beginUpload(ctx, string(p.Path), p.Version, p.Version)
	if err != nil {
		return "", err
	}
	return u.address(), nil
}

// claim stores a chunk. It keeps nobody back: a part or a piece is stored whole.
type claim struct {
	bulk   *Bulk
	upload *upload // or
	pieces *pieces
	number int64
}

// ClaimChunk implements store.Assembler. What is finished or gone shows when the chunk is stored.
func (b *Bulk) ClaimChunk(_ context.Context, a store.Address, number int64) (_ store.ChunkClaim, err error) {
	c := &claim{bulk: b, number: number}
	if strings.HasPrefix(string(a), piecesScheme) {
		c.pieces, err = b.piecesAt(a)
	} else {
		c.upload, err = b.uploadAt(a)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Release implements store.ChunkClaim.
func (c *claim) Release() {}

// Put implements store.ChunkClaim.
func (c *claim) Put(ctx context.Context, _, length int64, r io.Reader) (string, error) {
	if c.pieces != nil {
		return c.bulk.putPiece(ctx, c.pieces, c.number, length, r)
	}
	return c.bulk.putPart(ctx, c.upload, c.number, length, r)
}

// putPart stores a chunk as a part. Its tag is that of S3, which takes no other part of the number in the
// end.
func (b *Bulk) putPart(ctx context.Context, u *upload, number, length int64, r io.Reader) (string, error) {
	if number < 0 || number >= maxParts {
		return "", store.NewError(store.Conflict, "", "The chunk lies behind the end.")
	}
	tag, err := b.sendChunk(ctx, length, r, func(body io.Reader, options ...func(*s3.Options)) (string, error) {
		return u.put(ctx, int32(number+1), body, length, options...)
	})
	// A service may cut the connection instead of answering while the body comes.
	if missing(err) || store.KindOf(err) == store.Unavailable && u.gone(ctx) {
		if err = noContent(); u.finished(ctx) {
			err = finished()
		}
	}
	return tag, err
}

// gone reports whether the service knows the upload no more.
func (u *upload) gone(ctx context.Context) bool {
	ctx, w := watched(ctx, u.Client.ReadTimeout)
	defer w.end()
	_, err := u.service.ListParts(ctx, &s3.ListPartsInput{
		Bucket: &u.Name, Key: &u.key, UploadId: &u.id, MaxParts: aws.Int32(1),
	})
	return missing(fail(ctx, "list parts", err))
}

// sendChunk sends a chunk from memory, if it fits into a part, so that it can be tried again, else
// while it comes. An error of r is returned as it is.
func (b *Bulk) sendChunk(ctx context.Context, length int64, r io.Reader, send func(io.Reader, ...func(*s3.Options)) (string, error)) (string, error) {
	if length < 0 {
		return "", store.NewError(store.Invalid, "", "A chunk cannot have less than no bytes.")
	}
	source := &exactly{from: r, left: length}
	if length > b.cfg.PartSize {
		tag, err := send(source, streaming)
		if source.err != nil {
			return "", source.err
		}
		return tag, err
	}
	memory, err := b.part(ctx, b.cfg.PartSize)
	if err != nil {
		return "", err
	}
	defer memory.free()
	if err := memory.fill(source); err != nil && err != io.EOF {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", fail(ctx, "send chunk", err)
	}
	return send(memory.reader())
}

// streaming are the options for a body that cannot be read twice.
func streaming(o *s3.Options) {
	o.APIOptions = append(o.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
	o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	o.Retryer = aws.NopRetryer{}
}

// exactly reads a source that has to give a number of bytes and then end. It keeps the last byte
// until it knows that the source has ended well, and the error if it has not.
type exactly struct {
	from io.Reader
	left int64
	err  error
}

func (e *exactly) Read(p []byte) (int, error) {
	switch {
	case e.err != nil:
		return 0, e.err
	case e.left == 0:
		e.ends()
		if e.err != nil {
			return 0, e.err
		}
		return 0, io.EOF
	}
	n, err := e.from.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	switch {
	case err == nil && e.left == 0:
		e.ends()
	case err == io.EOF && e.left > 0:
		e.err = misfit()
	case err != nil && err != io.EOF:
		e.err = err
	}
	if e.err != nil {
		return 0, e.err
	}
	return n, nil
}

// ends reads on to the end, where nothing more may come.
func (e *exactly) ends() {
	var more [1]byte
	for {
		n, err := e.from.Read(more[:])
		switch {
		case n > 0:
			e.err = misfit()
			return
		case err == io.EOF:
			return
		case err != nil:
			e.err = err
			return
		}
	}
}

func misfit() error {
	return store.NewError(store.Invalid, "", "The chunk has another length than was announced.")
}

// OpenPart implements store.Assembler: S3 shows no content that is not complete.
func (b *Bulk) OpenPart(ctx context.Context, _ store.Address) (store.Content, error) {
	if err := ctx.Err(); err != nil {
		return nil, fail(ctx, "open part", err)
	}
	return nil, store.NewError(store.ReadOnly, "", "Content in S3 can be read when it is complete.")
}

// Reopen implements store.Assembler: what is complete stays as it is.
func (b *Bulk) Reopen(ctx context.Context, _ store.Address) error {
	if err := ctx.Err(); err != nil {
		return fail(ctx, "reopen", err)
	}
	return store.NewError(store.ReadOnly, "", "Content in S3 cannot be changed any more when it is complete.")
}

// Finish implements store.Assembler.
func (b *Bulk) Finish(ctx context.Context, a store.Address, to store.Placement, chunks []store.Chunk) (store.Address, error) {
	if strings.HasPrefix(string(a), piecesScheme) {
		p, err := b.piecesAt(a)
		if err != nil {
			return "", err
		}
		return b.join(ctx, p, to, chunks)
	}
	u, err := b.uploadAt(a)
	if err != nil {
		return "", err
	}
	if len(chunks) == 0 {
		return u.finishEmpty(ctx, to)
	}
	parts := make([]types.CompletedPart, len(chunks))
	for i, c := range chunks {
		parts[i] = types.CompletedPart{PartNumber: aws.Int32(int32(c.Number + 1)), ETag: &chunks[i].Tag}
	}
	_, err = u.complete(ctx, parts)
	if isCode(err, "InvalidPart") {
		return "", replaced()
	}
	if err != nil && !missing(err) {
		return "", err
	}
	return u.made(ctx, to)
}

// finishEmpty makes an empty object: an upload without parts cannot be completed.
func (u *upload) finishEmpty(ctx context.Context, to store.Placement) (store.Address, error) {
	if a, err := u.made(ctx, to); !missing(err) {
		return a, err
	}
	if err := u.remove(ctx); err != nil {
		return "", err
	}
	a, err := u.putWhole(ctx, u.key, to, nil, to.Version)
	return a, err
}
