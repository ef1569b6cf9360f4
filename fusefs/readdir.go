package fusefs

import (
	"context"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

var _ fs.NodeOpendirHandler = (*dirNode)(nil)

// OpendirHandle implements fs.NodeOpendirHandler. Whether the client may list is known then.
func (n *dirNode) OpendirHandle(ctx context.Context, _ uint32) (fs.FileHandle, uint32, syscall.Errno) {
	path, ok := n.path()
	if !ok { // it was removed; the kernel knows that it is empty
		return &listing{dir: n, ended: true}, 0, 0
	}
	if n.m.closing.Load() {
		return nil, 0, syscall.EIO
	}
	l := &listing{dir: n, path: path}
	if errno := l.rewind(ctx); errno != 0 {
		return nil, 0, errno
	}
	return l, 0, 0
}

// listing is an open directory. go-fuse lets one call in at a time. It streams the pages of the
// store, with the attributes of what is on them, and between them the drafts whose names the store
// does not have: all in the order of their segments, so that a name keeps its place when a draft
// becomes an object.
type listing struct {
	dir  *dirNode
	path store.Path

	next   uint64   // number of entries given so far: the offset behind the last one
	marks  []string // segments of entries given so far, each markEvery-th of those behind the first two
	page   []service.Info
	asked  uint64 // the mount's clock when the page was asked for
	after  string // segment behind which the next page begins
	ended  bool   // there is no next page
	drafts []store.Path
	shown  map[store.Path]bool // drafts that a page had
	last   map[string]*service.Info
}

var (
	_ fs.FileReaddirenter = (*listing)(nil)
	_ fs.FileLookuper     = (*listing)(nil)
	_ fs.FileSeekdirer    = (*listing)(nil)
	_ fs.FileFsyncdirer   = (*listing)(nil)
)

// markEvery is how many entries are read again at most to find the place of an offset.
const markEvery = 32

// rewind begins at the start.
func (l *listing) rewind(ctx context.Context) syscall.Errno {
	l.marks = nil
	return l.resume(ctx, 0, "")
}

// resume goes on at an offset, behind the entry with that segment.
func (l *listing) resume(ctx context.Context, off uint64, after string) syscall.Errno {
	*l = listing{
		dir: l.dir, path: l.path, next: off, marks: l.marks, after: after,
		drafts: l.dir.m.overlay.children(l.path), shown: make(map[store.Path]bool),
	}
	for len(l.drafts) > 0 && l.drafts[0].Base() <= after {
		l.drafts = l.drafts[1:]
	}
	return l.load(ctx)
}

// load fetches the next page.
func (l *listing) load(ctx context.Context) syscall.Errno {
	m := l.dir.m
	call, cancel := m.call(ctx)
	defer cancel()
	l.asked = m.clock.Load()
	page, err := m.svc.List(call, m.client(call), l.path, service.ListPage{After: l.after, Limit: m.pageSize, Age: m.cfg.AttrTimeout})
	if err != nil {
		return m.answer(ctx, err)
	}
	l.page, l.ended = page.Children, !page.More
	l.last = make(map[string]*service.Info, len(l.page))
	if n := len(l.page); n > 0 {
		l.after = l.page[n-1].Name.Path.Base()
	}
	return 0
}

// Readdirent implements fs.FileReaddirenter.
func (l *listing) Readdirent(ctx context.Context) (*fuse.DirEntry, syscall.Errno) {
	if l.next < 2 {
		name := [...]string{".", ".."}[l.next]
		return l.give(&fuse.DirEntry{Name: name, Ino: l.dir.StableAttr().Ino, Mode: syscall.S_IFDIR}), 0
	}
	for {
		for len(l.page) > 0 {
			info := &l.page[0]
			if e, errno := l.draft(ctx, info.Name.Path); e != nil || errno != 0 {
				return e, errno
			}
			l.page = l.page[1:]
			if e := l.entry(info); e != nil {
				return l.given(info.Name.Path, e), 0
			}
		}
		if l.ended {
			return l.end(ctx)
		}
		if errno := l.load(ctx); errno != 0 {
			return nil, errno
		}
	}
}

// given is give for a name of the namespace, whose place can be found again.
func (l *listing) given(path store.Path, e *fuse.DirEntry) *fuse.DirEntry {
	l.give(e)
	if l.next == l.markedOffset(len(l.marks)) {
		l.marks = append(l.marks, path.Base())
	}
	return e
}

// markedOffset returns the offset behind the entry with that mark.
func (*listing) markedOffset(mark int) uint64 { return 2 + markEvery*uint64(mark+1) }

// give numbers an entry.
func (l *listing) give(e *fuse.DirEntry) *fuse.DirEntry {
	l.next++
	e.Off = l.next
	return e
}

// entry returns what of a child can be seen, or nil.
func (l *listing) entry(info *service.Info) *fuse.DirEntry {
	if !info.IsNamespace() && !info.Holds() {
		return nil
	}
	l.shown[info.Name.Path] = true
	name := fileName(info.Name.Path.Base())
	l.last[name] = info
	e := &fuse.DirEntry{Name: name, Mode: typeOf(info)}
	if f := l.dir.m.overlay.get(info.Name.Path); f != nil {
		e.Ino, e.Mode = f.ino, syscall.S_IFREG
	} else if e.Ino = nameIno(info.Name.ID); !info.IsNamespace() {
		e.Ino = info.Version.Inode()
	}
	return e
}

// end returns what comes behind the pages of the store, or nil at the very end.
func (l *listing) end(ctx context.Context) (*fuse.DirEntry, syscall.Errno) {
	if e, errno := l.draft(ctx, ""); e != nil || errno != 0 {
		return e, errno
	}
	history, err := literal(l.path, historyName)
	if err != nil || !l.dir.m.cfg.ShowVersions || l.shown[history] || l.dir.m.overlay.get(history) != nil {
		return nil, errnoOf(err)
	}
	l.shown[history] = true
	return l.give(shownHistory(l.dir.id)), 0
}

// draft returns the next draft before a path (empty: the end) that no page has, or nil. One that
// has become an object since may have done so behind the page's back.
func (l *listing) draft(ctx context.Context, before store.Path) (*fuse.DirEntry, syscall.Errno) {
	m := l.dir.m
	for len(l.drafts) > 0 && (before == "" || l.drafts[0].Base() < before.Base()) {
		path := l.drafts[0]
		l.drafts = l.drafts[1:]
		if l.shown[path] {
			continue
		}
		call, cancel := m.call(ctx)
		e, err := m.findPath(call, path)
		cancel()
		switch {
		case store.KindOf(err) == store.NotFound:
		case err != nil:
			return nil, m.answer(ctx, err)
		case e.file != nil:
			return l.given(path, &fuse.DirEntry{Name: fileName(path.Base()), Ino: e.file.ino, Mode: syscall.S_IFREG}), 0
		}
	}
	return nil, 0
}

// Lookup implements fs.FileLookuper: what the page said needs not be asked again. The page may be
// older than this call, though, and names that changed since must not lead back to what they were.
func (l *listing) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	info := l.last[name]
	if info == nil || l.outdated(info.Name.Path) {
		return l.dir.Lookup(ctx, name, out)
	}
	m := l.dir.m
	if f := m.overlay.get(info.Name.Path); f != nil {
		return l.dir.attach(ctx, entry{file: f}, out)
	}
	e, err := m.entryOf(info, l.asked)
	if err != nil {
		return nil, m.answer(ctx, err)
	}
	return l.dir.attach(ctx, e, out)
}

// outdated reports whether this mount may have changed what the name leads to since the page was
// asked for.
func (l *listing) outdated(path store.Path) bool {
	m := l.dir.m
	if now, ok := l.dir.path(); !ok || now != l.path || m.clock.Load()-l.asked > maxChanged {
		return true
	}
	return m.overlay.changedSince(path, l.asked)
}

// Seekdir implements fs.FileSeekdirer.
func (l *listing) Seekdir(ctx context.Context, off uint64) syscall.Errno {
	if off < l.next {
		if errno := l.back(ctx, off); errno != 0 {
			return errno
		}
	}
	for l.next < off {
		e, errno := l.Readdirent(ctx)
		if errno != 0 || e == nil {
			return errno
		}
	}
	return 0
}

// back goes to the last place before an offset that can be found.
func (l *listing) back(ctx context.Context, off uint64) syscall.Errno {
	if off == 0 {
		return l.rewind(ctx)
	}
	for i := len(l.marks) - 1; i >= 0; i-- {
		if at := l.markedOffset(i); at <= off {
			return l.resume(ctx, at, l.marks[i])
		}
	}
	return l.resume(ctx, 0, "")
}

// Fsyncdir implements fs.FileFsyncdirer.
func (l *listing) Fsyncdir(ctx context.Context, _ uint32) syscall.Errno { return l.dir.m.sync(ctx) }
