package cacheddbstore

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// doubts are the keys whose entries may be older than their rows: the cache did not say that it deleted or replaced them. This process asks the row
// for them.
type doubts struct {
	mu   sync.RWMutex
	keys map[string]time.Time // until when
	full time.Time            // until then everything is in doubt: a key found no room
	max  int
	life time.Duration
}

func (d *doubts) add(key string, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.keys[key]; !known && len(d.keys) >= d.max {
		d.full = now.Add(d.life)
		return
	}
	d.keys[key] = now.Add(d.life)
}

func (d *doubts) has(key string, now time.Time) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if now.Before(d.full) {
		return true
	}
	return len(d.keys) > 0 && now.Before(d.keys[key])
}

// remove forgets key, unless it was added again since until was read.
func (d *doubts) remove(key string, until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.keys[key].Equal(until) {
		delete(d.keys, key)
	}
}

func (d *doubts) len() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return len(d.keys)
}

func (d *doubts) all() map[string]time.Time {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return maps.Clone(d.keys)
}

// Settle deletes the entries that are in doubt and says how many are left. The owner of the store calls it every few seconds: it costs nothing when
// there are none, and stops at the first fault.
func (s *Store) Settle(ctx context.Context) (left int, err error) {
	if s.doubts.len() == 0 {
		return 0, nil
	}
	all := s.doubts.all()
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if err = ctx.Err(); err != nil {
			break
		}
		if s.now().Before(all[key]) {
			if err = s.settle(ctx, key); err != nil {
				break
			}
		}
		s.doubts.remove(key, all[key])
	}
	return s.doubts.len(), err
}

// settle deletes twice. The first answer shows that the server is awake again; only what it does after that is sure to come after whatever was
// sent to it while it slept.
func (s *Store) settle(ctx context.Context, key string) error {
	for range 2 {
		ctx, cancel := context.WithTimeout(ctx, cacheTime)
		err := s.cache.Delete(ctx, KeyPrefix+key)
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}
