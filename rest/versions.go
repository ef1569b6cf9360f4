package rest

import (
	"net/http"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// getVersions lists the versions of an object, newest first.
func getVersions(x *exchange) error {
	listed, err := x.server.service.Versions(x.ctx(), x.client, x.address.path, 0, 0)
	if err != nil {
		return err
	}
	l := listing{
		tag:  listed.Tag,
		path: x.address.path,
		sub:  subVersions,
		rows: x.versionRows(listed),
	}
	if listed.More {
		l.next = x.versionPages(listed)
	}
	return x.sendListing(l)
}

// versionPages returns what fetches the pages behind a first one.
func (x *exchange) versionPages(listed *service.VersionListing) func() ([]row, bool, error) {
	return func() ([]row, bool, error) {
		before := listed.Versions[len(listed.Versions)-1].ID
		page, err := x.server.service.Versions(x.ctx(), x.client, x.address.path, before, 0)
		if err != nil {
			return nil, false, err
		}
		listed = page
		return x.versionRows(page), page.More && len(page.Versions) > 0, nil
	}
}

func (x *exchange) versionRows(listed *service.VersionListing) []row {
	rows := make([]row, len(listed.Versions))
	for i := range listed.Versions {
		v := &listed.Versions[i]
		rows[i] = row{
			URL:     x.server.scheme.ref(store.Ref{Path: x.address.path, Version: v.Version}),
			Name:    v.Version,
			Type:    acl.Version.String(),
			Version: v.Version,
		}
		seen := listed.Object
		seen.Version = v
		if seen.Holds() && seen.May(acl.ReadContent) {
			rows[i].describeFully(v)
		}
	}
	return rows
}

// deleteVersion deletes one version.
func deleteVersion(x *exchange) error {
	given := guard(x.c.Request.Header)
	if err := x.server.service.DeleteVersion(x.ctx(), x.client, x.address.ref(), given); err != nil {
		return err
	}
	x.noBody(http.StatusNoContent)
	return nil
}
