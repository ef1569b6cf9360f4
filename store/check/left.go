package check

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/hatrac/hatrac/store"
)

var errAnswers = errors.New("not one answer for each address")

// kept is content that the storage tells of.
type kept struct {
	address store.Address
	size    int64
}

// left looks for content that nothing refers to.
func (c *check) left(ctx context.Context) error {
	lister, ok := c.Bulk.(store.Lister)
	if !ok {
		return nil
	}
	c.result.Listed = true
	before := time.Now().Add(-c.Grace)
	batch := make([]kept, 0, boundBatch)
	err := lister.List(ctx, func(a store.Address, size int64, since time.Time) error {
		if !since.Before(before) {
			return nil
		}
		if batch = append(batch, kept{a, size}); len(batch) < boundBatch {
			return nil
		}
		err := c.unbound(ctx, batch)
		batch = batch[:0]
		return err
	})
	if err != nil {
		return err
	}
	return c.unbound(ctx, batch)
}

// unbound reports those of the batch that nothing refers to.
func (c *check) unbound(ctx context.Context, batch []kept) error {
	addresses := make([]store.Address, len(batch))
	for i, k := range batch {
		addresses[i] = k.address
	}
	bound, err := c.Directory.Bound(ctx, addresses)
	if err != nil {
		return err
	}
	if len(bound) != len(batch) {
		return store.Wrap(store.Internal, "look for content that was left", errAnswers)
	}
	for i, k := range batch {
		if bound[i] {
			continue
		}
		left, err := c.abandoned(ctx, k.address)
		if err != nil {
			return err
		}
		if left {
			c.result.Left++
			c.result.LeftBytes += k.size
			c.Report(Problem{Subject: string(k.address), Text: "Nothing refers to this content."})
		}
	}
	c.progress()
	return nil
}

// abandoned reports whether content that nothing refers to by this address belongs to the store, and
// nothing refers to it by another address either.
func (c *check) abandoned(ctx context.Context, a store.Address) (bool, error) {
	shared, ok := c.Bulk.(store.SharedLister)
	if !ok {
		return true, nil
	}
	aliases, err := shared.Aliases(ctx, a)
	if err != nil || len(aliases) == 0 {
		return false, err
	}
	bound, err := c.Directory.Bound(ctx, aliases)
	return !slices.Contains(bound, true), err
}
