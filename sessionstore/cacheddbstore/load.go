package cacheddbstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cache"
)

const (
	// leaseMark is Python's None as a pickle of protocol 2. What follows a pickle's end nobody reads, so a lease is this and a random number, and
	// Django takes it for a miss.
	leaseMark = "\x80\x02N."
	leaseSize = len(leaseMark) + 16
	// leaseTime is longer than any read of a row.
	leaseTime = 5 * time.Second
	// fillTime bounds a cold load, which goes on when its first caller leaves.
	fillTime = 4 * time.Second
)

// Load implements [sessionstore.Store]. What Django or another process put into the cache is believed, as Django does, except for keys in doubt
// and as long as the database answers (F09).
func (s *Store) Load(ctx context.Context, key string) (sessionstore.Record, error) {
	if !sessionstore.ValidKey(key) {
		return sessionstore.Record{}, sessionstore.ErrNotFound
	}
	if err := ctx.Err(); err != nil {
		return sessionstore.Record{}, fmt.Errorf("load session: %w", err)
	}
	if s.doubts.has(key, s.now()) {
		return s.row(ctx, key)
	}
	found := s.look(ctx, key)
	switch {
	case found.data != nil:
		return s.believe(ctx, key, found.data)
	case !found.fillable:
		return s.row(ctx, key)
	}
	return s.cold(ctx, key, found.entry)
}

// finding is what the cache has under a key: data, or else whether a cold load may try to fill it, in exchange for which damaged entry.
type finding struct {
	data     *pyvalue.Dict
	fillable bool
	entry    []byte
}

func (s *Store) look(ctx context.Context, key string) finding {
	var value []byte
	err := s.ask(ctx, func(ctx context.Context) (err error) {
		value, err = s.cache.Get(ctx, KeyPrefix+key)
		return err
	})
	switch {
	case errors.Is(err, cache.ErrAbsent), err == nil && isLease(value):
		return finding{fillable: true}
	case errors.Is(err, cache.ErrForeign):
		s.fault(fmt.Errorf("entry of session %s: %w", sessionstore.KeyHash(key), err))
		return finding{}
	case err != nil:
		return finding{}
	}
	data, err := pyvalue.ReadPickle(value)
	if err != nil {
		s.fault(fmt.Errorf("entry of session %s is damaged: %w", sessionstore.KeyHash(key), err))
		return finding{fillable: true, entry: value}
	}
	return finding{data: data}
}

// believe answers a hit, with one question to the database now and then: a database that is down closes (F09), and then every hit asks. A row
// that is gone takes its entry with it; one that is refused has a good entry, as for Django.
func (s *Store) believe(ctx context.Context, key string, data *pyvalue.Dict) (sessionstore.Record, error) {
	hit := sessionstore.Record{Data: data}
	if !s.contact.due(s.now()) {
		return hit, nil
	}
	_, err := s.row(ctx, key)
	var refused *sessionstore.RefusedError
	switch {
	case err == nil, errors.As(err, &refused):
		return hit, nil
	case errors.Is(err, sessionstore.ErrNotFound):
		s.drop(ctx, key)
	}
	return sessionstore.Record{}, err
}

// row asks the database.
func (s *Store) row(ctx context.Context, key string) (sessionstore.Record, error) {
	rec, err := s.rows.Load(ctx, key)
	s.contact.heard(s.now(), err)
	return rec, err
}

// cold loads a session that is not in the cache: one caller reads the row and fills the cache, the others wait for it and then look at the cache
// themselves (F07). They do not take the first one's record, which may have been read before a logout that they come after.
func (s *Store) cold(ctx context.Context, key string, entry []byte) (sessionstore.Record, error) {
	first := false
	result := s.flights.DoChan(key, func() (any, error) { // a goroutine that fillTime ends
		first = true
		return s.fill(context.WithoutCancel(ctx), key, entry)
	})
	select {
	case <-ctx.Done():
		return sessionstore.Record{}, fmt.Errorf("load session: %w", ctx.Err())
	case r := <-result:
		if first || r.Err != nil {
			rec, _ := r.Val.(sessionstore.Record)
			return rec, r.Err
		}
	}
	if found := s.look(ctx, key); found.data != nil {
		return sessionstore.Record{Data: found.data}, nil
	}
	return s.row(ctx, key)
}

// fill takes a lease, reads the row, and exchanges the lease for the entry. A logout or save meanwhile breaks the lease, also one by Django. A damaged
// entry serves as lease itself.
func (s *Store) fill(ctx context.Context, key string, entry []byte) (sessionstore.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, fillTime)
	defer cancel()
	lease := entry
	if lease == nil {
		var err error
		lease, err = s.lease(ctx, key)
		if errors.Is(err, cache.ErrPresent) { // somebody was faster
			if found := s.look(ctx, key); found.data != nil {
				return sessionstore.Record{Data: found.data}, nil
			}
		}
	}
	rec, err := s.row(ctx, key)
	switch {
	case lease == nil:
	case err != nil, rec.Resign: // not cached: the next save has to sign it anew
		s.drop(ctx, key)
	default:
		s.exchange(ctx, key, lease, rec)
	}
	return rec, err
}

func (s *Store) exchange(ctx context.Context, key string, lease []byte, rec sessionstore.Record) {
	value, err := s.encode(rec.Data)
	if err != nil {
		return
	}
	_ = s.ask(ctx, func(ctx context.Context) error { return s.cache.Swap(ctx, KeyPrefix+key, lease, value, rec.Expires) })
}

// lease returns no lease and ErrPresent if there is an entry, or somebody else's lease.
func (s *Store) lease(ctx context.Context, key string) ([]byte, error) {
	lease := make([]byte, leaseSize)
	copy(lease, leaseMark)
	rand.Read(lease[len(leaseMark):]) // never fails: it ends the process instead
	err := s.ask(ctx, func(ctx context.Context) error { return s.cache.Add(ctx, KeyPrefix+key, lease, s.now().Add(leaseTime)) })
	if err != nil {
		return nil, err
	}
	return lease, nil
}

func isLease(value []byte) bool {
	return len(value) == leaseSize && bytes.HasPrefix(value, []byte(leaseMark))
}
