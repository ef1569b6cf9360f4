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
//	pieces:BUCKET/FOLDER/TARGET
//
// each percent-encoded; the keys of the pieces are FOLDER/NUMBER, that of the content in the end is
// TARGET. As long as they are not joined there is a marker, FOLDER/begun.
const piecesScheme = "pieces:"

// piecesFolder is where pieces lie under the prefix of a bucket. No name gives such a key: a colon
// in a name is encoded.
const piecesFolder = ":pieces/"

// metaTarget is the metadata of the marker that tells the target, percent-encoded.
const metaTarget = "hatrac-target"

// pieces are the chunks of a content that become one object in the end.
type pieces struct {
	*place
	folder, target string
}

// beginPieces makes a place for pieces.
func (p *place) beginPieces(ctx context.Context, to store.Placement) (*pieces, error) {
	made := &pieces{
		place: p, folder: p.under() + piecesFolder + ulid.Make().String(),
		target: p.newKey(string(to.Path), to.Version),
	}
	key := made.marker()
	ctx, w := watched(ctx, p.Client.ReadTimeout)
	defer w.end()
	_, err := p.service.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &p.Name, Key: &key, Body: strings.NewReader(""),
		Metadata: map[string]string{metaTarget: store.EncodeSegment(made.target)},
	})
	return made, fail(ctx, "begin pieces", err)
}

func (p *pieces) marker() string { return p.folder + "/begun" }

// recall looks at the marker, which tells the target. NotFound: the pieces are joined, or gone.
func (p *pieces) recall(ctx context.Context) error {
	said, err := object{place: p.place, key: p.marker()}.head(ctx)
	if err == nil {
		p.target = store.DecodeSegment(said.Metadata[metaTarget])
	}
	return err
}

// open answers an error unless the pieces are neither joined nor gone.
func (p *pieces) open(ctx context.Context) error {
	err := p.recall(ctx)
	if missing(err) && (&upload{place: p.place, key: p.target}).finished(ctx) {
		return finished()
	}
	return err
}

func replaced() error {
	return store.NewError(store.Conflict, "", "A chunk was sent again meanwhile, and has to be sent once more.")
}

func finished() error { return store.NewError(store.Conflict, "", "The content is finished.") }

func (p *pieces) address() store.Address {
	return store.Address(piecesScheme + store.EncodeSegment(p.Name) + "/" + store.EncodeSegment(p.folder) + "/" + store.EncodeSegment(p.target))
}

// piecesAt takes the address of pieces apart.
func (b *Bulk) piecesAt(a store.Address) (*pieces, error) {
	rest, _ := strings.CutPrefix(string(a), piecesScheme)
	fields := strings.Split(rest, "/")
	if len(fields) != 3 {
		return nil, noContent()
	}
	p := &pieces{folder: store.DecodeSegment(fields[1]), target: store.DecodeSegment(fields[2])}
	if p.place = b.placeOfKey(store.DecodeSegment(fields[0]), p.folder); p.place == nil {
		return nil, noContent()
	}
	return p, nil
}

func (p *pieces) key(number int64) string { return fmt.Sprintf("%s/%010d", p.folder, number) }

// putPiece stores a chunk. Its tag is the version id that S3 gave it, or where it gives none the entity
// tag, in quotes. The marker is looked at in the end: what comes too late is taken away again.
func (b *Bulk) putPiece(ctx context.Context, p *pieces, number, length int64, r io.Reader) (string, error) {
	o := object{place: p.place, key: p.key(number)}
	tag := ""
	version, err := b.sendChunk(ctx, length, r, func(body io.Reader, options ...func(*s3.Options)) (string, error) {
		ctx, w := watched(ctx, p.Client.ReadTimeout)
		defer w.end()
		said, err := p.service.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &p.Name, Key: &o.key, ContentLength: &length, Body: w.body(body),
		}, options...)
		if err != nil {
			return "", fail(ctx, "put piece", err)
		}
		tag = value(said.ETag)
		return value(said.VersionId), nil
	})
	if err != nil {
		return "", err
	}
	if err := p.open(ctx); err != nil {
		o.version = version
		_ = o.remove(context.WithoutCancel(ctx)) // what stays is swept
		return "", err
	}
	if p.versioned && version != "" {
		tag = version
	}
	return tag, nil
}

// piece opens the chunk that has the tag.
func (p *pieces) piece(ctx context.Context, c store.Chunk) (*content, error) {
	o, tag := object{place: p.place, key: p.key(c.Number)}, ""
	if strings.HasPrefix(c.Tag, `"`) {
		tag = c.Tag
	} else {
		o.version = c.Tag
	}
	size, err := o.look(ctx)
	if err != nil {
		return nil, err
	}
	opened := o.open(ctx, size)
	opened.tag = tag
	return opened, nil
}

// join makes one object of the pieces and removes them. Several parts are made at once.
func (b *Bulk) join(ctx context.Context, p *pieces, to store.Placement, chunks []store.Chunk) (store.Address, error) {
	u := &upload{place: p.place, key: p.target}
	if err := p.recall(ctx); missing(err) {
		return u.made(ctx, to)
	} else if err != nil {
		return "", err
	}
	if err := u.begin(ctx, string(to.Path), to.Version, to.Version); err != nil {
		return "", err
	}
	parts, err := b.joinParts(ctx, p, u, to, chunks)
	if err == nil {
		_, err = u.complete(ctx, parts)
	}
	if err != nil {
		u.abort(ctx)
		return "", err
	}
	a, err := u.made(ctx, to)
	if err == nil {
		_ = object{place: p.place, key: p.marker()}.remove(ctx)
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
			piece, err := r.pieces.piece(r.ctx, c)
			if err != nil {
				return 0, err
			}
			if r.now, err = piece.Section(r.ctx, 0, piece.size); err != nil {
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
