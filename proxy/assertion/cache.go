package assertion

import (
	"slices"
	"sync"
	"time"

	"coatcheck/auth"
)

// maxCached is the number of assertions kept, of about 700 bytes each.
const maxCached = 10000

// cache keeps the assertions of principals that have not changed.
type cache struct {
	mu      sync.Mutex
	entries map[cacheKey]cacheEntry
}

type cacheKey struct {
	id, audience string
	ttl          time.Duration
}

type cacheEntry struct {
	principal auth.Principal // without session
	token     string
	until     time.Time
}

func newCache() cache { return cache{entries: map[cacheKey]cacheEntry{}} }

func (c *cache) get(key cacheKey, p auth.Principal, now time.Time) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key]
	if !ok || !now.Before(e.until) || !same(e.principal, p) {
		return "", false
	}
	return e.token, true
}

func (c *cache) put(key cacheKey, p auth.Principal, token string, now, until time.Time) {
	p.Session = nil
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.entries) >= maxCached {
		c.makeRoom(now)
	}
	c.entries[key] = cacheEntry{p, token, until}
}

// makeRoom drops what is stale, or else half of all, whichever: what is dropped costs a signature.
func (c *cache) makeRoom(now time.Time) {
	for key, e := range c.entries {
		if !now.Before(e.until) {
			delete(c.entries, key)
		}
	}
	for key := range c.entries {
		if len(c.entries) <= maxCached/2 {
			return
		}
		delete(c.entries, key)
	}
}

// same: both are told in the same words.
func same(a, b auth.Principal) bool {
	return a.ID == b.ID && a.Username == b.Username && a.Email == b.Email && a.Name == b.Name && a.Staff == b.Staff &&
		a.Superuser == b.Superuser && slices.Equal(a.Groups, b.Groups)
}
