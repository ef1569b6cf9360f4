package fusefs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/oklog/ulid/v2"
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store/disk"
)

const (
	lockName   = "lock"
	keptFolder = "kept"
	draftName  = "draft-"
)

// session is the folder in which one mount keeps its drafts. It is locked as long as the
// process lives, so that whoever comes later can tell leftovers from drafts in use.
type session struct {
	disk   disk.Disk
	root   string // the spool folder, shared by all sessions
	dir    string
	lock   *os.File
	boot   string // see bootID
	next   atomic.Uint64
	free   chan *os.File // empty spool files that wait for a draft
	beside sync.Map      // names of spool files whose record is a file beside them
	log    zerolog.Logger
}

// maxFree is how many spool files wait at most. To make a file, and to remove it, costs the disk
// more than to write a small one.
const maxFree = 16

// openSession makes a session in the spool folder, which it creates if it is missing.
func openSession(root string, d disk.Disk, log zerolog.Logger) (*session, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, err
	}
	s := &session{disk: d, root: root, boot: bootID(), log: log, free: make(chan *os.File, maxFree)}
	// The folder gets its lock before it gets its name.
	dir, err := os.MkdirTemp(root, "new-*")
	if err != nil {
		return nil, err
	}
	if s.lock, err = s.lockFile(filepath.Join(dir, lockName), true); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s.dir = filepath.Join(root, ulid.Make().String())
	if err := s.disk.Replace(dir, s.dir); err != nil {
		return nil, errors.Join(err, s.lock.Close(), os.RemoveAll(dir))
	}
	return s, nil
}

// lockFile opens and locks a file; it fails if another process holds the lock.
func (s *session) lockFile(name string, create bool) (*os.File, error) {
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE | os.O_EXCL
	}
	f, err := s.disk.Open(disk.OpOpen, name, flags)
	if err != nil {
		return nil, err
	}
	if err := s.disk.TryLockFile(f, unix.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// create returns an empty spool file, of which nothing is noted.
func (s *session) create() (*os.File, error) {
	select {
	case f := <-s.free:
		return f, nil
	default:
	}
	name := filepath.Join(s.dir, draftName+strconv.FormatUint(s.next.Add(1), 10))
	return s.disk.Open(disk.OpCreate, name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

// recycle takes over a spool file that is of no use any more. That is noted before it is empty: nobody
// must take it for an empty draft.
func (s *session) recycle(f *os.File) {
	err := s.note(f, record{Stage: begun})
	if err == nil {
		err = s.disk.Truncate(f, 0)
	}
	if err != nil {
		_ = s.discard(f)
		return
	}
	select {
	case s.free <- f:
	default:
		_ = s.discard(f)
	}
}

// discard removes a spool file that nobody wants, and closes it.
func (s *session) discard(f *os.File) error { return errors.Join(s.remove(f.Name()), f.Close()) }

// remove removes the name of a spool file, and then what is noted beside it.
func (s *session) remove(name string) error {
	if err := s.disk.Unlink(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.forgetBeside(name)
}

// sync makes a spool file durable, with its name and its record.
func (s *session) sync(f *os.File) error {
	if err := s.disk.Sync(f); err != nil {
		return err
	}
	if _, beside := s.beside.Load(f.Name()); beside {
		if err := s.syncFile(f.Name() + recordSuffix); err != nil {
			return err
		}
	}
	return s.disk.SyncNames(filepath.Dir(f.Name()))
}

func (s *session) syncFile(name string) error {
	f, err := s.disk.OpenFile(name)
	if err != nil {
		return err
	}
	return errors.Join(s.disk.Sync(f), f.Close())
}

// close ends the session. What is left in its folder waits for the next one.
func (s *session) close() error {
	for len(s.free) > 0 {
		_ = s.discard(<-s.free)
	}
	entries, err := os.ReadDir(s.dir)
	if err == nil && len(entries) == 1 {
		err = errors.Join(s.disk.Unlink(filepath.Join(s.dir, lockName)), s.disk.Rmdir(s.dir))
	}
	return errors.Join(err, s.lock.Close())
}
