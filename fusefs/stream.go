package fusefs

import (
	"context"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// child is what a virtual directory lists.
type child struct {
	name string
	ino  uint64
	mode uint32 // file type bits
	node func() virtualNode
}

// folder is a node with children.
type folder interface {
	fs.InodeEmbedder
	fs.NodeLookuper
}

// nextPage returns the next children; more is true if others may follow. A page may be empty.
type nextPage func(ctx context.Context) (page []child, more bool, err error)

// stream is an open virtual directory, which is read page by page. go-fuse lets one call in at a
// time.
type stream struct {
	m     *Mount
	dir   folder
	begin func() nextPage
	brief bool // what it lists may end unheard: the kernel does not remember it

	load  nextPage
	next  uint64 // number of entries given so far: the offset behind the last one
	page  []child
	ended bool
	last  map[string]child
}

var (
	_ fs.FileReaddirenter = (*stream)(nil)
	_ fs.FileLookuper     = (*stream)(nil)
	_ fs.FileSeekdirer    = (*stream)(nil)
	_ fs.FileFsyncdirer   = (*stream)(nil)
)

// openStream opens a virtual directory. Whether the client may list is known then.
func (m *Mount) openStream(ctx context.Context, dir folder, brief bool, begin func() nextPage) (fs.FileHandle, uint32, syscall.Errno) {
	if m.closing.Load() {
		return nil, 0, syscall.EIO
	}
	s := &stream{m: m, dir: dir, begin: begin, brief: brief}
	if errno := s.rewind(ctx); errno != 0 {
		return nil, 0, errno
	}
	return s, 0, 0
}

func (s *stream) rewind(ctx context.Context) syscall.Errno {
	*s = stream{m: s.m, dir: s.dir, begin: s.begin, brief: s.brief, load: s.begin()}
	return s.fetch(ctx)
}

func (s *stream) fetch(ctx context.Context) syscall.Errno {
	call, cancel := s.m.call(ctx)
	defer cancel()
	page, more, err := s.load(call)
	if err != nil {
		return s.m.answer(ctx, err)
	}
	s.page, s.ended = page, !more
	s.last = make(map[string]child, len(page))
	return 0
}

// Readdirent implements fs.FileReaddirenter.
func (s *stream) Readdirent(ctx context.Context) (*fuse.DirEntry, syscall.Errno) {
	if s.next < 2 {
		s.next++
		return &fuse.DirEntry{Name: "..."[:s.next], Mode: syscall.S_IFDIR, Off: s.next}, 0
	}
	for len(s.page) == 0 {
		if s.ended {
			return nil, 0
		}
		if errno := s.fetch(ctx); errno != 0 {
			return nil, errno
		}
	}
	c := s.page[0]
	s.page = s.page[1:]
	s.last[c.name] = c
	s.next++
	return &fuse.DirEntry{Name: c.name, Ino: c.ino, Mode: c.mode, Off: s.next}, 0
}

// Lookup implements fs.FileLookuper: what the page said needs not be asked again.
func (s *stream) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	c, ok := s.last[name]
	if !ok {
		return s.dir.Lookup(ctx, name, out)
	}
	if s.brief {
		forgetAtOnce(out)
	}
	return attachVirtual(ctx, s.dir.EmbeddedInode(), c.node(), out), 0
}

// Seekdir implements fs.FileSeekdirer.
func (s *stream) Seekdir(ctx context.Context, off uint64) syscall.Errno {
	if off < s.next {
		if errno := s.rewind(ctx); errno != 0 {
			return errno
		}
	}
	for s.next < off {
		e, errno := s.Readdirent(ctx)
		if errno != 0 || e == nil {
			return errno
		}
	}
	return 0
}

// Fsyncdir implements fs.FileFsyncdirer: there is nothing to make durable.
func (s *stream) Fsyncdir(context.Context, uint32) syscall.Errno { return 0 }
