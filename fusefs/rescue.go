package fusefs

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/disk"
)

// Finisher makes versions of the drafts of mounts that have died, as far as those who wrote them were
// done with them.
type Finisher struct {
	Service *service.Service
	// Client returns the client with that id as it is now. What it cannot tell is not finished.
	Client func(ctx context.Context, id string) (acl.Client, error)
	// Deadline bounds each commit; large ones get more by their size.
	Deadline time.Duration
}

// rescue brings the drafts of sessions to an end whose process has died: each is finished, or else
// kept, and it says so. What can be neither, because of the disk, is left for the next time.
func (s *session) rescue(ctx context.Context, finisher Finisher) error {
	entries, err := os.ReadDir(s.root)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, err := ulid.ParseStrict(e.Name()); err != nil || !e.IsDir() {
			continue
		}
		dir := filepath.Join(s.root, e.Name())
		if err := s.rescueFrom(ctx, dir, finisher); err != nil {
			s.log.Error().Err(err).Str("folder", dir).Msg("drafts of an earlier mount could neither be finished nor be kept and stay where they are")
		}
	}
	return nil
}

func (s *session) rescueFrom(ctx context.Context, dir string, finisher Finisher) error {
	lock, err := s.lockFile(filepath.Join(dir, lockName), false)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return nil // in use
	case errors.Is(err, fs.ErrNotExist):
		return removeFolder(dir) // ended, or its end was cut short after the lock went
	case err != nil:
		return err
	}
	defer func() { _ = lock.Close() }()
	names, err := s.disk.List(dir)
	if err != nil {
		return err
	}
	for _, base := range names {
		if !strings.HasPrefix(base, draftName) || strings.Contains(base, recordSuffix) {
			continue
		}
		err = errors.Join(err, s.rescueDraft(ctx, filepath.Join(dir, base), finisher))
	}
	if err != nil {
		return err
	}
	for _, base := range names { // records whose draft is gone
		if strings.Contains(base, recordSuffix) {
			_ = s.disk.Unlink(filepath.Join(dir, base))
		}
	}
	return errors.Join(s.disk.Unlink(filepath.Join(dir, lockName)), removeFolder(dir))
}

// rescueDraft finishes a draft or keeps it. What nobody wants is removed.
func (s *session) rescueDraft(ctx context.Context, name string, finisher Finisher) error {
	info, err := os.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	e, known := recordOf(name)
	reason := "The mount ended before this was committed."
	switch {
	case !known:
	case e.Stage == begun:
		return s.removeDead(name)
	case e.Stage == refused:
		reason = e.Reason
	case e.Stage == closed && mountOnly(e.Path):
		return s.removeDead(name)
	case e.Stage == closed && e.Size != info.Size():
	case e.Stage == closed && (e.Boot == "" || e.Boot != s.boot):
		reason = "The machine ended before this was committed, so that it may not be whole."
	case e.Stage == closed:
		err := finisher.finish(ctx, s, name, e)
		if err == nil {
			return s.removeDead(name)
		}
		reason = store.Sentence(err)
	}
	return s.keep(name, note{Path: string(e.Path), Client: e.Client, Reason: reason})
}

// finish makes a draft the version that it was about to become, under the name that it was about to
// get or else its own, unless it became that already.
func (f Finisher) finish(ctx context.Context, s *session, name string, e record) error {
	client, err := f.Client(ctx, e.Client)
	if err != nil {
		return err
	}
	file, err := openDead(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // only read
	if e.To != "" {
		if err = f.put(ctx, s, client, file, e.To, e); err == nil {
			return nil
		}
	}
	return f.put(ctx, s, client, file, e.Path, e)
}

func (f Finisher) put(ctx context.Context, s *session, by acl.Client, file *os.File, path store.Path, e record) error {
	ctx, cancel := context.WithTimeout(ctx, commitTime(f.Deadline, e.Size))
	defer cancel()
	result, err := f.Service.ResumePut(ctx, by, service.PutObject{
		Path:          path,
		Draft:         &service.Draft{File: file},
		Size:          e.Size,
		SkipUnchanged: true,
		KeepMetadata:  true,
		NotKept:       linkType,
		Metadata:      store.Metadata{ContentType: e.ContentType, ContentDisposition: e.Disposition},
		Revive:        true,
		Attr:          e.Attr,
	}, e.Since)
	if err != nil {
		return err
	}
	s.log.Warn().Str("path", string(path)).Str("version", result.Version.Version).Str("client", by.ID).Int64("size", e.Size).
		Bool("was there", result.Unchanged).Msg("a file that was closed when an earlier mount died is committed")
	return nil
}

// openDead opens a draft that nobody writes to. It may be the content of a version already, which nobody
// may write to.
func openDead(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrPermission) {
		f, err = os.Open(name)
	}
	return f, err
}

// removeDead removes a draft of a dead session, and then what was noted beside it.
func (s *session) removeDead(name string) error {
	if err := s.disk.Unlink(name); err != nil {
		return err
	}
	if err := s.disk.Unlink(name + recordSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// keep puts a spool file aside, with size and time in its note, and says so. Empty ones are removed.
func (s *session) keep(name string, about note) error {
	info, err := os.Lstat(name)
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		return s.removeDead(name)
	}
	folder := filepath.Join(s.root, keptFolder)
	if err := s.disk.MakeFolder(folder); err != nil {
		return err
	}
	base := filepath.Join(folder, ulid.Make().String())
	about.Size, about.Time = info.Size(), info.ModTime()
	text, err := json.MarshalIndent(about, "", "  ")
	if err != nil {
		return err
	}
	if err = s.writeSynced(base+noteSuffix, text); err == nil {
		err = s.disk.Replace(name, base+dataSuffix)
	}
	if err != nil {
		_ = s.disk.Unlink(base + noteSuffix)
		return err
	}
	s.log.Warn().Str("path", about.Path).Int64("size", about.Size).Str("draft", filepath.Base(base)).Str("reason", about.Reason).
		Msg("a draft that did not become a version was kept; hatrac recover lists, commits and drops them")
	if err := s.disk.Unlink(name + recordSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.disk.SyncNames(folder)
}

// writeSynced makes a file that survives a crash as soon as its folder is synced.
func (s *session) writeSynced(name string, text []byte) error {
	f, err := s.disk.Open(disk.OpCreate, name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	err = s.disk.Write(f, text)
	if err == nil {
		err = s.disk.Sync(f)
	}
	return errors.Join(err, s.disk.Close(f))
}

// removeFolder removes a folder if it is empty.
func removeFolder(dir string) error {
	err := os.Remove(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTEMPTY) {
		return nil
	}
	return err
}
