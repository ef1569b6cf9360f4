package service

// AnnounceForTest announces n changes, one by one.
func (s *Service) AnnounceForTest(n int) {
	for range n {
		s.changes.announce(Change{Action: Updated, Path: "/x"})
	}
}
