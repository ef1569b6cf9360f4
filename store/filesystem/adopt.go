package filesystem

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/hatrac/hatrac/store"
)

var errNotSpooled = errors.New("not a regular file in the spool folder")

// Adopt implements store.Spooler. After an error the file has the permissions it had.
func (b *Bulk) Adopt(ctx context.Context, _ store.Placement, file *os.File) (store.Address, error) {
	return b.adopt(ctx, file, full)
}

// AdoptSoon implements store.SoonSpooler. After an error the file has the permissions it had.
func (b *Bulk) AdoptSoon(ctx context.Context, _ store.Placement, file *os.File) (store.Address, error) {
	return b.adopt(ctx, file, soon)
}

func (b *Bulk) adopt(ctx context.Context, file *os.File, to depth) (store.Address, error) {
	if err := ctx.Err(); err != nil {
		return "", fail("adopt file", err)
	}
	info, err := b.spooled(file)
	if err != nil {
		return "", fail("adopt file", err)
	}
	a, err := b.take(ctx, file, to)
	if err != nil {
		_ = b.disk.Chmod(file, info.Mode().Perm())
		return "", err
	}
	return a, nil
}

// take links the file by its descriptor, so that it is this file whatever became of its name.
func (b *Bulk) take(ctx context.Context, file *os.File, to depth) (store.Address, error) {
	if err := b.seal(file, to); err != nil {
		return "", err
	}
	return b.publish(ctx, to, func(path string) error { return b.disk.LinkOpen(file, path) })
}

// spooled describes a file, which must be a regular one in the spool folder. It goes by
// where the open file is now, not by the name it was opened with.
func (b *Bulk) spooled(file *os.File) (os.FileInfo, error) {
	info, err := b.disk.StatOpen(file)
	if err != nil {
		return nil, err
	}
	name, err := b.disk.Where(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || !strings.HasPrefix(name, b.spool+string(filepath.Separator)) {
		return nil, errNotSpooled
	}
	return info, nil
}
