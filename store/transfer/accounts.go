package transfer

import (
	"context"
	"reflect"
	"slices"
	"time"

	"github.com/hatrac/hatrac/store"
)

// accounts copies users and their tokens. Logins end: they are renewed in a moment.
func (c *transfer) accounts(ctx context.Context) error {
	users, err := c.From.Directory.Accounts().Users(ctx)
	if err != nil {
		return err
	}
	left := make(map[string]store.User)
	if c.To.Directory != nil {
		there, err := c.To.Directory.Accounts().Users(ctx)
		if err != nil {
			return err
		}
		for _, u := range there {
			left[u.Name] = u
		}
	}
	for _, u := range users {
		old, found := left[u.Name]
		delete(left, u.Name)
		if err := c.user(ctx, u, old, found); err != nil {
			return err
		}
	}
	c.result.Dropped += int64(len(left))
	if c.DryRun {
		return nil
	}
	for name := range left {
		if err := c.To.Directory.Accounts().DeleteUser(ctx, name); err != nil {
			return err
		}
	}
	return c.tokens(ctx)
}

// user copies an account, of which the target has an old form if found is set.
func (c *transfer) user(ctx context.Context, u, old store.User, found bool) error {
	if found && slices.Equal(u.Roles, old.Roles) && u.Hash == old.Hash {
		return nil
	}
	c.result.Accounts++
	if c.DryRun {
		return nil
	}
	to := c.To.Directory.Accounts()
	if !found {
		return to.CreateUser(ctx, u)
	}
	if err := to.SetRoles(ctx, u.Name, u.Roles); err != nil {
		return err
	}
	return to.SetPassword(ctx, u.Name, u.Hash)
}

func (c *transfer) tokens(ctx context.Context) error {
	from, to := c.From.Directory.Accounts(), c.To.Directory.Accounts()
	tokens, err := from.Tokens(ctx, "")
	if err != nil {
		return err
	}
	wanted := make(map[string]store.Token)
	for _, t := range tokens {
		wanted[t.ID] = t
	}
	there, err := to.Tokens(ctx, "")
	if err != nil {
		return err
	}
	for _, t := range there {
		if sameToken(wanted[t.ID], t) {
			delete(wanted, t.ID)
		} else if err := to.DeleteToken(ctx, t.ID); err != nil {
			return err
		}
	}
	for _, t := range tokens {
		if _, missing := wanted[t.ID]; missing {
			if err := to.CreateToken(ctx, t); err != nil {
				return err
			}
		}
	}
	return nil
}

func sameToken(a, b store.Token) bool { return reflect.DeepEqual(plainToken(a), plainToken(b)) }

func plainToken(t store.Token) store.Token {
	t.Created, t.Expires = cut(t.Created), cut(t.Expires)
	return t
}

// cut returns a time as every directory can keep it.
func cut(t time.Time) time.Time { return t.UTC().Truncate(precision) }
