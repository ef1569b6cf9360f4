package s3

import (
	"context"
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
	input := &s3.ListMultipartUploadsInput{Bucket: &p.Name, Prefix: optional(p.under())}
	for {
		page, err := p.listUploads(ctx, input)
		if err != nil {
			return err
		}
		var old []*upload
		var addresses []store.Address
		for _, one := range page.Uploads {
			if one.Initiated == nil || !one.Initiated.Before(s.before) {
				continue
			}
			u := &upload{place: p, key: value(one.Key), id: value(one.UploadId)}
			old, addresses = append(old, u), append(addresses, u.address())
		}
		if err := s.unbound(ctx, addresses, func(i int) error {
			s.swept.Removed++
			return old[i].remove(ctx)
		}); err != nil {
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
	folders := make(map[string]int64) // with their lengths
	young := make(map[string]bool)
	under := p.under() + piecesFolder
	if err := p.eachVersion(ctx, under, func(page []types.ObjectVersion) error {
		for _, v := range page {
			id, _, _ := strings.Cut(strings.TrimPrefix(value(v.Key), under), "/")
			folders[id] += size(v)
			young[id] = young[id] || v.LastModified == nil || !v.LastModified.Before(s.before)
		}
		return nil
	}); err != nil {
		return err
	}
	for id, length := range folders {
		if young[id] {
			continue
		}
		if err := s.folder(ctx, &pieces{place: p, folder: under + id}, length); err != nil {
			return err
		}
	}
	return nil
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
			if v.LastModified == nil || !v.LastModified.Before(s.before) ||
				strings.HasPrefix(value(v.Key), p.under()+piecesFolder) {
				continue
			}
			name, version := p.reversed(value(v.Key))
			old = append(old, v)
			addresses = append(addresses, object{p, value(v.Key), value(v.VersionId)}.address(name, version))
		}
		return s.unbound(ctx, addresses, func(i int) error { return s.discard(ctx, p, old[i]) })
	})
}

// discard removes an object if it carries the marks of this server and nothing refers to it by
// what they say either.
func (s *sweeper) discard(ctx context.Context, p *place, v types.ObjectVersion) error {
	o := object{place: p, key: value(v.Key), version: value(v.VersionId)}
	said, err := o.head(ctx)
	if missing(err) {
		return nil
	} else if err != nil {
		return err
	}
	if !strings.HasPrefix(o.key, p.under()+nameless) {
		name, version := said.Metadata[metaName], store.DecodeSegment(said.Metadata[metaVersion])
		at, err := s.bulk.placeOf(name)
		if name == "" || err != nil || at.Name != p.Name || at.key(name, version) != o.key {
			return nil
		}
		o.place = at
		plain := object{at, o.key, ""}.address(name, version)
		bound, err := s.bound(ctx, []store.Address{o.address(name, version), plain})
		if err != nil || bound[0] || bound[1] {
			return err
		}
	}
	s.swept.Removed++
	s.swept.Bytes += size(v)
	return o.remove(ctx)
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
