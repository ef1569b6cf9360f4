package s3

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/hatrac/hatrac/store"
)

// List implements store.Lister: uploads, pieces and objects, those of others too (see Aliases). The
// length of uploads is not known, and told as 0.
func (b *Bulk) List(ctx context.Context, fn func(a store.Address, size int64, since time.Time) error) error {
	for _, p := range b.distinct() {
		if err := p.listUnfinished(ctx, fn); err != nil {
			return err
		}
		err := p.eachVersion(ctx, p.under(), func(page []types.ObjectVersion) error {
			for _, v := range page {
				a, ok := p.content(v)
				if !ok {
					continue
				}
				if err := fn(a, size(v), *v.LastModified); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// listUnfinished lists uploads and pieces.
func (p *place) listUnfinished(ctx context.Context, fn func(store.Address, int64, time.Time) error) error {
	err := p.eachUpload(ctx, func(page []types.MultipartUpload) error {
		for _, one := range page {
			if one.Initiated == nil {
				continue
			}
			u := &upload{place: p, key: value(one.Key), id: value(one.UploadId)}
			if err := fn(u.address(), 0, *one.Initiated); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	found, err := p.allPieces(ctx)
	if err != nil {
		return err
	}
	for _, one := range found {
		if err := one.recall(ctx); err != nil && !missing(err) {
			return err
		}
		if err := fn(one.address(), one.length, one.youngest); err != nil {
			return err
		}
	}
	return nil
}

// Aliases implements store.SharedLister, by the marks that an object carries. Uploads and pieces are
// always swept.
func (b *Bulk) Aliases(ctx context.Context, a store.Address) ([]store.Address, error) {
	if strings.HasPrefix(string(a), uploadScheme) || strings.HasPrefix(string(a), piecesScheme) {
		return []store.Address{a}, nil
	}
	o, err := b.object(a)
	if err != nil {
		return nil, nil // of a namespace that has no bucket any more
	}
	return b.aliases(ctx, &o)
}
