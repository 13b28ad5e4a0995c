package feed

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// LookTime is how old a look at an SQLite file may be: then one request looks anew. When it is lateTime older all wait for that, so the
	// sum is the bound. A process without requests does not look at all.
	LookTime = 40 * time.Millisecond
	lateTime = 50 * time.Millisecond
	// lookLimit is for one look; a file that takes longer is not heard.
	lookLimit = 500 * time.Millisecond
)

// Version tells whether anything was committed since it was last asked. *sqlconn.Changes is one.
type Version interface {
	Since(ctx context.Context) (changed bool, err error)
	Close() error
}

// SQLite is the feed of an SQLite file. It cannot tell what was changed, so that every commit of anybody, this process included, makes
// everything be read again, when it is next used. Safe for concurrent use.
type SQLite struct {
	followers Followers
	every     time.Duration
	began     time.Time
	looked    atomic.Int64 // when, in nanoseconds since began; 0: never
	heard     atomic.Bool

	mu      sync.Mutex
	version Version
	closed  bool
}

// NewSQLite returns the feed of a file whose version is asked for when the last answer is older than every; see [LookTime].
func NewSQLite(version Version, every time.Duration) *SQLite {
	return &SQLite{version: version, every: every, began: time.Now().Add(-time.Hour)}
}

// Follow adds one who is told. It is not for use beside other methods.
func (s *SQLite) Follow(f Follower) { s.followers = append(s.followers, f) }

// Heard implements [coatcheck/internal/near.Feed].
func (s *SQLite) Heard() bool {
	age := s.age()
	if age < s.every {
		return s.heard.Load()
	}
	if !s.mu.TryLock() {
		if age < s.every+lateTime && s.every > 0 {
			return s.heard.Load()
		}
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	if s.age() >= s.every {
		s.look()
	}
	return s.heard.Load()
}

func (s *SQLite) age() time.Duration { return time.Since(s.began) - time.Duration(s.looked.Load()) }

// look dates itself before it asks, and tells before it is believed.
func (s *SQLite) look() {
	at := time.Since(s.began)
	ctx, cancel := context.WithTimeout(context.Background(), lookLimit)
	defer cancel()
	changed, err := true, errClosed
	if !s.closed {
		changed, err = s.version.Since(ctx)
	}
	if changed {
		s.followers.ForgetAll()
	}
	if err != nil {
		at = time.Since(s.began) // the next one may wait as long
	}
	s.heard.Store(err == nil)
	s.looked.Store(int64(at))
}

var errClosed = fmt.Errorf("feed is closed")

// State implements the states of operators.
func (s *SQLite) State(of string) State { return State{Of: of, Heard: s.heard.Load(), Age: s.age()} }

// Close ends the feed: nothing is heard any more.
func (s *SQLite) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.heard.Store(false)
	return s.version.Close()
}
