package store_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/hatrac/hatrac/store"
)

func TestOriginsAreReadAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := store.Origin{
			Name:    "/" + rapid.StringMatching(`[-._~A-Za-z0-9/%@+]*`).Draw(t, "name"),
			Version: rapid.StringN(1, 40, -1).Draw(t, "version"),
			Object:  rapid.String().Draw(t, "object"),
		}
		if read, ok := store.ParseOrigin(o.Address()); !ok || read != o {
			t.Fatalf("%+v is written as %s and read as %+v, %v", o, o.Address(), read, ok)
		}
	})
}

func TestOriginAddresses(t *testing.T) {
	for address, want := range map[store.Address]store.Origin{
		"/a:1":          {Name: "/a", Version: "1"},
		"/a/%3A:1%2F;2": {Name: "/a/%3A", Version: "1/", Object: "2"},
		"/a":            {},
		"/a:":           {},
		"/a:1;":         {},
		"/a:%zz":        {},
		"01J/1":         {},
		"":              {},
	} {
		got, ok := store.ParseOrigin(address)
		if got != want || ok != (want.Name != "") {
			t.Errorf("ParseOrigin(%q) = %+v, %v; want %+v", address, got, ok, want)
		}
	}
}
