package metrics

import (
	"context"
	"errors"
	"time"

	"coatcheck/auth"
	"coatcheck/sessionstore"
)

const (
	resultOK     = "ok"
	resultAbsent = "absent"
	resultError  = "error"

	ofRecord = "session_record"
	ofHash   = "session_hash"
)

// Store counts and times the calls of next.
func (m *Metrics) Store(next sessionstore.Store) sessionstore.Store {
	s := store{next, m}
	if grammar, ok := next.(sessionstore.KeyGrammar); ok {
		return storeWithGrammar{s, grammar}
	}
	if changer, ok := next.(sessionstore.Changer); ok {
		return changingStore{s, changer}
	}
	return s
}

type store struct {
	next sessionstore.Store
	m    *Metrics
}

// storeWithGrammar shows that its store has keys of its own kind.
type storeWithGrammar struct {
	store
	sessionstore.KeyGrammar
}

// changingStore is one that changes records in one step. (None has keys of its own kind, too.)
type changingStore struct {
	store
	changer sessionstore.Changer
}

func (s changingStore) Change(ctx context.Context, key string, change func(sessionstore.Record) *sessionstore.Record) error {
	began := time.Now()
	err := s.changer.Change(ctx, key, change)
	s.m.called("sessions", "change", began, err)
	return err
}

func (s store) Load(ctx context.Context, key string) (sessionstore.Record, error) {
	began := time.Now()
	rec, err := s.next.Load(ctx, key)
	s.m.called("sessions", "load", began, err)
	if err == nil && rec.Resign {
		s.m.fallbacks.WithLabelValues(ofRecord).Inc()
	}
	return rec, err
}

func (s store) Create(ctx context.Context, key string, rec sessionstore.Record) (string, error) {
	began := time.Now()
	key, err := s.next.Create(ctx, key, rec)
	s.m.called("sessions", "create", began, err)
	return key, err
}

func (s store) Update(ctx context.Context, key string, rec sessionstore.Record) (string, error) {
	began := time.Now()
	key, err := s.next.Update(ctx, key, rec)
	s.m.called("sessions", "update", began, err)
	return key, err
}

func (s store) Delete(ctx context.Context, key string) error {
	began := time.Now()
	err := s.next.Delete(ctx, key)
	s.m.called("sessions", "delete", began, err)
	return err
}

func (s store) ClearExpired(ctx context.Context) (int64, error) {
	began := time.Now()
	n, err := s.next.ClearExpired(ctx)
	s.m.called("sessions", "clear_expired", began, err)
	return n, err
}

// Directory counts and times the calls of next.
func (m *Metrics) Directory(next auth.Directory) auth.Directory { return directory{next, m} }

type directory struct {
	next auth.Directory
	m    *Metrics
}

func (d directory) User(ctx context.Context, id string) (auth.User, error) {
	began := time.Now()
	user, err := d.next.User(ctx, id)
	d.m.called("users", "load", began, err)
	return user, err
}

// called notes a call. One that its client did not wait for says nothing of the store.
func (m *Metrics) called(store, call string, began time.Time, err error) {
	result := resultError
	switch {
	case err == nil:
		result = resultOK
	case errors.Is(err, sessionstore.ErrNotFound), errors.Is(err, sessionstore.ErrGone), errors.Is(err, sessionstore.ErrExists), errors.Is(err, auth.ErrNoUser):
		result = resultAbsent
	case errors.Is(err, context.Canceled):
		result = "cancelled"
	}
	m.calls.WithLabelValues(store, call, result).Observe(time.Since(began).Seconds())
}
