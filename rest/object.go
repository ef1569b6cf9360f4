package rest

import (
	"net/http"
	"strings"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// putObject gives an object a new version with the content of the request.
func (x *exchange) putObject() error {
	r := x.c.Request
	metadata, metadataErr := describedContent(r.Header)
	lists, listsErr := initialLists(r.Header)
	limit := x.server.cfg.MaxRequestPayload
	result, err := x.server.service.PutObject(x.ctx(), x.client, service.PutObject{
		Path:       x.address.path,
		Parents:    x.flag("parents"),
		Content:    recordOf(x.ctx()).transfer.body.limited(limit),
		Size:       r.ContentLength,
		Metadata:   metadata,
		ACLs:       lists,
		Conditions: guard(r.Header, checkLength(r, limit), metadataErr, listsErr),
	})
	if err != nil {
		return err
	}
	x.created(x.server.scheme.ref(store.Ref{Path: x.address.path, Version: result.Version.Version}))
	return nil
}

// checkLength answers LengthRequired if the request does not say how its content ends, and
// TooLarge if it says that there is too much.
func checkLength(r *http.Request, limit int64) error {
	told := len(r.TransferEncoding) > 0 || r.Header.Get("Content-Length") != ""
	switch {
	case r.ProtoMajor == 1 && !told:
		return store.NewError(store.LengthRequired, "", "Content needs a Content-Length or a chunked encoding.")
	case r.ContentLength > limit:
		return tooLarge()
	}
	return nil
}

// contentHeaders are the metadata fields that a request brings, by their names as headers.
func contentHeaders() []string {
	return []string{
		service.FieldContentType, service.FieldContentDisposition,
		service.FieldContentMD5, service.FieldContentSHA256,
	}
}

// describedContent reads the metadata of the content that a request brings. If it is Invalid,
// there is none.
func describedContent(h http.Header) (store.Metadata, error) {
	var m store.Metadata
	for _, field := range contentHeaders() {
		value := h.Get(field)
		if value == "" {
			continue
		}
		if err := service.ParseField(field, value, &m); err != nil {
			return store.Metadata{}, err
		}
	}
	return m, nil
}

// listHeader begins the names of the headers with initial access control lists.
const listHeader = "Hatrac-Acl-"

// initialLists reads the access control lists that a request wants for what it creates. If
// they are Invalid, there are none.
func initialLists(h http.Header) (acl.Lists, error) {
	lists := acl.Lists{}
	for name, values := range h {
		name, ok := strings.CutPrefix(name, listHeader)
		if !ok {
			continue
		}
		list := acl.List{}
		for word := range strings.SplitSeq(strings.Join(values, ","), ",") {
			if word = strings.TrimSpace(word); word == "" {
				continue
			}
			role, err := decodeText(word)
			if err != nil {
				return nil, err
			}
			list = append(list, role)
		}
		lists[acl.Name(strings.ToLower(name))] = list
	}
	return lists, nil
}
