package fusefs

import (
	"maps"
	"slices"
	"sync"

	"github.com/hatrac/hatrac/store"
)

// overlay knows the names that lead to a draft in this mount, whatever the store holds there.
type overlay struct {
	mu      sync.Mutex // guards what follows; innermost of all locks
	names   map[store.Path]*file
	folders map[store.Path]map[store.Path]*file
	changed map[store.Path]uint64 // the mount's clock when it last changed a name in the store
	older   map[store.Path]uint64 // the same, of before changed became too many
}

// maxChanged bounds how many changes are remembered twofold. Only those matter that happen while
// somebody opens a file or reads a directory.
const maxChanged = 4096

// get returns the file with the draft that the name leads to, or nil.
func (o *overlay) get(p store.Path) *file {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.names[p]
}

// claim lets the name lead to f, unless it leads to another file, which is returned then.
func (o *overlay) claim(p store.Path, f *file) (other *file) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if old := o.names[p]; old != nil && old != f {
		return old
	}
	o.set(p, f)
	return nil
}

// claimSince is claim for a draft that begins with what the store held at the time asked. It
// reports false, and does nothing, if this mount has changed that since.
func (o *overlay) claimSince(p store.Path, f *file, asked uint64) (other *file, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	old := o.names[p]
	switch {
	case o.later(p, asked):
		return nil, false
	case old != nil && old != f:
		return old, true
	}
	o.set(p, f)
	return nil, true
}

// change notes that this mount has changed the name in the store at the time now. It must be
// noted before the name leads to nothing here.
func (o *overlay) change(p store.Path, now uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.changed == nil || len(o.changed) >= maxChanged {
		o.older, o.changed = o.changed, make(map[store.Path]uint64)
	}
	o.changed[p] = now
}

// changedSince reports whether this mount has changed the name in the store after the time asked.
// Of changes before the last maxChanged it does not know.
func (o *overlay) changedSince(p store.Path, asked uint64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.later(p, asked)
}

// later is changedSince for who holds the lock.
func (o *overlay) later(p store.Path, asked uint64) bool {
	return o.changed[p] > asked || o.older[p] > asked
}

// take lets the name lead to f and returns the file that it led to before, if any.
func (o *overlay) take(p store.Path, f *file) (old *file) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if old = o.names[p]; old == f {
		old = nil
	}
	o.set(p, f)
	return old
}

func (o *overlay) set(p store.Path, f *file) {
	if o.names == nil {
		o.names = make(map[store.Path]*file)
		o.folders = make(map[store.Path]map[store.Path]*file)
	}
	o.names[p] = f
	folder := p.Parent()
	if o.folders[folder] == nil {
		o.folders[folder] = make(map[store.Path]*file)
	}
	o.folders[folder][p] = f
}

// drop lets the name lead back to the store, if it leads to f.
func (o *overlay) drop(p store.Path, f *file) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.names[p] != f {
		return
	}
	delete(o.names, p)
	folder := p.Parent()
	delete(o.folders[folder], p)
	if len(o.folders[folder]) == 0 {
		delete(o.folders, folder)
	}
}

// children returns the paths of drafts directly in a namespace, sorted.
func (o *overlay) children(folder store.Path) []store.Path {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Sorted(maps.Keys(o.folders[folder]))
}

// beneath returns the files with drafts in a namespace, whatever is between.
func (o *overlay) beneath(folder store.Path) []*file {
	o.mu.Lock()
	defer o.mu.Unlock()
	var found []*file
	for p, f := range o.names {
		if p.Within(folder) {
			found = append(found, f)
		}
	}
	return found
}

// all returns every file with a draft.
func (o *overlay) all() []*file {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Collect(maps.Values(o.names))
}
