// Package cacheddbstore keeps sessions in a database table with a cache in front of it, as Django's engine cached_db does
// (contrib/sessions/backends/cached_db.py). The row decides; the cache saves the question. A cache that is cold, flushed, dead or lying makes
// it slower, and nothing else.
//
// Where Django brings sessions back (a cold load or a save beside a logout sets the entry again), this store does not: an entry is only ever made
// by its creator, or in exchange for a lease that was taken before the row was read and that every logout breaks. Django reads a
// lease as "not in the cache". On Redis this takes the right to run EVAL; without it every save and cold load is a reported fault, and the rows do the
// work.
package cacheddbstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/singleflight"

	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cache"
)

// KeyPrefix is before the session key; there is nothing in between.
const KeyPrefix = "django.contrib.sessions.cached_db"

// DefaultProtocol is the pickle protocol that Django's own clients write.
const DefaultProtocol = 5

// cacheTime bounds what one call spends on the cache, so that a black hole there leaves time for the row (F02).
const cacheTime = time.Second

// Rows is the store that decides (a dbstore).
type Rows interface {
	sessionstore.Store
	sessionstore.Lister
	sessionstore.Changer
}

// Cache is what the store asks of a [cache.Cache].
type Cache interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Add(ctx context.Context, key string, value []byte, ends time.Time) error
	Refresh(ctx context.Context, key, mark string, value []byte, ends time.Time) error
	Swap(ctx context.Context, key string, old, value []byte, ends time.Time) error
	Delete(ctx context.Context, key string) error
}

// Options of a [Store]. Zero values are the defaults.
type Options struct {
	Protocol int              // of the pickles written; 0 is DefaultProtocol. All are read.
	Now      func() time.Time // default time.Now
	// Fault hears of every fault of the cache, and of damaged entries. None of them fails a call: the row decides. It must be safe for concurrent use.
	Fault func(err error)
	// EntryLife is the longest that an entry may live: the longest expiry in use. A key whose entry could not be deleted is distrusted that
	// long at most. Default: two weeks, Django's SESSION_COOKIE_AGE.
	EntryLife time.Duration
	// MaxDistrusted bounds the list of such keys, about 100 bytes each. When it is full no entry is trusted at all, for EntryLife. Default 100000.
	MaxDistrusted int
}

// Store is a [sessionstore.Store]. Load tells when a record ends only when it asked the row.
type Store struct {
	rows     Rows
	cache    Cache
	protocol int
	now      func() time.Time
	fault    func(error)

	doubts  doubts // entries that are not trusted
	pause   pause  // of a cache that failed
	contact contact
	flights singleflight.Group // cold loads, by key
}

var (
	_ sessionstore.Store   = (*Store)(nil)
	_ sessionstore.Lister  = (*Store)(nil)
	_ sessionstore.Changer = (*Store)(nil)
)

// New returns the store over rows and c, which the caller closes. Somebody must call [Store.Settle] now and then.
func New(rows Rows, c Cache, opts Options) *Store {
	if opts.Protocol == 0 {
		opts.Protocol = DefaultProtocol
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Fault == nil {
		opts.Fault = func(error) {}
	}
	if opts.EntryLife <= 0 {
		opts.EntryLife = sessionstore.DefaultCookieAge
	}
	if opts.MaxDistrusted <= 0 {
		opts.MaxDistrusted = 100000
	}
	return &Store{
		rows: rows, cache: c, protocol: opts.Protocol, now: opts.Now, fault: opts.Fault,
		doubts: doubts{keys: map[string]time.Time{}, max: opts.MaxDistrusted, life: opts.EntryLife},
	}
}

// Create implements [sessionstore.Store].
func (s *Store) Create(ctx context.Context, key string, rec sessionstore.Record) (string, error) {
	made, err := s.rows.Create(ctx, key, rec)
	s.contact.heard(s.now(), err)
	if err != nil {
		return "", err
	}
	value, err := s.encode(rec.Data)
	if err != nil {
		return made, nil
	}
	err = s.ask(context.WithoutCancel(ctx), func(ctx context.Context) error { return s.cache.Add(ctx, KeyPrefix+made, value, rec.Expires) })
	switch {
	case errors.Is(err, cache.ErrPresent): // nobody knew the key: what is there is nobody's session
		s.drop(ctx, made)
	case isFault(err):
		s.doubts.add(made, s.now()) // it may still arrive, after a logout
	}
	return made, nil
}

// Update implements [sessionstore.Store]. It changes an entry that is there and makes none: that one could come after a logout. Neither may it overwrite a lease,
// which could have been taken after a logout; it breaks it, because its taker may have read the old row.
func (s *Store) Update(ctx context.Context, key string, rec sessionstore.Record) (string, error) {
	if !sessionstore.ValidKey(key) {
		return "", sessionstore.ErrGone
	}
	_, err := s.rows.Update(ctx, key, rec)
	s.contact.heard(s.now(), err)
	switch {
	case errors.Is(err, sessionstore.ErrGone):
		s.drop(ctx, key)
		return "", err
	case err != nil:
		return "", err
	}
	value, err := s.encode(rec.Data)
	if err != nil {
		s.drop(ctx, key)
		return key, nil
	}
	err = s.ask(context.WithoutCancel(ctx), func(ctx context.Context) error {
		return s.cache.Refresh(ctx, KeyPrefix+key, leaseMark, value, rec.Expires)
	})
	switch {
	case errors.Is(err, cache.ErrTooLarge):
		s.drop(ctx, key)
	case err != nil && !errors.Is(err, cache.ErrAbsent):
		s.doubts.add(key, s.now()) // the entry may be the old one
	}
	return key, nil
}

// Delete implements [sessionstore.Store]: the row, then the entry. If nobody knows whether the entry is gone, this process asks the row for that key until
// [Store.Settle] knows (F08).
func (s *Store) Delete(ctx context.Context, key string) error {
	if !sessionstore.ValidKey(key) {
		return nil
	}
	err := s.rows.Delete(ctx, key)
	s.contact.heard(s.now(), err)
	if err != nil {
		return err
	}
	s.drop(ctx, key)
	return nil
}

// ClearExpired implements [sessionstore.Store]. Entries end by themselves.
func (s *Store) ClearExpired(ctx context.Context) (int64, error) { return s.rows.ClearExpired(ctx) }

// Keys implements [sessionstore.Lister].
func (s *Store) Keys(ctx context.Context, yield func(key string) bool) error {
	return s.rows.Keys(ctx, yield)
}

// drop deletes the entry of key, or distrusts it. It does so also for a caller who has left: the row is gone already.
func (s *Store) drop(ctx context.Context, key string) {
	if err := s.ask(context.WithoutCancel(ctx), func(ctx context.Context) error { return s.cache.Delete(ctx, KeyPrefix+key) }); err != nil {
		s.doubts.add(key, s.now())
	}
}

// errPaused stands for a question that was not asked.
var errPaused = errors.New("cache is paused after a fault")

// ask puts a question to the cache: not while it is paused, and no longer than cacheTime. A fault is reported and pauses the cache, unless it is
// the caller who left.
func (s *Store) ask(ctx context.Context, question func(ctx context.Context) error) error {
	if s.pause.on(s.now()) {
		return errPaused
	}
	limited, cancel := context.WithTimeout(ctx, cacheTime)
	defer cancel()
	err := question(limited)
	if isFault(err) && !over(ctx) {
		s.pause.begin(s.now())
		s.fault(fmt.Errorf("cache of sessions: %w", err))
	}
	return err
}

// over reports that the caller has left, or that its time is up: a connection notices a deadline before the context does.
func over(ctx context.Context) bool {
	deadline, limited := ctx.Deadline()
	return ctx.Err() != nil || (limited && !time.Now().Before(deadline))
}

func (s *Store) encode(d *pyvalue.Dict) ([]byte, error) {
	value, err := pyvalue.AppendPickle(nil, d, s.protocol)
	if err != nil {
		s.fault(fmt.Errorf("session is not cached: %w", err))
	}
	return value, err
}

// isFault reports that the cache could not be asked.
func isFault(err error) bool {
	return err != nil && !errors.Is(err, errPaused) && !errors.Is(err, cache.ErrAbsent) && !errors.Is(err, cache.ErrPresent) &&
		!errors.Is(err, cache.ErrForeign) && !errors.Is(err, cache.ErrTooLarge)
}
