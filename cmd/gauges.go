package cmd

import (
	"time"

	"coatcheck/internal/metrics"
)

// upstreams are the members of the lists of the configuration in force.
func (s *server) upstreams() (all []metrics.Upstream) {
	r := s.current.Load()
	if r == nil {
		return nil
	}
	for _, list := range r.parts.lists {
		for _, m := range list.Status() {
			all = append(all, metrics.Upstream{Name: m.Name, Well: m.Well, Active: m.Active})
		}
	}
	return all
}

// sessions is how many sessions were seen in the last five minutes.
func (s *server) sessions() int {
	if r := s.current.Load(); r != nil {
		return r.parts.active(5 * time.Minute)
	}
	return 0
}
