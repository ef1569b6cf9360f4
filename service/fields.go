package service

import (
	"crypto/md5" // #nosec: the protocol's digest, never used for security
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"mime"
	"regexp"
	"strings"

	"github.com/hatrac/hatrac/store"
)

// The metadata fields of a version, as they are named in URLs and headers.
const (
	FieldContentType        = "content-type"
	FieldContentDisposition = "content-disposition"
	FieldContentMD5         = "content-md5"
	FieldContentSHA256      = "content-sha256"
)

// maxField is the longest value, in bytes, that a field may have.
const maxField = 4 << 10

// ParseField sets the field of m from its text: digests in base64 or hex. Space around the
// value is dropped. Invalid: there is no such field, or it cannot have this value.
func ParseField(field, value string, m *store.Metadata) (err error) {
	value = strings.TrimSpace(value)
	if len(value) > maxField {
		return store.NewError(store.Invalid, field, "The value is too long.")
	}
	switch strings.ToLower(field) {
	case FieldContentType:
		m.ContentType, err = parseContentType(value)
	case FieldContentDisposition:
		m.ContentDisposition, err = parseDisposition(value)
	case FieldContentMD5:
		m.MD5, err = parseDigest(field, value, md5.Size)
	case FieldContentSHA256:
		m.SHA256, err = parseDigest(field, value, sha256.Size)
	default:
		err = noSuchField(field)
	}
	return err
}

func noSuchField(field string) error {
	return store.NewError(store.Invalid, field,
		"The metadata fields are content-type, content-disposition, content-md5 and content-sha256.")
}

// ClearField clears the field of m. Invalid: there is no such field.
func ClearField(field string, m *store.Metadata) error {
	switch strings.ToLower(field) {
	case FieldContentType:
		m.ContentType = ""
	case FieldContentDisposition:
		m.ContentDisposition = ""
	case FieldContentMD5:
		m.MD5 = nil
	case FieldContentSHA256:
		m.SHA256 = nil
	default:
		return noSuchField(field)
	}
	return nil
}

func parseContentType(value string) (string, error) {
	malformed := store.NewError(store.Invalid, FieldContentType, "The content type is malformed.")
	for i := range len(value) {
		if value[i] < ' ' || value[i] > '~' {
			return "", malformed
		}
	}
	kind, _, err := mime.ParseMediaType(value)
	if err != nil || !strings.Contains(kind, "/") {
		return "", malformed
	}
	return value, nil
}

var disposition = regexp.MustCompile(`^filename\*=UTF-8''([-_.~A-Za-z0-9%]+)$`)

func parseDisposition(value string) (string, error) {
	malformed := store.NewError(store.Invalid, FieldContentDisposition,
		"The content disposition must be filename*=UTF-8'' and a percent-encoded file name without slashes.")
	match := disposition.FindStringSubmatch(value)
	if match == nil {
		return "", malformed
	}
	name, err := store.ParsePath(match[1], nil)
	if err != nil || strings.ContainsAny(store.DecodeSegment(name.Base()), `/\`) {
		return "", malformed
	}
	return value, nil
}

func parseDigest(field, value string, size int) ([]byte, error) {
	if len(value) == hex.EncodedLen(size) {
		if sum, err := hex.DecodeString(value); err == nil {
			return sum, nil
		}
	}
	sum, err := base64.StdEncoding.Strict().DecodeString(value)
	if err != nil || len(sum) != size {
		return nil, store.NewError(store.Invalid, field, "The digest must be given in base64 or hex, with its full length.")
	}
	return sum, nil
}

// Fields returns the fields that are set, by lower-case name, as text; digests in base64.
func Fields(m store.Metadata) map[string]string {
	fields := make(map[string]string, 4)
	for _, f := range []struct{ name, text string }{
		{FieldContentType, m.ContentType},
		{FieldContentDisposition, m.ContentDisposition},
		{FieldContentMD5, base64.StdEncoding.EncodeToString(m.MD5)},
		{FieldContentSHA256, base64.StdEncoding.EncodeToString(m.SHA256)},
	} {
		if f.text != "" {
			fields[f.name] = f.text
		}
	}
	return fields
}

// FieldText returns one field as text, and whether it is set. Invalid: no such field.
func FieldText(m store.Metadata, field string) (text string, set bool, err error) {
	field = strings.ToLower(field)
	if err := ClearField(field, &store.Metadata{}); err != nil {
		return "", false, err
	}
	text, set = Fields(m)[field]
	return text, set, nil
}
