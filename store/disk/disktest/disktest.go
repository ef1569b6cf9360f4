// Package disktest lets steps on the disk go wrong, and knows what a power failure would leave behind.
package disktest

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store/disk"
)

// Fault is what happens to a step.
type Fault string

const (
	Fails   Fault = "fails"           // it has no effect and answers ENOSPC
	Denies  Fault = "done but denied" // it has its effect and answers ENOSPC
	Crashes Fault = "crashes"         // neither it nor any later step happens
)

// ErrCrashed is what a step answers that does not happen because of a crash.
var ErrCrashed = errors.New("the machine has crashed")

// Injector lets one step go wrong and knows what a power failure would leave behind. Files are
// closed whatever goes wrong, as the system does, so that no lock is left.
type Injector struct {
	// Power, if not nil, is told of each step that happens.
	Power *Power
	// Errno is what a step answers that goes wrong, ENOSPC if it is 0.
	Errno unix.Errno

	turn sync.Mutex // of the one step that happens, if Power looks at it

	mu  sync.Mutex // guards what follows
	at  int        // the step that goes wrong, counted from 1; 0: none
	how Fault
	n   int
	hit disk.Step // the step that went wrong; empty: none yet
}

// Arm lets the n-th step from now on go wrong, or none if n is 0.
func (i *Injector) Arm(n int, how Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.n, i.at, i.how, i.hit = 0, n, how, disk.Step{}
}

// Disk returns a disk with these steps.
func (i *Injector) Disk() disk.Disk { return disk.Disk{Around: i.Around} }

// Hit returns the step that went wrong since Arm, which is empty if there was none yet.
func (i *Injector) Hit() disk.Step {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.hit
}

// Fired reports whether a step went wrong since Arm.
func (i *Injector) Fired() bool { return i.Hit().Op != "" }

// Crashed reports whether nothing happens any more.
func (i *Injector) Crashed() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.crashed()
}

func (i *Injector) crashed() bool { return i.hit.Op != "" && i.how == Crashes }

// Around makes a step, or lets it go wrong.
func (i *Injector) Around(s disk.Step, call func() error) error {
	if i.Power != nil {
		i.turn.Lock()
		defer i.turn.Unlock()
	}
	switch how, wrong := i.next(s); {
	case !wrong:
		return i.make(s, call)
	case s.Op == disk.OpClose:
		_ = call()
		if how == Crashes {
			return ErrCrashed
		}
		return i.errno()
	case how == Fails:
		return i.errno()
	case how == Denies:
		return errors.Join(i.errno(), i.make(s, call))
	}
	return ErrCrashed
}

// next counts a step and reports whether it goes wrong, and how.
func (i *Injector) next(s disk.Step) (how Fault, wrong bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.crashed() {
		return Crashes, true
	}
	if i.n++; i.n == i.at {
		i.hit = s
		return i.how, true
	}
	return "", false
}

func (i *Injector) errno() error {
	if i.Errno == 0 {
		return unix.ENOSPC
	}
	return i.Errno
}

func (i *Injector) make(s disk.Step, call func() error) error {
	err := call()
	if err == nil && i.Power != nil {
		err = i.Power.note(s)
	}
	return err
}

// Power is a model of the worst that a power failure may leave of a folder: of each file
// what it held and the mode it had at its last fsync, of each folder the names it had at its
// last fsync.
type Power struct {
	root  string
	data  map[fileID][]byte
	modes map[fileID]os.FileMode
	names map[string][]string          // of a folder
	ids   map[string]map[string]fileID // of a folder's files
}

type fileID struct{ dev, ino uint64 }

// NewPower returns a model of a folder that is durable as it is.
func NewPower(root string) *Power {
	return &Power{
		root: root, data: make(map[fileID][]byte), modes: make(map[fileID]os.FileMode),
		names: make(map[string][]string), ids: make(map[string]map[string]fileID),
	}
}

func idOf(path string) (fileID, bool, error) {
	var s unix.Stat_t
	err := unix.Lstat(path, &s)
	return fileID{s.Dev, s.Ino}, s.Mode&unix.S_IFMT == unix.S_IFDIR, err
}

func (p *Power) note(s disk.Step) error {
	switch s.Op {
	case disk.OpCreate, disk.OpSync, disk.OpSyncData:
		return p.noteFile(s)
	case disk.OpSyncFolder:
		return p.noteFolder(s.Path)
	}
	return nil
}

func (p *Power) noteFile(s disk.Step) error {
	id, _, err := idOf(s.Path)
	if err != nil {
		return err
	}
	if s.Op == disk.OpCreate { // the inode may be that of a file that is gone
		delete(p.data, id)
		p.modes[id] = 0o600
		return nil
	}
	if p.data[id], err = os.ReadFile(s.Path); err != nil || s.Op == disk.OpSyncData {
		return err
	}
	info, err := os.Stat(s.Path)
	if err == nil {
		p.modes[id] = info.Mode().Perm()
	}
	return err
}

func (p *Power) noteFolder(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	p.names[path], p.ids[path] = nil, make(map[string]fileID)
	for _, entry := range entries {
		id, folder, err := idOf(filepath.Join(path, entry.Name()))
		if err != nil {
			return err
		}
		p.names[path] = append(p.names[path], entry.Name())
		if !folder {
			p.ids[path][entry.Name()] = id
		}
	}
	return nil
}

// Fail returns a folder as the power failure leaves it.
func (p *Power) Fail(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	if err := p.copy(p.root, to); err != nil {
		t.Fatal(err)
	}
	return to
}

func (p *Power) copy(from, to string) error {
	for _, name := range p.names[from] {
		source, target := filepath.Join(from, name), filepath.Join(to, name)
		id, isFile := p.ids[from][name]
		if !isFile {
			if err := os.Mkdir(target, 0o700); err != nil {
				return err
			}
			if err := p.copy(source, target); err != nil {
				return err
			}
			continue
		}
		content, ok := p.data[id]
		if !ok {
			content = []byte("lost")
		}
		if err := os.WriteFile(target, content, p.modes[id]); err != nil {
			return err
		}
	}
	return nil
}
