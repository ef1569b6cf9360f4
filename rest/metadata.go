package rest

import (
	"net/http"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// maxValue is the most bytes that the body of a metadata field may have.
const maxValue = 64 << 10

// getMetadata answers with all metadata of a version.
func getMetadata(x *exchange) error {
	v, err := x.server.service.Metadata(x.ctx(), x.client, x.address.ref())
	if err != nil {
		return err
	}
	return x.sendTagged(service.MetadataTag(*v), func() error {
		return x.sendJSON(http.StatusOK, service.Fields(v.Metadata))
	})
}

// getField answers with one metadata field.
func getField(x *exchange) error {
	field := x.address.arg(0)
	if err := checkField(field); err != nil {
		return err
	}
	v, err := x.server.service.Metadata(x.ctx(), x.client, x.address.ref())
	if err != nil {
		return err
	}
	text, set, err := service.FieldText(v.Metadata, field)
	if err != nil {
		return err
	}
	if !set {
		return store.NewError(store.NotFound, "", "This metadata field is not set.")
	}
	return x.sendTagged(service.FieldTag(*v, field), func() error {
		x.send(http.StatusOK, typePlain+"; charset=utf-8", []byte(text+"\n"))
		return nil
	})
}

// checkField answers Invalid if there is no such field, which the URL alone tells.
func checkField(field string) error {
	_, _, err := service.FieldText(store.Metadata{}, field)
	return err
}

// putField sets a metadata field.
func putField(x *exchange) error {
	if err := checkField(x.address.arg(0)); err != nil {
		return err
	}
	var value []byte
	wrong := malformed("A metadata field is sent as text/plain.")
	if isType(x.c.Request.Header, typePlain) {
		value, wrong = x.small(maxValue)
	}
	return x.changeField(service.MetadataChange{Value: string(value)}, wrong)
}

// deleteField clears a metadata field.
func deleteField(x *exchange) error {
	if err := checkField(x.address.arg(0)); err != nil {
		return err
	}
	return x.changeField(service.MetadataChange{Clear: true}, nil)
}

func (x *exchange) changeField(change service.MetadataChange, wrong error) error {
	change.Field = x.address.arg(0)
	change.Conditions = guard(x.c.Request.Header, wrong)
	if err := x.server.service.SetMetadata(x.ctx(), x.client, x.address.ref(), change); err != nil {
		return err
	}
	x.noBody(http.StatusNoContent)
	return nil
}
