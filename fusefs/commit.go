package fusefs

import (
	"context"
	"os"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// commitRate is the number of bytes a second at which content is stored at the very least.
const commitRate = 4 << 20

// commitTime is how long the commit of so many bytes may take.
func commitTime(deadline time.Duration, size int64) time.Duration {
	return deadline + time.Duration(size/commitRate)*time.Second
}

// commit makes what was written to the draft of f a version and waits for it. Its failure is
// final. Who asks in ctx makes the version, or else who changed the draft last.
func (m *Mount) commit(ctx context.Context, f *file, d *draft) error {
	return m.commitUnless(ctx, f, d, always)
}

// commitReleased is commit for when no call is left that could be told. What fails because a back end is
// away is tried again until the mount ends, and then left to the next one.
func (m *Mount) commitReleased(f *file, d *draft) {
	err := m.commitUnless(m.base, f, d, unlessAway)
	if err == nil {
		return
	}
	log := m.log.Error().Err(err).Str("path", string(f.where().Path))
	if d.failed() != nil {
		log.Msg("a closed file could not be committed")
		return
	}
	log.Msg("a closed file could not be committed and will be tried again")
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.draft != d || f.writers > 0 {
		return
	}
	if f.scratch != nil {
		f.scratch.Stop()
	}
	f.scratch = time.AfterFunc(commitPause, func() { m.later(func() { m.promote(f) }) })
}

// commitPause is the time after which a commit that failed is tried again.
const commitPause = 5 * time.Second

// commitUnless is commit with a failure that need not be final.
func (m *Mount) commitUnless(ctx context.Context, f *file, d *draft, final finality) error {
	by, ok := ctx.Value(clientKey{}).(acl.Client)
	if !ok {
		by = d.maker()
	}
	return d.commit(ctx, claim{client: by.ID}, final, func(content finished) (err error) {
		for range maxMoves {
			path := f.where().Path
			err = m.put(by, f, path, content, service.Conditions{})
			if store.KindOf(err) != store.NotFound || !m.followMove(m.base, path) && f.where().Path == path {
				return err
			}
		}
		return err
	})
}

// maxMoves is how often a commit goes after a namespace that is moved away before it.
const maxMoves = 8

// put stores the content of a draft as a version, by that client, of the object at path, which f
// stands for then.
func (m *Mount) put(by acl.Client, f *file, path store.Path, content finished, cond service.Conditions) error {
	ctx, cancel := context.WithTimeout(m.base, commitTime(m.cfg.Deadline, content.size))
	defer cancel()
	attr := content.attr
	attr.Ino = f.ino
	deed := m.own.begin(path, service.Created, service.Updated, service.Described)
	result, err := m.svc.PutObject(ctx, by, service.PutObject{
		Path:          path,
		Draft:         &service.Draft{File: content.file, SHA256: content.sha256},
		Size:          content.size,
		SkipUnchanged: true,
		KeepMetadata:  true,
		NotKept:       linkType, // a draft is a file, also where a link was
		Metadata:      f.takeDeclared(),
		Revive:        true,
		Attr:          attr,
		Seen:          f.seenAt(path),
		Soon:          !content.synced,
		Conditions:    cond,
	})
	if err != nil {
		m.own.end(deed, "", err)
		return err
	}
	f.committed(&result.Version)
	m.overlay.change(path, m.clock.Add(1))
	m.own.end(deed, result.Version.Version, nil)
	return nil
}

// committed notes that f stands for a version which this mount made.
func (f *file) committed(v *store.Version) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.version, f.covers = v.Version, false
	f.bound = f.m.clock.Add(1)
	if f.info != nil {
		info := *f.info
		info.Version = v
		f.info = &info
	}
}

// settle ends the draft of f if nobody needs it: no writer has it open, it waits for nobody, and
// all that was written is a version or is kept aside. The name leads back to the store then.
func (m *Mount) settle(f *file) {
	f.mu.Lock()
	d, path := f.draft, f.path
	if d == nil || f.writers > 0 || f.delayed && !f.unbound || time.Now().Before(f.reserved) {
		f.mu.Unlock()
		return
	}
	state := d.state()
	if state == dirty && f.unbound {
		state = clean // nobody will ask for it
	}
	if state == dirty || state == committing || state == kept && f.readers > 0 {
		f.mu.Unlock()
		return
	}
	if !f.unbound {
		m.overlay.drop(path, f)
	}
	if f.readers > 0 {
		f.mu.Unlock()
		return
	}
	f.draft = nil
	if state == kept {
		f.cached = false
		f.unbound = f.unbound || f.version == ""
	}
	f.mu.Unlock()
	if state == kept {
		m.keep(f, path, d)
	}
	if err := d.close(); err != nil {
		m.log.Warn().Err(err).Str("path", string(path)).Msg("a spool file could not be removed")
	}
}

// keep puts a draft aside whose commit failed, and makes the kernel forget it.
func (m *Mount) keep(f *file, path store.Path, d *draft) {
	err := d.release(func(spool *os.File) error {
		return m.session.keep(spool.Name(), note{
			Path: string(path), Client: d.maker().ID, Reason: store.Sentence(d.failed()),
		})
	})
	if err != nil {
		m.log.Error().Err(err).Str("path", string(path)).Msg("a draft could not be kept")
	}
	m.later(func() { m.forget(path) })
}

// settleAll brings drafts to an end that no writer holds: scratch files become objects.
func (m *Mount) settleAll() {
	for _, f := range m.overlay.all() {
		f.mu.Lock()
		idle := f.draft != nil && f.writers == 0
		f.reserved = time.Time{}
		f.mu.Unlock()
		if idle {
			m.promote(f)
		}
	}
}

// promote makes an ordinary object of a scratch file that was left alone. Files that are never
// to become objects stay until the mount ends.
func (m *Mount) promote(f *file) {
	f.mu.Lock()
	d := f.draft
	if d == nil || f.writers > 0 {
		f.mu.Unlock()
		return
	}
	if f.delayed {
		if mountOnly(f.path) {
			f.mu.Unlock()
			return
		}
		f.delayed = false
	}
	f.mu.Unlock()
	m.commitReleased(f, d)
	m.settle(f)
}

// abandon ends the draft of f at the end of the mount, when all handles are gone.
func (m *Mount) abandon(f *file) {
	f.mu.Lock()
	f.writers, f.readers, f.reserved = 0, 0, time.Time{}
	d, path := f.draft, f.path
	if d != nil && f.delayed && mountOnly(path) {
		m.overlay.drop(path, f)
		f.draft = nil
		f.mu.Unlock()
		_ = d.close()
		return
	}
	f.mu.Unlock()
	m.promote(f)
}

// delay arms the timer that promotes a scratch file when it is left alone.
func (m *Mount) delay(f *file) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.delayed || f.draft == nil || f.unbound || mountOnly(f.path) {
		return
	}
	if f.scratch != nil {
		f.scratch.Stop()
	}
	f.scratch = time.AfterFunc(m.cfg.ScratchGrace, func() { m.later(func() { m.promote(f) }) })
}

// closed notes that a handle of a writer was closed without a commit. If only those writers are left,
// the draft is finished should this process die before it is committed.
func (m *Mount) closed(ctx context.Context, f *file, d *draft, left int) error {
	return d.closed(ctx, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.writers == left && f.draft == d && !f.unbound
	})
}
