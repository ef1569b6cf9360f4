package fusefs

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/disk"
)

const (
	noteSuffix = ".json"
	dataSuffix = ".data"
)

// Recovery is the folder of drafts that did not become versions, because their commit failed or
// the mount died. It can be used while stores are mounted.
type Recovery struct{ folder string }

// OpenRecovery opens that folder in a spool folder. Drafts of mounts that have died are finished or put
// there first, which the log says.
func OpenRecovery(ctx context.Context, spool string, finisher Finisher, log zerolog.Logger) (*Recovery, error) {
	s := &session{root: spool, boot: bootID(), log: log}
	if err := s.rescue(ctx, finisher); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return &Recovery{filepath.Join(spool, keptFolder)}, nil
}

// note says what a kept draft was to become. It lies beside the content.
type note struct {
	Path   string    `json:"path"` // empty if it is not known
	Size   int64     `json:"size"`
	Time   time.Time `json:"time"` // of the last write
	Reason string    `json:"reason"`
	Client string    `json:"client,omitempty"` // that wrote it, if that is known
}

// KeptDraft is one of those drafts.
type KeptDraft struct {
	ID     string
	Path   store.Path // of the file that it was; empty if that is not known
	Client string     // that wrote it; empty if that is not known
	Size   int64      // in bytes
	Time   time.Time  // of the last write
	Reason string     // why it did not become a version; a sentence
}

// List returns all drafts, oldest first.
func (r *Recovery) List() ([]KeptDraft, error) {
	entries, err := os.ReadDir(r.folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []KeptDraft
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), dataSuffix)
		if !ok {
			continue
		}
		draft, err := r.Find(id)
		switch {
		case store.KindOf(err) == store.NotFound: // dropped meanwhile
		case err != nil:
			return nil, err
		default:
			all = append(all, draft)
		}
	}
	slices.SortStableFunc(all, func(a, b KeptDraft) int { return a.Time.Compare(b.Time) })
	return all, nil
}

// Find returns a draft; NotFound if there is none with that id.
func (r *Recovery) Find(id string) (KeptDraft, error) {
	base, err := r.base(id)
	if err != nil {
		return KeptDraft{}, err
	}
	info, err := os.Lstat(base + dataSuffix)
	if err != nil {
		return KeptDraft{}, noDraft(id, err)
	}
	draft := KeptDraft{ID: filepath.Base(base), Size: info.Size(), Time: info.ModTime()}
	var about note
	text, err := os.ReadFile(base + noteSuffix)
	if err == nil {
		err = json.Unmarshal(text, &about)
	}
	if err != nil { // the content is what counts
		e, _ := recordOf(base + dataSuffix)
		about = note{Path: string(e.Path), Client: e.Client, Reason: "What was noted about it is lost."}
	}
	draft.Path, draft.Client, draft.Reason = store.Path(about.Path), about.Client, about.Reason
	return draft, nil
}

// base returns the path of the files of a draft without their suffixes.
func (r *Recovery) base(id string) (string, error) {
	parsed, err := ulid.ParseStrict(id)
	if err != nil {
		return "", noDraft(id, fs.ErrNotExist)
	}
	return filepath.Join(r.folder, parsed.String()), nil
}

func noDraft(id string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return store.NewError(store.NotFound, id, "There is no draft with this id.")
	}
	return err
}

// Open opens the content of a draft, which nobody else can open until it is closed.
func (r *Recovery) Open(id string) (*os.File, error) {
	base, err := r.base(id)
	if err != nil {
		return nil, err
	}
	f, err := openDead(base + dataSuffix)
	if err != nil {
		return nil, noDraft(id, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close() // not read
		return nil, store.NewError(store.Conflict, id, "Somebody else is at work on this draft.")
	}
	return f, nil
}

// Drop removes a draft for good.
func (r *Recovery) Drop(id string) error {
	base, err := r.base(id)
	if err != nil {
		return err
	}
	if err := os.Remove(base + dataSuffix); err != nil {
		return noDraft(id, err)
	}
	if err := os.Remove(base + noteSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return disk.Disk{}.SyncNames(r.folder)
}
