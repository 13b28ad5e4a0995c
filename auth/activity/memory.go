package activity

import (
	"crypto/sha256"
	"math"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"coatcheck/sessionstore/ledger"
)

const (
	shards = 16
	// sample is how many entries are looked at to find an old one to forget.
	sample = 8
)

// place is where a session key's entry is. The key of a signed cookie is long, and changes.
type place [sha256.Size]byte

func placeOf(key string) place { return sha256.Sum256([]byte(key)) }

// entry is one session in memory. Times are Unix milliseconds.
type entry struct {
	key, digest, user string

	created, auth atomic.Int64
	seen          atomic.Int64 // last activity
	ends          atomic.Int64 // of the record, as far as is known
	noted         atomic.Int64 // the activity that the ledger knows of; 0: it has not heard of the session
	visitor       atomic.Pointer[Visitor]
}

func (e *entry) dirty() bool { return e.seen.Load() > e.noted.Load() }

func (e *entry) touch(at int64) { raise(&e.seen, at) }

// learn takes over what the ledger knows.
func (e *entry) learn(from ledger.Entry) {
	lower(&e.created, from.Created.UnixMilli())
	lower(&e.auth, from.AuthTime.UnixMilli())
	raise(&e.noted, from.LastSeen.UnixMilli())
	raise(&e.seen, from.LastSeen.UnixMilli())
	address, _ := netip.ParseAddr(from.Address) // none: not known
	e.visitor.CompareAndSwap(nil, &Visitor{Address: address, Agent: from.Agent})
}

func raise(v *atomic.Int64, to int64) {
	for was := v.Load(); to > was; was = v.Load() {
		if v.CompareAndSwap(was, to) {
			return
		}
	}
}

func lower(v *atomic.Int64, to int64) {
	for was := v.Load(); to < was; was = v.Load() {
		if v.CompareAndSwap(was, to) {
			return
		}
	}
}

// sighting is what the ledger is told. keep is how long the row has to stay at least, from the login.
func (e *entry) sighting(keep time.Duration) ledger.Sighting {
	v := e.visitor.Load()
	if v == nil {
		v = &Visitor{}
	}
	s := ledger.Sighting{Key: e.key, Entry: ledger.Entry{
		Hash: e.digest, UserID: e.user, Created: instant(e.created.Load()), AuthTime: instant(e.auth.Load()), LastSeen: instant(e.seen.Load()),
		Agent: v.Agent,
	}}
	if v.Address.IsValid() {
		s.Address = v.Address.String()
	}
	s.Expires = later(instant(e.ends.Load()), s.AuthTime.Add(keep))
	return s
}

func instant(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// shard is a part of the memory.
type shard struct {
	mu    sync.RWMutex
	known map[place]*entry
	limit int
	// spilled had to make room before the ledger heard of their activity; lost counts those beyond the limit.
	spilled []*entry
	lost    int
}

func (r *Register) shard(p place) *shard { return &r.shards[p[0]%shards] }

func (r *Register) recall(p place) *entry {
	s := r.shard(p)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.known[p]
}

// keep puts e into memory, unless there is an entry already, and returns the one that is there.
func (r *Register) keep(p place, e *entry) *entry {
	s := r.shard(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	if had := s.known[p]; had != nil {
		return had
	}
	if len(s.known) >= s.limit {
		s.makeRoom()
	}
	s.known[p] = e
	return e
}

// makeRoom forgets the entry that was unused the longest, of a few.
func (s *shard) makeRoom() {
	oldest, at, looked := place{}, int64(math.MaxInt64), 0
	for p, e := range s.known {
		if seen := e.seen.Load(); seen < at {
			oldest, at = p, seen
		}
		if looked++; looked == sample {
			break
		}
	}
	e := s.known[oldest]
	delete(s.known, oldest)
	switch {
	case !e.dirty():
	case len(s.spilled) < s.limit:
		s.spilled = append(s.spilled, e)
	default:
		s.lost++
	}
}

// forget drops the session; the ledger hears no more of it from here.
func (r *Register) forget(p place) {
	s := r.shard(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, p)
}
