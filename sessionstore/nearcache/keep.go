package nearcache

import (
	"context"
	"errors"
	"fmt"
	"time"

	"coatcheck/internal/near"
	"coatcheck/sessionstore"
)

// Keep implements [sessionstore.Keeper]. A record that was signed with a fallback key is not kept: each use of it has to sign it anew.
func (s *Store) Keep(ctx context.Context, key string) (*sessionstore.Kept, error) {
	if !s.grammar(key) {
		return nil, sessionstore.ErrNotFound
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("load session: %w", err)
	}
	if r, ok := s.cache.Get(key); ok && s.stands(key, r) {
		return r.kept, nil
	}
	return s.cold(ctx, key)
}

// stands looks at a file.
func (s *Store) stands(key string, r record) bool {
	if r.stamp == nil {
		return true
	}
	if now, err := s.stamp(key); err == nil && now == *r.stamp {
		return true
	}
	s.cache.Forget(key)
	return false
}

func (s *Store) cold(ctx context.Context, key string) (*sessionstore.Kept, error) {
	if s.stamp != nil {
		return s.stamped(ctx, key)
	}
	r, err := s.cache.Load(ctx, key, func(ctx context.Context) (near.Read[record], error) { return s.read(ctx, key) })
	return r.kept, err
}

func (s *Store) read(ctx context.Context, key string) (near.Read[record], error) {
	rec, err := s.next.Load(ctx, key)
	if err != nil {
		return near.Read[record]{}, err
	}
	kept, err := sessionstore.Freeze(rec)
	if err != nil {
		return near.Read[record]{}, err
	}
	if old, ok := s.cache.Former(key); ok && old.kept.Same(kept) { // what was derived from it still holds
		kept = old.kept
	}
	r := near.Read[record]{Value: record{kept: kept}, Size: kept.Size(), Ends: rec.Expires, Once: rec.Resign}
	if r.Ends.IsZero() && !r.Once && s.ends != nil {
		err = s.dated(ctx, key, &r)
	}
	return r, err
}

// dated asks when a cache's entry ends. It may have ended, or been replaced, since it was read: then it is told once, and not kept.
func (s *Store) dated(ctx context.Context, key string, r *near.Read[record]) error {
	ends, err := s.ends(ctx, key)
	switch {
	case errors.Is(err, sessionstore.ErrNotFound):
		r.Once = true
	case err != nil:
		return fmt.Errorf("ask when a session ends: %w", err)
	default:
		r.Ends = ends
	}
	return nil
}

// settled is how old a file must be before its stamp tells it from the next one: file systems date changes by a clock that stands still for up to
// 10 ms, and a number of an inode may be used again at once.
const settled = 50 * time.Millisecond

// stamped reads a file. Nobody waits for another's read: the file may change in between.
func (s *Store) stamped(ctx context.Context, key string) (*sessionstore.Kept, error) {
	before, stampErr := s.stamp(key)
	began := s.now()
	r, err := s.read(ctx, key)
	if err != nil || r.Once || stampErr != nil || began.Sub(time.Unix(0, before.Modified)) < settled {
		return r.Value.kept, err
	}
	if after, err := s.stamp(key); err == nil && after == before {
		r.Value.stamp = &before
		s.cache.Put(key, r)
	}
	return r.Value.kept, nil
}

// Forget implements [sessionstore.Keeper]. Of signed cookies it forgets all that a logout of this one ends.
func (s *Store) Forget(key string) {
	s.cache.Forget(key)
	if s.name != nil {
		s.cache.ForgetNamed(s.name(key))
	}
}

// Believed implements [sessionstore.Keeper].
func (s *Store) Believed() bool { return s.cache.Believed() }
