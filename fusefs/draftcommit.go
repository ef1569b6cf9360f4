package fusefs

import (
	"bytes"
	"context"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/hatrac/hatrac/store"
)

// finished is a draft that is to become a version. The file is the draft's and is not written
// to again, whatever comes of the commit.
type finished struct {
	file   *os.File
	sha256 []byte // nil: unknown
	size   int64
	attr   store.Attr
	synced bool // somebody asked for it to survive a crash
}

// commit calls put with the content, if it was changed since the last commit, and waits for it.
// put runs on, with the draft closed for changes, also when ctx ends before it; it is the one
// to set a deadline. A failure of put that is final is the answer to all that is asked of the draft
// later. Detached drafts succeed without a call.
func (d *draft) commit(ctx context.Context, as claim, final finality, put func(finished) error) error {
	if err := d.gate.enter(ctx); err != nil {
		return err
	}
	return d.commitHeld(ctx, as, final, put, func(error) {})
}

// finality says which failures of a commit are final; what others leave is as it was.
type finality func(error) bool

func always(error) bool { return true }

func never(error) bool { return false }

// unlessAway is the finality of commits that nobody waits for: what a back end cannot do now can be
// tried again, because nobody was told that it failed.
func unlessAway(err error) bool {
	switch store.KindOf(err) {
	case store.Unavailable, store.Interrupted:
		return false
	}
	return true
}

// claim says for whom a draft is committed, and under which name if that is not its own.
type claim struct {
	client string
	to     store.Path
}

// commitHeld is commit for who holds the gate, which it leaves when all is over. It calls over
// just before that, with what came of the commit; that may be after it returned.
func (d *draft) commitHeld(ctx context.Context, as claim, final finality, put func(finished) error, over func(error)) error {
	end := func(err error) error {
		over(err)
		d.gate.leave()
		return err
	}
	switch d.state() {
	case kept:
		return end(d.failed())
	case clean:
		return end(nil)
	}
	if d.pass() {
		return end(nil)
	}
	done := make(chan error, 1)
	d.setBusy(true)
	before := d.noted
	go func() {
		err := d.hand(context.WithoutCancel(ctx), as, put)
		d.conclude(err, before, final)
		done <- end(err)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return store.Wrap(store.Internal, "commit", ctx.Err())
	}
}

// pass counts the changes of a detached draft as committed.
func (d *draft) pass() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.detached {
		d.committed = d.changes
	}
	return d.detached
}

func (d *draft) setBusy(busy bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy = busy
}

// hand gives the content to put. The gate is held.
func (d *draft) hand(ctx context.Context, as claim, put func(finished) error) error {
	file, err := d.file(ctx, -1)
	if err != nil {
		return err
	}
	d.noteClosed(file, as)
	size, attr := d.stat()
	return put(finished{file: file, sha256: d.digest.sum(), size: size, attr: attr, synced: d.synced})
}

// conclude notes what came of a commit. The gate is held, and view is a spool file.
func (d *draft) conclude(err error, before record, final finality) {
	over := err != nil && final(err)
	switch {
	case err == nil:
		d.synced = false
		d.letGo()
	case over:
		d.noteOver(record{Stage: refused, Reason: store.Sentence(err)})
	default:
		d.noteOver(before)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy, d.awaited = false, false
	switch {
	case err == nil:
		d.committed, d.own = d.changes, false
		d.last = time.Now()
	case over:
		d.failure = err
	}
}

// maxRecycled is the size in bytes up to which the content of a committed draft is kept in
// memory, so that its spool file can serve another one.
const maxRecycled = 16 << 10

// letGo gives up the spool file of a draft that was committed, or its name. The gate is held.
func (d *draft) letGo() {
	file := d.view.content.(spoolFile).File
	content, ok := d.reusable(file)
	if !ok {
		d.giveUp(file) // it may be the version itself by now, under another name
		return
	}
	held := newView(heldContent{bytes.NewReader(content)})
	d.mu.Lock()
	old := d.view
	d.view, d.own = held, false
	old.users--
	unused := old.users == 0
	d.mu.Unlock()
	if unused {
		d.spool.recycle(file)
	} else {
		d.giveUp(file) // who still reads it closes it
	}
}

// giveUp removes the name of a spool file whose content is a version. If that fails, whoever finds the
// file after a death of the process finds the version too.
func (d *draft) giveUp(file *os.File) {
	if err := d.spool.remove(file.Name()); err != nil {
		d.spool.log.Warn().Err(err).Str("draft", file.Name()).Msg("the spool file of a version could not be removed")
	}
}

// reusable returns the content of a spool file that is small and is not the version itself.
func (d *draft) reusable(file *os.File) ([]byte, bool) {
	info, err := file.Stat()
	if err != nil || info.Size() > maxRecycled || info.Mode().Perm()&0o200 == 0 {
		return nil, false
	}
	if s, ok := info.Sys().(*syscall.Stat_t); !ok || s.Nlink != 1 {
		return nil, false
	}
	content := make([]byte, info.Size())
	_, err = io.ReadFull(io.NewSectionReader(file, 0, info.Size()), content)
	return content, err == nil
}

// heldContent is content in memory.
type heldContent struct{ *bytes.Reader }

func (heldContent) Close() error { return nil }

// due says when what was written is to become a version, at most interval after the last one;
// it reports false if nothing was written or somebody was told already.
func (d *draft) due(interval time.Duration) (time.Duration, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changes == d.committed || d.failure != nil || d.awaited {
		return 0, false
	}
	wait := interval - time.Since(d.last)
	d.awaited = wait > 0
	return wait, true
}

// release gives the content of a draft whose commit failed to keep and forgets it.
func (d *draft) release(keep func(*os.File) error) error {
	d.mu.Lock()
	v, own := d.view, d.own
	d.mu.Unlock()
	if !own {
		return nil
	}
	if err := keep(v.content.(spoolFile).File); err != nil {
		return err
	}
	d.mu.Lock()
	d.own = false
	d.mu.Unlock()
	return nil
}
