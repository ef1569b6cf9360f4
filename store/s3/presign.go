package s3

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hatrac/hatrac/store"
)

// Presign implements store.Presigner for content above the threshold of its bucket.
func (b *Bulk) Presign(ctx context.Context, a store.Address, size int64, m store.Metadata) (string, bool, error) {
	o, err := b.object(a)
	if err != nil {
		return "", false, err
	}
	if o.PresignThreshold <= 0 || size <= o.PresignThreshold {
		return "", false, nil
	}
	signed, err := o.service.presign.PresignGetObject(ctx, &s3.GetObjectInput{
		Bucket: &o.Name, Key: &o.key, VersionId: optional(o.version),
		ResponseContentType:        optional(m.ContentType),
		ResponseContentDisposition: optional(m.ContentDisposition),
	}, s3.WithPresignExpires(o.PresignExpiry))
	if err != nil {
		return "", false, fail(ctx, "sign URL", err)
	}
	return signed.URL, true, nil
}
