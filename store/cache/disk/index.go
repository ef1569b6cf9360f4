package disk

import (
	"container/list"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// index knows which segments there are.
type index struct {
	mu       sync.Mutex // guards what follows, and the segments; never held over I/O
	segments map[place]*segment
	used     list.List // of *segment; the one that was used last is in front
	bytes    int64     // that all of them take of the disk
}

// segment is what is known of one. The index's lock guards it, but for place.
type segment struct {
	place place
	bytes int64
	last  time.Time // when it was used last
	noted time.Time // what the file's time says of that
	known bool      // sums are those of the file
	sums  sums
	turn  *list.Element // nil once it is gone
}

// load finds what is in a folder. What has no name of a segment is left alone.
func (x *index) load(dir string) error {
	x.segments = make(map[place]*segment)
	folders, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var found []*segment
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		files, err := os.ReadDir(filepath.Join(dir, folder.Name()))
		if err != nil {
			return err
		}
		for _, file := range files {
			p, ok := parsePlace(folder.Name(), file.Name())
			if !ok {
				continue
			}
			info, err := file.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			bytes := info.Size()
			if st, ok := info.Sys().(*syscall.Stat_t); ok {
				bytes = st.Blocks * 512 // there are holes
			}
			found = append(found, &segment{place: p, bytes: bytes, last: info.ModTime(), noted: info.ModTime()})
		}
	}
	slices.SortFunc(found, func(a, b *segment) int { return b.last.Compare(a.last) })
	for _, s := range found {
		x.segments[s.place] = s
		s.turn = x.used.PushBack(s)
		x.bytes += s.bytes
	}
	return nil
}

// noteAfter is how old the time of a file may be before its use is noted there.
const noteAfter = 10 * time.Minute

// use finds a segment, or returns nil. note is true if its use has to be noted in the file.
func (x *index) use(p place) (s *segment, note bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	s = x.segments[p]
	if s == nil {
		return nil, false
	}
	x.used.MoveToFront(s.turn)
	s.last = time.Now()
	if note = s.last.Sub(s.noted) > noteAfter; note {
		s.noted = s.last
	}
	return s, note
}

// add makes a segment without blocks.
func (x *index) add(p place) *segment {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := time.Now()
	s := &segment{place: p, bytes: headerSize, last: now, noted: now, known: true}
	x.segments[p] = s
	s.turn = x.used.PushFront(s)
	x.bytes += s.bytes
	return s
}

// learn takes down what the header of a segment says, unless that is known.
func (x *index) learn(s *segment, found sums) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !s.known {
		s.sums, s.known = found, true
	}
}

// isKnown reports whether the header of a segment was read.
func (x *index) isKnown(s *segment) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return s.known
}

// sum returns that of a block, 0 if it is not there.
func (x *index) sum(s *segment, block int) uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return s.sums[block]
}

// wrote takes down that a block is there, of so many bytes.
func (x *index) wrote(s *segment, block int, sum uint64, bytes int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	s.sums[block] = sum
	if s.turn != nil {
		s.bytes += bytes
		x.bytes += bytes
	}
}

// lost takes down that a block is not there, if it was the one with the sum, nor those after it: what
// harmed one may have harmed more. Their bytes are counted on until the segment goes.
func (x *index) lost(s *segment, block int, sum uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if s.sums[block] == sum {
		clear(s.sums[block:])
	}
}

// shrink takes out the segments that were not used for longest, until all others take so many bytes
// at most; but not the one that is to stay. The files are the caller's to remove.
func (x *index) shrink(most int64, stays *segment) []*segment {
	x.mu.Lock()
	defer x.mu.Unlock()
	var gone []*segment
	for last := x.used.Back(); last != nil && x.bytes > most; {
		s := last.Value.(*segment)
		last = last.Prev()
		if s != stays {
			x.drop(s)
			gone = append(gone, s)
		}
	}
	return gone
}

// unusedSince takes out the segments that nobody has used since a time. The files are the caller's to
// remove.
func (x *index) unusedSince(t time.Time) []*segment {
	x.mu.Lock()
	defer x.mu.Unlock()
	var gone []*segment
	for last := x.used.Back(); last != nil && last.Value.(*segment).last.Before(t); last = x.used.Back() {
		s := last.Value.(*segment)
		x.drop(s)
		gone = append(gone, s)
	}
	return gone
}

// remove takes out a segment; it reports false if it is out already.
func (x *index) remove(s *segment) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if s.turn == nil {
		return false
	}
	x.drop(s)
	return true
}

// drop takes out a segment. The lock is held.
func (x *index) drop(s *segment) {
	x.used.Remove(s.turn)
	s.turn = nil
	delete(x.segments, s.place)
	x.bytes -= s.bytes
}
