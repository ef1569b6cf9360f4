package filesystem

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/hatrac/hatrac/store/disk"
)

var errClosed = errors.New("the storage is closed")

// generation is a folder that this process fills.
type generation struct {
	id     ulid.ULID
	since  time.Time
	folder *os.File
	sync   *groupSync

	// What follows is guarded by the mutex of the filling.
	numbers int  // handed out so far
	users   int  // that were handed one and have not left
	retired bool // no numbers are handed out any more
}

// filling hands out places for new content in the generations of this process.
type filling struct {
	disk    disk.Disk
	content string
	folder  *os.File      // the folder content
	files   int           // that a generation takes
	age     time.Duration // up to which a generation takes files

	mu      sync.Mutex // guards the fields below and those of the generations that say so
	current *generation
	open    map[ulid.ULID]*generation // all whose folders are open
	making  chan struct{}             // closed when the attempt under way to begin a generation ends
	closed  bool
}

func openFilling(d disk.Disk, content string) (*filling, error) {
	folder, err := d.OpenFolder(content)
	if err != nil {
		return nil, err
	}
	return &filling{
		disk: d, content: content, folder: folder,
		files: generationFiles, age: generationAge,
		open: make(map[ulid.ULID]*generation),
	}, nil
}

func newID() ulid.ULID { return ulid.MustNew(ulid.Timestamp(time.Now()), rand.Reader) }

// take returns a place that was never taken before, and its generation, which the caller
// leaves when it is done.
func (f *filling) take(ctx context.Context) (*generation, place, error) {
	for {
		g, p, making, err := f.tryTake()
		if g != nil || err != nil {
			return g, p, err
		}
		if making != nil {
			select {
			case <-making:
				continue
			case <-ctx.Done():
				return nil, place{}, ctx.Err()
			}
		}
		if err := f.begin(); err != nil {
			return nil, place{}, err
		}
	}
}

// tryTake takes a place in the current generation. If there is none, it returns what to wait
// for, or nil if it is up to the caller to begin one.
func (f *filling) tryTake() (*generation, place, <-chan struct{}, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, place{}, nil, errClosed
	}
	g := f.current
	if g != nil && !g.retired && g.numbers < f.files && time.Since(g.since) < f.age {
		g.numbers++
		g.users++
		return g, place{generation: g.id, number: g.numbers}, nil, nil
	}
	if f.making != nil {
		return nil, place{}, f.making, nil
	}
	f.making = make(chan struct{})
	return nil, place{}, nil, nil
}

// begin makes a new generation the current one.
func (f *filling) begin() error {
	g, err := f.create()
	f.mu.Lock()
	old := f.current
	if err == nil {
		f.current = g
		f.open[g.id] = g
	}
	close(f.making)
	f.making = nil
	f.mu.Unlock()
	if err == nil && old != nil {
		f.retire(old)
	}
	return err
}

// create makes a folder, durably.
func (f *filling) create() (*generation, error) {
	id := newID()
	path := filepath.Join(f.content, id.String())
	if err := f.disk.Mkdir(path); err != nil {
		if !errors.Is(err, os.ErrExist) {
			_ = f.disk.Rmdir(path)
		}
		return nil, err
	}
	folder, err := f.disk.OpenFolder(path)
	if err != nil {
		_ = f.disk.Rmdir(path)
		return nil, err
	}
	if err := f.disk.SyncFolder(f.folder); err != nil {
		_ = folder.Close()
		_ = f.disk.Rmdir(path)
		return nil, err
	}
	return &generation{
		id: id, since: time.Now(), folder: folder,
		sync: &groupSync{sync: func() error { return f.disk.SyncFolder(folder) }},
	}, nil
}

// retire ends the handing out of numbers.
func (f *filling) retire(g *generation) {
	f.mu.Lock()
	g.retired = true
	f.release(g)
}

// leave ends the use of a place.
func (f *filling) leave(g *generation) {
	f.mu.Lock()
	g.users--
	f.release(g)
}

// release unlocks the mutex, and closes the folder if nobody needs it any more.
func (f *filling) release(g *generation) {
	last := g.retired && g.users == 0 && f.open[g.id] == g
	if last {
		delete(f.open, g.id)
	}
	f.mu.Unlock()
	if last {
		_ = g.folder.Close() // read-only: nothing can be lost
	}
}

// over reports whether nobody fills the generation any more: nobody in this process, and
// by its age nobody in another one, as far as the clocks agree.
func (f *filling) over(id ulid.ULID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open[id] == nil && time.Since(id.Timestamp()) > 2*f.age
}

// close ends the filling. A generation without content goes.
func (f *filling) close() error {
	f.mu.Lock()
	f.closed = true
	g := f.current
	f.mu.Unlock()
	if g != nil {
		f.retire(g)
		_ = f.disk.Rmdir(g.folder.Name())
	}
	return f.folder.Close()
}
