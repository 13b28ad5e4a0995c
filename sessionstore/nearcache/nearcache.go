// Package nearcache keeps session records in this process's memory, in front of any session store: a session that nobody changed costs no
// call to its store. What is kept is believed only as long as its feeds vouch for it; otherwise every call goes through. What this process
// itself writes goes through here and is known at once.
package nearcache

import (
	"context"
	"errors"
	"time"

	"coatcheck/internal/near"
	"coatcheck/sessionstore"
)

// Options of a [Store].
type Options struct {
	Entries int           // records, at most
	Bytes   int64         // of memory, at most, about; 0: as the entries need
	Feeds   []near.Feed   // all must have heard
	MaxAge  time.Duration // how long a record is believed where nothing can be heard; 0: not at all there
	// Name is what a feed calls the session of a key, where that is not the key itself.
	Name func(key string) string
	// Ends tells when a record ends, where Load cannot: a cache's entry ends without a word. A record that is not there any more ends now.
	Ends func(ctx context.Context, key string) (time.Time, error)
	// Stamp tells one state of a record from another without reading it (a file's). It is asked with every use.
	Stamp func(key string) (Stamp, error)
	Now   func() time.Time // default time.Now
}

// Stamp is a state of a record that is a file; see [Options].
type Stamp struct {
	Modified int64 // Unix nanoseconds
	Size     int64
	Inode    uint64
}

// Store is a [sessionstore.Store] in front of another one.
type Store struct {
	next    sessionstore.Store
	grammar func(key string) bool
	cache   *near.Cache[record]
	ends    func(ctx context.Context, key string) (time.Time, error)
	stamp   func(key string) (Stamp, error)
	name    func(key string) string
	now     func() time.Time
}

// record is what is kept under a key.
type record struct {
	kept  *sessionstore.Kept
	stamp *Stamp // nil: the feeds tell
}

var (
	_ sessionstore.Store      = (*Store)(nil)
	_ sessionstore.Keeper     = (*Store)(nil)
	_ sessionstore.KeyGrammar = (*Store)(nil)
)

// New returns the store in front of next.
func New(next sessionstore.Store, o Options) *Store {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Store{next: next, grammar: sessionstore.ValidKey, ends: o.Ends, stamp: o.Stamp, name: o.Name, now: o.Now}
	if g, ok := next.(sessionstore.KeyGrammar); ok {
		s.grammar = g.ValidKey
	}
	feeds := o.Feeds
	if o.Stamp != nil {
		feeds = append(feeds, stamps{})
	}
	s.cache = near.New[record](near.Options{Entries: o.Entries, Bytes: o.Bytes, Feeds: feeds, MaxAge: o.MaxAge, Name: o.Name, Now: o.Now})
	return s
}

// Changing is a Store in front of one that changes records in one step.
type Changing struct {
	*Store
	changer sessionstore.Changer
}

var _ sessionstore.Changer = Changing{}

// Front is the store to use: a [Changing], where the one behind is a [sessionstore.Changer].
func (s *Store) Front() sessionstore.Store {
	if changer, ok := s.next.(sessionstore.Changer); ok {
		return Changing{s, changer}
	}
	return s
}

// Change implements [sessionstore.Changer]. It never looks at what is kept.
func (s Changing) Change(ctx context.Context, key string, change func(sessionstore.Record) *sessionstore.Record) error {
	defer s.Forget(key)
	return s.changer.Change(ctx, key, change)
}

// stamps is the feed of records that are looked at with every use.
type stamps struct{}

// Heard implements [near.Feed].
func (stamps) Heard() bool { return true }

// Told drops the session that a feed calls name. Two feeds may vouch for one store, and one of them know keys: no name looks like one.
func (s *Store) Told(name string) {
	s.cache.ForgetNamed(name)
	if sessionstore.ValidKey(name) {
		s.cache.Forget(name)
	}
}

// ForgetAll drops everything: a feed does not know what was changed.
func (s *Store) ForgetAll() { s.cache.ForgetAll() }

// ValidKey implements [sessionstore.KeyGrammar].
func (s *Store) ValidKey(key string) bool { return s.grammar(key) }

// Load implements [sessionstore.Store].
func (s *Store) Load(ctx context.Context, key string) (sessionstore.Record, error) {
	kept, err := s.Keep(ctx, key)
	switch {
	case errors.Is(err, sessionstore.ErrUnkept):
		return s.next.Load(ctx, key)
	case err != nil:
		return sessionstore.Record{}, err
	}
	return kept.Record(), nil
}

// Create implements [sessionstore.Store].
func (s *Store) Create(ctx context.Context, key string, rec sessionstore.Record) (string, error) {
	return s.next.Create(ctx, key, rec)
}

// Update implements [sessionstore.Store]. Whatever came of it, what was read before it no longer counts.
func (s *Store) Update(ctx context.Context, key string, rec sessionstore.Record) (string, error) {
	defer s.Forget(key)
	return s.next.Update(ctx, key, rec)
}

// Delete implements [sessionstore.Store].
func (s *Store) Delete(ctx context.Context, key string) error {
	defer s.Forget(key)
	return s.next.Delete(ctx, key)
}

// ClearExpired implements [sessionstore.Store]: what it removes has ended here, too.
func (s *Store) ClearExpired(ctx context.Context) (int64, error) { return s.next.ClearExpired(ctx) }

// Stats returns the numbers of the cache.
func (s *Store) Stats() near.Stats { return s.cache.Stats() }
