package near

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// readTime bounds a read, which goes on when its first caller leaves: longer than any store takes.
const readTime = 4 * time.Second

// Read is what was read from a store.
type Read[V any] struct {
	Value V
	Size  int       // of the value in memory, in bytes
	Ends  time.Time // the zero time: never
	// Once says that the value must not be kept, nor shared by those who asked at the same time.
	Once bool
}

// shard is a part of a cache.
type shard[V any] struct {
	mu           sync.Mutex
	kept         *simplelru.LRU[string, entry[V]]
	calls        map[string]*call[V]
	bytes, limit int64
	hits, misses int64
}

// call is a read under way.
type call[V any] struct {
	name      string
	epoch     uint32
	began     time.Duration // since Cache.began
	overtaken bool          // its key was forgotten meanwhile; held by the shard
	done      chan struct{}
	read      Read[V]
	err       error
}

// Load returns the value under key: what is kept, or what read returns. Of many callers for one key one reads, and the others wait for it
// (F07); each of them may leave. Errors go to all who waited and are not kept. While nothing can be believed everybody reads, for to wait for
// another's read would be to believe in it.
func (c *Cache[V]) Load(ctx context.Context, key string, read func(ctx context.Context) (Read[V], error)) (V, error) {
	if value, ok := c.Get(key); ok {
		return value, nil
	}
	if !c.Believed() {
		c.passed.Add(1)
		r, err := read(ctx)
		return r.Value, err
	}
	l, first := c.join(key)
	if first {
		go c.run(context.WithoutCancel(ctx), key, l, read) // readTime ends it
	}
	select {
	case <-ctx.Done():
		var none V
		return none, fmt.Errorf("wait for a read: %w", ctx.Err())
	case <-l.done:
	}
	if l.err == nil && l.read.Once && !first {
		r, err := read(ctx)
		return r.Value, err
	}
	return l.read.Value, l.err
}

// join returns the read under way, or a new one that the caller has to run. One from before the last ForgetAll is none.
func (c *Cache[V]) join(key string) (l *call[V], first bool) {
	name := key
	if c.o.Name != nil {
		name = c.o.Name(key)
	}
	s := c.shard(key)
	s.mu.Lock()
	s.misses++
	l, epoch := s.calls[key], c.epoch.Load()
	if l != nil && l.epoch == epoch {
		s.mu.Unlock()
		return l, false
	}
	l = &call[V]{name: name, epoch: epoch, began: time.Since(c.began), done: make(chan struct{}), overtaken: name == ""}
	s.calls[key] = l
	s.mu.Unlock()
	if c.o.Name != nil {
		c.entitle(name, key)
	}
	return l, true
}

// entitle makes name lead to key. What it led to before is forgotten: nobody could any more.
func (c *Cache[V]) entitle(name, key string) {
	if before, ok := c.names.put(name, key); ok && before != key {
		c.Forget(before)
	}
}

func (c *Cache[V]) run(ctx context.Context, key string, l *call[V], read func(ctx context.Context) (Read[V], error)) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	defer func() {
		if fault := recover(); fault != nil { // as in the goroutine of a request, where the process would go on
			l.err = fmt.Errorf("read: panic: %v", fault)
		}
		c.finish(key, l)
		close(l.done)
	}()
	l.read, l.err = read(ctx)
}

// finish keeps what was read, unless it was overtaken.
func (c *Cache[V]) finish(key string, l *call[V]) {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	mine := s.calls[key] == l
	if mine {
		delete(s.calls, key)
	}
	if mine && l.err == nil && !l.read.Once && !l.overtaken && c.leads(l.name, key) {
		c.add(s, key, c.entry(key, l))
	}
	if s.calls[key] == nil && !s.kept.Contains(key) {
		c.names.remove(l.name, key)
	}
}

// leads: a name that now leads elsewhere would not find the entry.
func (c *Cache[V]) leads(name, key string) bool {
	if c.o.Name == nil {
		return true
	}
	found, ok := c.names.key(name)
	return ok && found == key
}

func (c *Cache[V]) entry(key string, l *call[V]) entry[V] {
	e := entry[V]{value: l.read.Value, born: int64(l.began), epoch: l.epoch, size: int32(min(overhead+len(key)+len(l.name)+l.read.Size, 1<<30))}
	if c.o.Name != nil {
		e.name = l.name
	}
	if !l.read.Ends.IsZero() {
		e.ends = l.read.Ends.UnixNano()
	}
	return e
}

// add puts e in the place of what is under key. The name must not be without a key for a moment: what it tells would be lost.
func (c *Cache[V]) add(s *shard[V], key string, e entry[V]) {
	if int64(e.size) > s.limit {
		return
	}
	if old, ok := s.kept.Peek(key); ok {
		s.bytes -= int64(old.size)
		if old.name != e.name {
			c.names.remove(old.name, key)
		}
	}
	s.kept.Add(key, e)
	for s.bytes += int64(e.size); s.bytes > s.limit; {
		s.kept.RemoveOldest()
	}
}
