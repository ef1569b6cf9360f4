package transfer

import "context"

// pageSize is how many rows are read at once.
const pageSize = 500

// cursor walks rows in the order of their IDs.
type cursor[T any] struct {
	read func(ctx context.Context, after int64, limit int) ([]T, error) // nil: there are none
	id   func(*T) int64

	page []T
	last int64
	end  bool // page has the last rows
}

// next returns the first row that was not taken, nil at the end.
func (c *cursor[T]) next(ctx context.Context) (*T, error) {
	if len(c.page) == 0 && !c.end && c.read != nil {
		page, err := c.read(ctx, c.last, pageSize)
		if err != nil {
			return nil, err
		}
		c.page, c.end = page, len(page) < pageSize
		if len(page) > 0 {
			c.last = c.id(&page[len(page)-1])
		}
	}
	if len(c.page) == 0 {
		return nil, nil
	}
	return &c.page[0], nil
}

// take goes on to the next row.
func (c *cursor[T]) take() { c.page = c.page[1:] }

// merge calls fn for each ID that is in one or both, with the rows of that ID, nil where there is none.
func merge[T any](ctx context.Context, from, to *cursor[T], fn func(source, target *T) error) error {
	for {
		source, err := from.next(ctx)
		if err != nil {
			return err
		}
		target, err := to.next(ctx)
		if err != nil {
			return err
		}
		switch {
		case source == nil && target == nil:
			return nil
		case source == nil, target != nil && to.id(target) < from.id(source):
			source = nil
		case target == nil, from.id(source) < to.id(target):
			target = nil
		}
		if source != nil {
			from.take()
		}
		if target != nil {
			to.take()
		}
		if err := fn(source, target); err != nil {
			return err
		}
	}
}
