package fusefs

import (
	"context"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

var (
	_ fs.NodeStatfser = (*dirNode)(nil)
	_ fs.NodeStatfser = (*fileNode)(nil)
	_ fs.NodeStatfser = (*linkNode)(nil)
	_ fs.NodeStatfser = (*snapshotNode)(nil)
)

// statfs tells how much the store can hold.
func (m *Mount) statfs(ctx context.Context, out *fuse.StatfsOut) syscall.Errno {
	const block = 4096
	call, cancel := m.call(ctx)
	defer cancel()
	space, err := m.svc.Space(call)
	if err != nil {
		return m.answer(ctx, err)
	}
	out.Bsize, out.Frsize, out.NameLen = block, block, maxFileName
	out.Blocks, out.Bfree, out.Bavail = space.Total/block, space.Free/block, space.Available/block
	out.Files, out.Ffree = space.Files, space.FreeFiles
	return 0
}

// Statfs implements fs.NodeStatfser.
func (n *dirNode) Statfs(ctx context.Context, out *fuse.StatfsOut) syscall.Errno {
	return n.m.statfs(ctx, out)
}

// Statfs implements fs.NodeStatfser.
func (n *fileNode) Statfs(ctx context.Context, out *fuse.StatfsOut) syscall.Errno {
	return n.f.m.statfs(ctx, out)
}

// Statfs implements fs.NodeStatfser.
func (n *linkNode) Statfs(ctx context.Context, out *fuse.StatfsOut) syscall.Errno {
	return n.f.m.statfs(ctx, out)
}

// Statfs implements fs.NodeStatfser.
func (n *snapshotNode) Statfs(ctx context.Context, out *fuse.StatfsOut) syscall.Errno {
	return n.m.statfs(ctx, out)
}
