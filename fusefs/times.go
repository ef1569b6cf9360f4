package fusefs

import (
	"context"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// timesAt returns the times of what is made at a moment.
func timesAt(t time.Time) store.Attr {
	now := t.UnixNano()
	return store.Attr{MTime: now, ATime: now, CTime: now, HasMTime: true, HasATime: true, HasCTime: true}
}

// setTimes shows the times that are kept. What is unknown follows from the rest: reading sets no time
// of access, and what has no time of change was not changed since it was created.
func setTimes(out *fuse.Attr, attr store.Attr, created time.Time) {
	mtime := created
	if attr.HasMTime {
		mtime = time.Unix(0, attr.MTime)
	}
	if mtime.IsZero() {
		mtime = time.Unix(0, 0)
	}
	atime, ctime := mtime, created
	if attr.HasATime {
		atime = time.Unix(0, attr.ATime)
	}
	if attr.HasCTime {
		ctime = time.Unix(0, attr.CTime)
	}
	if ctime.IsZero() {
		ctime = mtime
	}
	out.SetTimes(&atime, &mtime, &ctime)
}

// folderTimes knows which changes of what is seen in a namespace its row does not tell.
type folderTimes struct {
	mu    sync.Mutex // guards draft
	draft time.Time  // when a draft came or went, of which the store knows nothing
}

// draftChanged notes that a draft came to be seen in the namespace, or was gone from it.
func (t *folderTimes) draftChanged(at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.draft = at
}

// over puts the time of the last change by a draft over those that are kept, unless these were set
// afterwards.
func (t *folderTimes) over(attr store.Attr) store.Attr {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at := t.draft.UnixNano(); !t.draft.IsZero() && (!attr.HasCTime || attr.CTime < at) {
		attr.MTime, attr.CTime, attr.HasMTime, attr.HasCTime = at, at, true, true
	}
	return attr
}

// timed returns info with the times of the namespace as they are seen here.
func (n *dirNode) timed(info *service.Info) *service.Info {
	shown := *info
	shown.Name.Attr = n.times.over(shown.Name.Attr)
	return &shown
}

// described returns what holds for the namespace now, with its times.
func (n *dirNode) described(ctx context.Context) (*service.Info, error) {
	info, err := n.current(ctx)
	if err != nil {
		return nil, err
	}
	return n.timed(info), nil
}

// removed returns what is known of a namespace that was removed, for those who hold it open.
func (n *dirNode) removed() (*service.Info, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.info == nil {
		return nil, syscall.ENOENT
	}
	return n.info, nil
}

// fillRemoved describes a namespace that was removed.
func (n *dirNode) fillRemoved(out *fuse.Attr) syscall.Errno {
	info, err := n.removed()
	if err != nil {
		return errnoOf(err)
	}
	n.m.fillDir(out, n.timed(info))
	out.Nlink = 0
	return 0
}

// changeRemoved keeps attributes of a namespace that was removed for those who hold it open.
func (n *dirNode) changeRemoved(attr store.Attr, out *fuse.Attr) syscall.Errno {
	n.mu.Lock()
	if n.info != nil {
		info := *n.info
		info.Name.Attr = info.Name.Attr.Merge(attr)
		n.info = &info
	}
	n.mu.Unlock()
	return n.fillRemoved(out)
}

// entryChanged notes that a file came or went in the namespace at a time, in the store or in this
// mount alone.
func (n *dirNode) entryChanged(stored bool, at time.Time) {
	if !stored { // or else its row tells
		n.times.draftChanged(at)
	}
}

// renamed notes when the draft got another name. The gate is held.
func (d *draft) renamed(at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.attr.CTime, d.attr.HasCTime = at.UnixNano(), true
}

// seenSince returns since when the file has its name in this mount, and whether it is in the store.
func (f *file) seenSince() (since time.Time, stored bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.since, f.version != ""
}

// seenAt returns since when the file is seen under that path, if it is a draft on its way to its first
// version; one that is renamed there is seen from now on.
func (f *file) seenAt(path store.Path) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.version != "":
		return time.Time{}
	case f.path != path:
		return time.Now()
	}
	return f.since
}
