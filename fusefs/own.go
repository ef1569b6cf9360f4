package fusefs

import (
	"slices"
	"sync"
	"time"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// ownMemory is how long a change of this mount's own is remembered. Its announcement is on
// its way when the change is done.
const ownMemory = 2 * time.Second

// ownWait is how long a change may take from its announcement to its end. An upload that is still
// under way was not announced.
const ownWait = 100 * time.Millisecond

// ownChanges tells changes that this mount made from those of others: the kernel knows its own
// already, and must not be made to forget what it just learned.
type ownChanges struct {
	mu   sync.Mutex // guards byPath and all deeds
	done map[store.Path][]*deed
}

// deed is one change that the mount makes.
type deed struct {
	path    store.Path
	actions []service.Action // by which it will be announced
	over    chan struct{}
	failed  bool
	version string
	ended   time.Time
}

// begin notes that a change of the name is under way, which will be announced by one or more of
// the actions; end must follow.
func (o *ownChanges) begin(path store.Path, actions ...service.Action) *deed {
	d := &deed{path: path, actions: actions, over: make(chan struct{})}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.done == nil {
		o.done = make(map[store.Path][]*deed)
	}
	o.done[path] = append(o.recent(path), d)
	return d
}

// end notes what came of it. version is the one that was made, deleted or described, if any.
func (o *ownChanges) end(d *deed, version string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	d.version, d.failed, d.ended = version, err != nil, time.Now()
	close(d.over)
	time.AfterFunc(ownMemory, func() { o.clear(d.path) })
}

func (o *ownChanges) clear(path store.Path) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if left := o.recent(path); len(left) > 0 {
		o.done[path] = left
	} else {
		delete(o.done, path)
	}
}

// recent returns the deeds at a path that are not too old. The lock is held.
func (o *ownChanges) recent(path store.Path) []*deed {
	var left []*deed
	for _, d := range o.done[path] {
		if d.ended.IsZero() || time.Since(d.ended) < ownMemory {
			left = append(left, d)
		}
	}
	return left
}

// made waits for the mount's own changes of the name that are under way and reports whether one
// of them was announced by c.
func (o *ownChanges) made(c service.Change) bool {
	o.mu.Lock()
	deeds := o.recent(c.Path)
	o.mu.Unlock()
	for _, d := range deeds {
		if !slices.Contains(d.actions, c.Action) {
			continue
		}
		select {
		case <-d.over:
		case <-time.After(ownWait):
			continue
		}
		o.mu.Lock()
		mine := !d.failed && (c.Version == "" || c.Version == d.version)
		o.mu.Unlock()
		if mine {
			return true
		}
	}
	return false
}
