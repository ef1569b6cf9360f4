package fusefs

import (
	"context"
	"runtime"
	"sync"
	"time"
	"weak"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// file is what one inode number stands for in this mount: a version, or a draft on its way to
// the next one. Nodes of the kernel's tree, handles and the overlay refer to it.
type file struct {
	m   *Mount
	ino uint64

	backing backing // of the handles on a version

	mu       sync.Mutex // guards what follows; never held over I/O
	path     store.Path
	version  string        // id of the version it stands for; empty: none yet
	info     *service.Info // as it was known last
	bound    uint64        // the mount's clock when version was last set by this mount
	draft    *draft
	writers  int // handles on the draft that may write
	readers  int // handles on the draft that only read
	pins     int // handles on a version
	unpinned chan struct{}
	reserved time.Time // until then the draft waits for the one it was made for
	scratch  *time.Timer
	delayed  bool           // the name is one by which programs only delay: no commits
	unbound  bool           // it has lost its name
	lost     time.Time      // when it has
	since    time.Time      // when its name came to be seen, if no version was bound to it yet
	covers   bool           // the draft was renamed over what the store has there, and not committed since
	cached   bool           // what the kernel's page cache holds is still right
	declared store.Metadata // of the first version, where there is none yet

	locks *lockSet // guarded by the lock of Mount.locks
}

// files finds the file of an inode number as long as anything refers to it.
type files struct {
	mu    sync.Mutex // guards byIno
	byIno map[uint64]weak.Pointer[file]
}

// get returns the file of that number; made is true if it was not there yet.
func (t *files) get(m *Mount, ino uint64) (f *file, made bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f := t.byIno[ino].Value(); f != nil {
		return f, false
	}
	if t.byIno == nil {
		t.byIno = make(map[uint64]weak.Pointer[file])
	}
	f = &file{m: m, ino: ino}
	t.byIno[ino] = weak.Make(f)
	runtime.AddCleanup(f, t.forget, ino)
	return f, true
}

// all returns every file that something refers to.
func (t *files) all() []*file {
	t.mu.Lock()
	defer t.mu.Unlock()
	var found []*file
	for _, p := range t.byIno {
		if f := p.Value(); f != nil {
			found = append(found, f)
		}
	}
	return found
}

func (t *files) forget(ino uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byIno[ino].Value() == nil {
		delete(t.byIno, ino)
	}
}

// newFile returns the file of a name that has never been in the store.
func (m *Mount) newFile(path store.Path) *file {
	f, _ := m.files.get(m, draftIno())
	f.path = path
	return f
}

// fileOf returns the file that stands for the version info tells of. The mount's clock was at
// the time asked when the service was asked for it.
//
// The number that a version was bound with may be that of a file which stands for another
// version by now, because both were made one from the other. Then the file follows, unless
// somebody holds it open: that one goes on as it is and the version gets a number of its own.
func (m *Mount) fileOf(info *service.Info, asked uint64) *file {
	f, _ := m.files.get(m, info.Version.Inode())
	if f.represent(info, asked) {
		return f
	}
	f, _ = m.files.get(m, versionIno(info.Version.ID))
	f.represent(info, asked)
	return f
}

// represent makes f stand for the version; it reports false if f is in use for another one.
func (f *file) represent(info *service.Info, asked uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.bound > asked {
		return true // older news than what this mount did itself
	}
	if f.version != info.Version.Version {
		if f.pins > 0 || f.draft != nil {
			return false
		}
		f.cached = false
	}
	if f.draft == nil {
		f.path = info.Name.Path
		f.unbound = false
		f.m.locks.follow(f, f.path)
	}
	f.version = info.Version.Version
	f.info = info
	return true
}

// where returns the name of the file and the version that it stands for.
func (f *file) where() store.Ref {
	f.mu.Lock()
	defer f.mu.Unlock()
	return store.Ref{Path: f.path, Version: f.version}
}

// current returns the draft, or nil.
func (f *file) current() *draft {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.draft
}

// keepCache reports whether an open may leave the kernel's page cache as it is.
func (f *file) keepCache() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	keep := f.cached
	f.cached = true
	return keep
}

// pin counts a handle on the version; it reports false if f stands for another one, or has a draft.
func (f *file) pin(version string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.draft != nil || f.version != version {
		return false
	}
	f.pins++
	return true
}

func (f *file) unpin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pins--; f.pins == 0 && f.unpinned != nil {
		close(f.unpinned)
		f.unpinned = nil
	}
}

// releaseDelay is how long the release of a handle may be under way after its close. The
// kernel does not wait for it.
const releaseDelay = 20 * time.Millisecond

// awaitUnpinned gives handles on a version the time to go.
func (f *file) awaitUnpinned(ctx context.Context, patience time.Duration) {
	f.mu.Lock()
	if f.pins == 0 {
		f.mu.Unlock()
		return
	}
	if f.unpinned == nil {
		f.unpinned = make(chan struct{})
	}
	gone := f.unpinned
	f.mu.Unlock()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case <-gone:
	case <-timeout.C:
	case <-ctx.Done():
	}
}
