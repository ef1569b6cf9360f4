package overlay

import (
	"context"

	"github.com/hatrac/hatrac/store"
)

// Presign implements store.Presigner: the last layer signs, unless a layer above it has the
// content, which is to be opened then. Signing comes first because it needs no look at a storage.
func (b *bulk) Presign(ctx context.Context, a store.Address, size int64, m store.Metadata) (string, bool, error) {
	above, last := b.layers[:len(b.layers)-1], b.layers[len(b.layers)-1]
	signer, ok := last.(store.Presigner)
	if !ok {
		return "", false, nil
	}
	url, ok, err := signer.Presign(ctx, a, size, m)
	switch {
	case err != nil && store.KindOf(err) != store.NotFound:
		return "", false, err
	case err != nil || !ok:
		return "", false, nil
	}
	has, err := holds(ctx, above, a)
	if has || err != nil {
		return "", false, err
	}
	return url, true, nil
}

// holds reports whether one of the layers has content at the address.
func holds(ctx context.Context, layers []store.Bulk, a store.Address) (bool, error) {
	content, err := open(ctx, layers, a)
	switch {
	case err == nil:
		_ = content.Close() // nothing was read
		return true, nil
	case store.KindOf(err) == store.NotFound:
		return false, nil
	}
	return false, err
}
