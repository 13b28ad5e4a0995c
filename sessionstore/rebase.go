package sessionstore

import (
	"context"
	"errors"
	"fmt"

	"coatcheck/internal/pyvalue"
)

// rebase makes the changes of a session that came from memory changes of the record as it is now: whatever is written is written as a whole, and would
// take back what was changed elsewhere and not yet heard of (J2). A record that is gone is the business of the write that follows.
func (s *Session) rebase(ctx context.Context) error {
	if s.kept == nil {
		return nil
	}
	s.sessions.keeper.Forget(s.key)
	now, err := s.sessions.store.Load(ctx, s.key)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("read the session anew: %w", err)
	}
	s.values, s.kept = merged(s.kept.data(), s.data(), now.Data), nil
	return nil
}

// merged puts into now what differs between before and changed: names that were set, and names that were deleted.
func merged(before, changed, now *pyvalue.Dict) *pyvalue.Dict {
	if before.Equal(now) {
		return changed
	}
	for _, e := range changed.Entries() {
		name, ok := e.Key.(pyvalue.Str)
		if !ok {
			continue
		}
		if old, had := before.Get(string(name)); !had || !pyvalue.Equal(old, e.Value) {
			now.Set(string(name), e.Value)
		}
	}
	for _, e := range before.Entries() {
		if name, ok := e.Key.(pyvalue.Str); ok {
			if _, stays := changed.Get(string(name)); !stays {
				now.Delete(string(name))
			}
		}
	}
	return now
}
