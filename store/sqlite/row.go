package sqlite

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// row is one row of an answer, read column by column from the left. A null reads as the
// zero value.
type row struct {
	values  []any
	targets []any // pointers to values
	next    int
}

func newRow(columns int) *row {
	r := &row{values: make([]any, columns), targets: make([]any, columns)}
	for i := range r.values {
		r.targets[i] = &r.values[i]
	}
	return r
}

func (r *row) value() any {
	v := r.values[r.next]
	r.next++
	return v
}

func (r *row) integer() int64 { v, _ := r.value().(int64); return v }
func (r *row) truth() bool    { return r.integer() != 0 }
func (r *row) text() string   { v, _ := r.value().(string); return v }
func (r *row) blob() []byte   { v, _ := r.value().([]byte); return v }

func (r *row) optional() (int64, bool) { v, ok := r.value().(int64); return v, ok }

func (r *row) time() time.Time {
	if v, ok := r.optional(); ok {
		return time.Unix(0, v).UTC()
	}
	return time.Time{}
}

func (r *row) attr() (a store.Attr) {
	a.MTime, a.HasMTime = r.optional()
	a.ATime, a.HasATime = r.optional()
	a.CTime, a.HasCTime = r.optional()
	mode, has := r.optional()
	a.Mode, a.HasMode = uint32(mode), has
	uid, has := r.optional()
	a.UID, a.HasOwner = uint32(uid), has
	a.GID = uint32(r.integer())
	a.Ino = uint64(r.integer())
	return a
}

func (r *row) lists() (acl.Lists, error) { return decode[acl.Lists](r.text()) }

func (r *row) strings() ([]string, error) { return decode[[]string](r.text()) }

func decode[T any](text string) (v T, err error) {
	if text == "" {
		return v, nil
	}
	err = json.Unmarshal([]byte(text), &v)
	return v, err
}

// fields is how metadata is stored: the names of the protocol, digests in hex.
type fields struct {
	ContentType        string `json:"content-type,omitempty"`
	ContentDisposition string `json:"content-disposition,omitempty"`
	MD5                string `json:"content-md5,omitempty"`
	SHA256             string `json:"content-sha256,omitempty"`
}

func (r *row) metadata() (m store.Metadata, err error) {
	text := r.text()
	if text == emptyObject {
		return m, nil
	}
	f, err := decode[fields](text)
	if err != nil {
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

const emptyObject = "{}"

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

// encodeLists leaves empty lists out, as they say nothing.
func encodeLists(lists acl.Lists) (string, error) {
	full := make(acl.Lists, len(lists))
	for name, list := range lists {
		if err := checkText(list); err != nil {
			return "", err
		}
		if len(list) > 0 {
			full[name] = list
		}
	}
	text, err := json.Marshal(full)
	return string(text), err
}

func encodeStrings(list []string) (string, error) {
	if err := checkText(list); err != nil {
		return "", err
	}
	text, err := json.Marshal(list)
	return string(text), err
}

// checkText refuses what JSON would silently change.
func checkText(list []string) error {
	for _, entry := range list {
		if !utf8.ValidString(entry) {
			return store.NewError(store.Invalid, "", fmt.Sprintf("The entry %q is not valid UTF-8.", entry))
		}
	}
	return nil
}

// nanos is the stored form of a time, null if it is zero.
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
