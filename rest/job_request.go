package rest

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// maxJob is the most bytes that the request for an upload may have.
const maxJob = 64 << 10

// jobRequest is what a POST asks of a new upload. Members that it does not know are ignored.
type jobRequest struct {
	size, chunk int64
	metadata    store.Metadata
}

// jobRequest reads the request for an upload from the body. unfit is what is wrong with that, wrong
// what is wrong with the request before.
func (x *exchange) jobRequest() (asked jobRequest, wrong, unfit error) {
	if !isType(x.c.Request.Header, typeJSON) {
		return jobRequest{}, malformed("An upload is described as application/json."), nil
	}
	text, wrong := x.small(maxJob)
	if wrong != nil {
		return jobRequest{}, wrong, nil
	}
	asked, unfit = parseJob(text)
	return asked, nil, unfit
}

func parseJob(text []byte) (asked jobRequest, err error) {
	var members map[string]json.RawMessage
	if !utf8.Valid(text) || json.Unmarshal(text, &members) != nil || members == nil {
		return jobRequest{}, malformed("An upload is described by a JSON object.")
	}
	if asked.chunk, err = lengthMember(members, "chunk-length", "chunk_bytes"); err != nil {
		return jobRequest{}, err
	}
	if asked.size, err = lengthMember(members, "content-length", "total_bytes"); err != nil {
		return jobRequest{}, err
	}
	if asked.chunk < 1 {
		return jobRequest{}, malformed("The chunk-length must be at least 1.")
	}
	for _, field := range contentHeaders() {
		if err := fieldMember(members, field, &asked.metadata); err != nil {
			return jobRequest{}, err
		}
	}
	return asked, nil
}

// member returns the first of the members with one of the names that is there and not null.
func member(members map[string]json.RawMessage, names ...string) (json.RawMessage, bool) {
	for _, name := range names {
		if value, ok := members[name]; ok && !bytes.Equal(value, []byte("null")) {
			return value, true
		}
	}
	return nil, false
}

// lengthMember reads a number of bytes, which is a JSON number or a string of digits.
func lengthMember(members map[string]json.RawMessage, name, alias string) (int64, error) {
	value, ok := member(members, name, alias)
	if !ok {
		return 0, malformed("An upload needs a " + name + ".")
	}
	text := string(value)
	if text[0] == '"' {
		if err := json.Unmarshal(value, &text); err != nil {
			return 0, malformed("The " + name + " cannot be read.")
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strings.Trim(text, "0123456789") != "" {
		return 0, malformed("The " + name + " must be a whole number of bytes.")
	}
	return n, nil
}

// fieldMember reads a metadata field, if it is there. An empty one is as good as none, like the
// header of that name.
func fieldMember(members map[string]json.RawMessage, field string, m *store.Metadata) error {
	value, ok := member(members, field, strings.ReplaceAll(field, "-", "_"))
	if !ok {
		return nil
	}
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		return malformed("The " + field + " must be a string.")
	}
	if text == "" {
		return nil
	}
	return service.ParseField(field, text, m)
}
