package sessionapi

import (
	"crypto/rand"
	"sync"
)

// Visits are the requests that are with applications, so that the proxy knows at the answer what they did to their session in the
// meantime, as far as they did it at this process. It lives as long as the process. Safe for concurrent use.
type Visits struct {
	house [houseSize]byte // names this process in its tokens
	mu    sync.Mutex
	keys  map[string]*host
}

// host is a session that has visits.
type host struct {
	visits int
	saves  int // since the first of these visits
}

// Visit is one request that is with an application.
type Visit struct {
	Token string // for the application
	Key   string // of the session
	Fresh bool   // there is no session yet; the application may begin one under Key

	visits *Visits
	saves  int // when it began
	once   sync.Once
	saved  bool
}

// NewVisits returns an empty register.
func NewVisits() *Visits {
	v := &Visits{keys: map[string]*host{}}
	rand.Read(v.house[:]) // never fails: it ends the process instead
	return v
}

func (v *Visits) enter(key string, fresh bool) *Visit {
	v.mu.Lock()
	defer v.mu.Unlock()
	h := v.keys[key]
	if h == nil {
		h = &host{}
		v.keys[key] = h
	}
	h.visits++
	return &Visit{Key: key, Fresh: fresh, visits: v, saves: h.saves}
}

// End ends the visit, as the answer begins, and reports whether the session was saved or ended through this process's API since the visit
// began. It may be called again, and says the same.
func (v *Visit) End() (saved bool) {
	v.once.Do(func() {
		v.visits.mu.Lock()
		defer v.visits.mu.Unlock()
		h := v.visits.keys[v.Key]
		v.saved = h.saves > v.saves
		if h.visits--; h.visits == 0 {
			delete(v.visits.keys, v.Key)
		}
	})
	return v.saved
}

// note tells the visits of the session that it was saved.
func (v *Visits) note(key string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if h := v.keys[key]; h != nil {
		h.saves++
	}
}

// here reports whether there is a visit for the session.
func (v *Visits) here(key string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.keys[key] != nil
}
