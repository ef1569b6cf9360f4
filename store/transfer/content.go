package transfer

import (
	"bytes"
	"context"
	"crypto/md5" // #nosec: the protocol's digest, never used for security
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/hatrac/hatrac/store"
)

// place says where the content of a version will be, and reports whether it has to be copied there.
func (c *transfer) place(v *version) bool {
	is := &v.Version
	lost := is.Deleted && v.until.IsZero()
	switch {
	case is.Address == "":
	case c.SameStorage:
		if lost {
			is.Address = ""
			return false
		}
		c.result.Kept++
		return false
	case v.target != nil && v.target.Address != "":
		is.Address = v.target.Address
		is.SHA256, is.Unsynced = v.target.SHA256, ""
		return false
	case lost:
		is.Address = ""
	default:
		is.Unsynced = ""
		return true
	}
	if lost {
		is.HasInline, is.Inline = false, nil
	}
	return false
}

// damaged is an error in the content of the source, which says what is wrong in a sentence.
type damaged string

// Error implements error.
func (d damaged) Error() string { return string(d) }

// unreadable says what an error of the source tells about the content, if it tells anything.
func unreadable(err error) error {
	switch store.KindOf(err) {
	case store.NotFound:
		return damaged("Its content is missing.")
	case store.Internal:
		return damaged("Its content cannot be read.")
	}
	return err
}

// content copies the content of a version. The text says what is wrong with it in the source.
func (c *transfer) content(ctx context.Context, v *version) (text string, err error) {
	err = c.copyContent(ctx, v)
	var wrong damaged
	if errors.As(err, &wrong) {
		return string(wrong), nil
	}
	return "", err
}

func (c *transfer) copyContent(ctx context.Context, v *version) error {
	content, err := c.From.Bulk.Open(ctx, v.Version.Address)
	if err != nil {
		return unreadable(err)
	}
	defer content.Close()
	if content.Size() != v.Version.Size {
		return damaged(fmt.Sprintf("Its content has %d bytes instead of %d.", content.Size(), v.Version.Size))
	}
	if c.DryRun {
		return nil
	}
	r, err := content.Section(ctx, 0, v.Version.Size)
	if err != nil {
		return unreadable(err)
	}
	defer r.Close()
	place := store.Placement{Path: v.Path, Version: v.Version.Version, Size: v.Version.Size}
	checked := newVerifier(ctx, &v.Version, r)
	address, err := c.To.Bulk.Put(ctx, place, checked)
	if err != nil {
		return err
	}
	v.Version.Address, v.Version.SHA256 = address, checked.sha256.Sum(nil)
	return nil
}

// verifier reads content and ends with an error before its end if it has not the length and the
// digests of its version, so that nothing wrong is ever stored.
type verifier struct {
	ctx         context.Context
	from        io.Reader
	of          *store.Version
	left        int64
	md5, sha256 hash.Hash
}

func newVerifier(ctx context.Context, of *store.Version, from io.Reader) *verifier {
	return &verifier{ctx: ctx, from: from, of: of, left: of.Size, md5: md5.New(), sha256: sha256.New()}
}

// Read implements io.Reader.
func (v *verifier) Read(p []byte) (int, error) {
	if err := v.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := v.from.Read(p)
	if err != nil && err != io.EOF {
		return 0, unreadable(err)
	}
	v.left -= int64(n)
	_, _ = v.sha256.Write(p[:n]) // never fails
	if v.of.Metadata.MD5 != nil {
		_, _ = v.md5.Write(p[:n])
	}
	if v.left <= 0 || err == io.EOF {
		if wrong := v.verify(); wrong != nil {
			return 0, wrong
		}
	}
	return n, err
}

func (v *verifier) verify() error {
	if v.left != 0 {
		return damaged("Its content has another length than it should have.")
	}
	sum := v.sha256.Sum(nil)
	for _, want := range [][]byte{v.of.SHA256, v.of.Metadata.SHA256} {
		if want != nil && !bytes.Equal(sum, want) {
			return damaged("Its content does not have its SHA-256.")
		}
	}
	if want := v.of.Metadata.MD5; want != nil && !bytes.Equal(v.md5.Sum(nil), want) {
		return damaged("Its content does not have its MD5.")
	}
	return nil
}
