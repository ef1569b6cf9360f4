package fusefs

import (
	"context"
	"maps"
	"sync"
	"syscall"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// reservation is how long a draft waits for the open that it was made for, and how long a thread
// that was told ESTALE counts as one that looks again.
const reservation = 2 * time.Second

// retries remembers which threads were told ESTALE, which makes the kernel look the name up and
// open it once more on their behalf. A second ESTALE would reach the program.
type retries struct {
	mu    sync.Mutex // guards until
	until map[uint32]time.Time
}

// first reports whether the thread is told to look again; false if this is its second try.
func (r *retries) first(thread uint32) bool {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if until, told := r.until[thread]; told && now.Before(until) {
		delete(r.until, thread)
		return false
	}
	maps.DeleteFunc(r.until, func(_ uint32, until time.Time) bool { return now.After(until) })
	if r.until == nil {
		r.until = make(map[uint32]time.Time)
	}
	r.until[thread] = now.Add(reservation)
	return true
}

// done forgets a thread whose open came to its end.
func (r *retries) done(thread uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.until, thread)
}

// openRead pins the version that f stands for, or joins the readers of its draft.
func (m *Mount) openRead(ctx context.Context, f *file) (any, error) {
	for {
		if d := f.joinReader(); d != nil {
			return m.readDraft(ctx, f, d)
		}
		found, version, err := m.readable(ctx, f)
		if err != nil {
			return nil, err
		}
		if d := f.rejoinReader(); d != nil {
			return m.readDraft(ctx, f, d)
		}
		content, err := m.openFound(ctx, found)
		if err != nil {
			return nil, err
		}
		if f.pin(version) {
			return newPin(f, content), nil
		}
		_ = content.Close() // a writer was faster
	}
}

// readDraft makes the handle of a reader of a draft, who is counted already.
func (m *Mount) readDraft(ctx context.Context, f *file, d *draft) (any, error) {
	if err := m.mayUse(ctx, f, acl.ReadContent); err != nil {
		m.releaseReader(f)
		return nil, err
	}
	return &draftHandle{m: m, f: f, d: d}, nil
}

// readable finds the version that f stands for, which must be what its name leads to. Where the
// kernel has just looked that up, a version that came since then does not count. It returns the
// version's id too, which is another one in what is found where a rename led on.
func (m *Mount) readable(ctx context.Context, f *file) (*service.Found, string, error) {
	f.mu.Lock()
	mine, unbound := store.Ref{Path: f.path, Version: f.version}, f.unbound
	f.mu.Unlock()
	found, err := m.fetch(ctx, mine, unbound)
	return found, mine.Version, err
}

func (m *Mount) fetch(ctx context.Context, mine store.Ref, unbound bool) (*service.Found, error) {
	if unbound {
		return m.svc.Fetch(ctx, m.client(ctx), mine)
	}
	thread := callerOf(ctx).Pid
	found, err := m.svc.Fetch(ctx, m.client(ctx), store.Ref{Path: mine.Path})
	switch {
	case store.KindOf(err) == store.NotFound || store.KindOf(err) == store.Conflict:
		return nil, syscall.ESTALE
	case err != nil:
		return nil, err
	case found.Version != nil && found.Version.Version == mine.Version:
		m.retries.done(thread)
		return found, nil
	case found.Version == nil || m.retries.first(thread):
		return nil, syscall.ESTALE
	}
	found, err = m.svc.Fetch(ctx, m.client(ctx), mine)
	if store.KindOf(err) == store.Conflict { // it was renamed, and is gone from there
		err = noSuchFile(mine.Path)
	}
	return found, err
}

// active reports whether f has a draft that its name leads to, or that has lost its name. A
// draft that only readers hold has given the name back to the store. The lock is held.
func (f *file) active() bool {
	return f.draft != nil && (f.unbound || f.m.overlay.get(f.path) == f)
}

// joinReader counts another reader of the draft, if it is active.
func (f *file) joinReader() *draft {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.active() {
		return nil
	}
	f.readers++
	return f.draft
}

// rejoinReader counts another reader of the draft, if there is one.
func (f *file) rejoinReader() *draft {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.draft != nil {
		f.readers++
	}
	return f.draft
}

// joinWriter counts another writer of the draft, if it is active.
func (f *file) joinWriter() *draft {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.active() {
		return nil
	}
	f.addWriter()
	return f.draft
}

// addWriter counts a writer. The lock is held.
func (f *file) addWriter() {
	f.writers++
	f.reserved = time.Time{}
	if f.scratch != nil {
		f.scratch.Stop()
	}
}

// openWrite opens the draft of f, which it makes if there is none. It answers ESTALE, having
// prepared another inode for the kernel to find, where f has to stay what it is because
// somebody reads it, or is not what the name leads to.
func (m *Mount) openWrite(ctx context.Context, f *file, truncate bool) (*draft, error) {
	d := f.joinWriter()
	if d == nil {
		var err error
		if d, err = m.beginDraft(ctx, f, truncate); err != nil {
			return nil, err
		}
	}
	m.retries.done(callerOf(ctx).Pid)
	err := d.failed()
	if err == nil {
		err = m.mayWrite(ctx, f, truncate)
	}
	if err == nil && truncate {
		_, err = d.truncate(ctx, 0)
		d.madeBy(m.client(ctx))
	}
	if err != nil {
		m.releaseWriter(f, d)
		return nil, err
	}
	return d, nil
}

// beginDraft makes f a draft in place, and counts its first writer. To whom has looked again already
// it gives the readers in the way some time to go.
func (m *Mount) beginDraft(ctx context.Context, f *file, truncate bool) (*draft, error) {
	patience := releaseDelay
	for {
		asked := m.clock.Load()
		base, err := m.startOf(ctx, f, truncate)
		if err != nil {
			return nil, err
		}
		f.awaitUnpinned(ctx, patience)
		d, fresh := f.beginHere(base, asked)
		if d != nil {
			return d, nil
		}
		if d := f.joinWriter(); d != nil {
			_ = base.content.Close() // not read
			return d, nil
		}
		if fresh && patience == releaseDelay && !m.retries.first(callerOf(ctx).Pid) {
			patience = reservation
		} else if fresh && m.leadElsewhere(f, base, asked) {
			return nil, syscall.ESTALE
		}
		_ = base.content.Close() // not read; another writer was faster and has committed
	}
}

// leadElsewhere prepares what the name of f leads to next; what has lost its name needs nothing. It
// reports false if base is outdated.
func (m *Mount) leadElsewhere(f *file, base start, asked uint64) bool {
	f.mu.Lock()
	path, unbound := f.path, f.unbound
	f.mu.Unlock()
	if unbound {
		_ = base.content.Close() // not read
		return true
	}
	return m.reserve(path, base, asked)
}

// beginHere makes f a draft, or takes up the one that only readers hold, and counts a writer. It
// returns nil where f has to stay what it is; fresh is false if base is outdated.
func (f *file) beginHere(base start, asked uint64) (d *draft, fresh bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.unbound { // it has nothing to become another inode by
		if f.pins > 0 && !f.backing.keepPlain() {
			return nil, true
		}
	} else {
		if f.pins > 0 || f.version != base.version {
			return nil, true
		}
		if other, fresh := f.m.overlay.claimSince(f.path, f, asked); other != nil || !fresh {
			return nil, fresh
		}
	}
	f.info = base.info
	f.addWriter()
	if f.draft != nil {
		f.draft.madeBy(base.by)
		_ = base.content.Close() // the draft holds the same; nothing was read
		return f.draft, true
	}
	f.draft = newDraft(f.m.session, base.content, base.attr)
	f.draft.author, f.draft.about = base.by, f.about()
	if f.unbound {
		f.draft.detach()
	}
	return f.draft, true
}

// start is what a draft begins with.
type start struct {
	info    *service.Info
	version string
	content content
	attr    store.Attr
	by      acl.Client // who asked
}

// startOf finds what the name of f leads to now. Who truncates need not be able to read it.
func (m *Mount) startOf(ctx context.Context, f *file, truncate bool) (start, error) {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Deadline)
	defer cancel()
	ref := f.where()
	f.mu.Lock()
	if !f.unbound {
		ref.Version = ""
	}
	f.mu.Unlock()
	info, err := m.svc.Look(ctx, m.client(ctx), ref)
	if store.KindOf(err) == store.NotFound || err == nil && (info.IsNamespace() || !info.Holds()) {
		return start{}, syscall.ESTALE
	}
	if err != nil {
		return start{}, err
	}
	if !info.May(acl.AddVersion) {
		return start{}, syscall.EACCES
	}
	ref.Version = info.Version.Version
	s := start{info: info, version: ref.Version, attr: info.Version.Attr, by: m.client(ctx)}
	s.content = &lazyContent{m: m, by: s.by, ref: ref, size: info.Version.Size}
	if !truncate {
		s.content, err = m.openContent(ctx, ref)
	}
	return s, err
}

// openContent opens a version.
func (m *Mount) openContent(ctx context.Context, ref store.Ref) (store.Content, error) {
	found, err := m.svc.Fetch(ctx, m.client(ctx), ref)
	if err != nil {
		return nil, err
	}
	return m.openFound(ctx, found)
}

// reserve lets the name lead to a new inode with a draft, and keeps that for the one who is told
// to look again. If the name leads to a draft already, that one is kept. It reports false if
// base is outdated.
func (m *Mount) reserve(path store.Path, base start, asked uint64) bool {
	f := m.newFile(path)
	f.draft = newDraft(m.session, base.content, base.attr)
	f.draft.author, f.draft.about = base.by, f.about()
	f.version, f.reserved = base.version, time.Now().Add(reservation)
	f.info = base.info
	other, fresh := m.overlay.claimSince(path, f, asked)
	if !fresh || other != nil && !other.reserve() {
		return false
	}
	if other != nil {
		_ = base.content.Close() // not read
		f = other
	}
	time.AfterFunc(reservation, func() { m.later(func() { m.settle(f) }) })
	return true
}

// reserve keeps the draft of f; it reports false if that has just ended.
func (f *file) reserve() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.active() {
		return false
	}
	f.reserved = time.Now().Add(reservation)
	return true
}

// closedScratch notes that all who wrote a scratch file have closed it.
func (m *Mount) closedScratch(f *file, d *draft) {
	ctx, cancel := context.WithTimeout(m.base, m.cfg.Deadline)
	defer cancel()
	if err := m.closed(ctx, f, d, 0); err != nil {
		m.log.Error().Err(err).Str("path", string(f.where().Path)).Msg("that a scratch file was closed could not be noted in the journal")
	}
}

// about is what the journal is to say of a new draft of f. The lock is held, or nobody else knows f.
func (f *file) about() about { return about{path: f.path, declared: f.takeDeclared} }

// releaseReader counts a reader of the draft out.
func (m *Mount) releaseReader(f *file) {
	f.mu.Lock()
	f.readers--
	f.mu.Unlock()
	m.settle(f)
}

// releaseWriter counts a writer out. With the last one, what is not committed yet is.
func (m *Mount) releaseWriter(f *file, d *draft) {
	f.mu.Lock()
	f.writers--
	last, delayed := f.writers == 0, f.delayed
	f.mu.Unlock()
	switch {
	case !last:
		return
	case delayed:
		m.closedScratch(f, d)
		m.delay(f)
	case d.failed() == nil: // or else the close has said so
		m.commitReleased(f, d)
	}
	m.settle(f)
}
