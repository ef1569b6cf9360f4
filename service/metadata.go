package service

import (
	"bytes"
	"context"
	"crypto/md5" // #nosec: the protocol's digest, never used for security
	"crypto/sha256"
	"hash"
	"io"
	"maps"
	"slices"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// MetadataChange asks to set or to clear one metadata field of a version.
type MetadataChange struct {
	// Field is the name of the field, without regard to case.
	Field string
	// Value is the new value as text; it is not looked at if Clear is set.
	Value string
	Clear bool
	// Conditions guard the field.
	Conditions
}

// Metadata returns the version whose metadata the client may read: of an object its current
// one. Forwarding is not followed. Conflict: the object has no current version. NotFound: it
// is a namespace.
func (s *Service) Metadata(ctx context.Context, c acl.Client, ref store.Ref) (*store.Version, error) {
	v, err := s.resolve(ctx, c, ref)
	if err != nil {
		return nil, err
	}
	if err := v.described(ref); err != nil {
		return nil, err
	}
	return v.Version, v.mayVersion(acl.ReadContent, v.Version, "You may not read this version.")
}

// described answers an error unless the resolution holds a version that can have metadata.
func (v view) described(ref store.Ref) error {
	if err := v.versionExists(ref); err != nil {
		return err
	}
	if v.Name.Kind != acl.Object {
		return store.NewError(store.NotFound, string(ref.Path), "A namespace has no metadata.")
	}
	if v.Version == nil {
		return noCurrent(ref.Path)
	}
	return nil
}

// SetMetadata sets or clears one field. A digest may be set once, and only to what the content
// has; another value is Conflict.
func (s *Service) SetMetadata(ctx context.Context, c acl.Client, ref store.Ref, change MetadataChange) error {
	if err := gate(c, s.firewall.ManageMetadata, ref.Path); err != nil {
		return err
	}
	known, err := s.digestToCheck(ctx, c, ref, change)
	if err != nil {
		return err
	}
	return s.describe(ctx, c, ref, func(tx store.Tx, v view) error {
		if err := v.described(ref); err != nil {
			return err
		}
		version, err := v.changeable()
		if err != nil {
			return err
		}
		if err := change.Hold(FieldTag(*version, change.Field)); err != nil {
			return err
		}
		metadata := version.Metadata
		if change.Clear {
			err = ClearField(change.Field, &metadata)
		} else {
			err = ParseField(change.Field, change.Value, &metadata)
		}
		if err != nil {
			return err
		}
		if err := digestsFit(ref, *version, metadata, known); err != nil {
			return err
		}
		if err := settled(ref.Path, version); err != nil {
			return err
		}
		return tx.SetVersionMetadata(ctx, version.ID, metadata)
	})
}

// content digests of one version, as far as somebody has to compute them from the content.
type contentDigest struct {
	version int64
	md5     []byte
	sha256  []byte
}

// digestToCheck reads the content, before the transaction, if the change sets a digest that the
// directory does not know.
func (s *Service) digestToCheck(ctx context.Context, c acl.Client, ref store.Ref, change MetadataChange) (contentDigest, error) {
	var wanted store.Metadata
	if change.Clear || ParseField(change.Field, change.Value, &wanted) != nil {
		return contentDigest{}, nil
	}
	if wanted.MD5 == nil && wanted.SHA256 == nil {
		return contentDigest{}, nil
	}
	v, err := s.resolve(ctx, c, ref)
	if err != nil {
		return contentDigest{}, err
	}
	if err := v.described(ref); err != nil {
		return contentDigest{}, err
	}
	version, err := v.changeable()
	if err != nil {
		return contentDigest{}, err
	}
	digest := contentDigest{version: version.ID, sha256: version.SHA256}
	if version.Forward != nil || version.URL != "" || wanted.MD5 == nil && version.SHA256 != nil {
		return digest, nil
	}
	digest.md5, digest.sha256, err = s.digestContent(ctx, version)
	return digest, err
}

func (s *Service) digestContent(ctx context.Context, version *store.Version) (sumMD5, sumSHA256 []byte, err error) {
	content, err := open(ctx, s.bulk, version)
	if err != nil {
		return nil, nil, err
	}
	defer content.Close()
	r, err := content.Section(ctx, 0, content.Size())
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	sums := []hash.Hash{md5.New(), sha256.New()}
	w := io.MultiWriter(sums[0], sums[1])
	if _, err := io.CopyBuffer(w, &patient{ctx: ctx, from: r}, make([]byte, 256<<10)); err != nil {
		return nil, nil, store.Wrap(store.Internal, "read content", err)
	}
	return sums[0].Sum(nil), sums[1].Sum(nil), nil
}

// digestsFit answers Conflict if new metadata would change a digest, or say what is not so.
func digestsFit(ref store.Ref, v store.Version, metadata store.Metadata, known contentDigest) error {
	for _, d := range []struct{ before, after, content []byte }{
		{v.Metadata.MD5, metadata.MD5, known.md5},
		{v.Metadata.SHA256, metadata.SHA256, known.sha256},
	} {
		switch {
		case d.after == nil || bytes.Equal(d.before, d.after):
		case d.before != nil:
			return store.NewError(store.Conflict, ref.String(), "This digest is set already and cannot change.")
		case v.Forward != nil:
			return store.NewError(store.Conflict, ref.String(), "This version was renamed; its new name has the content.")
		case known.version != v.ID:
			return store.NewError(store.Conflict, ref.String(), "The current version changed meanwhile.")
		case v.URL != "" && d.content == nil: // nobody here can tell
		case !bytes.Equal(d.after, d.content):
			return store.NewError(store.Conflict, ref.String(), "The content does not have this digest.")
		}
	}
	return nil
}

// MetadataTag is the entity tag of all metadata of a version.
func MetadataTag(v store.Version) string {
	fields := Fields(v.Metadata)
	words := make([]string, 0, 2*len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		words = append(words, name, fields[name])
	}
	return tagOf(append(words, v.Version)...)
}

// FieldTag is the entity tag of one field; it is empty if the field is not set.
func FieldTag(v store.Version, field string) string {
	text, set, err := FieldText(v.Metadata, field)
	if err != nil || !set {
		return ""
	}
	return tagOf(text, v.Version)
}
