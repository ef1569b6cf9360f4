package filesystem

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// fault is what happens to a step.
type fault string

const (
	fails   fault = "fails"           // it has no effect and answers ENOSPC
	denies  fault = "done but denied" // it has its effect and answers ENOSPC
	crashes fault = "crashes"         // neither it nor any later step happens
)

var errCrashed = errors.New("the machine has crashed")

// injector lets one step go wrong and knows what a power failure would leave behind. Files are
// closed whatever goes wrong, as the system does, so that no lock is left.
type injector struct {
	mu    sync.Mutex
	at    int // the step that goes wrong, counted from 1; 0: none
	how   fault
	n     int
	hit   step // the step that went wrong; empty: none yet
	power *power
}

// arm lets the n-th step from now on go wrong.
func (i *injector) arm(n int, how fault) { i.n, i.at, i.how = 0, n, how }

func (i *injector) disk() disk { return disk{around: i.around} }

func (i *injector) fired() bool { return i.hit.op != "" }

func (i *injector) around(s step, call func() error) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fired() && i.how == crashes {
		if s.op == opClose {
			_ = call()
		}
		return errCrashed
	}
	i.n++
	if i.n != i.at {
		return i.make(s, call)
	}
	i.hit = s
	if s.op == opClose {
		_ = call()
	}
	switch i.how {
	case fails:
		return unix.ENOSPC
	case denies:
		if s.op == opClose {
			return unix.ENOSPC
		}
		return errors.Join(unix.ENOSPC, i.make(s, call))
	}
	return errCrashed
}

func (i *injector) make(s step, call func() error) error {
	err := call()
	if err == nil {
		err = i.power.note(s)
	}
	return err
}

// power is a model of the worst that a power failure may leave of a folder: of each file
// what it held and the mode it had at its last fsync, of each folder the names it had at its
// last fsync.
type power struct {
	root  string
	data  map[fileID][]byte
	modes map[fileID]os.FileMode
	names map[string][]string          // of a folder
	ids   map[string]map[string]fileID // of a folder's files
}

type fileID struct{ dev, ino uint64 }

func newPower(root string) *power {
	return &power{
		root: root, data: make(map[fileID][]byte), modes: make(map[fileID]os.FileMode),
		names: make(map[string][]string), ids: make(map[string]map[string]fileID),
	}
}

func idOf(path string) (fileID, bool, error) {
	var s unix.Stat_t
	err := unix.Lstat(path, &s)
	return fileID{s.Dev, s.Ino}, s.Mode&unix.S_IFMT == unix.S_IFDIR, err
}

func (p *power) note(s step) error {
	switch s.op {
	case opCreate, opSync, opSyncData:
		return p.noteFile(s)
	case opSyncFolder:
		return p.noteFolder(s.path)
	}
	return nil
}

func (p *power) noteFile(s step) error {
	id, _, err := idOf(s.path)
	if err != nil {
		return err
	}
	if s.op == opCreate { // the inode may be that of a file that is gone
		delete(p.data, id)
		p.modes[id] = 0o600
		return nil
	}
	if p.data[id], err = os.ReadFile(s.path); err != nil || s.op == opSyncData {
		return err
	}
	info, err := os.Stat(s.path)
	if err == nil {
		p.modes[id] = info.Mode().Perm()
	}
	return err
}

func (p *power) noteFolder(path string) error {
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

// fail returns a folder as the power failure leaves it.
func (p *power) fail(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	if err := p.copy(p.root, to); err != nil {
		t.Fatal(err)
	}
	return to
}

func (p *power) copy(from, to string) error {
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
