package s3

import (
	"net/url"
	"strings"

	"github.com/oklog/ulid/v2"

	"github.com/hatrac/hatrac/store"
)

// place is a bucket with a way to reach it.
type place struct {
	Bucket
	service *service
	// versioned is true if the bucket keeps versions of its objects.
	versioned bool
}

// placeOf returns the place of the objects with a name, which need not be canonical.
func (b *Bulk) placeOf(name string) (*place, error) {
	enclosing := ""
	if i := strings.LastIndexByte(name, '/'); i > 0 {
		enclosing = strings.Trim(name[:i], "/")
	}
	if b.cfg.Legacy {
		enclosing, _, _ = strings.Cut(enclosing, "/")
	}
	for {
		if p := b.places[enclosing]; p != nil {
			return p, nil
		}
		if enclosing == "" {
			return nil, store.NewError(store.Conflict, name, "No bucket is configured for this namespace.")
		}
		i := strings.LastIndexByte(enclosing, '/')
		enclosing = enclosing[:max(i, 0)]
	}
}

// key returns the key of a version of the object with that name.
func (p *place) key(name, version string) string {
	key := strings.TrimPrefix(name, "/")
	if p.PathPrefix != "" {
		key = p.PathPrefix + "/" + key
	}
	if p.Method == ByNameAndVersion {
		key += ":" + version
	}
	if p.UnquoteKeys {
		if plain, err := url.PathUnescape(key); err == nil {
			key = plain
		}
	}
	return key
}

// object is one version of one object in S3.
type object struct {
	*place
	key string
	// version is the version id that S3 gave, or "" for the only or the newest one.
	version string
}

// nameless is where objects lie under the prefix of a bucket whose names are too long for a key.
const nameless = ":long/"

// objectScheme begins the address of content that is not found by its name:
//
//	object:BUCKET/KEY/VERSION
//
// each percent-encoded; VERSION is what S3 gave, or empty.
const objectScheme = "object:"

// fits reports whether S3 takes the key, and services that keep objects as files do.
func fits(key string) bool {
	const maxKey, maxSegment = 1024, 255
	if len(key) > maxKey {
		return false
	}
	for segment := range strings.SplitSeq(key, "/") {
		if len(segment) > maxSegment {
			return false
		}
	}
	return true
}

// newKey returns the key for new content.
func (p *place) newKey(name, version string) string {
	if key := p.key(name, version); fits(key) {
		return key
	}
	return p.under() + nameless + ulid.Make().String()
}

// object returns where the content at an address is.
func (b *Bulk) object(a store.Address) (object, error) {
	if rest, ok := strings.CutPrefix(string(a), objectScheme); ok {
		return b.namelessObject(rest)
	}
	origin, ok := store.ParseOrigin(a)
	if !ok {
		return object{}, noContent()
	}
	p, err := b.placeOf(origin.Name)
	if err != nil {
		return object{}, noContent()
	}
	o := object{place: p, key: p.key(origin.Name, origin.Version), version: origin.Object}
	if o.version == "" && p.Method == ByName {
		o.version = origin.Version
	}
	return o, nil
}

func (b *Bulk) namelessObject(fields string) (object, error) {
	split := strings.Split(fields, "/")
	if len(split) != 3 {
		return object{}, noContent()
	}
	key := store.DecodeSegment(split[1])
	p := b.placeOfKey(store.DecodeSegment(split[0]), key)
	if p == nil {
		return object{}, noContent()
	}
	return object{place: p, key: key, version: store.DecodeSegment(split[2])}, nil
}

func noContent() error {
	return store.NewError(store.NotFound, "", "This storage has no such content.")
}

// address returns the address of the content under a key, of which name and version are what the
// key was made of.
func (o object) address(name, version string) store.Address {
	given := o.version
	if given == "null" {
		given = ""
	}
	switch {
	case strings.HasPrefix(o.key, o.under()+nameless):
		return store.Address(objectScheme + store.EncodeSegment(o.Name) + "/" + store.EncodeSegment(o.key) + "/" + store.EncodeSegment(given))
	case o.Method == ByName:
		return store.Origin{Name: name, Version: given}.Address()
	}
	return store.Origin{Name: name, Version: version, Object: given}.Address()
}

// under returns what all keys of the place begin with.
func (p *place) under() string {
	if p.PathPrefix == "" {
		return ""
	}
	return p.PathPrefix + "/"
}
