// Package cachestore keeps sessions in a cache alone, as Django's engine cache does (contrib/sessions/backends/cache.py), on Redis and
// memcached. What the cache forgets is logged out.
package cachestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cache"
)

// KeyPrefix is before the session key; there is nothing in between.
const KeyPrefix = "django.contrib.sessions.cache"

// DefaultProtocol is the pickle protocol that Django's own clients write.
const DefaultProtocol = 5

// Cache is what the store asks of a [cache.Cache].
type Cache interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Add(ctx context.Context, key string, value []byte, ends time.Time) error
	Replace(ctx context.Context, key string, value []byte, ends time.Time) error
	Swap(ctx context.Context, key string, old, value []byte, ends time.Time) error
	Delete(ctx context.Context, key string) error
	Keys(ctx context.Context, prefix string, yield func(rest string) bool) error
	CanList() bool
}

// Options of a [Store].
type Options struct {
	Protocol int // of the pickles written; 0 is DefaultProtocol; django-redis before 5.3 writes 4. All are read.
}

// Store is a [sessionstore.Store] in a cache. Load cannot tell when a record ends: that would take a second question.
type Store struct {
	cache    Cache
	protocol int
}

// Listing is a Store on a cache that can list its keys (Redis).
type Listing struct{ *Store }

var (
	_ sessionstore.Store   = (*Store)(nil)
	_ sessionstore.Changer = (*Store)(nil)
	_ sessionstore.Store   = Listing{}
	_ sessionstore.Lister  = Listing{}
)

// New returns the store in c, which the caller closes: a [Listing] where c can list its keys, else a *[Store].
func New(c Cache, opts Options) sessionstore.Store {
	if opts.Protocol == 0 {
		opts.Protocol = DefaultProtocol
	}
	s := &Store{cache: c, protocol: opts.Protocol}
	if c.CanList() {
		return Listing{s}
	}
	return s
}

// Load implements [sessionstore.Store].
func (s *Store) Load(ctx context.Context, key string) (sessionstore.Record, error) {
	rec, _, err := s.read(ctx, key)
	return rec, err
}

// read returns the record and the value it was read from. Its errors are those of Load.
func (s *Store) read(ctx context.Context, key string) (sessionstore.Record, []byte, error) {
	if !sessionstore.ValidKey(key) {
		return sessionstore.Record{}, nil, sessionstore.ErrNotFound
	}
	value, err := s.cache.Get(ctx, KeyPrefix+key)
	switch {
	case errors.Is(err, cache.ErrAbsent):
		return sessionstore.Record{}, nil, sessionstore.ErrNotFound
	case errors.Is(err, cache.ErrForeign):
		return sessionstore.Record{}, nil, &sessionstore.RefusedError{Reason: "foreign entry in the cache", Err: err}
	case err != nil:
		return sessionstore.Record{}, nil, fmt.Errorf("load session: %w", err)
	}
	data, err := pyvalue.ReadPickle(value)
	if err != nil {
		return sessionstore.Record{}, nil, &sessionstore.RefusedError{Reason: "damaged entry in the cache", Err: err}
	}
	return sessionstore.Record{Data: data}, value, nil
}

// Create implements [sessionstore.Store]. A record that has ended is not kept, and that is no error.
func (s *Store) Create(ctx context.Context, key string, rec sessionstore.Record) (string, error) {
	value, err := pyvalue.AppendPickle(nil, rec.Data, s.protocol)
	if err != nil {
		return "", err
	}
	err = s.cache.Add(ctx, KeyPrefix+key, value, rec.Expires)
	switch {
	case errors.Is(err, cache.ErrPresent):
		return "", sessionstore.ErrExists
	case err != nil:
		return "", fmt.Errorf("create session: %w", err)
	}
	return key, nil
}

// Update implements [sessionstore.Store]. Django asks first and then sets, and can so bring back what was deleted in between; this is
// one command.
func (s *Store) Update(ctx context.Context, key string, rec sessionstore.Record) (string, error) {
	if !sessionstore.ValidKey(key) {
		return "", sessionstore.ErrGone
	}
	value, err := pyvalue.AppendPickle(nil, rec.Data, s.protocol)
	if err != nil {
		return "", err
	}
	err = s.cache.Replace(ctx, KeyPrefix+key, value, rec.Expires)
	switch {
	case errors.Is(err, cache.ErrAbsent):
		return "", sessionstore.ErrGone
	case err != nil:
		return "", fmt.Errorf("update session: %w", err)
	}
	return key, nil
}

// Delete implements [sessionstore.Store].
func (s *Store) Delete(ctx context.Context, key string) error {
	if !sessionstore.ValidKey(key) {
		return nil
	}
	if err := s.cache.Delete(ctx, KeyPrefix+key); err != nil {
		return fmt.Errorf("delete session: %w", err)
	}
	return nil
}

// ClearExpired implements [sessionstore.Store]: there is nothing to do.
func (s *Store) ClearExpired(context.Context) (int64, error) { return 0, nil }

// Keys implements [sessionstore.Lister]. A key may come twice when the server moves it meanwhile.
func (l Listing) Keys(ctx context.Context, yield func(key string) bool) error {
	// Django's other engine has a prefix that begins with ours: none of its keys may be taken for one of ours.
	err := l.cache.Keys(ctx, KeyPrefix, func(key string) bool { return !sessionstore.ValidKey(key) || yield(key) })
	if err != nil {
		return fmt.Errorf("list sessions: %w", err)
	}
	return nil
}
