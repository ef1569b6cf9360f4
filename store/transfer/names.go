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
	var last store.Former
	return records(ctx, c, store.ImportTx.DropFormers, store.ImportTx.PutFormer, func(ctx context.Context) ([]store.Former, error) {
		page, err := c.From.Directory.FormersAfter(ctx, last, pageSize)
		if len(page) > 0 {
			last = page[len(page)-1]
		}
		return page, err
	})
}

// moves copies the records of moves.
func (c *transfer) moves(ctx context.Context) error {
	var last int64
	return records(ctx, c, store.ImportTx.DropMoves, store.ImportTx.PutMoved, func(ctx context.Context) ([]store.Moved, error) {
		page, err := c.From.Directory.MovesAfter(ctx, last, pageSize)
		if len(page) > 0 {
			last = page[len(page)-1].ID
		}
		return page, err
	})
}

// records replaces all records of a kind by those that next reads page by page.
func records[T any](ctx context.Context, c *transfer, drop func(store.ImportTx, context.Context) error, put func(store.ImportTx, context.Context, T) error, next func(context.Context) ([]T, error)) error {
	for first := true; !c.DryRun; first = false {
		page, err := next(ctx)
		if err != nil {
			return err
		}
		err = c.To.Directory.Import(ctx, func(tx store.ImportTx) error {
			if first {
				if err := drop(tx, ctx); err != nil {
					return err
				}
			}
			for _, record := range page {
				if err := put(tx, ctx, record); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || len(page) < pageSize {
			return err
		}
	}
	return nil
}
