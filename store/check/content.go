package check

import (
	"bytes"
	"context"
	"crypto/md5" // #nosec: the protocol's digest, never used for security
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	"github.com/hatrac/hatrac/store"
)

// version says in a sentence what is wrong with the content of a version, if anything is.
func (c *check) version(ctx context.Context, v *store.PathVersion) (string, error) {
	text, err := c.content(ctx, &v.Version)
	if text == "" || err != nil {
		return "", err
	}
	// It may have been deleted or moved since it was read.
	found, err := c.Directory.Resolve(ctx, v.Path, v.Version.Version)
	if err != nil {
		return "", err
	}
	if now := found.Version; now == nil || now.ID != v.Version.ID || !counts(now) || now.Address != v.Version.Address {
		return "", nil
	}
	return text, nil
}

func (c *check) content(ctx context.Context, v *store.Version) (string, error) {
	switch {
	case v.HasInline && v.Inline == nil, !v.HasInline && v.Address == "":
		return "Its content is not known.", nil
	case v.HasInline && int64(len(v.Inline)) != v.Size:
		return wrongLength(int64(len(v.Inline)), v.Size), nil
	case v.HasInline && c.Deep:
		return digests(v, bytes.NewReader(v.Inline))
	case v.HasInline:
		return "", nil
	}
	content, err := c.Bulk.Open(ctx, v.Address)
	switch {
	case err == nil:
	case store.KindOf(err) == store.NotFound:
		return "Its content is missing.", nil
	default:
		return "Its content cannot be opened.", undecided(err)
	}
	defer content.Close()
	if content.Size() != v.Size {
		return wrongLength(content.Size(), v.Size), nil
	}
	if !c.Deep {
		return "", nil
	}
	r, err := content.Section(ctx, 0, v.Size)
	if err != nil {
		return "Its content cannot be read.", undecided(err)
	}
	defer r.Close()
	return digests(v, patient{ctx, r})
}

func wrongLength(is, want int64) string {
	return fmt.Sprintf("Its content has %d bytes instead of %d.", is, want)
}

// digests compares the digests of content with those that the server computed and those that a
// client gave.
func digests(v *store.Version, r io.Reader) (string, error) {
	sums := []struct {
		hash hash.Hash
		want [][]byte
		text string
	}{
		{sha256.New(), [][]byte{v.SHA256, v.Metadata.SHA256}, "Its content does not have its SHA-256."},
		{md5.New(), [][]byte{v.Metadata.MD5}, "Its content does not have its MD5."},
	}
	if _, err := io.CopyBuffer(io.MultiWriter(sums[0].hash, sums[1].hash), r, make([]byte, 256<<10)); err != nil {
		return "Its content cannot be read.", undecided(err)
	}
	for _, sum := range sums {
		is := sum.hash.Sum(nil)
		for _, want := range sum.want {
			if want != nil && !bytes.Equal(is, want) {
				return sum.text, nil
			}
		}
	}
	return "", nil
}

// patient reads until the context ends.
type patient struct {
	ctx  context.Context
	from io.Reader
}

// Read implements io.Reader.
func (p patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.from.Read(b)
}
