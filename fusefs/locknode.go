package fusefs

import (
	"context"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

var (
	_ fs.NodeGetlker  = (*fileNode)(nil)
	_ fs.NodeSetlker  = (*fileNode)(nil)
	_ fs.NodeSetlkwer = (*fileNode)(nil)
	_ fs.NodeReleaser = (*fileNode)(nil)
	_ fs.NodeGetlker  = (*snapshotNode)(nil)
	_ fs.NodeSetlker  = (*snapshotNode)(nil)
	_ fs.NodeSetlkwer = (*snapshotNode)(nil)
	_ fs.NodeReleaser = (*snapshotNode)(nil)
)

// unlocking ends locks at a close: the kernel leaves to FLUSH what close(2) does to the locks of a
// process, and go-fuse does not tell its nodes whose they are.
type unlocking struct {
	fuse.RawFileSystem
	locks *locks
}

// Flush implements fuse.RawFileSystem.
func (u unlocking) Flush(cancel <-chan struct{}, in *fuse.FlushIn) fuse.Status {
	status := u.RawFileSystem.Flush(cancel, in)
	if u.locks.none() {
		return status
	}
	u.SetLk(cancel, &fuse.LkIn{InHeader: in.InHeader, Fh: in.Fh, Owner: in.LockOwner, Lk: whole()})
	return status
}

// lockable returns what finds the locks of f: inodes of one name share them, and one that has lost
// its name goes on with those that it has.
func (f *file) lockable() lockable {
	f.mu.Lock()
	key, unbound := string(f.path), f.unbound
	f.mu.Unlock()
	return func(t *locks) *lockSet {
		switch {
		case f.locks != nil && !f.locks.idle():
		case unbound:
			f.locks = t.at("")
			delete(t.byKey, "") // nobody else finds it
		default:
			f.locks = t.at(key)
		}
		return f.locks
	}
}

// Getlk implements fs.NodeGetlker.
func (n *fileNode) Getlk(_ context.Context, h fs.FileHandle, owner uint64, lk *fuse.FileLock, flags uint32, out *fuse.FileLock) syscall.Errno {
	n.f.m.locks.get(n.f.lockable(), newLock(h, owner, lk, flags), out)
	return 0
}

// Setlk implements fs.NodeSetlker.
func (n *fileNode) Setlk(ctx context.Context, h fs.FileHandle, owner uint64, lk *fuse.FileLock, flags uint32) syscall.Errno {
	return n.f.m.locks.set(ctx, n.f.lockable(), newLock(h, owner, lk, flags), lk.Typ == syscall.F_UNLCK, false)
}

// Setlkw implements fs.NodeSetlkwer.
func (n *fileNode) Setlkw(ctx context.Context, h fs.FileHandle, owner uint64, lk *fuse.FileLock, flags uint32) syscall.Errno {
	return n.f.m.locks.set(ctx, n.f.lockable(), newLock(h, owner, lk, flags), lk.Typ == syscall.F_UNLCK, true)
}

// Release implements fs.NodeReleaser.
func (n *fileNode) Release(ctx context.Context, h fs.FileHandle) syscall.Errno {
	return n.f.m.release(ctx, h)
}

// release ends a handle, and the locks that were taken by it.
func (m *Mount) release(ctx context.Context, h fs.FileHandle) syscall.Errno {
	m.locks.drop(h)
	if r, ok := h.(fs.FileReleaser); ok {
		return r.Release(ctx)
	}
	return 0
}

// lockSet implements lockable: a version has locks of its own.
func (n *snapshotNode) lockSet(t *locks) *lockSet { return t.at(n.ref().String()) }

// Getlk implements fs.NodeGetlker.
func (n *snapshotNode) Getlk(_ context.Context, h fs.FileHandle, owner uint64, lk *fuse.FileLock, flags uint32, out *fuse.FileLock) syscall.Errno {
	n.m.locks.get(n.lockSet, newLock(h, owner, lk, flags), out)
	return 0
}

// Setlk implements fs.NodeSetlker.
func (n *snapshotNode) Setlk(ctx context.Context, h fs.FileHandle, owner uint64, lk *fuse.FileLock, flags uint32) syscall.Errno {
	return n.m.locks.set(ctx, n.lockSet, newLock(h, owner, lk, flags), lk.Typ == syscall.F_UNLCK, false)
}

// Setlkw implements fs.NodeSetlkwer.
func (n *snapshotNode) Setlkw(ctx context.Context, h fs.FileHandle, owner uint64, lk *fuse.FileLock, flags uint32) syscall.Errno {
	return n.m.locks.set(ctx, n.lockSet, newLock(h, owner, lk, flags), lk.Typ == syscall.F_UNLCK, true)
}

// Release implements fs.NodeReleaser.
func (n *snapshotNode) Release(ctx context.Context, h fs.FileHandle) syscall.Errno {
	return n.m.release(ctx, h)
}
