package fusefs

import (
	"context"
	"math"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/hatrac/hatrac/store"
)

// maxLocks is how many locks one object can have.
const maxLocks = 1 << 16

// holder is who has a lock: a process, or with flock(2) an open file, in the kernel's numbers. The
// two kinds of locks know nothing of each other.
type holder struct {
	owner uint64
	flock bool
}

// lock is a lock of a range of bytes, ends included.
type lock struct {
	holder
	start, end uint64
	exclusive  bool
	pid        uint32
	handle     fs.FileHandle // by which it was taken, with which it ends at the latest
}

// bars reports whether the lock keeps another one from being taken.
func (l *lock) bars(other *lock) bool {
	return l.flock == other.flock && l.owner != other.owner &&
		l.start <= other.end && other.start <= l.end && (l.exclusive || other.exclusive)
}

// lockSet has the locks of one object, whatever inodes it is known by.
type lockSet struct {
	key     string // by which locks.byKey has it; empty: its object has no name any more
	held    []lock
	waiting int
	changed chan struct{} // closed and replaced when locks were let go
}

// idle reports whether nobody needs the set.
func (s *lockSet) idle() bool { return len(s.held) == 0 && s.waiting == 0 }

// locks are all locks of a mount.
type locks struct {
	mu       sync.Mutex // guards what follows and all sets; innermost of all locks
	byKey    map[string]*lockSet
	byHandle map[fs.FileHandle]map[*lockSet]bool
	waits    map[holder]holder // who waits for whom
}

// at returns the set with that key, which it makes if need be. The lock is held.
func (t *locks) at(key string) *lockSet {
	if t.byKey == nil {
		t.byKey = make(map[string]*lockSet)
		t.byHandle = make(map[fs.FileHandle]map[*lockSet]bool)
		t.waits = make(map[holder]holder)
	}
	s := t.byKey[key]
	if s == nil {
		s = &lockSet{key: key, changed: make(chan struct{})}
		t.byKey[key] = s
	}
	return s
}

// follow lets the locks of a file follow its name; with an empty path it has lost that.
func (t *locks) follow(f *file, path store.Path) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, key := f.locks, string(path)
	if s == nil || s.idle() {
		return
	}
	if t.byKey[s.key] == s {
		delete(t.byKey, s.key)
	}
	if s.key = key; key != "" {
		t.byKey[key] = s
	}
}

// none reports whether there is no lock at all.
func (t *locks) none() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.byHandle) == 0
}

// tidy forgets a set that nobody needs. The lock is held.
func (t *locks) tidy(s *lockSet) {
	if s.idle() && t.byKey[s.key] == s {
		delete(t.byKey, s.key)
	}
}

// barrier returns the first lock that keeps want from being taken, or nil. The lock is held.
func (s *lockSet) barrier(want *lock) *lock {
	for i := range s.held {
		if s.held[i].bars(want) {
			return &s.held[i]
		}
	}
	return nil
}

// cut takes a range from all locks of its holder. The lock is held.
func (s *lockSet) cut(want *lock) {
	var left []lock
	cut := false
	for _, l := range s.held {
		if l.holder != want.holder || l.end < want.start || want.end < l.start {
			left = append(left, l)
			continue
		}
		cut = true
		if l.start < want.start {
			before := l
			before.end = want.start - 1
			left = append(left, before)
		}
		if l.end > want.end {
			behind := l
			behind.start = want.end + 1
			left = append(left, behind)
		}
	}
	if s.held = left; cut {
		s.wake()
	}
}

// wake lets those who wait look again. The lock is held.
func (s *lockSet) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// release lets a range go. The lock is held.
func (t *locks) release(s *lockSet, want *lock) {
	s.cut(want)
	t.tidy(s)
}

// take takes a lock if nothing bars it. The lock is held.
func (t *locks) take(s *lockSet, want *lock) (bar *lock, errno syscall.Errno) {
	if bar = s.barrier(want); bar != nil {
		return bar, syscall.EAGAIN
	}
	s.cut(want)
	if len(s.held) >= maxLocks {
		return nil, syscall.ENOLCK
	}
	s.held = append(s.held, *want)
	if t.byHandle[want.handle] == nil {
		t.byHandle[want.handle] = make(map[*lockSet]bool)
	}
	t.byHandle[want.handle][s] = true
	return nil, 0
}

// drop lets all locks go that were taken by a handle.
func (t *locks) drop(handle fs.FileHandle) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for s := range t.byHandle[handle] {
		s.held = slices.DeleteFunc(s.held, func(l lock) bool { return l.handle == handle })
		s.wake()
		t.tidy(s)
	}
	delete(t.byHandle, handle)
}

// deadlock reports whether one who is to wait for another is waited for by that one. The lock is
// held.
func (t *locks) deadlock(who, bar holder) bool {
	for range len(t.waits) + 1 {
		if bar == who {
			return true
		}
		next, waits := t.waits[bar]
		if !waits {
			return false
		}
		bar = next
	}
	return false
}

// lockable finds the set of locks of an object. The lock of t is held.
type lockable func(t *locks) *lockSet

// set changes a lock. It waits as long as another one bars it if wait is true, and else just for
// the locks of files that are closed already, whose release may be under way. It ends with EINTR
// when ctx does.
func (t *locks) set(ctx context.Context, of lockable, want lock, unlock, wait bool) syscall.Errno {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := of(t)
	if unlock {
		t.release(s, &want)
		return 0
	}
	var limit <-chan time.Time
	if !wait {
		timer := time.NewTimer(releaseDelay)
		defer timer.Stop()
		limit = timer.C
	}
	for {
		bar, errno := t.take(s, &want)
		switch {
		case bar == nil:
			t.tidy(s)
			return errno
		case wait && !want.flock && t.deadlock(want.holder, bar.holder):
			t.tidy(s)
			return syscall.EDEADLK
		case wait && want.flock:
			s.cut(&want) // as flock(2) does: two who both share could wait for each other
		}
		if errno := t.await(ctx, s, want.holder, bar.holder, limit); errno != 0 {
			t.tidy(s)
			return errno
		}
	}
}

// await waits until locks of the set were let go. The lock is held, but not meanwhile.
func (t *locks) await(ctx context.Context, s *lockSet, who, bar holder, limit <-chan time.Time) (errno syscall.Errno) {
	changed := s.changed
	s.waiting++
	t.waits[who] = bar
	t.mu.Unlock()
	select {
	case <-changed:
	case <-limit:
		errno = syscall.EAGAIN
	case <-ctx.Done():
		errno = syscall.EINTR
	}
	t.mu.Lock()
	s.waiting--
	delete(t.waits, who)
	return errno
}

// get tells which lock would bar another one.
func (t *locks) get(of lockable, want lock, out *fuse.FileLock) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := of(t)
	defer t.tidy(s)
	bar := s.barrier(&want)
	if bar == nil {
		out.Typ = syscall.F_UNLCK
		return
	}
	*out = fuse.FileLock{Start: bar.start, End: bar.end, Typ: syscall.F_RDLCK, Pid: bar.pid}
	if bar.exclusive {
		out.Typ = syscall.F_WRLCK
	}
}

// newLock returns the lock that a request is about.
func newLock(handle fs.FileHandle, owner uint64, lk *fuse.FileLock, flags uint32) lock {
	return lock{
		holder: holder{owner, flags&fuse.LK_FLOCK != 0}, start: lk.Start, end: lk.End,
		exclusive: lk.Typ == syscall.F_WRLCK, pid: lk.Pid, handle: handle,
	}
}

// whole is the range of all bytes.
func whole() fuse.FileLock { return fuse.FileLock{End: math.MaxInt64, Typ: syscall.F_UNLCK} }
