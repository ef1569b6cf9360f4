package fusefs

import (
	"sync"
	"time"
)

// processMemory is how long it is remembered which process a thread belongs to, and maxProcesses of
// how many threads. The numbers of threads are given out in turn, so that none comes again so soon.
const (
	processMemory = 100 * time.Millisecond
	maxProcesses  = 256
)

// processes remembers for a moment which process a thread belongs to: whoever opens many files asks
// for that each time.
type processes struct {
	mu    sync.Mutex // guards known
	known map[uint32]knownProcess
}

type knownProcess struct {
	process process
	until   time.Time
}

// of returns the process that the thread with that number belongs to.
func (p *processes) of(thread uint32) process {
	now := time.Now()
	p.mu.Lock()
	known, ok := p.known[thread]
	p.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.process
	}
	found := processOf(thread)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil || len(p.known) >= maxProcesses {
		p.known = make(map[uint32]knownProcess)
	}
	p.known[thread] = knownProcess{found, now.Add(processMemory)}
	return found
}
