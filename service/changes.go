package service

import (
	"sync"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// Action is what happened to a resource.
type Action uint8

// The actions that are announced.
const (
	// Created: a name came to be, or was revived.
	Created Action = iota + 1
	// Updated: an object got a new version, which is current now.
	Updated
	// Deleted: a name, with everything beneath it, or a version was deleted.
	Deleted
	// Renamed: versions moved from another name; From says which.
	Renamed
	// Described: metadata, lists or POSIX attributes changed.
	Described
)

// Change is something that happened to the store, told after it was committed.
type Change struct {
	Action Action
	Path   store.Path
	Kind   acl.Kind
	// Version is the version that was made, deleted or described; empty if it was the name.
	Version string
	// From is the old name with Renamed.
	From store.Path
	// Client is the identity of who did it; empty for the anonymous client.
	Client string
	// Elsewhere means that another process on the same store made it. Only changes of lists, and
	// of namespaces as a whole, are heard from there.
	Elsewhere bool
	// Lost means that changes were left out, because the listener was slow or another process
	// could not be heard: anything may have changed. All other fields are zero.
	Lost bool
}

// backlog is how many changes a listener may lag behind before it is told that it lost some.
const backlog = 1 << 16

// announcer hands changes to listeners, each on a goroutine of its own, in order.
type announcer struct {
	mu        sync.Mutex // guards listeners
	listeners map[*listener]struct{}
}

type listener struct {
	fn   func(Change)
	done chan struct{}

	mu    sync.Mutex // guards queue and ended; wake is signalled when they change
	wake  *sync.Cond
	queue []Change
	ended bool
}

// Listen calls fn for every change from now on, one at a time, until stop is called. A change
// says that there is something to look at again, not what is there: of changes made at the
// same moment the later one may be told first. fn may take its time. stop waits until a call
// under way has returned, and must not be called from fn.
func (s *Service) Listen(fn func(Change)) (stop func()) {
	l := &listener{fn: fn, done: make(chan struct{})}
	l.wake = sync.NewCond(&l.mu)
	s.changes.add(l)
	go l.run()
	return func() {
		s.changes.remove(l)
		l.mu.Lock()
		l.ended = true
		l.wake.Signal()
		l.mu.Unlock()
		<-l.done
	}
}

func (a *announcer) add(l *listener) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.listeners == nil {
		a.listeners = make(map[*listener]struct{})
	}
	a.listeners[l] = struct{}{}
}

func (a *announcer) remove(l *listener) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.listeners, l)
}

func (a *announcer) announce(changes ...Change) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for l := range a.listeners {
		l.push(changes)
	}
}

func (l *listener) push(changes []Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue)+len(changes) > backlog {
		l.queue = []Change{{Lost: true}}
	} else {
		l.queue = append(l.queue, changes...)
	}
	l.wake.Signal()
}

func (l *listener) run() {
	defer close(l.done)
	for {
		l.mu.Lock()
		for len(l.queue) == 0 && !l.ended {
			l.wake.Wait()
		}
		if l.ended {
			l.mu.Unlock()
			return
		}
		batch := l.queue
		l.queue = nil
		l.mu.Unlock()
		for _, change := range batch {
			l.fn(change)
		}
	}
}
