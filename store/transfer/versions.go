package transfer

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/hatrac/hatrac/store"
)

// A batch of versions is written in one transaction. So much content at most is copied again by who
// was interrupted.
const (
	batchRows  = 256
	batchBytes = 16 << 20
)

// version is one version that is to be copied.
type version struct {
	store.PathVersion                // of the source
	target            *store.Version // nil if there is none
	until             time.Time      // how long the content of one that is deleted is kept
	text              string         // why it cannot be copied
	err               error
}

// batch are versions to be copied, and the IDs of those to be removed.
type batch struct {
	versions []*version
	gone     []int64
	bytes    int64
}

// versions copies all versions.
func (c *transfer) versions(ctx context.Context) error {
	id := func(v *store.PathVersion) int64 { return v.Version.ID }
	from := &cursor[store.PathVersion]{read: c.From.Directory.VersionsAfter, id: id}
	to := &cursor[store.PathVersion]{id: id}
	if c.To.Directory != nil {
		to.read = c.To.Directory.VersionsAfter
	}
	b := new(batch)
	err := merge(ctx, from, to, func(source, target *store.PathVersion) error {
		if source == nil {
			b.gone = append(b.gone, target.Version.ID)
		} else {
			c.progress("versions", source.Version.ID, c.counters.Versions)
			b.add(source, target)
		}
		if len(b.versions)+len(b.gone) < batchRows && b.bytes < batchBytes {
			return nil
		}
		full := b
		b = new(batch)
		return c.copyBatch(ctx, full)
	})
	if err != nil {
		return err
	}
	return c.copyBatch(ctx, b)
}

// add adds a version unless it is copied already.
func (b *batch) add(source, target *store.PathVersion) {
	v := &version{PathVersion: *source}
	if target != nil {
		v.target = &target.Version
	}
	if v.target != nil && sameVersion(source.Version, *v.target) && (v.target.Address != "" || !v.needed()) {
		return
	}
	b.versions = append(b.versions, v)
	if v.needed() && (v.target == nil || v.target.Address == "") {
		b.bytes += v.Version.Size
	}
}

// needed reports whether the version is live and its content is in the storage.
func (v *version) needed() bool { return !v.Version.Deleted && v.Version.Address != "" }

// copyBatch copies the content of versions and then, in one transaction, their rows.
func (c *transfer) copyBatch(ctx context.Context, b *batch) error {
	if len(b.versions)+len(b.gone) == 0 {
		return nil
	}
	if err := c.lookUntil(ctx, b); err != nil {
		return err
	}
	if err := c.contents(ctx, b); err != nil {
		return err
	}
	c.result.Dropped += int64(len(b.gone))
	if c.DryRun {
		return nil
	}
	return c.To.Directory.Import(ctx, func(tx store.ImportTx) error {
		for _, v := range b.versions {
			if v.text != "" {
				continue
			}
			if err := tx.PutVersion(ctx, &v.Version, v.until); err != nil {
				return err
			}
		}
		for _, id := range b.gone {
			if err := tx.DropVersion(ctx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// lookUntil finds out until when the content of deleted versions is kept.
func (c *transfer) lookUntil(ctx context.Context, b *batch) error {
	var deleted []*version
	var ids []int64
	for _, v := range b.versions {
		if v.Version.Deleted {
			deleted, ids = append(deleted, v), append(ids, v.Version.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	kept, err := c.From.Directory.KeptUntil(ctx, ids)
	if err != nil {
		return err
	}
	for i, v := range deleted {
		v.until = kept[i]
	}
	return nil
}

// contents copies the contents of a batch, several at the same time, and tells in their order what is
// wrong with them.
func (c *transfer) contents(ctx context.Context, b *batch) error {
	work := make(chan *version)
	var wait sync.WaitGroup
	for range max(4, runtime.NumCPU()) {
		wait.Go(func() {
			for v := range work {
				v.text, v.err = c.content(ctx, v)
			}
		})
	}
	before := make([]bool, len(b.versions)) // whether it is content that is to be copied
	for i, v := range b.versions {
		before[i] = c.place(v)
		if before[i] {
			work <- v
		}
	}
	close(work)
	wait.Wait()
	for i, v := range b.versions {
		switch {
		case v.err != nil:
			return v.err
		case v.text != "" && v.Version.Deleted: // it cannot be restored any more, which harms nobody
			v.text, v.until, v.Version.Address = "", time.Time{}, ""
		case v.text != "":
			c.result.Damaged++
			c.Report(Problem{Version: store.Ref{Path: v.Path, Version: v.PathVersion.Version.Version}, Text: v.text})
			continue
		case before[i]:
			c.result.Contents++
			c.result.Bytes += v.Version.Size
		}
		c.result.Versions++
	}
	return nil
}
