package transfer

import (
	"context"

	"github.com/hatrac/hatrac/store"
)

func (c *transfer) namePair() (from, to *cursor[store.Name]) {
	id := func(n *store.Name) int64 { return n.ID }
	from = &cursor[store.Name]{read: c.From.Directory.NamesAfter, id: id}
	to = &cursor[store.Name]{id: id}
	if c.To.Directory != nil {
		to.read = c.To.Directory.NamesAfter
	}
	return from, to
}

// names copies all names. Those that the source has no more stay until nothing is in them.
func (c *transfer) names(ctx context.Context) error {
	from, to := c.namePair()
	var batch []store.Name
	err := merge(ctx, from, to, func(source, target *store.Name) error {
		if source == nil {
			c.gone = append(c.gone, target.ID)
			return nil
		}
		c.progress("names", source.ID, c.counters.Names)
		if target != nil && sameName(*source, *target) {
			return nil
		}
		c.result.Names++
		if source.Parent > source.ID {
			c.early = append(c.early, *source)
		}
		if batch = append(batch, *source); len(batch) < pageSize {
			return nil
		}
		err := c.putNames(ctx, batch)
		batch = batch[:0]
		return err
	})
	if err != nil {
		return err
	}
	return c.putNames(ctx, batch)
}

func (c *transfer) putNames(ctx context.Context, batch []store.Name) error {
	if c.DryRun || len(batch) == 0 {
		return nil
	}
	return c.To.Directory.Import(ctx, func(tx store.ImportTx) error {
		for i := range batch {
			if err := tx.PutName(ctx, &batch[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// settleNames gives names their parents that came later, and removes those that the source has no more.
func (c *transfer) settleNames(ctx context.Context) error {
	if err := c.putNames(ctx, c.early); err != nil {
		return err
	}
	c.result.Dropped += int64(len(c.gone))
	if c.DryRun || len(c.gone) == 0 {
		return nil
	}
	return c.To.Directory.Import(ctx, func(tx store.ImportTx) error {
		for _, id := range c.gone {
			if err := tx.DropName(ctx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// changed reports whether a name of the source, or what is in it, is not as it was copied.
func (c *transfer) changed(ctx context.Context) (changed bool, err error) {
	from, to := c.namePair()
	err = merge(ctx, from, to, func(source, target *store.Name) error {
		changed = changed || source == nil || target == nil || !sameName(*source, *target)
		return nil
	})
	return changed, err
}

// formers copies the records of former versions.
func (c *transfer) formers(ctx context.Context) error {
	for last, first := (store.Former{}), true; !c.DryRun; first = false {
		page, err := c.From.Directory.FormersAfter(ctx, last, pageSize)
		if err != nil {
			return err
		}
		err = c.To.Directory.Import(ctx, func(tx store.ImportTx) error {
			if first {
				if err := tx.DropFormers(ctx); err != nil {
					return err
				}
			}
			for _, f := range page {
				if err := tx.PutFormer(ctx, f); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || len(page) < pageSize {
			return err
		}
		last = page[len(page)-1]
	}
	return nil
}
