package service

import (
	"context"
	"net/url"

	"github.com/hatrac/hatrac/store"
)

// Elsewhere returns the absolute URL at which the content of the version lives outside of this
// store, or "" if it is here.
func (f *Found) Elsewhere() (string, error) {
	if f.Version == nil || f.Version.URL == "" {
		return "", nil
	}
	if u, err := url.Parse(f.Version.URL); err != nil || !u.IsAbs() || u.Host == "" {
		return "", store.NewError(store.Internal, f.Ref.String(), "The content of this version lives elsewhere, but nobody knows where.")
	}
	return f.Version.URL, nil
}

// Presign returns an absolute URL from which whoever has it can fetch the content of the version
// for a short time, with the media type and the disposition of as. It returns "" where the
// storage has none for content of this size: then the content is to be opened.
func (f *Found) Presign(ctx context.Context, as store.Metadata) (string, error) {
	signer, ok := f.bulk.(store.Presigner)
	if !ok || f.Version == nil || f.Version.Address == "" {
		return "", nil
	}
	signed, ok, err := signer.Presign(ctx, f.Version.Address, f.Version.Size, as)
	if err != nil {
		return "", store.Wrap(store.Internal, "presign content", err)
	}
	if !ok {
		return "", nil
	}
	return signed, nil
}

// elsewhere is the error of those who want to open content that is not in this store.
func elsewhere(v *store.Version) error {
	return store.NewError(store.Internal, v.Version, "The content of this version lives elsewhere.")
}
