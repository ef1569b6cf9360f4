package fusefs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store"
)

const (
	lockName   = "lock"
	keptFolder = "kept"
	draftName  = "draft-"

	// pathAttr is the extended attribute of a spool file that tells which file it is a
	// draft of. Where a disk has no such attributes nobody knows after a crash.
	pathAttr = "user.hatrac.path"
)

// session is the folder in which one mount keeps its drafts. It is locked as long as the
// process lives, so that whoever comes later can tell leftovers from drafts in use.
type session struct {
	root string // the spool folder, shared by all sessions
	dir  string
	lock *os.File
	next atomic.Uint64
	free chan *os.File // empty spool files that wait for a draft
	log  zerolog.Logger
}

// maxFree is how many spool files wait at most. To make a file, and to remove it, costs the disk
// more than to write a small one.
const maxFree = 16

// note says what a kept draft was to become. It lies beside the content.
type note struct {
	Path   string    `json:"path"` // empty if it is not known
	Size   int64     `json:"size"`
	Time   time.Time `json:"time"` // of the last write
	Reason string    `json:"reason"`
	Client string    `json:"client,omitempty"` // that wrote it, if that is known
}

// openSession makes a session in the spool folder, which it creates if it is missing, and
// puts aside what dead sessions left there.
func openSession(root string, log zerolog.Logger) (*session, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, err
	}
	s := &session{root: root, log: log, free: make(chan *os.File, maxFree)}
	if err := s.rescue(); err != nil {
		return nil, err
	}
	// The folder gets its lock before it gets its name.
	dir, err := os.MkdirTemp(root, "new-*")
	if err != nil {
		return nil, err
	}
	if s.lock, err = lockFile(filepath.Join(dir, lockName), true); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s.dir = filepath.Join(root, ulid.Make().String())
	if err := os.Rename(dir, s.dir); err != nil {
		return nil, errors.Join(err, s.lock.Close(), os.RemoveAll(dir))
	}
	return s, nil
}

// lockFile opens and locks a file; it fails if another process holds the lock.
func lockFile(name string, create bool) (*os.File, error) {
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE | os.O_EXCL
	}
	f, err := os.OpenFile(name, flags, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// create returns an empty spool file for a draft of that path.
func (s *session) create(path store.Path) (*os.File, error) {
	select {
	case f := <-s.free:
		label(f, path)
		return f, nil
	default:
	}
	name := filepath.Join(s.dir, draftName+strconv.FormatUint(s.next.Add(1), 10))
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	label(f, path)
	return f, nil
}

// recycle takes over a spool file that is of no use any more.
func (s *session) recycle(f *os.File) {
	if err := f.Truncate(0); err != nil {
		_ = discard(f)
		return
	}
	select {
	case s.free <- f:
	default:
		_ = discard(f)
	}
}

// label notes on a spool file which path it is a draft of.
func label(f *os.File, path store.Path) {
	_ = unix.Fsetxattr(int(f.Fd()), pathAttr, []byte(path), 0) // see pathAttr
}

func labelOf(name string) string {
	buf := make([]byte, store.MaxPath)
	n, err := unix.Getxattr(name, pathAttr, buf)
	if err != nil {
		return ""
	}
	return string(buf[:n])
}

// discard removes a spool file that nobody wants.
func discard(f *os.File) error { return errors.Join(os.Remove(f.Name()), f.Close()) }

// syncSpool makes a spool file durable, its name too.
func syncSpool(f *os.File) error {
	if err := f.Sync(); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(f.Name()))
}

func syncFolder(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// keep puts a spool file aside, with size and time in its note, and says so. Empty ones are removed.
func (s *session) keep(name string, about note) error {
	info, err := os.Lstat(name)
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		return os.Remove(name)
	}
	folder := filepath.Join(s.root, keptFolder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	base := filepath.Join(folder, ulid.Make().String())
	about.Size, about.Time = info.Size(), info.ModTime()
	text, err := json.MarshalIndent(about, "", "  ")
	if err != nil {
		return err
	}
	if err := writeSynced(base+noteSuffix, text); err != nil {
		return err
	}
	if err := os.Rename(name, base+dataSuffix); err != nil {
		return errors.Join(err, os.Remove(base+noteSuffix))
	}
	s.log.Warn().Str("path", about.Path).Int64("size", about.Size).Str("draft", filepath.Base(base)).Str("reason", about.Reason).
		Msg("a draft that did not become a version was kept; hatrac recover lists, commits and drops them")
	return syncFolder(folder)
}

// writeSynced makes a file that survives a crash as soon as its folder is synced.
func writeSynced(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// rescue keeps the drafts of sessions whose process has died.
func (s *session) rescue() error {
	entries, err := os.ReadDir(s.root)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, err := ulid.ParseStrict(e.Name()); err != nil || !e.IsDir() {
			continue
		}
		if err := s.rescueFrom(filepath.Join(s.root, e.Name())); err != nil {
			return fmt.Errorf("keep the drafts of an earlier mount: %w", err)
		}
	}
	return nil
}

func (s *session) rescueFrom(dir string) error {
	lock, err := lockFile(filepath.Join(dir, lockName), false)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return nil // in use
	case errors.Is(err, fs.ErrNotExist):
		return removeFolder(dir) // ended, or its end was cut short after the lock went
	case err != nil:
		return err
	}
	defer func() { _ = lock.Close() }()
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		if e.Name() == lockName || !e.Type().IsRegular() {
			continue
		}
		if err := s.keep(name, note{Path: labelOf(name), Reason: "The mount ended before this was committed."}); err != nil {
			return err
		}
	}
	return errors.Join(os.Remove(lock.Name()), removeFolder(dir))
}

// removeFolder removes a folder if it is empty.
func removeFolder(dir string) error {
	err := os.Remove(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTEMPTY) {
		return nil
	}
	return err
}

// close ends the session. What is left in its folder waits for the next one.
func (s *session) close() error {
	for len(s.free) > 0 {
		_ = discard(<-s.free)
	}
	entries, err := os.ReadDir(s.dir)
	if err == nil && len(entries) == 1 {
		err = errors.Join(os.Remove(filepath.Join(s.dir, lockName)), os.Remove(s.dir))
	}
	return errors.Join(err, s.lock.Close())
}
