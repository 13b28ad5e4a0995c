package cacheddbstore_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cacheddbstore"
)

func rounds() int {
	if testing.Short() {
		return 100
	}
	return 1000
}

// TestRaces_F10_F11_J1: two processes, cold and warm, two writers, two readers and a logout for each key. A read that begins after the logout
// has ended finds nothing, and nothing is left in the cache.
func TestRaces_F10_F11_J1(t *testing.T) {
	eachCache(t, func(t *testing.T, s server) {
		url := sqlite(t)
		one, two := start(t, url, s.url, options{}), start(t, url, s.url, options{})
		var violations atomic.Int64
		for i := range rounds() {
			key := one.create(t, 1)
			if i%2 == 0 { // cold
				if err := one.cache.Delete(t.Context(), cacheddbstore.KeyPrefix+key); err != nil {
					t.Fatal(err)
				}
			}
			race(t, key, one, two, &violations)
			if entry := one.entry(t, key); entry != "" {
				violations.Add(1)
			}
			for _, p := range []*process{one, two} {
				if _, err := p.Load(t.Context(), key); !errors.Is(err, sessionstore.ErrNotFound) {
					violations.Add(1)
				}
			}
		}
		t.Logf("%d rounds, %d violations, %d and %d faults", rounds(), violations.Load(), one.faults.Load(), two.faults.Load())
		if violations.Load() > 0 {
			t.Errorf("%d violations in %d rounds", violations.Load(), rounds())
		}
	})
}

func race(t *testing.T, key string, one, two *process, violations *atomic.Int64) {
	begin := make(chan struct{})
	var group sync.WaitGroup
	at := func(f func()) { group.Go(func() { <-begin; f() }) }
	for _, p := range []*process{one, two} {
		at(func() {
			if _, err := p.Update(t.Context(), key, record(2)); err != nil && !errors.Is(err, sessionstore.ErrGone) {
				t.Errorf("save: %v", err)
			}
		})
		at(func() {
			for range 3 {
				if _, err := p.Load(t.Context(), key); err != nil && !errors.Is(err, sessionstore.ErrNotFound) {
					t.Errorf("load: %v", err)
				}
			}
		})
	}
	at(func() {
		if err := two.Delete(t.Context(), key); err != nil {
			t.Errorf("logout: %v", err)
		}
		for _, p := range []*process{one, two} {
			if _, err := p.Load(t.Context(), key); !errors.Is(err, sessionstore.ErrNotFound) {
				violations.Add(1)
			}
		}
	})
	close(begin)
	group.Wait()
}

// TestSavesAndLoads_F12: after saves beside cold loads, every process reads what the row has.
func TestSavesAndLoads_F12(t *testing.T) {
	eachCache(t, func(t *testing.T, s server) {
		url := sqlite(t)
		one, two := start(t, url, s.url, options{}), start(t, url, s.url, options{})
		for range rounds() / 5 {
			key := one.create(t, 1)
			if err := one.cache.Delete(t.Context(), cacheddbstore.KeyPrefix+key); err != nil {
				t.Fatal(err)
			}
			var group sync.WaitGroup
			for _, p := range []*process{one, two} {
				group.Go(func() { _, _ = p.Load(t.Context(), key) })
			}
			group.Go(func() { one.update(t, key, 2) })
			group.Wait()
			one.holds(t, key, 2)
			two.holds(t, key, 2)
		}
	})
}

// TestLogin_J3: a login here is seen there at once.
func TestLogin_J3(t *testing.T) {
	eachCache(t, func(t *testing.T, s server) {
		url := sqlite(t)
		one, two := start(t, url, s.url, options{}), start(t, url, s.url, options{})
		for range rounds() / 5 {
			two.holds(t, one.create(t, 1), 1)
		}
	})
}
