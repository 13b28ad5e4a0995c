package storetest

import (
	"sync"
	"testing"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
)

// Harness describes a kind of store to the suite. The fields from Traits on may be left out.
type Harness struct {
	// New returns an empty place for records whose stores judge expiry by now.
	New func(t testing.TB, now func() time.Time) *Place
	Traits
	// Garbage is what a damaged record may look like, besides what the suite tries anyway: correctly signed nonsense, bombs, gadgets.
	Garbage map[string][]byte
}

// Place is where records are, as seen by several processes.
type Place struct {
	// Open returns a store on the records of this place, with connections of its own, as another process has them. The test closes it.
	Open func() sessionstore.Store
	// Damage puts raw in place of the record that is under key. Nil: this cannot be done.
	Damage func(key string, raw []byte)
	// Settle waits until every open store has heard of what the others, and those outside, have written so far. Nil: they see it at once.
	Settle func()
	// Break makes the place unreachable for all stores opened on it. Nil: it always can be reached.
	Break func()
	// Django are the settings of a Django that shares the records, as [StartDjango] takes them. Nil: Django cannot.
	Django map[string]any
}

// Traits are what a store does otherwise than most. They are asserted, not skipped.
type Traits struct {
	KeyIsData    bool // Create and Update answer a key that holds the data (signed cookies): nothing to find, to take or to clear
	ClearsItself bool // expired records vanish by themselves: ClearExpired has nothing to do (caches)
	ServerClock  bool // expiry is judged by the server's clock (caches)
	NoExpiry     bool // Load cannot tell when a record ends
	DatesByData  bool // Load tells the end by data and settings, not by what Record.Expires said (files)
	Pickles      bool // keeps tuples, sets, bytes and dates as they are; others keep JSON
	// OwnName is a name that the store adds to the data for itself: Django sees it, its own Load does not show it.
	OwnName string
}

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	t.Run("dictionary", func(t *testing.T) { h.dictionary(t) })
	t.Run("life", func(t *testing.T) { h.life(t) })
	t.Run("expiry", func(t *testing.T) { h.expiry(t) })
	t.Run("records", func(t *testing.T) { h.records(t) })
	t.Run("values", func(t *testing.T) { h.values(t) })
	t.Run("damage", func(t *testing.T) { h.damage(t) })
	t.Run("faults", func(t *testing.T) { h.faults(t) })
	t.Run("races", func(t *testing.T) { h.races(t) })
	t.Run("changes", func(t *testing.T) { h.changes(t) })
	t.Run("django", func(t *testing.T) { h.django(t) })
}

// RunDjango runs only the part of the suite in which Django is the peer: for settings that change what the two have in common.
func RunDjango(t *testing.T, h Harness) { h.django(t) }

// clock is a time that tests move. Safe for concurrent use.
type clock struct {
	mu   sync.Mutex
	time time.Time
}

func newClock() *clock { return &clock{time: time.Now().UTC().Truncate(time.Microsecond)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.time
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.time = c.time.Add(d)
}

// desk is one test's place, with one store and its sessions.
type desk struct {
	*testing.T
	*Place
	traits   Traits
	clock    *clock
	store    sessionstore.Store
	sessions *sessionstore.Sessions
}

var defaults = sessionstore.Settings{CookieAge: sessionstore.DefaultCookieAge}

func (h Harness) desk(t *testing.T) *desk {
	t.Helper()
	c := newClock()
	place := h.New(t, c.now)
	store := place.Open()
	if place.Settle == nil {
		place.Settle = func() {}
	}
	return &desk{T: t, Place: place, traits: h.Traits, clock: c, store: store, sessions: sessionstore.New(store, defaults, c.now)}
}

// each runs one test for each entry, with a desk of its own.
func (h Harness) each(t *testing.T, tests map[string]func(d *desk)) {
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(h.desk(t)) })
	}
}

func (d *desk) open(key string) *sessionstore.Session {
	d.Helper()
	session, err := d.sessions.Open(d.Context(), key)
	if err != nil {
		d.Fatalf("open session: %v", err)
	}
	return session
}

func (d *desk) set(session *sessionstore.Session, name string, value any) {
	d.Helper()
	if err := session.Set(name, value); err != nil {
		d.Fatalf("set %s: %v", name, err)
	}
}

func (d *desk) save(session *sessionstore.Session) {
	d.Helper()
	if err := session.Save(d.Context()); err != nil {
		d.Fatalf("save session: %v", err)
	}
}

// saved returns a stored session that holds x=1.
func (d *desk) saved() *sessionstore.Session {
	d.Helper()
	session := d.open("")
	d.set(session, "x", 1)
	d.save(session)
	return session
}

// exists reports whether a record is under key, by asking the store.
func (d *desk) exists(key string) bool {
	d.Helper()
	_, err := d.store.Load(d.Context(), key)
	if err != nil && err != sessionstore.ErrNotFound { //nolint:errorlint // a refused record is another thing
		d.Fatalf("load %q: %v", key, err)
	}
	return err == nil
}

// state checks accessed and modified.
func (d *desk) state(session *sessionstore.Session, accessed, modified bool) {
	d.Helper()
	if session.Accessed() != accessed || session.Modified() != modified {
		d.Errorf("accessed %v, modified %v; want %v, %v", session.Accessed(), session.Modified(), accessed, modified)
	}
}

// record returns a record with the given entries, name and value in turn, that lives for an hour.
func (d *desk) record(entries ...any) sessionstore.Record {
	d.Helper()
	data := pyvalue.NewDict()
	for i := 0; i < len(entries); i += 2 {
		value, err := pyvalue.Of(entries[i+1])
		if err != nil {
			d.Fatal(err)
		}
		data.Set(entries[i].(string), value)
	}
	return sessionstore.Record{Data: data, Expires: d.clock.now().Add(time.Hour)}
}

func (d *desk) create(key string, rec sessionstore.Record) string {
	d.Helper()
	key, err := d.store.Create(d.Context(), key, rec)
	if err != nil {
		d.Fatalf("create: %v", err)
	}
	return key
}
