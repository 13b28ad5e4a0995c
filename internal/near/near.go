// Package near keeps what was read from stores in this process's memory, for as long as its feeds vouch that nobody has changed it. It
// knows neither sessions nor users nor stores.
package near

import (
	"hash/maphash"
	"math"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Feed hears of the changes that others make, and tells the caches that follow it.
type Feed interface {
	// Heard reports whether every change has been told that was made before the feed's bound. It is called with every use, so it is
	// cheap; it may ask now and then, and tell what it learns before it returns.
	Heard() bool
}

// Unable is a [Feed] that may find out that it cannot hear at all, which is something else than having lost what it heard.
type Unable interface {
	Unable() bool
}

// Options of a [Cache].
type Options struct {
	Entries int   // the oldest goes when there would be more
	Bytes   int64 // of memory, about; 0: as the entries need
	// Feeds vouch for what is kept: as long as all have heard.
	Feeds []Feed
	// MaxAge is how long an entry is believed, from before it was read, where there are no feeds, or one is an [Unable]; 0: not at all there.
	MaxAge time.Duration
	// Name is what the feeds call what is under key, where that is not the key; "" for what they cannot know.
	Name func(key string) string
	Now  func() time.Time // judges the ends of entries
}

// overhead is what an entry takes besides key and value, in bytes: its place in the list and in the map.
const overhead = 192

// Cache keeps values by key. Safe for concurrent use.
type Cache[V any] struct {
	o      Options
	began  time.Time
	epoch  atomic.Uint32 // what is from an earlier one does not count
	seed   maphash.Seed
	shards []shard[V]
	names  names
	passed atomic.Int64 // loads while nothing could be believed
}

// entry is a value and for how long it counts.
type entry[V any] struct {
	value V
	name  string
	ends  int64 // Unix nanoseconds by Options.Now; 0: never
	born  int64 // nanoseconds since Cache.began, by the monotonic clock
	epoch uint32
	size  int32
}

// parallel is into how many parts a large cache is divided, so that requests do not wait for one another.
const parallel = 16

// New returns an empty cache.
func New[V any](o Options) *Cache[V] {
	n := 1
	if o.Entries >= 1024*parallel { // fewer would fill the parts unevenly
		n = parallel
	}
	c := &Cache[V]{o: o, began: time.Now(), seed: maphash.MakeSeed(), shards: make([]shard[V], n), names: names{keys: map[string]string{}}}
	for i := range c.shards {
		s := &c.shards[i]
		s.calls = map[string]*call[V]{}
		s.limit = int64(math.MaxInt64)
		if o.Bytes > 0 {
			s.limit = o.Bytes / int64(n)
		}
		s.kept, _ = simplelru.NewLRU(max(1, o.Entries/n), func(key string, e entry[V]) { // fails for sizes below 1 alone
			s.bytes -= int64(e.size)
			c.names.remove(e.name, key)
		})
	}
	return c
}

func (c *Cache[V]) shard(key string) *shard[V] {
	if len(c.shards) == 1 {
		return &c.shards[0]
	}
	return &c.shards[maphash.String(c.seed, key)%parallel]
}

// Put keeps what was read elsewhere. It is for values that say themselves whether they still count: nothing that was forgotten since they were
// read is heeded.
func (c *Cache[V]) Put(key string, r Read[V]) {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	c.add(s, key, c.entry(key, &call[V]{epoch: c.epoch.Load(), began: time.Since(c.began), read: r}))
}

// Believed reports whether what is kept may be used at all now.
func (c *Cache[V]) Believed() bool {
	_, believed := c.bound()
	return believed
}

// bound is how old an entry may be, if anything is believed; 0: as old as it is.
func (c *Cache[V]) bound() (age time.Duration, believed bool) {
	if len(c.o.Feeds) == 0 {
		return c.o.MaxAge, c.o.MaxAge > 0
	}
	for _, f := range c.o.Feeds {
		if f.Heard() {
			continue
		}
		if u, ok := f.(Unable); !ok || !u.Unable() || c.o.MaxAge == 0 {
			return 0, false
		}
		age = c.o.MaxAge
	}
	return age, true
}

// Get returns the value under key, if there is one that counts.
func (c *Cache[V]) Get(key string) (value V, ok bool) {
	age, believed := c.bound() // first, for a feed may tell now
	if !believed {
		return value, false
	}
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	e, found := s.kept.Get(key)
	if !found || !c.counts(e, age) {
		return value, false
	}
	s.hits++
	return e.value, true
}

// Former returns what was last kept under key, whether or not it counts: to be compared with what was just read.
func (c *Cache[V]) Former(key string) (value V, ok bool) {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.kept.Peek(key)
	return e.value, ok
}

func (c *Cache[V]) counts(e entry[V], age time.Duration) bool {
	return e.epoch == c.epoch.Load() && (e.ends == 0 || e.ends > c.o.Now().UnixNano()) && (age == 0 || time.Duration(e.born)+age > time.Since(c.began))
}

// Forget drops what is under key, also what is being read at this moment: who asks from now on reads anew.
func (c *Cache[V]) Forget(key string) {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept.Remove(key)
	if l := s.calls[key]; l != nil {
		l.overtaken = true
		delete(s.calls, key)
		c.names.remove(l.name, key)
	}
}

// ForgetNamed is Forget for what the feeds call by a name.
func (c *Cache[V]) ForgetNamed(name string) {
	if key, ok := c.names.key(name); ok {
		c.Forget(key)
	}
}

// ForgetAll drops everything.
func (c *Cache[V]) ForgetAll() { c.epoch.Add(1) }

// Stats are the numbers of a cache.
type Stats struct {
	Entries, Bytes     int64 // kept, also what no longer counts and was not looked at since
	Hits, Misses, Past int64 // uses: answered from memory, read and kept, read because nothing could be believed
}

// Stats returns the numbers.
func (c *Cache[V]) Stats() Stats {
	total := Stats{Past: c.passed.Load()}
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		total.Entries += int64(s.kept.Len())
		total.Bytes += s.bytes
		total.Hits += s.hits
		total.Misses += s.misses
		s.mu.Unlock()
	}
	return total
}
