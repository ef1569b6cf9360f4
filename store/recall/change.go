package recall

import (
	"context"
	"time"

	"github.com/hatrac/hatrac/store"
)

// Update implements store.Directory.
func (d *Directory) Update(ctx context.Context, fn func(store.Tx) error) error {
	return d.observe(ctx, d.Directory.Update, fn)
}

// UpdateSoon implements store.Directory.
func (d *Directory) UpdateSoon(ctx context.Context, fn func(store.Tx) error) error {
	return d.observe(ctx, d.Directory.UpdateSoon, fn)
}

// observe runs a transaction and forgets what it touches, when it does.
func (d *Directory) observe(ctx context.Context, update func(context.Context, func(store.Tx) error) error, fn func(store.Tx) error) error {
	c := d.memory.beginChange()
	done := false
	defer func() { d.memory.endChange(c, done) }() // also if fn panics
	err := update(ctx, func(inner store.Tx) error {
		d.memory.restart(c)
		return fn(newTx(inner, d.memory, c))
	})
	done = err == nil
	return err
}

// change is a transaction under way. What it touches stays forgotten until it ends.
type change struct {
	touched []touched
	read    []*reading             // by the transaction itself
	made    map[store.Path]*folder // namespaces that did not exist before
	grown   map[store.Path]int64   // by how much the Changes of a namespace grow, at least
}

// touched is a path that a change touches.
type touched struct {
	path  store.Path
	reach reach
}

// reach says how far from a path a change is felt.
type reach uint8

const (
	times  reach = iota // only the times of a namespace
	itself              // only there
	rights              // also beneath, where no names come or go
	tree                // beneath, in every respect
	all                 // everywhere
)

func (m *memory) beginChange() *change {
	c := new(change)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changes[c] = struct{}{}
	return c
}

// restart begins a transaction anew: what it did until now has not happened.
func (m *memory) restart(c *change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.undo(c)
}

// undo forgets what a change has read and made. The lock is held.
func (m *memory) undo(c *change) {
	for _, r := range c.read {
		delete(m.reads, r)
	}
	c.read = nil
	for path, f := range c.made {
		if m.folders[path] == f {
			m.dropFolder(path)
		}
	}
	c.made, c.grown = nil, nil
}

// beginIn is begin for a question that the transaction itself asks.
func (m *memory) beginIn(c *change, path store.Path) *reading {
	r := &reading{path: path, begun: time.Now(), by: c}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.start(r)
	c.read = append(c.read, r)
	return r
}

// touch forgets what a change is about to touch. What the transaction itself has read at the path
// is not disturbed if it follows what becomes of that; what it has read beneath always is.
func (m *memory) touch(c *change, path store.Path, reach reach, follows bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := touched{path, reach}
	if n := len(c.touched); n == 0 || c.touched[n-1] != t {
		c.touched = append(c.touched, t)
	}
	for r := range m.reads {
		switch {
		case r.by == c && r.path == path && follows:
		case r.by == c && r.path.Within(path):
			r.stale = true
		default:
			r.disturb(t)
		}
	}
	switch reach {
	case times:
		m.wear(path)
	case itself:
		m.forgetPath(path)
	case rights:
		m.forgetRights(path)
	case tree:
		m.forgetTree(path)
	default:
		m.clear()
	}
}

// created notes that a name was bound which was not bound before; id is that of a namespace, or 0.
func (m *memory) created(c *change, path store.Path, id int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.grown == nil {
		c.grown = make(map[store.Path]int64)
	}
	if !path.IsRoot() {
		c.grown[path.Parent()]++
	}
	if id == 0 || !m.wanted {
		return
	}
	if c.made == nil {
		c.made = make(map[store.Path]*folder)
	}
	f := m.openFolder(path)
	f.id, f.since = id, time.Now()
	c.made[path] = f
}

// endChange notes what came of a change. Until then nobody else could make names in the namespaces that
// it made; from then on all who did are known, or they are others, and these namespaces get old.
func (m *memory) endChange(c *change, done bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.changes, c)
	if !done {
		m.undo(c)
		return
	}
	for _, r := range c.read {
		delete(m.reads, r)
		m.keepLocked(r, r.found)
	}
	for path, f := range c.made {
		f.whole = m.folders[path] == f
	}
	for path, n := range c.grown {
		if f := m.folders[path]; f != nil {
			f.grown += n
		}
	}
}
