package fusefs

import (
	"context"
	"syscall"

	"github.com/hatrac/hatrac/store"
)

// dropPrivileges takes the set-user-ID bit, and set-group-ID where the group may execute, from a
// file that somebody else than root has written to. The kernel leaves that to the mount, and asks
// in return only once for each file, and not at each write, whether it has capabilities.
func dropPrivileges(ctx, request context.Context, d *draft) error {
	_, attr := d.stat()
	if callerOf(request).Uid == 0 || !attr.HasMode || unprivileged(attr.Mode) == attr.Mode {
		return nil
	}
	return d.setAttr(ctx, store.Attr{Mode: unprivileged(attr.Mode), HasMode: true})
}

// unprivileged returns a file's mode without the bits that give a program rights of others.
func unprivileged(mode uint32) uint32 {
	drop := uint32(syscall.S_ISUID)
	if mode&syscall.S_IXGRP != 0 {
		drop |= syscall.S_ISGID
	}
	return mode &^ drop
}
