package store

import (
	"net/url"
	"strings"
)

// Origin says where the original server put content: by the reference that the content was
// stored under, which a rename does not change. As an Address it is
//
//	NAME ":" VERSION [ ";" OBJECT ]
//
// with the version ids percent-encoded, so that it begins with a slash, which no other address
// does. What file or S3 key that means depends on the configuration of the Bulk.
type Origin struct {
	// Name is the object's name exactly as the original stored it, which need not be in
	// canonical form.
	Name string
	// Version is the version id.
	Version string
	// Object is the version id of the S3 object, if that is known to be another one.
	Object string
}

// Address returns the origin in the form in which a Directory keeps it.
func (o Origin) Address() Address {
	a := o.Name + ":" + EncodeSegment(o.Version)
	if o.Object != "" {
		a += ";" + EncodeSegment(o.Object)
	}
	return Address(a)
}

// ParseOrigin takes an address apart; ok is false for one that is no origin.
func ParseOrigin(a Address) (o Origin, ok bool) {
	if !strings.HasPrefix(string(a), "/") {
		return Origin{}, false
	}
	rest, object, hasObject := strings.Cut(string(a), ";")
	colon := strings.LastIndexByte(rest, ':')
	if colon < 0 {
		return Origin{}, false
	}
	o.Name = rest[:colon]
	var err, errObject error
	o.Version, err = url.PathUnescape(rest[colon+1:])
	o.Object, errObject = url.PathUnescape(object)
	ok = err == nil && errObject == nil && o.Version != "" && hasObject == (o.Object != "")
	if !ok {
		return Origin{}, false
	}
	return o, true
}
