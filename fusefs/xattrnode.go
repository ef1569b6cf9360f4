package fusefs

import (
	"context"
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// xattrs gives a node extended attributes: those of what it stands for, or none.
type xattrs struct {
	m  *Mount
	of xattrSource // nil: the node has none
}

// xattrSource is what a node stands for.
type xattrSource interface {
	// subject returns what there is to tell now.
	subject(ctx context.Context) (*subject, error)
	// declare keeps what is said about a file that is no version yet.
	declare(change service.MetadataChange) error
}

var (
	_ fs.NodeGetxattrer    = (*xattrs)(nil)
	_ fs.NodeSetxattrer    = (*xattrs)(nil)
	_ fs.NodeRemovexattrer = (*xattrs)(nil)
	_ fs.NodeListxattrer   = (*xattrs)(nil)
)

// ours takes the prefix from a name; it reports false for attributes that no node has.
func (x *xattrs) ours(attr string) (name string, ok bool) {
	name, ok = strings.CutPrefix(attr, xattrPrefix)
	return name, ok && x.of != nil
}

// Getxattr implements fs.NodeGetxattrer.
func (x *xattrs) Getxattr(ctx context.Context, attr string, dest []byte) (uint32, syscall.Errno) {
	name, ok := x.ours(attr)
	if !ok {
		return 0, syscall.EOPNOTSUPP
	}
	call, cancel := x.m.call(ctx)
	defer cancel()
	s, err := x.of.subject(call)
	if err != nil {
		return 0, x.m.answer(ctx, err)
	}
	value, err := x.m.xattr(s, name)
	if err != nil {
		return 0, x.m.answer(ctx, err)
	}
	return fillXattr(dest, value)
}

// Listxattr implements fs.NodeListxattrer.
func (x *xattrs) Listxattr(ctx context.Context, dest []byte) (uint32, syscall.Errno) {
	if x.of == nil {
		return 0, 0
	}
	call, cancel := x.m.call(ctx)
	defer cancel()
	s, err := x.of.subject(call)
	if err != nil {
		return 0, x.m.answer(ctx, err)
	}
	var all strings.Builder
	for _, name := range x.m.xattrNames(s) {
		all.WriteString(xattrPrefix + name + "\x00")
	}
	return fillXattr(dest, all.String())
}

// fillXattr answers with a value, or with its length if there is no room for it.
func fillXattr(dest []byte, value string) (uint32, syscall.Errno) {
	if len(dest) < len(value) {
		return uint32(len(value)), syscall.ERANGE
	}
	return uint32(copy(dest, value)), 0
}

// Setxattr implements fs.NodeSetxattrer.
func (x *xattrs) Setxattr(ctx context.Context, attr string, data []byte, flags uint32) syscall.Errno {
	return x.change(ctx, attr, string(data), flags, false)
}

// Removexattr implements fs.NodeRemovexattrer.
func (x *xattrs) Removexattr(ctx context.Context, attr string) syscall.Errno {
	return x.change(ctx, attr, "", unix.XATTR_REPLACE, true)
}

func (x *xattrs) change(ctx context.Context, attr, value string, flags uint32, remove bool) syscall.Errno {
	name, ok := x.ours(attr)
	if !ok {
		return syscall.EOPNOTSUPP
	}
	if errno := x.m.writable(); errno != 0 {
		return errno
	}
	call, cancel := x.m.call(ctx)
	defer cancel()
	s, err := x.of.subject(call)
	if err == nil {
		err = x.m.allowXattr(s, name, value, flags)
	}
	if err != nil {
		return x.m.answer(ctx, err)
	}
	if s.info == nil && (name == xattrType || name == xattrSaveAs) {
		err = x.declare(call, service.MetadataChange{Field: name, Value: value, Clear: remove})
	} else {
		err = x.m.changeXattr(call, s, name, value, remove)
	}
	return x.m.answer(ctx, err)
}

// declare says something about a file that is no version yet.
func (x *xattrs) declare(ctx context.Context, change service.MetadataChange) error {
	if f, ok := x.of.(*file); ok {
		if err := x.m.mayUse(ctx, f, acl.ChangeVersion); err != nil {
			return err
		}
	}
	return x.of.declare(change)
}

// allowXattr holds a change against its flags. A file does not become a link by what is said about
// its content, nor a link a file.
func (m *Mount) allowXattr(s *subject, name, value string, flags uint32) error {
	old, err := m.xattr(s, name)
	switch {
	case err == nil && flags&unix.XATTR_CREATE != 0:
		return syscall.EEXIST
	case err == syscall.ENODATA && flags&unix.XATTR_REPLACE != 0:
		return err
	case err != nil && err != syscall.ENODATA:
		return err
	case s.frozen:
		return syscall.EROFS
	case name == xattrType && (value == linkType || old == linkType):
		return syscall.EINVAL
	}
	return nil
}

// subject implements xattrSource: the version, with the lists of the object.
func (f *file) subject(ctx context.Context) (*subject, error) {
	f.mu.Lock()
	s := &subject{kind: acl.Object, declared: f.declared}
	unborn := f.version == ""
	f.mu.Unlock()
	if unborn {
		if err := f.m.mayUse(ctx, f, acl.ReadContent); err != nil {
			return nil, err
		}
	} else if _, errno := f.refresh(ctx); errno != 0 {
		return nil, errno
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.version != "" && f.info != nil && f.info.Version != nil {
		s.info = f.m.seen(ctx, f.info)
	}
	return s, nil
}

// declare implements xattrSource: it goes into the first version.
func (f *file) declare(change service.MetadataChange) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if change.Clear {
		return service.ClearField(change.Field, &f.declared)
	}
	return service.ParseField(change.Field, change.Value, &f.declared)
}

// takeDeclared returns what was declared, for the version that is being made.
func (f *file) takeDeclared() store.Metadata {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.version != "" {
		return store.Metadata{}
	}
	return f.declared
}

// subject implements xattrSource.
func (n *dirNode) subject(ctx context.Context) (*subject, error) {
	info, err := n.current(ctx)
	return &subject{info: info, kind: acl.Namespace}, err
}

func (n *dirNode) declare(service.MetadataChange) error { return syscall.EOPNOTSUPP }
