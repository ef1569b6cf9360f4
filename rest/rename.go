package rest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// command is what a POST to a name asks for.
type command struct {
	Command        string   `json:"command"`
	SourceName     string   `json:"source_name"`
	SourceVersions []string `json:"source_versions"`
	Versions       []string `json:"versions"` // what one client calls SourceVersions
	CopyACLs       bool     `json:"copy_acls"`
}

// postName moves versions of another object to this name (rest-api §7).
func postName(x *exchange) error {
	req, err := x.rename()
	if err != nil {
		return err
	}
	req.Conditions = guard(x.c.Request.Header)
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

// rename reads the request to rename from the body. It has no conditions yet.
func (x *exchange) rename() (service.Rename, error) {
	cmd, err := x.command()
	if err != nil {
		return service.Rename{}, err
	}
	source, err := store.ParsePath(cmd.SourceName, x.server.scheme.bare)
	if err != nil {
		return service.Rename{}, err
	}
	versions := cmd.SourceVersions
	if versions == nil {
		versions = cmd.Versions
	}
	if len(versions) == 0 {
		versions = nil
	}
	return service.Rename{
		Source:   source,
		Target:   x.address.path,
		Versions: versions,
		Parents:  x.flag("parents"),
		CopyACLs: cmd.CopyACLs,
	}, nil
}

func (x *exchange) command() (cmd command, err error) {
	if !isType(x.c.Request.Header, typeJSON) {
		return cmd, malformed("A command is sent as application/json.")
	}
	text, err := x.small(maxDocument)
	if err != nil {
		return cmd, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&cmd); err != nil {
		return cmd, &store.Error{
			Kind: store.Invalid, Err: err,
			Message: "A command is a JSON object with command, source_name, source_versions and copy_acls.",
		}
	}
	if _, err := decoder.Token(); err != io.EOF {
		return cmd, malformed("There is something behind the command.")
	}
	if cmd.Command != "rename_from" {
		return cmd, malformed("The one command is rename_from.")
	}
	if !strings.HasPrefix(cmd.SourceName, "/") {
		return cmd, malformed("A rename needs the source_name, a path that begins with a slash.")
	}
	return cmd, nil
}
