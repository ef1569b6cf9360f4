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
	drop := uint32(syscall.S_ISUID)
	if attr.Mode&syscall.S_IXGRP != 0 {
		drop |= syscall.S_ISGID
	}
	if callerOf(request).Uid == 0 || !attr.HasMode || attr.Mode&drop == 0 {
		return nil
	}
	return d.setAttr(ctx, store.Attr{Mode: attr.Mode &^ drop, HasMode: true})
}
