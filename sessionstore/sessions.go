package sessionstore

import (
	"context"
	"time"

	"coatcheck/internal/pyvalue"
)

// DefaultCookieAge is Django's SESSION_COOKIE_AGE: two weeks.
const DefaultCookieAge = 14 * 24 * time.Hour

// Settings are the settings of Django that decide how long a session lives.
type Settings struct {
	// CookieAge is SESSION_COOKIE_AGE. A record without an expiry of its own lives this long from each save; zero is dead on arrival.
	CookieAge time.Duration
	// ExpireAtBrowserClose is SESSION_EXPIRE_AT_BROWSER_CLOSE.
	ExpireAtBrowserClose bool
	// SaveEveryRequest is SESSION_SAVE_EVERY_REQUEST: see [Session.Due].
	SaveEveryRequest bool
	// TimeZone is nil with Django's USE_TZ on: points in time are kept with their offset. With USE_TZ off it is Django's
	// TIME_ZONE: points in time are kept as local time without zone.
	TimeZone *time.Location
}

// Sessions opens sessions of one store. Safe for concurrent use.
type Sessions struct {
	store    Store
	grammar  KeyGrammar // nil: ValidKey
	keeper   Keeper     // nil: each session is loaded
	changer  Changer    // nil: the store is none
	turns    turns
	settings Settings
	now      func() time.Time
}

// New returns the sessions of store.
func New(store Store, settings Settings, now func() time.Time) *Sessions {
	grammar, _ := store.(KeyGrammar)
	keeper, _ := store.(Keeper)
	changer, _ := store.(Changer)
	return &Sessions{store: store, grammar: grammar, keeper: keeper, changer: changer, settings: settings, now: now}
}

// Open returns the session whose key a client presented. Without a key, with one that no session has, or with a record that is
// refused ([Session.Refused]), it is an empty session without key: a client's key is never adopted, and nothing is created
// before a Save. An error means that the store could not be asked; it is never "logged out".
func (s *Sessions) Open(ctx context.Context, key string) (*Session, error) {
	session := &Session{sessions: s}
	if !s.ValidKey(key) {
		session.values = pyvalue.NewDict()
		return session, nil
	}
	if err := session.open(ctx, key); err != nil {
		return nil, err
	}
	return session, nil
}

// Near reports whether sessions come from this process's memory now, as long as nobody has changed them.
func (s *Sessions) Near() bool { return s.keeper != nil && s.keeper.Believed() }

// NewKey returns a fresh key; see [NewKey].
func (s *Sessions) NewKey() string { return NewKey() }

// ValidKey reports whether the store may see key: the store's own grammar, otherwise [ValidKey].
func (s *Sessions) ValidKey(key string) bool {
	if s.grammar != nil {
		return key != "" && s.grammar.ValidKey(key)
	}
	return ValidKey(key)
}

// KeyHash names a session in logs; see [KeyHash].
func (s *Sessions) KeyHash(key string) string { return KeyHash(key) }

// Settings returns the settings the sessions were made with.
func (s *Sessions) Settings() Settings { return s.settings }

// instant is now as Python's clock gives it: microseconds, UTC.
func (s *Sessions) instant() time.Time { return s.now().UTC().Truncate(time.Microsecond) }
