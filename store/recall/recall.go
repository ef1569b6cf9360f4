// Package recall remembers for a moment what a directory has answered, for those who look names up
// much more often than these change. It decorates a store.Directory: what is changed through it is
// forgotten before the change can be seen, what others change when it gets too old.
package recall

import (
	"context"
	"time"

	"github.com/hatrac/hatrac/store"
)

// Directory is a Directory with a memory. Its own methods answer as those of the directory
// beneath; only Recall and RecallChildren use the memory.
type Directory struct {
	store.Directory
	memory *memory
}

// New returns a memory in front of a directory, which stays the caller's to close.
func New(beneath store.Directory) *Directory {
	return &Directory{Directory: beneath, memory: newMemory()}
}

// Recall is Resolve of a path without a version, from memory if what is known there is younger than
// age. It tells when it was so. Changes made through this Directory that have returned before the
// call are never missed, whatever the age; those of others may be. With age 0 nothing is looked
// for in the memory, or kept there.
//
// The answer belongs to all who get it, and must not be changed. Inline content is left out. Attr and
// Changes of enclosing names, and whether a version is Unsynced, may be older than the rest, and
// so may be Changes where it is the transaction's own that was kept. Where nothing lives, all but
// Path may be missing.
func (d *Directory) Recall(ctx context.Context, path store.Path, age time.Duration) (*store.Resolution, time.Time, error) {
	return d.recall(ctx, path, age, false)
}

// RecallRights is Recall for who does not look at the Attr and Changes of a namespace, which may be
// older: they change whenever a name in it comes or goes.
func (d *Directory) RecallRights(ctx context.Context, path store.Path, age time.Duration) (*store.Resolution, time.Time, error) {
	return d.recall(ctx, path, age, true)
}

func (d *Directory) recall(ctx context.Context, path store.Path, age time.Duration, worn bool) (*store.Resolution, time.Time, error) {
	if age <= 0 {
		now := time.Now()
		found, err := d.Directory.Resolve(ctx, path, "")
		return found, now, err
	}
	found, seen, ok := d.memory.get(path, age, worn)
	if !ok && d.recheck(ctx, path) {
		found, seen, ok = d.memory.get(path, age, worn)
	}
	if ok {
		return found, seen, nil
	}
	r := d.memory.begin(path)
	defer d.memory.end(r)
	found, err := d.Directory.Resolve(ctx, path, "")
	if err != nil {
		return nil, r.begun, err
	}
	found = withoutContent(found)
	d.memory.keep(r, found)
	return found, r.begun, nil
}

// recheck finds out whether a namespace whose names are all known has got others since, if such a
// namespace encloses the path; it reports whether it asked for that. It costs as much as to look
// for the path, and saves all that come after it.
func (d *Directory) recheck(ctx context.Context, path store.Path) bool {
	folder := path.Parent()
	r := d.memory.beginRecheck(path, folder)
	if r == nil {
		return false
	}
	defer d.memory.end(r)
	found, err := d.Directory.Resolve(ctx, folder, "")
	if err == nil {
		found = withoutContent(found)
	}
	d.memory.endRecheck(r, found, err)
	return true
}

// RecallChildren is Children of a live namespace, of which Recall has told, and remembers what it
// finds: the children, and if they are all on this page, that no other name is bound there.
func (d *Directory) RecallChildren(ctx context.Context, namespace *store.Resolution, after string, limit int) ([]store.Entry, error) {
	r := d.memory.beginChildren(namespace)
	defer d.memory.end(r)
	children, err := d.Directory.Children(ctx, namespace.Name.ID, after, limit)
	if err == nil {
		d.memory.keepChildren(r, namespace, children, after == "" && len(children) < limit)
	}
	return children, err
}

// Forget makes the memory forget everything, because others may have changed it.
func (d *Directory) Forget() { d.memory.forget() }

// withoutContent leaves inline content out.
func withoutContent(found *store.Resolution) *store.Resolution {
	if found.Current == nil || found.Current.Inline == nil {
		return found
	}
	light, current := *found, *found.Current
	current.Inline = nil
	light.Current = &current
	if light.Version == found.Current {
		light.Version = &current
	}
	return &light
}
