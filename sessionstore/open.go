package sessionstore

import (
	"context"
	"errors"
	"fmt"

	"coatcheck/internal/pyvalue"
)

// open fills an empty session with the record under key, if there is one to be trusted.
func (s *Session) open(ctx context.Context, key string) error {
	err := s.fill(ctx, key)
	var refused *RefusedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		s.refused = err
	case !errors.Is(err, ErrNotFound):
		return fmt.Errorf("load session: %w", err)
	}
	s.values = pyvalue.NewDict()
	return nil
}

func (s *Session) fill(ctx context.Context, key string) error {
	if s.sessions.keeper != nil {
		kept, err := s.sessions.keeper.Keep(ctx, key)
		if err == nil {
			s.loadKept(key, kept)
		}
		if !errors.Is(err, ErrUnkept) {
			return err
		}
	}
	rec, err := s.sessions.store.Load(ctx, key)
	if err == nil {
		s.load(key, rec)
	}
	return err
}

// Reload reads the record anew from the store that decides, if the session came from memory: before anything is done to it that cannot be
// undone. Afterwards the session may be another one, or an empty one without key, as [Sessions.Open] returns it. With an error it is as it was.
func (s *Session) Reload(ctx context.Context) error {
	if s.kept == nil || s.kept.resign { // the latter is never kept
		return nil
	}
	s.sessions.keeper.Forget(s.key)
	fresh, err := s.sessions.Open(ctx, s.key)
	if err != nil {
		return err
	}
	fresh.accessed = fresh.accessed || s.accessed
	*s = *fresh
	return nil
}
