package s3

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/hatrac/hatrac/store"
)

// sweeper is one pass over what is stored.
type sweeper struct {
	bulk   *Bulk
	before time.Time
	bound  func(context.Context, []store.Address) ([]bool, error)
	swept  store.Swept
}

// Sweep implements store.Bulk. Each pass looks at uploads and pieces; all content is looked at no
// more often than the configuration says. Only objects that carry the marks of this server are
// removed: a bucket may be shared.
func (b *Bulk) Sweep(ctx context.Context, before time.Time, bound func(context.Context, []store.Address) ([]bool, error)) (store.Swept, error) {
	s := &sweeper{bulk: b, before: before, bound: bound}
	contents := b.contentsDue()
	for _, p := range b.distinct() {
		if err := s.uploads(ctx, p); err != nil {
			return s.swept, err
		}
		if err := s.pieces(ctx, p); err != nil {
			return s.swept, err
		}
		if !contents {
			continue
		}
		if err := s.contents(ctx, p); err != nil {
			return s.swept, err
		}
	}
	if contents {
		b.mu.Lock()
		b.swept = time.Now()
		b.mu.Unlock()
	}
	return s.swept, nil
}

func (b *Bulk) contentsDue() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Since(b.swept) >= b.cfg.ContentSweep
}

// distinct returns the places that have no keys in common.
func (b *Bulk) distinct() []*place {
	seen := make(map[[2]string]bool)
	var found []*place
	for _, p := range b.places {
		id := [2]string{p.Name, p.PathPrefix}
		if !seen[id] {
			seen[id] = true
			found = append(found, p)
		}
	}
	return found
}

// uploads aborts uploads that no job is about.
func (s *sweeper) uploads(ctx context.Context, p *place) error {
	return p.eachUpload(ctx, func(page []types.MultipartUpload) error {
		var old []*upload
		var addresses []store.Address
		for _, one := range page {
			if one.Initiated == nil || !one.Initiated.Before(s.before) {
				continue
			}
			u := &upload{place: p, key: value(one.Key), id: value(one.UploadId)}
			old, addresses = append(old, u), append(addresses, u.address())
		}
		return s.unbound(ctx, addresses, func(i int) error {
			s.swept.Removed++
			return old[i].remove(ctx)
		})
	})
}

// eachUpload calls fn with pages of all uploads in parts.
func (p *place) eachUpload(ctx context.Context, fn func([]types.MultipartUpload) error) error {
	input := &s3.ListMultipartUploadsInput{Bucket: &p.Name, Prefix: optional(p.under())}
	for {
		page, err := p.listUploads(ctx, input)
		if err != nil {
			return err
		}
		if err := fn(page.Uploads); err != nil {
			return err
		}
		if page.IsTruncated == nil || !*page.IsTruncated {
			return nil
		}
		input.KeyMarker, input.UploadIdMarker = page.NextKeyMarker, page.NextUploadIdMarker
	}
}

func (p *place) listUploads(ctx context.Context, input *s3.ListMultipartUploadsInput) (*s3.ListMultipartUploadsOutput, error) {
	ctx, w := watched(ctx, p.Client.ReadTimeout)
	defer w.end()
	page, err := p.service.ListMultipartUploads(ctx, input)
	return page, fail(ctx, "list uploads", err)
}

// unbound calls fn for the index of each address that nothing refers to.
func (s *sweeper) unbound(ctx context.Context, addresses []store.Address, fn func(i int) error) error {
	if len(addresses) == 0 {
		return nil
	}
	bound, err := s.bound(ctx, addresses)
	if err != nil {
		return err
	}
	for i := range addresses {
		if bound[i] {
			continue
		}
		if err := fn(i); err != nil {
			return err
		}
	}
	return nil
}

// pieces removes pieces that no job is about.
func (s *sweeper) pieces(ctx context.Context, p *place) error {
	found, err := p.allPieces(ctx)
	if err != nil {
		return err
	}
	for _, one := range found {
		if !one.youngest.Before(s.before) {
			continue
		}
		if err := s.folder(ctx, one.pieces, one.length); err != nil {
			return err
		}
	}
	return nil
}

// foundPieces are pieces with their length together and the time of the last one.
type foundPieces struct {
	*pieces
	length   int64
	youngest time.Time
}

// allPieces returns all pieces, whose targets are not known yet.
func (p *place) allPieces(ctx context.Context) (map[string]*foundPieces, error) {
	found := make(map[string]*foundPieces)
	under := p.under() + piecesFolder
	err := p.eachVersion(ctx, under, func(page []types.ObjectVersion) error {
		for _, v := range page {
			id, _, _ := strings.Cut(strings.TrimPrefix(value(v.Key), under), "/")
			one := found[id]
			if one == nil {
				one = &foundPieces{pieces: &pieces{place: p, folder: under + id}}
				found[id] = one
			}
			one.length += size(v)
			at := time.Now() // what has no time is young
			if v.LastModified != nil {
				at = *v.LastModified
			}
			if at.After(one.youngest) {
				one.youngest = at
			}
		}
		return nil
	})
	return found, err
}

func (s *sweeper) folder(ctx context.Context, p *pieces, length int64) error {
	// Without the marker it is what joining has left over.
	if err := p.recall(ctx); err != nil && !missing(err) {
		return err
	}
	return s.unbound(ctx, []store.Address{p.address()}, func(int) error {
		s.swept.Removed++
		s.swept.Bytes += length
		return p.remove(ctx)
	})
}

func size(v types.ObjectVersion) int64 {
	if v.Size == nil {
		return 0
	}
	return *v.Size
}

// contents removes objects that this server made and nothing refers to.
func (s *sweeper) contents(ctx context.Context, p *place) error {
	return p.eachVersion(ctx, p.under(), func(page []types.ObjectVersion) error {
		var old []types.ObjectVersion
		var addresses []store.Address
		for _, v := range page {
			if a, ok := p.content(v); ok && v.LastModified.Before(s.before) {
				old, addresses = append(old, v), append(addresses, a)
			}
		}
		return s.unbound(ctx, addresses, func(i int) error { return s.discard(ctx, p, old[i]) })
	})
}

// content returns the address of an object as far as its key tells it; ok is false for pieces.
func (p *place) content(v types.ObjectVersion) (a store.Address, ok bool) {
	if v.LastModified == nil || strings.HasPrefix(value(v.Key), p.under()+piecesFolder) {
		return "", false
	}
	name, version := p.reversed(value(v.Key))
	return object{p, value(v.Key), value(v.VersionId)}.address(name, version), true
}

// discard removes an object if it carries the marks of this server and nothing refers to it by
// what they say either.
func (s *sweeper) discard(ctx context.Context, p *place, v types.ObjectVersion) error {
	o := object{place: p, key: value(v.Key), version: value(v.VersionId)}
	aliases, err := s.bulk.aliases(ctx, &o)
	if err != nil || len(aliases) == 0 {
		return err
	}
	bound, err := s.bound(ctx, aliases)
	if err != nil || slices.Contains(bound, true) {
		return err
	}
	s.swept.Removed++
	s.swept.Bytes += size(v)
	return o.remove(ctx)
}

// aliases returns the addresses by which an object may be bound, and none for one that does not carry
// the marks of this server. It corrects the place of the object by what they say.
func (b *Bulk) aliases(ctx context.Context, o *object) ([]store.Address, error) {
	said, err := o.head(ctx)
	if missing(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if strings.HasPrefix(o.key, o.under()+nameless) {
		return []store.Address{o.address("", "")}, nil
	}
	name, version := said.Metadata[metaName], store.DecodeSegment(said.Metadata[metaVersion])
	at, err := b.placeOf(name)
	if name == "" || err != nil || at.Name != o.Name || at.key(name, version) != o.key {
		return nil, nil
	}
	o.place = at
	plain := object{at, o.key, ""}.address(name, version)
	return []store.Address{o.address(name, version), plain}, nil
}

// reversed returns the name and the version that a key was made of, as far as it tells them.
func (p *place) reversed(key string) (name, version string) {
	name = "/" + strings.TrimPrefix(key, p.under())
	if p.Method == ByNameAndVersion {
		i := strings.LastIndexByte(name, ':')
		return name[:max(i, 0)], name[i+1:]
	}
	return name, ""
}

// eachVersion calls fn with pages of all versions of all objects whose keys begin with a prefix.
func (p *place) eachVersion(ctx context.Context, prefix string, fn func([]types.ObjectVersion) error) error {
	input := &s3.ListObjectVersionsInput{Bucket: &p.Name, Prefix: optional(prefix)}
	for {
		page, err := p.listVersions(ctx, input)
		if err != nil {
			return err
		}
		if !p.versioned {
			for i := range page.Versions {
				page.Versions[i].VersionId = nil
			}
		}
		if err := fn(page.Versions); err != nil {
			return err
		}
		if page.IsTruncated == nil || !*page.IsTruncated {
			return nil
		}
		input.KeyMarker, input.VersionIdMarker = page.NextKeyMarker, page.NextVersionIdMarker
	}
}

func (p *place) listVersions(ctx context.Context, input *s3.ListObjectVersionsInput) (*s3.ListObjectVersionsOutput, error) {
	ctx, w := watched(ctx, p.Client.ReadTimeout)
	defer w.end()
	page, err := p.service.ListObjectVersions(ctx, input)
	return page, fail(ctx, "list versions", err)
}
