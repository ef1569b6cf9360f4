package service

// AnnounceForTest announces n changes, one by one.
func (s *Service) AnnounceForTest(n int) {
	for range n {
		s.changes.announce(Change{Action: Updated, Path: "/x"})
	}
}

// MayWait reports whether commits may become durable later.
func (s *Service) MayWait() bool {
	s.syncer.mu.Lock()
	defer s.syncer.mu.Unlock()
	return s.syncer.node != ""
}
