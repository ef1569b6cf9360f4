package service

import (
	"context"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// Command is a command to a name or a version that cannot be carried out.
type Command struct {
	store.Ref
	// Makes is the kind of what the command would let the name be, or 0 if that is not known.
	Makes acl.Kind
	// Parents is true if it would make missing enclosing namespaces as well.
	Parents bool
	// Conditions say what is wrong with the command.
	Conditions
}

// Refuse answers a command that cannot be carried out: first what is wrong with the resource and with the
// rights of the client, as any command asks for them (rest-api §12), then what is wrong with the command.
// Any may change only what the client owns, or make what it may create.
func (s *Service) Refuse(ctx context.Context, c acl.Client, cmd Command) error {
	if err := gate(c, s.firewall.Create, cmd.Path); err != nil {
		return err
	}
	v, err := s.resolve(ctx, c, cmd.Ref)
	if err != nil {
		return err
	}
	if err := v.mayCommand(cmd); err != nil {
		return err
	}
	if err := cmd.Hold(v.currentTag()); err != nil {
		return err
	}
	return store.NewError(store.Invalid, cmd.Ref.String(), "There is no such command.")
}

func (v view) mayCommand(cmd Command) error {
	const notYours = "You do not own what the command is about."
	switch {
	case cmd.Version != "":
		if err := v.exists(); err != nil {
			return err
		}
		if v.Version == nil {
			return v.versionExists(cmd.Ref)
		}
		return v.mayVersion(acl.ChangeVersion, v.Version, notYours)
	case v.Name == nil || !v.live() && cmd.Makes != 0:
		var b birth
		return v.mayBind(&b, cmd.Parents, false, cmd.Makes)
	case !v.parentLives():
		return noParent(v.Path)
	}
	if err := v.may(acl.DeleteName, notYours); err != nil {
		return err
	}
	if v.live() && (cmd.Makes == acl.Namespace || cmd.Makes == acl.Object && v.Name.Kind != cmd.Makes) {
		return store.NewError(store.Exists, string(v.Path), "There is a "+v.Name.Kind.String()+" of this name already.")
	}
	return nil
}
