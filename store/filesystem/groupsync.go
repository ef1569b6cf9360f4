package filesystem

import "sync"

// groupSync lets all who wait for the same fsync share it. Whoever comes while one is under
// way waits for the next one, which begins afterwards and so covers all of them.
type groupSync struct {
	sync func() error

	mu   sync.Mutex // guards the fields below
	last *round     // the last one that began
	next *round     // has not begun; who made it will lead it
}

// round is one fsync. err may be read when done is closed.
type round struct {
	done chan struct{}
	err  error
}

// wait returns after an fsync that began after the call. Once one has failed, all later ones
// fail: the kernel reports the loss of what was written only once, so that a success later
// on proves nothing.
func (g *groupSync) wait() error {
	g.mu.Lock()
	if r := g.next; r != nil {
		g.mu.Unlock()
		<-r.done
		return r.err
	}
	mine := &round{done: make(chan struct{})}
	g.next = mine
	before := g.last
	g.mu.Unlock()

	if before != nil {
		<-before.done
		mine.err = before.err
	}
	g.mu.Lock()
	g.next, g.last = nil, mine
	g.mu.Unlock()
	if mine.err == nil {
		mine.err = g.sync()
	}
	close(mine.done)
	return mine.err
}
