package fusefs

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/hatrac/hatrac/store"
)

// virtualNode is a node that no name of the store stands for.
type virtualNode interface {
	fs.InodeEmbedder
	// fill describes the node as it was found.
	fill(out *fuse.Attr)
}

// attachVirtual makes the node a child, or finds the one with its inode number again, and
// describes it.
func attachVirtual(ctx context.Context, parent *fs.Inode, node virtualNode, out *fuse.EntryOut) *fs.Inode {
	node.fill(&out.Attr)
	return parent.NewInode(ctx, node, fs.StableAttr{Mode: out.Mode & syscall.S_IFMT, Ino: out.Ino})
}

// virtualIno returns the number of a virtual node: always the same for the same words.
func virtualIno(kind, label string, id int64) uint64 {
	sum := sha256.Sum256([]byte(kind + "/" + strconv.FormatInt(id, 10) + "/" + label))
	return binary.LittleEndian.Uint64(sum[:])>>4<<tagBits | tagDraft
}

// forgetAtOnce keeps the kernel from remembering a name that may come to mean something else
// unheard. No time at all would mean the usual one.
func forgetAtOnce(out *fuse.EntryOut) { out.SetEntryTimeout(time.Nanosecond) }

// virtualDir is what directories have in common that no name of the store stands for: nothing
// can be changed in them.
type virtualDir struct {
	fs.Inode
	xattrs
}

var (
	_ fs.NodeSetattrer = (*virtualDir)(nil)
	_ fs.NodeStatfser  = (*virtualDir)(nil)
	_ fs.NodeCreater   = (*virtualDir)(nil)
	_ fs.NodeMkdirer   = (*virtualDir)(nil)
	_ fs.NodeSymlinker = (*virtualDir)(nil)
	_ fs.NodeLinker    = (*virtualDir)(nil)
	_ fs.NodeMknoder   = (*virtualDir)(nil)
	_ fs.NodeRenamer   = (*virtualDir)(nil)
	_ fs.NodeUnlinker  = (*virtualDir)(nil)
	_ fs.NodeRmdirer   = (*virtualDir)(nil)
)

// Setattr implements fs.NodeSetattrer.
func (*virtualDir) Setattr(context.Context, fs.FileHandle, *fuse.SetAttrIn, *fuse.AttrOut) syscall.Errno {
	return syscall.EROFS
}

// Statfs implements fs.NodeStatfser.
func (n *virtualDir) Statfs(ctx context.Context, out *fuse.StatfsOut) syscall.Errno {
	return n.m.statfs(ctx, out)
}

// Create implements fs.NodeCreater.
func (*virtualDir) Create(context.Context, string, uint32, uint32, *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	return nil, nil, 0, syscall.EROFS
}

// Mkdir implements fs.NodeMkdirer.
func (*virtualDir) Mkdir(context.Context, string, uint32, *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, syscall.EROFS
}

// Symlink implements fs.NodeSymlinker.
func (*virtualDir) Symlink(context.Context, string, string, *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, syscall.EROFS
}

// Link implements fs.NodeLinker.
func (*virtualDir) Link(context.Context, fs.InodeEmbedder, string, *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, syscall.EROFS
}

// Mknod implements fs.NodeMknoder.
func (*virtualDir) Mknod(context.Context, string, uint32, uint32, *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, syscall.EROFS
}

// Rename implements fs.NodeRenamer.
func (*virtualDir) Rename(context.Context, string, fs.InodeEmbedder, string, uint32) syscall.Errno {
	return syscall.EROFS
}

// Unlink implements fs.NodeUnlinker.
func (*virtualDir) Unlink(context.Context, string) syscall.Errno { return syscall.EROFS }

// Rmdir implements fs.NodeRmdirer.
func (*virtualDir) Rmdir(context.Context, string) syscall.Errno { return syscall.EROFS }

// fillVirtual describes a directory that can be listed or not.
func (m *Mount) fillVirtual(out *fuse.Attr, ino uint64, created time.Time, list bool) {
	m.common(out, ino, store.Attr{}, created)
	out.Mode = syscall.S_IFDIR | 0o111
	if list {
		out.Mode |= 0o444
	}
}
