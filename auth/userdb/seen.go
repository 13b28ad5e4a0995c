package userdb

import "sync"

// maxSeen bounds the memory of [seen]; beyond it things are said again.
const maxSeen = 1000

// seen remembers what was said, so that it is said once. The zero seen is ready.
type seen struct {
	mu  sync.Mutex
	ids map[string]struct{}
}

// first reports whether id is new.
func (s *seen) first(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.ids[id]; known {
		return false
	}
	if s.ids == nil || len(s.ids) >= maxSeen {
		s.ids = map[string]struct{}{}
	}
	s.ids[id] = struct{}{}
	return true
}
