package disk

import (
	"os"
	"path/filepath"
	"sync"
	"time"
)

// queueLength is how many blocks may wait to be written. What is fetched faster than the disk takes
// it, for longer than that, is not kept: nobody waits for this disk.
const queueLength = 128

// lookInterval is the time between two looks for what nobody has used for long.
const lookInterval = time.Hour

// keep is a block that waits to be written.
type keep struct {
	place place
	block int
	data  *[]byte // from buffers
	size  int
}

var buffers = sync.Pool{New: func() any {
	b := make([]byte, blockSize)
	return &b
}}

// accepts reports whether it is worth while to offer a block.
func (c *Cache) accepts() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue) < cap(c.queue) && !c.resting()
}

// resting reports whether nothing is kept for now. The lock is held.
func (c *Cache) resting() bool { return !c.rests.IsZero() && time.Now().Before(c.rests) }

// offer lets a block be written, whose buffer it takes, if there is room for it.
func (c *Cache) offer(k keep) {
	select {
	case <-c.stop:
		buffers.Put(k.data)
		return
	default:
	}
	select {
	case c.queue <- k:
	default:
		buffers.Put(k.data)
	}
}

// write writes the blocks that are to be kept, one after the other, and removes what nobody used for
// long.
func (c *Cache) write() {
	var at writing
	defer at.close()
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	for {
		select {
		case <-c.stop:
			for len(c.queue) > 0 {
				c.keep(&at, <-c.queue)
			}
			return
		case <-look.C:
			c.forget(c.index.unusedSince(time.Now().Add(-c.cfg.Unused)))
		case k := <-c.queue:
			c.keep(&at, k)
		}
	}
}

// keep writes a block if it can be written.
func (c *Cache) keep(at *writing, k keep) {
	defer buffers.Put(k.data)
	c.mu.Lock()
	rests := c.resting()
	c.mu.Unlock()
	if rests {
		return
	}
	if err := c.store(at, k); err != nil {
		at.close()
		c.fail(err)
	}
}

// fail lets nothing more be kept for a while.
func (c *Cache) fail(err error) {
	c.mu.Lock()
	c.rests = time.Now().Add(c.cfg.Rest)
	c.mu.Unlock()
	if c.cfg.Failed != nil {
		c.cfg.Failed(err)
	}
}

// writing is the segment that was written last, which is mostly the next one too.
type writing struct {
	segment *segment
	file    *os.File
}

func (w *writing) close() {
	if w.file != nil {
		_ = w.file.Close() // what is not written is fetched again
	}
	*w = writing{}
}

// store writes a block, unless it is there.
func (c *Cache) store(at *writing, k keep) error {
	if err := c.turnTo(at, k.place); err != nil {
		return err
	}
	if c.index.sum(at.segment, k.block) != 0 {
		return nil
	}
	data := (*k.data)[:k.size]
	c.forget(c.index.shrink(c.cfg.Size-int64(k.size), at.segment))
	sum := k.place.sumOf(k.block, data)
	if err := writeBlock(at.file, k.block, data, sum); err != nil {
		return err
	}
	c.index.wrote(at.segment, k.block, sum, int64(k.size))
	return nil
}

// turnTo opens a segment to write, which is made if there is none.
func (c *Cache) turnTo(at *writing, p place) error {
	s, _ := c.index.use(p)
	if s != nil && s == at.segment {
		return nil
	}
	at.close()
	path := filepath.Join(c.dir, p.name())
	if s != nil {
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		if err == nil {
			at.segment, at.file = s, file
			return c.readHeader(s, file)
		}
		c.forget([]*segment{s})
	}
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil && !os.IsExist(err) {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	at.segment, at.file = c.index.add(p), file
	return nil
}

// readHeader finds out which blocks a segment has, if that is not known.
func (c *Cache) readHeader(s *segment, file *os.File) error {
	if c.index.isKnown(s) {
		return nil
	}
	found, err := readSums(file)
	if err == nil {
		c.index.learn(s, found)
	}
	return err
}

// forget removes the files of segments, and takes them out of the index if they are in.
func (c *Cache) forget(gone []*segment) {
	for _, s := range gone {
		c.index.remove(s)
		_ = os.Remove(filepath.Join(c.dir, s.place.name())) // what stays is found by the next start
	}
}
