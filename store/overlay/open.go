package overlay

import (
	"context"

	"github.com/hatrac/hatrac/store"
)

// Open implements store.Bulk. The content is what the layer gave, a store.FileContent for example.
func (b *bulk) Open(ctx context.Context, a store.Address) (store.Content, error) {
	content, err := b.openAbove(ctx, a)
	if missing(err) {
		return b.last().Open(ctx, a)
	}
	return content, err
}

// OpenSized implements store.SizedOpener. What no other layer has is left to the last one.
func (b *bulk) OpenSized(ctx context.Context, a store.Address, size int64) (store.Content, error) {
	content, err := b.openAbove(ctx, a)
	if missing(err) {
		if opener, ok := b.last().(store.SizedOpener); ok {
			return opener.OpenSized(ctx, a, size)
		}
		content, err = b.last().Open(ctx, a)
	}
	if err == nil && content.Size() != size {
		_ = content.Close() // nothing was read
		return nil, store.NewError(store.Internal, "", "The stored content of this version is damaged.")
	}
	return content, err
}

// openAbove opens content from the first layer that has it, the last one not counted.
func (b *bulk) openAbove(ctx context.Context, a store.Address) (store.Content, error) {
	for _, layer := range b.above() {
		if content, err := layer.Open(ctx, a); !missing(err) {
			return content, err
		}
	}
	return nil, store.NewError(store.NotFound, "", "")
}

// missing reports whether a storage said that it has no such content.
func missing(err error) bool { return err != nil && store.KindOf(err) == store.NotFound }
