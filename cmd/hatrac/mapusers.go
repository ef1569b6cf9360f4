package main

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"slices"
	"strconv"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// clientOf returns who the user of this machine with that number is in the store: the client that
// the configuration names, or else the account with the name of the user, with its roles and those
// that the configuration gives to the user's groups. Everybody else is anonymous.
func (o *opened) clientOf(ctx context.Context, uid uint32) (acl.Client, error) {
	number := strconv.FormatUint(uint64(uid), 10)
	known, err := user.LookupId(number)
	var unknown user.UnknownUserIdError
	if err != nil && !errors.As(err, &unknown) {
		return acl.Client{}, fmt.Errorf("look up user %s: %w", number, err)
	}
	client, err := o.namedUser(ctx, number, known)
	if err != nil || known == nil || len(o.config.MapUsers.Groups) == 0 {
		return client, err
	}
	roles, err := o.groupRoles(known)
	client.Roles = append(slices.Clone(client.Roles), roles...)
	return client, err
}

// namedUser returns who a user is, without the roles of groups. The machine may not know him.
func (o *opened) namedUser(ctx context.Context, number string, known *user.User) (acl.Client, error) {
	table := o.config.MapUsers.Users
	if name, ok := table[number]; ok {
		return o.clientAs(ctx, name)
	}
	if known == nil {
		return acl.Client{}, nil
	}
	if name, ok := table[known.Username]; ok {
		return o.clientAs(ctx, name)
	}
	client, err := o.accounts.Client(ctx, known.Username)
	if store.KindOf(err) == store.NotFound {
		return acl.Client{}, nil
	}
	return client, err
}

// groupRoles returns the roles of all groups of a user.
func (o *opened) groupRoles(known *user.User) ([]string, error) {
	groups, err := known.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("look up the groups of user %s: %w", known.Uid, err)
	}
	var roles []string
	for _, id := range groups {
		roles = append(roles, o.config.MapUsers.Groups[id]...)
		group, err := user.LookupGroupId(id)
		var unknown user.UnknownGroupIdError
		switch {
		case err == nil:
			roles = append(roles, o.config.MapUsers.Groups[group.Name]...)
		case !errors.As(err, &unknown):
			return nil, fmt.Errorf("look up group %s: %w", id, err)
		}
	}
	slices.Sort(roles)
	return slices.Compact(roles), nil
}
