package s3

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hatrac/hatrac/store"
)

// Remove implements store.Bulk. Of a bucket that keeps versions the very version goes.
func (b *Bulk) Remove(ctx context.Context, a store.Address) error {
	switch {
	case strings.HasPrefix(string(a), uploadScheme):
		u, err := b.uploadAt(a)
		if err != nil {
			return err
		}
		return u.remove(ctx)
	case strings.HasPrefix(string(a), piecesScheme):
		p, err := b.piecesAt(a)
		if err != nil {
			return err
		}
		return p.remove(ctx)
	}
	o, err := b.object(a)
	if err != nil {
		return err
	}
	if o.versioned && o.version == "" {
		// Without its version id the object would only be hidden.
		if o.version, err = o.newest(ctx); missing(err) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return o.remove(ctx)
}

// newest returns the version id of the newest version of the object.
func (o object) newest(ctx context.Context) (string, error) {
	said, err := o.head(ctx)
	if err != nil {
		return "", err
	}
	return value(said.VersionId), nil
}

func (o object) remove(ctx context.Context) error {
	ctx, w := watched(ctx, o.Client.ReadTimeout)
	defer w.end()
	_, err := o.service.DeleteObject(ctx, &s3.DeleteObjectInput{
		Bucket: &o.Name, Key: &o.key, VersionId: optional(o.version),
	})
	if err = fail(ctx, "remove object", err); missing(err) {
		return nil
	}
	return err
}

// remove aborts the upload. What it has become already, if nothing refers to it, is swept.
func (u *upload) remove(ctx context.Context) error {
	ctx, w := watched(ctx, u.Client.ReadTimeout)
	defer w.end()
	_, err := u.service.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: &u.Name, Key: &u.key, UploadId: &u.id,
	})
	if err = fail(ctx, "abort upload", err); missing(err) {
		return nil
	}
	return err
}
