package filesystem

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hatrac/hatrac/store"
)

// List implements store.Lister. What the original server stored is not told, since Sweep does not
// look at it. The time is that of the inode, by the clock of the file system.
func (b *Bulk) List(ctx context.Context, fn func(a store.Address, size int64, since time.Time) error) error {
	if err := ctx.Err(); err != nil {
		return fail("list content", err)
	}
	folders, err := b.disk.List(b.content)
	if err != nil {
		return fail("list generations", err)
	}
	for _, folder := range folders {
		id, ok := parseGeneration(folder)
		if !ok {
			continue
		}
		files, err := b.disk.List(filepath.Join(b.content, folder))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fail("list content", err)
		}
		for _, file := range files {
			number, ok := parseNumber(file)
			if !ok {
				continue
			}
			if err := ctx.Err(); err != nil {
				return fail("list content", err)
			}
			if err := b.describe(place{generation: id, number: number}, fn); err != nil {
				return err
			}
		}
	}
	return nil
}

// describe tells fn about a file, unless it has gone meanwhile.
func (b *Bulk) describe(p place, fn func(store.Address, int64, time.Time) error) error {
	info, err := b.disk.Stat(p.path(b.content))
	switch {
	case errors.Is(err, os.ErrNotExist) || err == nil && !info.Mode().IsRegular():
		return nil
	case err != nil:
		return fail("list content", err)
	}
	return fn(p.address(), info.Size(), changed(info))
}

// changed returns when the file system last changed what it knows of a file, by its own
// clock: no program can set it, and a new name renews it.
func changed(info os.FileInfo) time.Time {
	s := info.Sys().(*syscall.Stat_t)
	return time.Unix(s.Ctim.Unix())
}
