package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// DefaultSyncInterval is how long a commit that may wait stays undurable at most, if nothing
// fails.
const DefaultSyncInterval = time.Second

// A version may be visible before its content is durable. It is marked Unsynced then, in the
// transaction that binds it; the mark goes only when the content is durable. So after a crash
// exactly the marked versions are in doubt, and a version that is not marked never is.

// soonSpooler returns the storage if it can make content durable that is not; if it has a folder
// for spool files, it takes more of that.
func (s *Service) soonSpooler() (store.SoonSpooler, bool) {
	spooler, ok := s.bulk.(store.SoonSpooler)
	return spooler, ok
}

// settle makes versions durable and takes their marks away. What is not whole is removed. It
// returns those that are still owed, and why.
func (s *Service) settle(ctx context.Context, owed []debt) (left []debt, err error) {
	for len(owed) > 0 {
		part := owed[:min(len(owed), pageSize)]
		owed = owed[len(part):]
		still, failed := s.settlePage(ctx, part)
		left, err = append(left, still...), errors.Join(err, failed)
	}
	return left, err
}

func (s *Service) settlePage(ctx context.Context, owed []debt) (left []debt, err error) {
	durable, left, err := s.syncContent(ctx, owed)
	ids := make([]int64, len(durable))
	for i, d := range durable {
		ids[i] = d.version.ID
	}
	if len(ids) == 0 {
		return left, err
	}
	marked := s.dir.Update(ctx, func(tx store.Tx) error { return tx.MarkSynced(ctx, ids) })
	if marked != nil {
		return append(left, durable...), errors.Join(err, marked)
	}
	return left, err
}

// syncContent makes the content of versions durable. It looks at what may have suffered before,
// and removes what has.
func (s *Service) syncContent(ctx context.Context, owed []debt) (durable, left []debt, err error) {
	spooler, ok := s.soonSpooler()
	if !ok {
		return nil, owed, store.NewError(store.Unavailable, "", "The storage cannot tell what is durable.")
	}
	addresses := make([]store.Address, len(owed))
	for i, d := range owed {
		addresses[i] = d.version.Address
	}
	for i, failed := range spooler.SyncContent(ctx, addresses) {
		d := owed[i]
		whole := true
		if failed == nil && d.failed || store.KindOf(failed) == store.NotFound {
			whole, failed = s.whole(ctx, &d.version)
		}
		if failed == nil && !whole {
			failed = s.dropDamaged(ctx, d)
		}
		switch {
		case failed != nil:
			d.failed = true
			left, err = append(left, d), errors.Join(err, fmt.Errorf("%s: %w", d.ref(), failed))
		case whole:
			durable = append(durable, d)
		}
	}
	return durable, left, err
}

func (d debt) ref() store.Ref { return store.Ref{Path: d.path, Version: d.version.Version} }

// whole reports whether the content of a version is what was committed. An error says that
// nobody knows.
func (s *Service) whole(ctx context.Context, v *store.Version) (bool, error) {
	content, err := s.bulk.Open(ctx, v.Address)
	switch store.KindOf(err) {
	case store.NotFound, store.Conflict: // Conflict: it has lost its mode
		return false, nil
	}
	if err != nil {
		return false, err
	}
	size := content.Size()
	if err := content.Close(); err != nil || size != v.Size || v.SHA256 == nil {
		return size == v.Size, err
	}
	_, sum, err := s.digestContent(ctx, v)
	return err == nil && bytes.Equal(sum, v.SHA256), err
}

// dropDamaged removes a version that is not whole, so that the one before it is current again,
// and its name if it held nothing else.
func (s *Service) dropDamaged(ctx context.Context, d debt) error {
	var dropped, emptied bool
	err := s.dir.Update(ctx, func(tx store.Tx) (err error) {
		dropped, emptied, err = s.dropIn(ctx, tx, d)
		return err
	})
	if err != nil || !dropped {
		return err
	}
	s.cfg.Log.Error().Str("path", string(d.path)).Str("version", d.version.Version).Int64("size", d.version.Size).
		Bool("name removed", emptied).Msg("a version was not durable before a crash and not whole after it: it was removed")
	change := Change{Action: Deleted, Path: d.path, Kind: acl.Version, Version: d.version.Version}
	if emptied {
		change.Kind, change.Version = acl.Object, ""
	}
	s.changes.announce(change)
	s.reclaimSoon()
	return nil
}

func (s *Service) dropIn(ctx context.Context, tx store.Tx, d debt) (dropped, emptied bool, err error) {
	r, err := tx.Resolve(ctx, d.path, d.version.Version)
	if err != nil || r.Version == nil || r.Version.ID != d.version.ID || r.Version.Unsynced == "" {
		return false, false, err
	}
	if err := tx.MarkSynced(ctx, []int64{r.Version.ID}); err != nil || r.Version.Deleted {
		return false, false, err
	}
	now := time.Now()
	if err := tx.DeleteVersion(ctx, r.Version.ID, now, now); err != nil {
		return false, false, err
	}
	others, err := tx.LiveVersions(ctx, r.Name.ID)
	if err != nil || len(others) > 0 {
		return true, false, err
	}
	if uploads, err := tx.HasJobs(ctx, r.Name.Parent); err != nil || uploads {
		return true, false, err // it may be one to this name
	}
	return true, true, tx.DeleteTree(ctx, d.path, now, now)
}

// Recover looks at what processes that are gone have left visible but not durable: what is whole
// is made durable, what is not is removed and reported. It is called before the store is
// served, and by Run from time to time.
func (s *Service) Recover(ctx context.Context) error {
	spooler, ok := s.soonSpooler()
	if !ok {
		return nil
	}
	attended := make(map[string]bool)
	var kept int
	err := s.eachUnsynced(ctx, func(page []debt) error {
		var orphans []debt
		for _, d := range page {
			there, known := attended[d.version.Unsynced]
			if !known {
				var err error
				if there, err = spooler.Attended(ctx, d.version.Unsynced); err != nil {
					return err
				}
				attended[d.version.Unsynced] = there
			}
			if !there {
				d.failed = true
				orphans = append(orphans, d)
			}
		}
		left, err := s.settle(ctx, orphans)
		kept += len(orphans) - len(left)
		return err
	})
	if kept > 0 {
		s.cfg.Log.Warn().Int("versions", kept).Msg("versions that a process which is gone had not made durable were checked")
	}
	return err
}

// eachUnsynced calls fn for all versions that are not durable, by pages.
func (s *Service) eachUnsynced(ctx context.Context, fn func([]debt) error) error {
	for after := int64(0); ; {
		entries, err := s.dir.UnsyncedVersions(ctx, after, pageSize)
		if err != nil || len(entries) == 0 {
			return err
		}
		page := make([]debt, len(entries))
		for i, e := range entries {
			page[i] = debt{path: e.Name.Path, version: *e.Current}
		}
		after = page[len(page)-1].version.ID
		if err := fn(page); err != nil {
			return err
		}
	}
}

// makeDurable makes a version durable, whoever owes it.
func (s *Service) makeDurable(ctx context.Context, d debt) error {
	s.syncer.mu.Lock()
	own := d.version.Unsynced == s.syncer.node
	s.syncer.mu.Unlock()
	if own {
		return s.Sync(ctx)
	}
	whole, err := s.whole(ctx, &d.version)
	if err != nil {
		return err
	}
	if spooler, ok := s.soonSpooler(); ok && !whole {
		there, err := spooler.Attended(ctx, d.version.Unsynced)
		if err != nil {
			return err
		}
		if there {
			return store.NewError(store.Unavailable, d.ref().String(), "The version is not durable yet.")
		}
	}
	_, err = s.settle(ctx, []debt{d})
	return err
}
