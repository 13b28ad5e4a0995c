package nearcache

import (
	"context"

	"coatcheck/sessionstore"
)

// Front returns s as [sessionstore.New] has to see it: a [sessionstore.Changer] exactly where the store behind it is one.
func (s *Store) Front() sessionstore.Store {
	if changer, ok := s.next.(sessionstore.Changer); ok {
		return changing{s, changer}
	}
	return s
}

type changing struct {
	*Store
	changer sessionstore.Changer
}

var (
	_ sessionstore.Changer = changing{}
	_ sessionstore.Keeper  = changing{}
)

// Change implements [sessionstore.Changer]. Whatever came of it, what was read before it no longer counts.
func (s changing) Change(ctx context.Context, key string, change func(sessionstore.Record) *sessionstore.Record) error {
	defer s.Forget(key)
	return s.changer.Change(ctx, key, change)
}
