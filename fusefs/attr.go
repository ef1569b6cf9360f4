package fusefs

import (
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// linkType is the content type of symbolic links.
const linkType = "inode/symlink"

const permissions = 0o7777

func isLink(v *store.Version) bool { return v.Metadata.ContentType == linkType }

// typeOf returns the file type bits of what info tells of.
func typeOf(info *service.Info) uint32 {
	switch {
	case info.IsNamespace():
		return syscall.S_IFDIR
	case isLink(info.Version):
		return syscall.S_IFLNK
	}
	return syscall.S_IFREG
}

// common fills in what all kinds of nodes have.
func (m *Mount) common(out *fuse.Attr, ino uint64, attr store.Attr, created time.Time) {
	out.Ino, out.Nlink = ino, 1
	out.Uid, out.Gid = m.cfg.UID, m.cfg.GID
	if attr.HasOwner {
		out.Uid, out.Gid = attr.UID, attr.GID
	}
	setTimes(out, attr, created)
}

// fillDir describes a namespace.
func (m *Mount) fillDir(out *fuse.Attr, info *service.Info) {
	m.common(out, nameIno(info.Name.ID), info.Name.Attr, info.Name.Created)
	out.Mode = syscall.S_IFDIR
	if info.Name.Attr.HasMode {
		out.Mode |= info.Name.Attr.Mode & permissions
		return
	}
	out.Mode |= 0o111
	if m.sees(info, acl.ListNamespace) {
		out.Mode |= 0o444
	}
	if m.sees(info, acl.CreateChild) {
		out.Mode |= 0o200
	}
}

// fillVersion describes a file or link that is a version.
func (m *Mount) fillVersion(out *fuse.Attr, ino uint64, info *service.Info) {
	v := info.Version
	m.common(out, ino, v.Attr, v.Created)
	if isLink(v) {
		out.Mode, out.Size = syscall.S_IFLNK|0o777, uint64(v.Size)
		return
	}
	out.Mode = syscall.S_IFREG
	if !m.sees(info, acl.ReadContent) {
		return
	}
	out.Size = uint64(v.Size)
	out.Mode |= m.modeOf(v.Attr, info)
}

// fillSnapshot describes a version that is shown as a file of its own.
func (m *Mount) fillSnapshot(out *fuse.Attr, ino uint64, info *service.Info) {
	m.fillVersion(out, ino, info)
	if !isLink(info.Version) {
		out.Mode &^= 0o222
	}
}

// fillDraft describes a file that is being written.
func (m *Mount) fillDraft(out *fuse.Attr, ino uint64, d *draft, info *service.Info) {
	size, attr := d.stat()
	var created time.Time
	if info != nil && info.Version != nil {
		created = info.Version.Created
	}
	m.common(out, ino, attr, created)
	out.Size = uint64(size)
	out.Mode = syscall.S_IFREG | m.modeOf(attr, info)
}

// modeOf returns the permission bits to show: those that are kept, or else what the client may
// do.
func (m *Mount) modeOf(attr store.Attr, info *service.Info) uint32 {
	switch {
	case attr.HasMode:
		return attr.Mode & permissions
	case info != nil && !m.sees(info, acl.AddVersion):
		return 0o444
	}
	return 0o644
}

// fill describes the file as it is known; it reports false if the service has to be asked.
func (f *file) fill(out *fuse.Attr) bool {
	f.mu.Lock()
	d, info, lost := f.draft, f.info, f.lost
	if !f.unbound {
		lost = time.Time{}
	}
	f.mu.Unlock()
	switch {
	case d != nil:
		f.m.fillDraft(out, f.ino, d, info)
	case info != nil && info.Version != nil:
		f.m.fillVersion(out, f.ino, info)
	default:
		return false
	}
	if !lost.IsZero() {
		out.Nlink = 0
		if lost.After(out.ChangeTime()) {
			out.SetTimes(nil, nil, &lost)
		}
	}
	return true
}

// asked returns the attributes that a request wants to set, and whether there are any to keep.
// Owner and group are kept together: was tells the one that is not set. A file with another
// owner loses what it gave by that of the old one.
func asked(in *fuse.SetAttrIn, was *fuse.Attr) (store.Attr, bool) {
	var a store.Attr
	if mode, ok := in.GetMode(); ok {
		a.Mode, a.HasMode = mode&permissions, true
	}
	if t, ok := in.GetMTime(); ok {
		a.MTime, a.HasMTime = t.UnixNano(), true
	}
	if t, ok := in.GetATime(); ok {
		a.ATime, a.HasATime = t.UnixNano(), true
	}
	uid, hasUID := in.GetUID()
	gid, hasGID := in.GetGID()
	// chown(2) may leave both as they are.
	chown := hasUID || hasGID || in.Valid&^(fuse.FATTR_FH|fuse.FATTR_KILL_SUIDGID) == 0
	if hasUID || hasGID {
		a.UID, a.GID, a.HasOwner = was.Uid, was.Gid, true
		if hasUID {
			a.UID = uid
		}
		if hasGID {
			a.GID = gid
		}
	}
	if chown && was.Mode&syscall.S_IFMT == syscall.S_IFREG && !a.HasMode && unprivileged(was.Mode) != was.Mode {
		a.Mode, a.HasMode = unprivileged(was.Mode)&permissions, true
	}
	if a == (store.Attr{}) && !chown {
		return a, false
	}
	a.CTime, a.HasCTime = time.Now().UnixNano(), true
	return a, true
}
