package rest

import (
	"net/http"
	"strings"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// renaming are the parameters of the command rename_from.
type renaming struct {
	SourceName     string   `json:"source_name"`
	SourceVersions []string `json:"source_versions"`
	Versions       []string `json:"versions"` // what one client calls SourceVersions
	CopyACLs       bool     `json:"copy_acls"`

	source store.Path // what SourceName means
}

// given reports whether there is any parameter.
func (r renaming) given() bool {
	return r.SourceName != "" || r.SourceVersions != nil || r.Versions != nil || r.CopyACLs
}

func (r renaming) check() error {
	if !strings.HasPrefix(r.SourceName, "/") {
		return malformed("A rename needs the source_name, a path that begins with a slash.")
	}
	return nil
}

// rename moves versions of another object to this name (rest-api §7).
func (x *exchange) rename(from renaming) error {
	req := x.renameRequest(from)
	x.from = x.server.scheme.ref(store.Ref{Path: req.Source})
	result, err := x.server.service.Rename(x.ctx(), x.client, req)
	if err != nil {
		return err
	}
	if result.Unchanged {
		x.noBody(http.StatusNoContent)
		return nil
	}
	var urls strings.Builder
	for i := range result.Versions {
		urls.WriteString(x.server.scheme.ref(store.Ref{Path: req.Target, Version: result.Versions[i].Version}))
		urls.WriteByte('\n')
	}
	x.header().Set("Location", x.server.scheme.ref(store.Ref{Path: req.Target}))
	x.send(http.StatusCreated, typeURIList, []byte(urls.String()))
	return nil
}

func (x *exchange) renameRequest(from renaming) service.Rename {
	versions := from.SourceVersions
	if versions == nil {
		versions = from.Versions
	}
	if len(versions) == 0 {
		versions = nil
	}
	return service.Rename{
		Source:     from.source,
		Target:     x.address.path,
		Versions:   versions,
		Parents:    x.flag("parents"),
		CopyACLs:   from.CopyACLs,
		Conditions: guard(x.c.Request.Header),
	}
}

// moveNamespace moves a namespace with everything in it to this name (docs/REST-API.md).
func (x *exchange) moveNamespace(from renaming) error {
	x.from = x.server.scheme.ref(store.Ref{Path: from.source})
	moved, err := x.server.service.MoveNamespace(x.ctx(), x.client, service.MoveNamespace{
		Source:     from.source,
		Target:     x.address.path,
		Parents:    x.flag("parents"),
		Conditions: guard(x.c.Request.Header),
	})
	if err != nil {
		return err
	}
	if !moved {
		x.noBody(http.StatusNoContent)
		return nil
	}
	x.created(x.server.scheme.ref(store.Ref{Path: x.address.path}))
	return nil
}
