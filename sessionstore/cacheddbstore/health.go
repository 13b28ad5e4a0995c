package cacheddbstore

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"coatcheck/sessionstore"
)

// pauseTime is how long a cache that failed is left alone: one slow call a second, not every call (F03).
const pauseTime = time.Second

type pause struct{ until atomic.Int64 } // Unix nanoseconds

func (p *pause) on(now time.Time) bool { return now.UnixNano() < p.until.Load() }
func (p *pause) begin(now time.Time)   { p.until.Store(now.Add(pauseTime).UnixNano()) }

// heartbeat is how long hits are believed without a word from the database.
const heartbeat = time.Second

// contact remembers when the database last answered.
type contact struct{ last atomic.Int64 } // Unix nanoseconds; 0: it is down, or was never asked

// heard notes the outcome of a question to the database.
func (c *contact) heard(now time.Time, err error) {
	switch {
	case err == nil, errors.Is(err, sessionstore.ErrNotFound), errors.Is(err, sessionstore.ErrExists), errors.Is(err, sessionstore.ErrGone):
		c.last.Store(now.UnixNano())
	case !errors.Is(err, context.Canceled):
		c.last.Store(0)
	}
}

// due reports whether a hit has to ask the database: one of them each heartbeat, all of them while it is down. The caller's now may be a
// little earlier than last; much earlier means that a clock was set back.
func (c *contact) due(now time.Time) bool {
	last := c.last.Load()
	if age := now.UnixNano() - last; last != 0 && -int64(heartbeat) < age && age < int64(heartbeat) {
		return false
	}
	return last == 0 || c.last.CompareAndSwap(last, now.UnixNano())
}
