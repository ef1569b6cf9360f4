package postgres

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// fields is how metadata is stored: the names of the protocol, digests in hex.
type fields struct {
	ContentType        string `json:"content-type,omitempty"`
	ContentDisposition string `json:"content-disposition,omitempty"`
	MD5                string `json:"content-md5,omitempty"`
	SHA256             string `json:"content-sha256,omitempty"`
}

func decodeMetadata(text []byte) (m store.Metadata, err error) {
	if len(text) == 0 || string(text) == "{}" {
		return m, nil
	}
	var f fields
	if err := json.Unmarshal(text, &f); err != nil {
		return m, err
	}
	m = store.Metadata{ContentType: f.ContentType, ContentDisposition: f.ContentDisposition}
	if m.MD5, err = unhex(f.MD5); err != nil {
		return m, err
	}
	m.SHA256, err = unhex(f.SHA256)
	return m, err
}

func unhex(text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	return hex.DecodeString(text)
}

func encodeMetadata(m store.Metadata) (string, error) {
	if !utf8.ValidString(m.ContentType) || !utf8.ValidString(m.ContentDisposition) {
		return "", store.NewError(store.Invalid, "", "The metadata is not valid UTF-8.")
	}
	text, err := json.Marshal(fields{
		ContentType:        m.ContentType,
		ContentDisposition: m.ContentDisposition,
		MD5:                hex.EncodeToString(m.MD5),
		SHA256:             hex.EncodeToString(m.SHA256),
	})
	return string(text), err
}

// encodeLists returns the columns of lists that have these names, null where a list is empty.
func encodeLists(names []acl.Name, lists acl.Lists) ([]any, error) {
	columns := make([]any, len(names))
	for name, list := range lists {
		if len(list) == 0 {
			continue
		}
		i := slices.Index(names, name)
		if i < 0 {
			return nil, store.NewError(store.Invalid, "", fmt.Sprintf("The list %q cannot be kept here.", name))
		}
		for _, entry := range list {
			if !utf8.ValidString(entry) {
				return nil, store.NewError(store.Invalid, "", fmt.Sprintf("The entry %q is not valid UTF-8.", entry))
			}
		}
		columns[i] = []string(list)
	}
	return columns, nil
}

// encodeAux returns the column aux of a version.
func encodeAux(to *store.Ref, url string) (any, error) {
	said := aux{URL: url}
	if to != nil {
		said.RenameTo = []string{string(to.Path), to.Version}
	}
	switch {
	case to == nil && url == "":
		return nil, nil
	case to != nil && !utf8.ValidString(to.Version):
		return nil, store.NewError(store.Invalid, "", "The version id is not valid UTF-8.")
	case !utf8.ValidString(url):
		return nil, store.NewError(store.Invalid, "", "The URL is not valid UTF-8.")
	}
	text, err := json.Marshal(said)
	return string(text), err
}

// stamp is the stored form of a time, null if it is zero.
func stamp(t time.Time) any { return orNull(t) }

// kept is what of a time comes back.
func kept(t time.Time) time.Time { return t.Truncate(time.Microsecond) }

// due is the stored form of a time that orders rows; the zero time comes first.
func due(t time.Time) time.Time {
	if t.IsZero() {
		return time.Unix(0, 0)
	}
	return t
}

// nanos are those of a time since the epoch, null if it is unknown.
func nanos(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixNano()
}

// orNull returns v, or null if it is the zero value.
func orNull[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

// notNil returns an empty slice for nil, which the driver would store as null.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// attrArgs are mtime, atime, ctime, mode, uid, gid and ino.
func attrArgs(a store.Attr) []any {
	args := make([]any, 7)
	if a.HasMTime {
		args[0] = a.MTime
	}
	if a.HasATime {
		args[1] = a.ATime
	}
	if a.HasCTime {
		args[2] = a.CTime
	}
	if a.HasMode {
		args[3] = int64(a.Mode)
	}
	if a.HasOwner {
		args[4], args[5] = int64(a.UID), int64(a.GID)
	}
	if a.Ino != 0 {
		args[6] = int64(a.Ino)
	}
	return args
}
