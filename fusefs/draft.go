package fusefs

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/disk"
)

// state says where a draft stands.
type state uint8

const (
	clean      state = iota // it is what was last committed, or what it began with
	dirty                   // it was changed since
	committing              // it becomes a version right now; changes wait
	kept                    // its commit failed, which is final
)

// content is what a draft begins with. The draft owns and closes it.
type content interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// draft is the changing content of one file between two versions. It lies in a spool file,
// which is made at the first change; after a commit the file may have become the version
// itself, and the next change makes another one. All methods may be called concurrently.
type draft struct {
	spool *session // that makes its files
	gate  gate     // held by who changes content, file or attributes

	mu        sync.Mutex // guards what follows; never held over I/O
	view      *view      // what is read; nil: nothing was ever there
	own       bool       // view is a spool file that may be written to
	size      int64
	changes   uint64     // counts changes of content, creation included
	committed uint64     // value of changes at the last commit
	busy      bool       // a commit is under way
	failure   error      // why the commit failed
	detached  bool       // it has no name any more
	author    acl.Client // who changed it last, or began it
	attr      store.Attr
	last      time.Time // of the last version, or of the beginning
	awaited   bool      // a version is due at a time that somebody waits for

	digest *runningDigest // guarded by the gate
	synced bool           // the same; what was written since the last commit was synced, in part at least
	about  about          // the same
	noted  record         // the same; what the journal says of the spool file, empty if it says nothing
}

// newDraft returns a clean draft of content that a version holds already.
func newDraft(spool *session, base content, attr store.Attr) *draft {
	d := &draft{spool: spool, gate: newGate(), attr: attr, last: time.Now()}
	d.view = newView(base)
	d.size = base.Size()
	return d
}

// newEmptyDraft returns a draft of a file that is new or was truncated, which is a change.
func newEmptyDraft(spool *session, attr store.Attr) *draft {
	return &draft{
		spool: spool, gate: newGate(), attr: attr, last: time.Now(), changes: 1,
		digest: newRunningDigest(),
	}
}

// state returns where the draft stands at this moment.
func (d *draft) state() state {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stateLocked()
}

func (d *draft) stateLocked() state {
	switch {
	case d.failure != nil:
		return kept
	case d.busy:
		return committing
	case d.changes != d.committed:
		return dirty
	}
	return clean
}

// failed returns why the commit failed, or nil.
func (d *draft) failed() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failure
}

// maker returns who makes the next version: who changed the draft last, or began it.
func (d *draft) maker() acl.Client {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.author
}

// madeBy notes who changed the draft.
func (d *draft) madeBy(c acl.Client) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.author = c
}

// stat returns size and attributes.
func (d *draft) stat() (int64, store.Attr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.size, d.attr
}

// pending reports whether the change numbered seq waits for a commit.
func (d *draft) pending(seq uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return seq > d.committed
}

// readAt reads like pread(2): a short count is the end.
func (d *draft) readAt(ctx context.Context, p []byte, off int64) (int, error) {
	d.mu.Lock()
	v, size := d.view, d.size
	if v == nil || off >= size {
		d.mu.Unlock()
		return 0, nil
	}
	v.users++
	d.mu.Unlock()
	defer d.leaveView(v)
	n, err := at(ctx, v.content).ReadAt(p[:min(int64(len(p)), size-off)], off)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// writeAt writes all of p and returns the number of this change.
func (d *draft) writeAt(ctx context.Context, p []byte, off int64) (uint64, error) {
	if err := d.enterChange(ctx); err != nil {
		return 0, err
	}
	defer d.gate.leave()
	file, err := d.writable(ctx, -1)
	if err != nil {
		return 0, err
	}
	n, err := d.spool.disk.WriteAt(file, p, off)
	d.digest = d.digest.write(p[:n], off)
	d.mu.Lock()
	defer d.mu.Unlock()
	if n > 0 {
		d.size = max(d.size, off+int64(n))
		d.touch()
	}
	return d.changes, err
}

// truncate sets the size and returns the number of this change.
func (d *draft) truncate(ctx context.Context, size int64) (uint64, error) {
	if err := d.enterChange(ctx); err != nil {
		return 0, err
	}
	defer d.gate.leave()
	if old, _ := d.stat(); old != size {
		if err := d.resize(ctx, size); err != nil {
			return 0, err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.size = size
	d.touch()
	return d.changes, nil
}

func (d *draft) resize(ctx context.Context, size int64) error {
	file, err := d.writable(ctx, size)
	if err != nil {
		return err
	}
	if err := d.spool.disk.Truncate(file, size); err != nil {
		return err
	}
	if d.digest = nil; size == 0 {
		d.digest = newRunningDigest()
	}
	return nil
}

// enterChange waits for its turn to change the draft; a draft whose commit failed answers
// that failure.
func (d *draft) enterChange(ctx context.Context) error {
	if err := d.gate.enter(ctx); err != nil {
		return err
	}
	if err := d.failed(); err != nil {
		d.gate.leave()
		return err
	}
	return nil
}

// touch notes a change of content.
func (d *draft) touch() {
	d.changes++
	now := time.Now().UnixNano()
	d.attr = d.attr.Merge(store.Attr{MTime: now, CTime: now, HasMTime: true, HasCTime: true})
}

// writable returns a file that may be written to, with the content as it is, or its first
// keep bytes if keep is not negative, and notes that it is. The gate is held.
func (d *draft) writable(ctx context.Context, keep int64) (*os.File, error) {
	file, err := d.file(ctx, keep)
	if err != nil {
		return nil, err
	}
	if d.noted.Stage == written && d.noted.Client == d.maker().ID {
		return file, nil
	}
	return file, d.note(file, record{Stage: written})
}

// file returns the spool file with the content as it is, or its first keep bytes if keep is not
// negative. The gate is held.
func (d *draft) file(ctx context.Context, keep int64) (*os.File, error) {
	d.mu.Lock()
	v, own, size, detached := d.view, d.own, d.size, d.detached
	d.mu.Unlock()
	if own {
		return v.content.(spoolFile).File, nil
	}
	file, err := d.spool.create()
	if err != nil {
		return nil, err
	}
	if keep >= 0 {
		size = min(size, keep)
	}
	d.noted = record{}
	if detached {
		err = d.spool.remove(file.Name())
	}
	if err == nil && v != nil && size > 0 {
		err = d.copyInto(ctx, file, v.content, size)
	}
	if err != nil {
		return nil, errors.Join(err, d.spool.discard(file))
	}
	d.replace(newView(spoolFile{file}), true)
	return file, nil
}

// copyInto copies what the draft begins with. The gate is held.
func (d *draft) copyInto(ctx context.Context, file *os.File, from content, size int64) error {
	if err := d.note(file, record{Stage: begun}); err != nil {
		return err
	}
	return d.spool.disk.Do(disk.Step{Op: opCopy, Path: file.Name()}, func() error {
		return clone(ctx, file, from, size)
	})
}

const opCopy = "copy"

// setAttr puts attributes over those that are there. They go into the next version.
func (d *draft) setAttr(ctx context.Context, attr store.Attr) error {
	if err := d.gate.enter(ctx); err != nil {
		return err
	}
	defer d.gate.leave()
	d.mu.Lock()
	d.attr = d.attr.Merge(attr)
	v, own := d.view, d.own
	d.mu.Unlock()
	if own && d.noted.Stage == closed {
		return d.note(v.content.(spoolFile).File, record{Stage: closed, To: d.noted.To, Client: d.noted.Client})
	}
	return nil
}

// closed notes that all who wrote the draft have closed it, so that it is finished should the
// process die. Where nothing waits for a commit there is nothing to finish, nor unless idle reports,
// while nobody can write, that there is no other writer.
func (d *draft) closed(ctx context.Context, idle func() bool) error {
	if d.state() != dirty {
		return nil
	}
	if err := d.gate.enter(ctx); err != nil {
		return err
	}
	defer d.gate.leave()
	if d.state() != dirty || !idle() {
		return nil
	}
	file, err := d.file(ctx, -1)
	if err == nil {
		d.noteClosed(file, claim{client: d.maker().ID})
	}
	return err
}

// sync makes what was written survive a crash.
func (d *draft) sync(ctx context.Context) error {
	if err := d.gate.enter(ctx); err != nil {
		return err
	}
	defer d.gate.leave()
	d.mu.Lock()
	v, own := d.view, d.own
	d.mu.Unlock()
	if !own {
		return nil
	}
	d.synced = true
	return d.spool.sync(v.content.(spoolFile).File)
}

// detach takes the draft's name away: its commits do nothing from now on, and succeed. The
// gate is held, so that no commit is under way.
func (d *draft) detach() {
	d.mu.Lock()
	v, own := d.view, d.own
	d.detached = true
	d.mu.Unlock()
	if !own {
		return
	}
	name := v.content.(spoolFile).Name()
	if err := d.spool.remove(name); err != nil {
		d.spool.log.Error().Err(err).Str("draft", name).Msg("the spool file of a name that is gone could not be removed")
	}
}

// close releases what the draft holds. Nobody uses it any more.
func (d *draft) close() error {
	d.mu.Lock()
	own, v := d.own, d.view
	d.own = false
	d.mu.Unlock()
	var err error
	if own {
		err = d.spool.remove(v.content.(spoolFile).Name())
	}
	d.replace(nil, false)
	return err
}

// replace makes v what is read from now on.
func (d *draft) replace(v *view, own bool) {
	d.mu.Lock()
	old := d.view
	d.view, d.own = v, own
	d.mu.Unlock()
	if old != nil {
		d.leaveView(old)
	}
}

// view is content that is closed when nobody reads it any more. draft.mu guards users.
type view struct {
	content
	users int
}

func newView(c content) *view { return &view{content: c, users: 1} }

func (d *draft) leaveView(v *view) {
	d.mu.Lock()
	v.users--
	unused := v.users == 0
	d.mu.Unlock()
	if unused {
		_ = v.Close() // only read, or written and no longer wanted
	}
}

// spoolFile is a spool file as content.
type spoolFile struct{ *os.File }

func (f spoolFile) Size() int64 {
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}
