// Package transfer copies a store to another one, whatever back ends each has. All rows keep their
// IDs, so that nobody can tell the copy from the source.
//
// A copy may be interrupted at any time and run again: rows of source and target are compared in the
// order of their IDs, and only what differs is written. So it also catches up with a source that was
// in use.
package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/hatrac/hatrac/store"
)

// Config says what to copy and how.
type Config struct {
	From, To Store
	// SameStorage says that both have one storage, whose content stays where it is.
	SameStorage bool
	// DryRun only counts what would be copied. Then the directory of To may be nil, for an empty store.
	DryRun bool
	// Report is told each version that cannot be copied, one after the other.
	Report func(Problem)
	// Progress, if not nil, is told what is being copied and how many of about total rows are done.
	Progress func(doing string, done, total int64)
}

// Store is one side of a copy.
type Store struct {
	Directory Directory
	Bulk      store.Bulk
}

// Directory is a directory that can be copied.
type Directory interface {
	store.Directory
	store.Copier
}

// Problem is a version that cannot be copied.
type Problem struct {
	Version store.Ref
	// Text is a sentence about it.
	Text string
}

// Result counts what was done, or would be.
type Result struct {
	// Names, Versions and Accounts are the rows that were written, Dropped those that were removed
	// because the source has them no more.
	Names, Versions, Accounts, Dropped int64
	// Contents are the contents that were copied, Bytes their length together. Kept are those that
	// stay where they are.
	Contents, Bytes, Kept int64
	// Damaged are the versions that cannot be copied.
	Damaged int64
	// Uploads are those under way, which are not copied.
	Uploads int64
	// Changed is true if the source was changed meanwhile: another run will catch up.
	Changed bool
}

// Run copies everything but uploads under way and logins. The target has to be empty, or the
// incomplete or unused copy of the same source; Exists: it is neither. NotFound: the source has no root. The copy is complete when
// nothing is damaged and the source was not changed. Content is verified by its digests on the way.
func Run(ctx context.Context, cfg Config) (Result, error) {
	c := &transfer{Config: cfg}
	if err := c.begin(ctx); err != nil {
		return c.result, err
	}
	before, err := c.From.Directory.Counters(ctx)
	if err != nil {
		return c.result, err
	}
	c.counters = before
	for _, step := range []func(context.Context) error{c.names, c.versions, c.settleNames, c.formers, c.moves, c.accounts, c.uploads} {
		if err := step(ctx); err != nil {
			return c.result, err
		}
	}
	if c.DryRun {
		return c.result, nil
	}
	return c.result, c.end(ctx)
}

// transfer is one Run.
type transfer struct {
	Config
	result   Result
	source   int64          // tells the source apart from other stores; it is not 0
	counters store.Counters // of the source, at the beginning
	// early are names whose parent has a higher ID, gone the IDs of those that the source has no more.
	early []store.Name
	gone  []int64
}

func (c *transfer) progress(doing string, done, total int64) {
	if c.Progress != nil {
		c.Progress(doing, done, max(done, total))
	}
}

var errNoRoot = errors.New("the source has no root namespace")

// identify returns what tells a store apart from others: a digest of its root, which never changes.
func identify(ctx context.Context, d store.Directory) (int64, error) {
	found, err := d.Resolve(ctx, store.Root, "")
	if err != nil {
		return 0, err
	}
	if found.Name == nil {
		return 0, store.Wrap(store.NotFound, "identify the source", errNoRoot)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d", found.Name.ID, found.Name.Created.UnixNano()))
	return int64(binary.BigEndian.Uint64(sum[:]) | 1), nil
}

// begin checks that the target may be written, and marks it.
func (c *transfer) begin(ctx context.Context) (err error) {
	if c.source, err = identify(ctx, c.From.Directory); err != nil {
		return err
	}
	from, err := c.From.Directory.CopyMark(ctx)
	if err != nil {
		return err
	}
	if from.Source != 0 && !from.Complete {
		return store.NewError(store.Conflict, "", "The source is itself a copy that is not complete.")
	}
	if c.To.Directory == nil {
		return nil
	}
	mark, err := c.To.Directory.CopyMark(ctx)
	if err != nil {
		return err
	}
	switch {
	case mark.Source == c.source:
	case mark.Source != 0:
		return store.NewError(store.Exists, "", "The target is a copy of another store.")
	default:
		if err := c.empty(ctx); err != nil {
			return err
		}
	}
	if c.DryRun {
		return nil
	}
	return c.To.Directory.SetCopyMark(ctx, store.CopyMark{Source: c.source})
}

// empty answers Exists if the target has anything.
func (c *transfer) empty(ctx context.Context) error {
	counters, err := c.To.Directory.Counters(ctx)
	if err != nil {
		return err
	}
	users, err := c.To.Directory.Accounts().Users(ctx)
	if err != nil {
		return err
	}
	names, err := c.To.Directory.NamesAfter(ctx, 0, 1)
	if err != nil {
		return err
	}
	if counters != (store.Counters{}) || len(users)+len(names) > 0 {
		return store.NewError(store.Exists, "", "The target is not empty, and no copy of this source that was not used yet.")
	}
	return nil
}

// end makes the target whole, and complete if nothing is missing.
func (c *transfer) end(ctx context.Context) error {
	if err := c.To.Directory.EndImport(ctx, c.counters); err != nil {
		return err
	}
	after, err := c.From.Directory.Counters(ctx)
	if err != nil {
		return err
	}
	c.result.Changed = after != c.counters
	if !c.result.Changed {
		if c.result.Changed, err = c.changed(ctx); err != nil {
			return err
		}
	}
	if c.result.Changed || c.result.Damaged > 0 {
		return nil
	}
	return c.To.Directory.SetCopyMark(ctx, store.CopyMark{Source: c.source, Complete: true})
}

// uploads counts the uploads under way.
func (c *transfer) uploads(ctx context.Context) error {
	for last := int64(0); ; {
		page, err := c.From.Directory.JobsAfter(ctx, last, pageSize)
		if err != nil {
			return err
		}
		c.result.Uploads += int64(len(page))
		if len(page) < pageSize {
			return nil
		}
		last = page[len(page)-1].Job.ID
	}
}
