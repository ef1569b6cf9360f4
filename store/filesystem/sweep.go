package filesystem

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/hatrac/hatrac/store"
)

// sweepBatch is how many addresses are asked for at once.
const sweepBatch = 500

var errAnswers = errors.New("not one answer for each address")

// Bound reports for each address whether content there is in use (see store.Bulk).
type Bound = func(context.Context, []store.Address) ([]bool, error)

// sweeper is one pass over what is stored. Ages are those of the inodes by the clock of the
// file system, which a link renews, so that adopted files count from their adoption.
//
// A folder that did not change since some time, in which nothing was younger than that when
// a pass looked, needs no further look: its files are bound, and are removed by their
// addresses when they no longer are. That time is kept for the next pass; the first one of a
// process looks at everything.
type sweeper struct {
	bulk   *Bulk
	before time.Time
	bound  Bound

	batch []candidate
	swept store.Swept
	clean time.Time // folders that changed before need no further look
	err   error     // the first failure of one file or folder, which does not end the pass
}

type candidate struct {
	place place
	size  int64
}

// Sweep implements store.Bulk. A file or folder that fails does not keep it from the others;
// the first such error is returned in the end. An error of bound or ctx ends it.
func (b *Bulk) Sweep(ctx context.Context, before time.Time, bound Bound) (store.Swept, error) {
	now, err := b.clock()
	if err != nil {
		return store.Swept{}, fail("read clock", err)
	}
	if behind := time.Until(now); behind < 0 {
		before = before.Add(behind)
	}
	s := &sweeper{bulk: b, before: before, bound: bound, clean: earlier(before, now)}
	if err := s.staged(ctx); err != nil {
		return s.swept, err
	}
	if err := s.generations(ctx, b.cleanSince()); err != nil {
		return s.swept, err
	}
	if s.err == nil {
		b.setClean(s.clean)
	}
	return s.swept, s.err
}

// clock returns the time by the clock of the file system, which may be that of another
// machine. If that is behind ours, new files look old.
func (b *Bulk) clock() (time.Time, error) {
	path := filepath.Join(b.staging, newID().String())
	f, err := b.disk.Create(path)
	if err != nil {
		return time.Time{}, err
	}
	info, err := b.disk.StatOpen(f)
	err = errors.Join(err, b.disk.Close(f), b.disk.Unlink(path))
	if err != nil {
		return time.Time{}, err
	}
	return changed(info), nil
}

func (b *Bulk) cleanSince() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clean
}

func (b *Bulk) setClean(t time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.After(b.clean) {
		b.clean = t
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// staged removes old files that were to become content. Files that are received for longer
// than that fail then.
func (s *sweeper) staged(ctx context.Context) error {
	names, err := s.bulk.disk.List(s.bulk.staging)
	if err != nil {
		return fail("list staged files", err)
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return fail("sweep", err)
		}
		path := filepath.Join(s.bulk.staging, name)
		info, ok := s.look(path)
		if !ok || !info.Mode().IsRegular() || !changed(info).Before(s.before) {
			continue
		}
		err := s.bulk.disk.Unlink(path)
		s.count(err == nil, info.Size(), err)
	}
	return nil
}

// generations looks at all folders but those that did not change since clean.
func (s *sweeper) generations(ctx context.Context, clean time.Time) error {
	names, err := s.bulk.disk.List(s.bulk.content)
	if err != nil {
		return fail("list generations", err)
	}
	for _, name := range names {
		id, ok := parseGeneration(name)
		if !ok {
			continue
		}
		if err := ctx.Err(); err != nil {
			return fail("sweep", err)
		}
		folder, ok := s.look(filepath.Join(s.bulk.content, name))
		if !ok || !folder.IsDir() || folder.ModTime().Before(clean) {
			continue
		}
		if err := s.generation(ctx, id, folder.ModTime()); err != nil {
			return err
		}
	}
	return s.flush(ctx)
}

// generation looks at the files of a folder, which was last changed at the time modified.
func (s *sweeper) generation(ctx context.Context, id ulid.ULID, modified time.Time) error {
	names, err := s.bulk.disk.List(filepath.Join(s.bulk.content, id.String()))
	if err != nil {
		s.note(err)
		return nil
	}
	if len(names) == 0 {
		s.clean = earlier(s.clean, modified)
		s.bulk.tidy(id)
	}
	for _, name := range names {
		number, ok := parseNumber(name)
		if !ok {
			continue
		}
		p := place{generation: id, number: number}
		info, ok := s.look(p.path(s.bulk.content))
		if !ok || !info.Mode().IsRegular() {
			continue
		}
		if !changed(info).Before(s.before) {
			s.clean = earlier(s.clean, modified)
			continue
		}
		if s.batch = append(s.batch, candidate{place: p, size: info.Size()}); len(s.batch) == sweepBatch {
			if err := s.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush removes those of the batch that are not bound.
func (s *sweeper) flush(ctx context.Context) error {
	if len(s.batch) == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return fail("sweep", err)
	}
	addresses := make([]store.Address, len(s.batch))
	for i, c := range s.batch {
		addresses[i] = c.place.address()
	}
	bound, err := s.bound(ctx, addresses)
	if err != nil {
		return err
	}
	if len(bound) != len(s.batch) {
		return fail("sweep", errAnswers)
	}
	for i, c := range s.batch {
		if !bound[i] {
			removed, err := s.bulk.remove(c.place)
			s.count(removed, c.size, err)
		}
	}
	s.batch = s.batch[:0]
	return nil
}

// look describes a file, unless it has gone meanwhile or that fails.
func (s *sweeper) look(path string) (os.FileInfo, bool) {
	info, err := s.bulk.disk.Stat(path)
	s.note(err)
	return info, err == nil
}

// count adds a file to what was swept, or notes why it could not be removed.
func (s *sweeper) count(removed bool, size int64, err error) {
	if removed {
		s.swept.Removed++
		s.swept.Bytes += size
	}
	s.note(err)
}

// note keeps the first error. What others removed meanwhile is none.
func (s *sweeper) note(err error) {
	if s.err == nil && err != nil && !errors.Is(err, os.ErrNotExist) {
		s.err = fail("sweep", err)
	}
}
