package rest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	"github.com/hatrac/hatrac/store"
)

// maxCommand is the most bytes that a command may have.
const maxCommand = 1 << 20

// The commands.
const (
	renameFrom          = "rename_from"
	renameNamespaceFrom = "rename_namespace_from"
	restore             = "restore"
)

// command is what a POST to a name asks for.
type command struct {
	Command string `json:"command"`
	renaming
}

// postName does what the command in the body says to a name.
func postName(x *exchange) error {
	cmd, err := x.command()
	if err != nil {
		return err
	}
	switch cmd.Command {
	case restore:
		return x.restore()
	case renameNamespaceFrom:
		return x.moveNamespace(cmd.renaming)
	}
	return x.rename(cmd.renaming)
}

// postVersion does what the command in the body says to a version.
func postVersion(x *exchange) error {
	cmd, err := x.command()
	if err != nil {
		return err
	}
	if cmd.Command != restore {
		return malformed("The one command for a version is restore.")
	}
	return x.restore()
}

// restore brings back what was deleted (rest-api §11). What it brings back is where the URL of
// the request says, so the answer needs no Location.
func (x *exchange) restore() error {
	given := guard(x.c.Request.Header)
	if err := x.server.service.Restore(x.ctx(), x.client, x.address.ref(), given); err != nil {
		return err
	}
	x.noBody(http.StatusNoContent)
	return nil
}

func (x *exchange) command() (command, error) {
	if !isType(x.c.Request.Header, typeJSON) {
		return command{}, malformed("A command is sent as application/json.")
	}
	text, err := x.small(maxCommand)
	if err != nil {
		return command{}, err
	}
	return parseCommand(text)
}

func parseCommand(text []byte) (cmd command, err error) {
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
	switch cmd.Command {
	case renameFrom:
		return cmd, cmd.check()
	case renameNamespaceFrom:
		if cmd.SourceVersions != nil || cmd.Versions != nil || cmd.CopyACLs {
			return cmd, malformed("The one parameter of rename_namespace_from is source_name.")
		}
		return cmd, cmd.check()
	case restore:
		if cmd.given() {
			return cmd, malformed("The command restore has no parameters.")
		}
		return cmd, nil
	}
	return cmd, malformed("The commands are rename_from, rename_namespace_from and restore.")
}
