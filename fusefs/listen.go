package fusefs

import (
	"context"

	"github.com/hanwen/go-fuse/v2/fs"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// listen begins to hear of changes. The past has none that anybody would have to be told.
func (m *Mount) listen() (stop func()) {
	if !m.cfg.AsOf.IsZero() {
		return func() {}
	}
	return m.svc.Listen(func(c service.Change) {
		m.heard(c)
		m.cfg.told(c)
	})
}

// heard makes the kernel forget what a change made untrue. It runs on a goroutine of the
// service's announcer and holds no lock while it talks to the kernel, which may have to wait
// for requests that are under way.
func (m *Mount) heard(c service.Change) {
	switch {
	case c.Lost:
		m.forgetAll(m.root.EmbeddedInode())
		return
	case !c.Elsewhere && m.own.made(c):
		m.forgetVersions(c.Path)
		m.forgetVersions(c.From)
		return
	case c.Action == service.Described:
		m.redescribe(c.Path)
		return
	case c.Action == service.Deleted && c.Version != "":
		if parent := m.nodeAt(c.Path.Parent()); parent != nil {
			parent.NotifyEntry(fileName(c.Path.Base()) + ":" + c.Version)
		}
	case c.Action == service.Renamed:
		if c.Kind == acl.Namespace {
			m.relocate(c.From, c.Path)
		}
		m.forget(c.From)
		m.forgetTimes(c.From.Parent())
	}
	m.forget(c.Path)
	if c.Action != service.Updated {
		m.forgetTimes(c.Path.Parent())
	}
}

// forgetTimes makes the kernel ask for the attributes of a namespace again.
func (m *Mount) forgetTimes(path store.Path) {
	if node := m.nodeAt(path); node != nil {
		node.NotifyContent(-1, 0)
	}
}

// redescribe makes the kernel ask for attributes again.
func (m *Mount) redescribe(path store.Path) {
	if node := m.nodeAt(path); node != nil {
		node.NotifyContent(attributesOnly(node), 0)
	}
}

// forget makes the kernel look a name up again, unless it leads to what it knows, and the names
// that follow from it.
func (m *Mount) forget(path store.Path) {
	if path.IsRoot() {
		return
	}
	parent := m.nodeAt(path.Parent())
	if parent == nil {
		return
	}
	m.forgetVersions(path)
	name := fileName(path.Base())
	child := parent.GetChild(name)
	if child != nil && m.unchanged(path, child) {
		child.NotifyContent(attributesOnly(child), 0)
		return
	}
	parent.NotifyEntry(name)
}

// forgetVersions makes the kernel look up the directory of an object's versions again.
func (m *Mount) forgetVersions(path store.Path) {
	if path == "" || path.IsRoot() {
		return
	}
	name := fileName(path.Base()) + versionsSuffix
	if parent := m.nodeAt(path.Parent()); parent != nil && parent.GetChild(name) != nil {
		parent.NotifyEntry(name)
	}
}

// unchanged reports whether the name leads to what the node stands for.
func (m *Mount) unchanged(path store.Path, node *fs.Inode) bool {
	if f := m.overlay.get(path); f != nil {
		return fileOfNode(node) == f
	}
	ctx, cancel := context.WithTimeout(m.base, m.cfg.Deadline)
	defer cancel()
	info, _, err := m.recall(ctx, path)
	if err != nil {
		return false
	}
	if d, ok := node.Operations().(*dirNode); ok {
		return info.IsNamespace() && info.Name.ID == d.id
	}
	f := fileOfNode(node)
	return f != nil && info.Holds() && f.where() == store.Ref{Path: path, Version: info.Version.Version}
}

// attributesOnly returns the offset that makes the kernel ask for attributes again: negative if
// what it holds of the content stays right, else 0 for all of it.
func attributesOnly(node *fs.Inode) int64 {
	f := fileOfNode(node)
	if f == nil {
		return -1
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cached {
		return -1
	}
	return 0
}

func fileOfNode(node *fs.Inode) *file {
	switch n := node.Operations().(type) {
	case *fileNode:
		return n.f
	case *linkNode:
		return n.f
	}
	return nil
}

// nodeAt returns the node of a path, nil if the kernel does not know it.
func (m *Mount) nodeAt(path store.Path) *fs.Inode {
	node := m.root.EmbeddedInode()
	if path.IsRoot() {
		return node
	}
	for _, up := range append(path.Enclosing()[1:], path) {
		if node = node.GetChild(fileName(up.Base())); node == nil {
			return nil
		}
	}
	return node
}

// forgetAll makes the kernel look up everything again.
func (m *Mount) forgetAll(node *fs.Inode) {
	for name, child := range node.Children() {
		m.forgetAll(child)
		node.NotifyEntry(name)
	}
}
