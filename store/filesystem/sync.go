package filesystem

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"

	"github.com/oklog/ulid/v2"
	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store"
)

// syncWorkers is how many files are synced at the same time: those that wait together share a
// commit of the file system's journal.
const syncWorkers = 16

// SyncContent implements store.SoonSpooler: files first, many at the same time, and then each of
// their folders once.
func (b *Bulk) SyncContent(ctx context.Context, addresses []store.Address) []error {
	errs := make([]error, len(addresses))
	places := make([]place, len(addresses))
	each(len(addresses), func(i int) {
		if places[i], errs[i] = parseAddress(addresses[i]); errs[i] != nil {
			return
		}
		if errs[i] = ctx.Err(); errs[i] == nil {
			errs[i] = b.syncFile(ctx, places[i])
		}
		errs[i] = failSync(errs[i])
	})
	in := make(map[ulid.ULID][]int) // indexes of what was synced, by folder
	for i, err := range errs {
		if err == nil {
			in[places[i].generation] = append(in[places[i].generation], i)
		}
	}
	for id, members := range in {
		if err := b.disk.SyncNames(filepath.Join(b.content, id.String())); err != nil {
			for _, i := range members {
				errs[i] = failSync(err)
			}
		}
	}
	return errs
}

func failSync(err error) error {
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return store.Wrap(store.NotFound, "make content durable", err)
	}
	return fail("make content durable", err)
}

// each calls fn for the numbers from 0 to n-1, some at the same time.
func each(n int, fn func(i int)) {
	var wait sync.WaitGroup
	room := make(chan struct{}, syncWorkers)
	for i := range n {
		room <- struct{}{}
		wait.Go(func() {
			defer func() { <-room }()
			fn(i)
		})
	}
	wait.Wait()
}

// syncFile makes the content of a file durable, but not its name.
func (b *Bulk) syncFile(ctx context.Context, p place) error {
	if b.suspected(p) {
		return b.renew(ctx, p)
	}
	f, err := b.disk.OpenFile(p.path(b.content))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	if err := b.disk.Sync(f); err != nil {
		b.suspect(p)
		return err
	}
	return nil
}

// renew puts a copy in the place of a file whose fsync failed. Another fsync would prove nothing,
// because the kernel reports only once that it could not write. Who has the file open goes on
// with it.
func (b *Bulk) renew(ctx context.Context, p place) error {
	old, err := b.disk.OpenFile(p.path(b.content))
	if err != nil {
		return err
	}
	defer func() { _ = old.Close() }() // only read
	copied, err := b.stage(ctx, old)
	if err != nil {
		return err
	}
	if err := b.disk.Replace(copied, p.path(b.content)); err != nil {
		_ = b.disk.Unlink(copied)
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.suspects, p)
	return nil
}

func (b *Bulk) suspect(p place) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.suspects[p] = struct{}{}
}

func (b *Bulk) suspected(p place) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.suspects[p]
	return ok
}

const attendedPrefix = "attended-"

func (b *Bulk) attendance(id string) string { return filepath.Join(b.spool, attendedPrefix+id) }

// Attend implements store.SoonSpooler by a file that is locked as long as the process lives. On a
// file server the lock is that of the whole site, and ends when the server has given the
// machine up.
func (b *Bulk) Attend(ctx context.Context) (id string, leave func() error, err error) {
	if err := ctx.Err(); err != nil {
		return "", nil, fail("attend", err)
	}
	id = newID().String()
	f, err := b.disk.Create(b.attendance(id))
	if err != nil {
		return "", nil, fail("attend", err)
	}
	leave = func() error { return fail("end attendance", errors.Join(b.disk.Unlink(f.Name()), f.Close())) }
	if err := b.disk.TryLockFile(f, unix.LOCK_EX); err != nil {
		return "", nil, fail("attend", errors.Join(err, leave()))
	}
	return id, leave, nil
}

// Attended implements store.SoonSpooler. What a process left that died is removed.
func (b *Bulk) Attended(ctx context.Context, id string) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, fail("ask for attendance", err)
	}
	if _, ok := parseGeneration(id); !ok {
		return false, nil
	}
	f, err := b.disk.OpenFile(b.attendance(id))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fail("ask for attendance", err)
	}
	defer func() { _ = f.Close() }() // only locked
	err = b.disk.TryLockFile(f, unix.LOCK_SH)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	if err == nil {
		_ = b.disk.Unlink(f.Name()) // the next one who asks tries again
	}
	return false, fail("ask for attendance", err)
}
