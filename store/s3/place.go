package s3

import (
	"net/url"
	"strings"

	"github.com/hatrac/hatrac/store"
)

// place is a bucket with a way to reach it.
type place struct {
	Bucket
	service *service
	prefix  string // the key of Config.Buckets
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

// object returns where the content of an origin is.
func (b *Bulk) object(a store.Address) (object, error) {
	origin, ok := store.ParseOrigin(a)
	if !ok {
		return object{}, store.NewError(store.NotFound, "", "This storage has no such content.")
	}
	p, err := b.placeOf(origin.Name)
	if err != nil {
		return object{}, err
	}
	o := object{place: p, key: p.key(origin.Name, origin.Version), version: origin.Object}
	if o.version == "" && p.Method == ByName {
		o.version = origin.Version
	}
	return o, nil
}

// origin returns the address of what was stored under a key, if S3 gave it that version id.
func (p *place) origin(name, version, given string) store.Origin {
	if given == "null" {
		given = ""
	}
	if p.Method == ByName {
		return store.Origin{Name: name, Version: given}
	}
	return store.Origin{Name: name, Version: version, Object: given}
}

// under returns what all keys of the place begin with.
func (p *place) under() string {
	if p.PathPrefix == "" {
		return ""
	}
	return p.PathPrefix + "/"
}
