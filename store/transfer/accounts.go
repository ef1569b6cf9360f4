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
	if c.DryRun {
		c.result.Accounts = int64(len(users))
		return nil
	}
	from, to := c.From.Directory.Accounts(), c.To.Directory.Accounts()
	there, err := to.Users(ctx)
	if err != nil {
		return err
	}
	left := make(map[string]store.User)
	for _, u := range there {
		left[u.Name] = u
	}
	for _, u := range users {
		old, found := left[u.Name]
		delete(left, u.Name)
		if err := c.user(ctx, to, u, old, found); err != nil {
			return err
		}
	}
	for name := range left {
		c.result.Dropped++
		if err := to.DeleteUser(ctx, name); err != nil {
			return err
		}
	}
	return c.tokens(ctx, from, to)
}

func (c *transfer) user(ctx context.Context, to store.Accounts, u, old store.User, found bool) error {
	if !found {
		c.result.Accounts++
		return to.CreateUser(ctx, u)
	}
	if slices.Equal(u.Roles, old.Roles) && u.Hash == old.Hash {
		return nil
	}
	c.result.Accounts++
	if err := to.SetRoles(ctx, u.Name, u.Roles); err != nil {
		return err
	}
	return to.SetPassword(ctx, u.Name, u.Hash)
}

func (c *transfer) tokens(ctx context.Context, from, to store.Accounts) error {
	tokens, err := from.Tokens(ctx, "")
	if err != nil {
		return err
	}
	there, err := to.Tokens(ctx, "")
	if err != nil {
		return err
	}
	for _, t := range there {
		if !slices.ContainsFunc(tokens, func(s store.Token) bool { return sameToken(s, t) }) {
			if err := to.DeleteToken(ctx, t.ID); err != nil {
				return err
			}
		}
	}
	for _, t := range tokens {
		if slices.ContainsFunc(there, func(s store.Token) bool { return sameToken(s, t) }) {
			continue
		}
		if err := to.CreateToken(ctx, t); err != nil {
			return err
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
