package cachestore

import (
	"context"
	"errors"
	"fmt"

	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cache"
)

// Change implements [sessionstore.Changer], by compare and swap: a script on Redis, which takes the right to run EVAL, and "cas" on memcached.
func (s *Store) Change(ctx context.Context, key string, change func(sessionstore.Record) *sessionstore.Record) error {
	read := func(ctx context.Context) (sessionstore.Record, []byte, error) { return s.read(ctx, key) }
	return sessionstore.ChangeBySwap(ctx, change, read, func(ctx context.Context, old []byte, rec sessionstore.Record) (bool, error) {
		value, err := pyvalue.AppendPickle(nil, rec.Data, s.protocol)
		if err != nil {
			return false, err
		}
		err = s.cache.Swap(ctx, KeyPrefix+key, old, value, rec.Expires)
		switch {
		case errors.Is(err, cache.ErrAbsent):
			return false, nil
		case err != nil:
			return false, fmt.Errorf("change session: %w", err)
		}
		return true, nil
	})
}
