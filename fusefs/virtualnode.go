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
