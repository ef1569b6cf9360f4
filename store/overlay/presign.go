package overlay

import (
	"context"

	"github.com/hatrac/hatrac/store"
)

// Presign implements store.Presigner: the last layer signs, unless a layer above it has the
// content, which is to be opened then. Signing comes first because it needs no look at a storage.
func (b *bulk) Presign(ctx context.Context, a store.Address, size int64, m store.Metadata) (string, bool, error) {
	signer, ok := b.last().(store.Presigner)
	if !ok {
		return "", false, nil
	}
	url, ok, err := signer.Presign(ctx, a, size, m)
	switch {
	case err != nil && !missing(err):
		return "", false, err
	case err != nil || !ok:
		return "", false, nil
	}
	content, err := b.openAbove(ctx, a)
	switch {
	case err == nil:
		_ = content.Close() // nothing was read
		return "", false, nil
	case !missing(err):
		return "", false, err
	}
	return url, true, nil
}
