package rest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
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
	cmd, wrong, unfit := x.command()
	if wrong != nil || unfit != nil {
		return x.misunderstood(cmd, wrong, unfit)
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
	cmd, wrong, unfit := x.command()
	if wrong == nil && unfit == nil && cmd.Command != restore {
		unfit = malformed("The one command for a version is restore.")
	}
	if wrong != nil || unfit != nil {
		return x.misunderstood(cmd, wrong, unfit)
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

// misunderstood answers a command that cannot be carried out: what is wrong with it is told to those
// alone who might have given it another one.
func (x *exchange) misunderstood(cmd command, wrong, unfit error) error {
	asked := service.Command{Ref: x.address.ref(), Parents: x.flag("parents"), Conditions: guard(x.c.Request.Header, wrong)}
	asked.Content = unfit
	switch cmd.Command {
	case renameFrom:
		asked.Makes = acl.Object
	case renameNamespaceFrom:
		asked.Makes = acl.Namespace
	}
	return x.server.service.Refuse(x.ctx(), x.client, asked)
}

// command reads the command in the body. unfit is what is wrong with that, wrong what is wrong with the
// request before.
func (x *exchange) command() (cmd command, wrong, unfit error) {
	if !isType(x.c.Request.Header, typeJSON) {
		return command{}, malformed("A command is sent as application/json."), nil
	}
	text, wrong := x.small(maxCommand)
	if wrong != nil {
		return command{}, wrong, nil
	}
	cmd, unfit = parseCommand(text)
	if unfit == nil && cmd.SourceName != "" {
		cmd.source, unfit = store.ParsePath(cmd.SourceName, x.server.scheme.bare)
	}
	return cmd, nil, unfit
}

// parseCommand also tells the name of a command that is malformed otherwise, if it can be read.
func parseCommand(text []byte) (cmd command, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&cmd); err != nil {
		var named struct {
			Command string `json:"command"`
		}
		_ = json.Unmarshal(text, &named) // an unnamed one is as good as an unknown one
		return command{Command: named.Command}, &store.Error{
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
