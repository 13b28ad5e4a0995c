package activity

import "time"

// Active is how many sessions this process has seen within that time, of those that it has in memory.
func (r *Register) Active(within time.Duration) (n int) {
	since := r.o.Now().Add(-within).UnixMilli()
	for i := range r.shards {
		n += r.shards[i].active(since)
	}
	return n
}

func (s *shard) active(since int64) (n int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, e := range s.known {
		if e.seen.Load() >= since {
			n++
		}
	}
	return n
}
