package recall

import (
	"sync"
	"time"

	"github.com/hatrac/hatrac/store"
)

// How much is remembered at most. An answer takes about a kilobyte, a name of a folder a tenth.
const (
	maxAnswers = 1 << 12 // twofold: young and old ones
	maxFolders = 1 << 12
	maxNames   = 1 << 16 // in all folders
)

// memory is what is known. What a change touches is forgotten when the change begins, before
// anybody can see it; and nothing that was asked for before a change has ended is kept after it
// began. So what is there was so after the last change, and is so still.
type memory struct {
	mu      sync.Mutex // guards what follows, also in folders, readings and changes; never held over I/O
	wanted  bool       // somebody has asked; before that nothing is kept
	young   map[store.Path]answer
	old     map[store.Path]answer
	folders map[store.Path]*folder
	names   int // in all folders
	reads   map[*reading]struct{}
	changes map[*change]struct{}
}

// answer is what the directory said of a path.
type answer struct {
	found *store.Resolution
	seen  time.Time // it was so then, or later
	worn  bool      // names in it came or went since, which its Changes and times tell of
}

// folder is a namespace of which is known what names can be bound in it.
type folder struct {
	whole    bool                    // no others are
	may      map[store.Path]struct{} // these; it is not said that they are
	id       int64                   // of the namespace
	changes  int64                   // its Changes, when they were last looked at
	grown    int64                   // by how much they have grown since, at least, by changes of this directory
	since    time.Time               // when that was so
	checking bool                    // somebody is finding out whether it still is
}

// reading is a question to the directory that is under way.
type reading struct {
	path   store.Path
	begun  time.Time
	by     *change           // whose transaction asks, or nil; then
	found  *store.Resolution // is what it knows of the path by now
	folder *folder           // to be checked
	stale  bool              // what is at the path was changed since
	inside bool              // the names in it were
}

// disturb notes that a change touches what is asked for. The lock is held.
func (r *reading) disturb(t touched) {
	at := r.path == t.path
	if t.reach == times {
		r.inside = r.inside || at
		return
	}
	beneath := t.reach != itself && r.path.Within(t.path)
	if t.reach == all || at || beneath {
		r.stale = true
	}
	if t.reach == all || r.path == t.path.Parent() || t.reach == tree && (at || beneath) {
		r.inside = true
	}
}

func newMemory() *memory {
	m := &memory{reads: make(map[*reading]struct{}), changes: make(map[*change]struct{})}
	m.clear()
	return m
}

// clear forgets everything. The lock is held.
func (m *memory) clear() {
	m.young, m.old = make(map[store.Path]answer), nil
	m.clearFolders()
}

func (m *memory) clearFolders() {
	m.folders, m.names = make(map[store.Path]*folder), 0
}

// forget forgets everything, also what is being asked for.
func (m *memory) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clear()
	for r := range m.reads {
		r.stale, r.inside = true, true
	}
}

// get returns what is known of a path, and since when.
func (m *memory) get(path store.Path, age time.Duration, worn bool) (found *store.Resolution, seen time.Time, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wanted = true
	a, ok := m.answer(path)
	if ok && time.Since(a.seen) < age && (worn || !a.worn) {
		return a.found, a.seen, true
	}
	if f := m.folders[path.Parent()]; f != nil && f.excludes(path) && time.Since(f.since) < age {
		return &store.Resolution{Path: path}, f.since, true
	}
	return nil, time.Time{}, false
}

// answer returns what was said of a path, however old. The lock is held.
func (m *memory) answer(path store.Path) (a answer, ok bool) {
	if a, ok = m.young[path]; !ok {
		a, ok = m.old[path]
	}
	return a, ok
}

// excludes reports whether nothing is bound at the path in the folder.
func (f *folder) excludes(path store.Path) bool {
	_, may := f.may[path]
	return f.whole && !may && !path.IsRoot()
}

// begin notes that the directory is asked. end must follow.
func (m *memory) begin(path store.Path) *reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.beginLocked(path)
}

func (m *memory) beginLocked(path store.Path) *reading {
	r := &reading{path: path, begun: time.Now()}
	m.start(r)
	return r
}

// start begins a reading, which changes under way disturb already. The lock is held.
func (m *memory) start(r *reading) {
	for c := range m.changes {
		for _, t := range c.touched {
			r.disturb(t)
		}
	}
	m.reads[r] = struct{}{}
}

func (m *memory) end(r *reading) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.folder != nil {
		r.folder.checking = false
	}
	delete(m.reads, r)
}

// keep remembers the answer.
func (m *memory) keep(r *reading, found *store.Resolution) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keepLocked(r, found)
}

func (m *memory) keepLocked(r *reading, found *store.Resolution) {
	if m.wanted && !r.stale && found != nil {
		m.put(r.path, answer{found: found, seen: r.begun, worn: r.inside})
	}
}

func (m *memory) put(path store.Path, a answer) {
	if len(m.young) >= maxAnswers {
		m.old, m.young = m.young, make(map[store.Path]answer)
	}
	m.young[path] = a
	delete(m.old, path)
}

// beginRecheck is begin for who is to find out whether a folder is still whole. It returns nil if
// that would not tell anything of the path, or somebody is about it already.
func (m *memory) beginRecheck(path, at store.Path) *reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.folders[at]
	if f == nil || f.checking || !f.excludes(path) {
		return nil
	}
	r := m.beginLocked(at)
	if r.inside || r.stale {
		delete(m.reads, r)
		return nil
	}
	r.folder, f.checking = f, true
	return r
}

// endRecheck judges a folder by what was found at its path.
func (m *memory) endRecheck(r *reading, found *store.Resolution, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		return
	}
	m.keepLocked(r, found)
	f := r.folder
	if r.stale || r.inside || m.folders[r.path] != f {
		return
	}
	if n := found.Name; n == nil || n.Deleted || n.ID != f.id || n.Changes != f.changes+f.grown {
		m.dropFolder(r.path)
		return
	}
	f.since, f.changes, f.grown = r.begun, found.Name.Changes, 0
}

// beginChildren is begin for who asks for the children of a namespace.
func (m *memory) beginChildren(namespace *store.Resolution) *reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.beginLocked(namespace.Path)
	a, _ := m.answer(namespace.Path)
	if a.found != namespace { // it may have changed since it was told
		r.stale = true
	} else {
		r.begun = a.seen
	}
	return r
}

// keepChildren remembers names in a namespace, and if they are all of them, that there are no others.
func (m *memory) keepChildren(r *reading, namespace *store.Resolution, children []store.Entry, all bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.stale || r.inside {
		return
	}
	enclosing := append(namespace.Enclosing[:len(namespace.Enclosing):len(namespace.Enclosing)], *namespace.Name)
	for i := range children {
		e := &children[i]
		m.put(e.Name.Path, answer{seen: r.begun, found: &store.Resolution{
			Path: e.Name.Path, Name: &e.Name, Version: e.Current, Current: e.Current, Enclosing: enclosing,
		}})
	}
	if !all {
		return
	}
	f := m.openFolder(namespace.Path)
	f.whole, f.id, f.changes, f.since = true, namespace.Name.ID, namespace.Name.Changes, r.begun
	for i := range children {
		m.mayBe(namespace.Path, children[i].Name.Path)
	}
}

// openFolder begins to take down what names can be bound in a namespace. The lock is held.
func (m *memory) openFolder(path store.Path) *folder {
	m.dropFolder(path)
	if len(m.folders) >= maxFolders {
		m.clearFolders()
	}
	f := &folder{may: make(map[store.Path]struct{})}
	m.folders[path] = f
	return f
}

// dropFolder forgets what names can be bound in a namespace. The lock is held.
func (m *memory) dropFolder(path store.Path) {
	if f := m.folders[path]; f != nil {
		m.names -= len(f.may)
		delete(m.folders, path)
	}
}

// mayBe notes that the path in the folder may be bound. The lock is held.
func (m *memory) mayBe(at, path store.Path) {
	f := m.folders[at]
	if f == nil {
		return
	}
	if _, known := f.may[path]; known {
		return
	}
	switch {
	case m.names < maxNames:
		f.may[path] = struct{}{}
		m.names++
	case len(f.may) > maxNames/2:
		m.dropFolder(at)
	default:
		m.clearFolders()
	}
}

// forgetPath forgets what is at a path, and notes that there may be something. The lock is held.
func (m *memory) forgetPath(path store.Path) {
	delete(m.young, path)
	delete(m.old, path)
	if !path.IsRoot() {
		m.mayBe(path.Parent(), path)
		m.wear(path.Parent())
	}
}

// wear notes that names in a namespace come or go. The lock is held.
func (m *memory) wear(path store.Path) {
	if a, ok := m.answer(path); ok && !a.worn {
		a.worn = true
		m.put(path, a)
	}
}

// forgetRights forgets what is at a path and beneath it, but not which names there are. The lock is
// held.
func (m *memory) forgetRights(path store.Path) {
	m.forgetPath(path)
	for _, answers := range []map[store.Path]answer{m.young, m.old} {
		for p := range answers {
			if p.Within(path) {
				delete(answers, p)
			}
		}
	}
}

// forgetTree forgets all about a path and what is beneath it. The lock is held.
func (m *memory) forgetTree(path store.Path) {
	m.forgetRights(path)
	for p := range m.folders {
		if p == path || p.Within(path) {
			m.dropFolder(p)
		}
	}
}
