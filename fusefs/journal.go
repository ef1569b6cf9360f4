package fusefs

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/disk"
)

// stage says how far a draft has come, to those who find its spool file after the mount's process
// has died.
type stage string

const (
	begun   stage = "begun"   // it holds a copy of what a version holds, in part perhaps, or is free
	written stage = "written" // somebody has written to it
	closed  stage = "closed"  // whoever wrote it has closed it, or its commit is under way
	refused stage = "refused" // its commit failed, and somebody was told
)

// record is what the journal says of a draft. It is kept with the spool file, and lives and dies with it.
type record struct {
	Stage  stage      `json:"stage"`
	Path   store.Path `json:"path"`
	To     store.Path `json:"to,omitempty"`     // the name under which it is about to be committed, if that is another
	Client string     `json:"client,omitempty"` // who makes the version
	Reason string     `json:"reason,omitempty"` // why it was refused

	// Of a draft that is closed:
	Since       time.Time  `json:"since,omitzero"`
	Boot        string     `json:"boot,omitempty"` // of the machine, by which it is known to be whole
	Size        int64      `json:"size,omitempty"`
	Attr        store.Attr `json:"attr,omitzero"`
	ContentType string     `json:"content_type,omitempty"`
	Disposition string     `json:"content_disposition,omitempty"`
}

const (
	// recordAttr is the extended attribute of a spool file with its record. Where the disk has no such
	// attributes, or not of that size, the record is a file beside it.
	recordAttr   = "user.hatrac.draft"
	recordSuffix = ".record"

	// maxRecordAttr is the longest record, in bytes, that is an attribute.
	maxRecordAttr = 2 << 10

	opNote   = "note"
	opForget = "forget"
)

// note makes e the record of a spool file.
func (s *session) note(f *os.File, e record) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if _, beside := s.beside.Load(f.Name()); !beside && len(text) <= maxRecordAttr {
		err := s.disk.Do(disk.Step{Op: opNote, Path: f.Name()}, func() error {
			return unix.Fsetxattr(int(f.Fd()), recordAttr, text, 0)
		})
		if err == nil {
			return nil
		}
	}
	return s.noteBeside(f.Name(), text)
}

// noteBeside writes the record to a file, which counts before the attribute.
func (s *session) noteBeside(name string, text []byte) error {
	s.beside.Store(name, struct{}{})
	next := name + recordSuffix + ".new"
	f, err := s.disk.Open(disk.OpCreate, next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	err = s.disk.Write(f, text)
	if err = errors.Join(err, s.disk.Close(f)); err == nil {
		err = s.disk.Replace(next, name+recordSuffix)
	}
	if err != nil {
		_ = s.disk.Unlink(next)
	}
	return err
}

// forget removes the record of a spool file.
func (s *session) forget(f *os.File) error {
	err := s.disk.Do(disk.Step{Op: opForget, Path: f.Name()}, func() error {
		return unix.Fremovexattr(int(f.Fd()), recordAttr)
	})
	if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.EOPNOTSUPP) {
		err = nil
	}
	return errors.Join(err, s.forgetBeside(f.Name()))
}

func (s *session) forgetBeside(name string) error {
	if _, beside := s.beside.Load(name); !beside {
		return nil
	}
	err := s.disk.Unlink(name + recordSuffix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.beside.Delete(name)
	return nil
}

// recordOf returns what was noted about a spool file; false if nothing was.
func recordOf(name string) (e record, ok bool) {
	text, err := os.ReadFile(name + recordSuffix)
	if err != nil {
		text = make([]byte, maxRecordAttr)
		n, err := unix.Getxattr(name, recordAttr, text)
		if err != nil {
			return record{}, false
		}
		text = text[:n]
	}
	return e, json.Unmarshal(text, &e) == nil
}

// bootID tells this run of the machine from all others. It is empty if nobody knows.
func bootID() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// about is what the journal says of a draft besides how far it has come. The draft's gate guards it.
type about struct {
	path     store.Path
	declared func() store.Metadata // of the version that it becomes
}

// note notes how far the draft has come, with what is known of it. The gate is held.
func (d *draft) note(file *os.File, e record) error {
	d.mu.Lock()
	if e.Client == "" {
		e.Client = d.author.ID
	}
	if e.Stage == closed {
		e.Size, e.Attr = d.size, d.attr
	}
	detached := d.detached
	d.mu.Unlock()
	if detached {
		return nil
	}
	if e.Path = d.about.path; e.Stage == closed {
		e.Since, e.Boot = time.Now().Truncate(time.Microsecond), d.spool.boot
		if d.about.declared != nil {
			declared := d.about.declared()
			e.ContentType, e.Disposition = declared.ContentType, declared.ContentDisposition
		}
	}
	if err := d.spool.note(file, e); err != nil {
		return err
	}
	d.noted = e
	return nil
}

// noteClosed notes that whoever wrote the draft is done with it. Should the note fail, the draft is not
// finished after a death of the process, but kept. The gate is held.
func (d *draft) noteClosed(file *os.File, as claim) {
	if as.to == d.about.path {
		as.to = ""
	}
	if d.noted.Stage == closed && d.noted.To == as.to && d.noted.Client == as.client {
		return
	}
	if err := d.note(file, record{Stage: closed, To: as.to, Client: as.client}); err != nil {
		d.spool.log.Warn().Err(err).Str("path", string(d.about.path)).Msg("that a file was closed could not be noted in the journal")
	}
}

// noteOver notes that a commit failed, before anybody is told: nobody may finish that one from now on.
// What is left is e. The gate is held.
func (d *draft) noteOver(e record) {
	d.mu.Lock()
	v, own := d.view, d.own
	d.mu.Unlock()
	if !own {
		return
	}
	file := v.content.(spoolFile).File
	if e.Stage == "" { // it had no file before
		e.Stage = written
	}
	if err := d.note(file, record{Stage: e.Stage, Reason: e.Reason, Client: e.Client}); err != nil {
		err = errors.Join(err, d.spool.forget(file))
		d.noted = record{}
		d.spool.log.Error().Err(err).Str("path", string(d.about.path)).Msg("the failure of a commit could not be noted in the journal")
	}
}

// relabel notes the path of the draft on its spool file, for those who find it after a crash.
// The gate is held.
func (d *draft) relabel(path store.Path) {
	d.about.path = path
	d.mu.Lock()
	v, own, detached := d.view, d.own, d.detached
	d.mu.Unlock()
	if !own || detached || d.noted.Stage == "" {
		return
	}
	d.noted.Path = path
	if err := d.spool.note(v.content.(spoolFile).File, d.noted); err != nil {
		d.spool.log.Error().Err(err).Str("path", string(path)).Msg("the new name of a draft could not be noted in the journal")
	}
}
