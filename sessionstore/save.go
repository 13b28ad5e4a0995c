package sessionstore

import (
	"context"
	"errors"
	"fmt"

	"coatcheck/internal/pyvalue"
)

// createAttempts bounds the search for a free key. Of 36^32 keys one is never taken twice by chance: more than a few in a row mean that the
// store answers ErrExists to everything.
const createAttempts = 16

// Save writes the session: under a fresh key if it has none yet, otherwise as an update of its record. [ErrGone]: the record
// was deleted meanwhile (a logout in another request); nothing was written, and no cookie must be sent. A session that is
// not modified, or empty, is not written.
func (s *Session) Save(ctx context.Context) error {
	if !s.modified || s.Empty() {
		return nil
	}
	if s.key == "" {
		return s.create(ctx)
	}
	if err := s.rebase(ctx); err != nil {
		return err
	}
	rec := s.record()
	key, err := s.sessions.store.Update(ctx, s.key, rec)
	if err != nil {
		return fmt.Errorf("save session: %w", err)
	}
	s.saved(key, rec)
	return nil
}

// CycleKey moves the session, as it is now, to a fresh key and deletes the old record (Django's cycle_key, at login). It writes
// everything: no Save has to follow. It succeeds also if the old record is gone already, since a login has just proved who the
// visitor is; see [Session.CycleLiveKey]. On an error the session keeps its old key and what was created is removed.
func (s *Session) CycleKey(ctx context.Context) error { return s.cycle(ctx, nil) }

// CycleLiveKey is CycleKey for a session that nobody has proved anew: if its record was deleted meanwhile, it stays dead ([ErrGone]).
func (s *Session) CycleLiveKey(ctx context.Context) error {
	return s.cycle(ctx, func(old string) (string, error) {
		return s.sessions.store.Update(ctx, old, s.record())
	})
}

// cycle asks check after the new record is there, so that a logout either comes before (then the check fails) or finds a key that
// is no longer the session's.
func (s *Session) cycle(ctx context.Context, check func(old string) (string, error)) error {
	before, old := *s, s.key
	if err := s.rebase(ctx); err != nil {
		return err
	}
	if err := s.create(ctx); err != nil || old == "" {
		return err
	}
	gone := old
	var err error
	if check != nil {
		gone, err = check(old)
	}
	if err == nil {
		err = s.sessions.store.Delete(ctx, gone)
	}
	if err == nil {
		return nil
	}
	undo := s.sessions.store.Delete(context.WithoutCancel(ctx), s.key)
	*s = before
	return fmt.Errorf("cycle session key: %w", errors.Join(err, undo))
}

// Flush ends the session: its record is deleted, and the session has no key and no data (Django's flush). On an error nothing has changed.
func (s *Session) Flush(ctx context.Context) error {
	if s.key != "" {
		if err := s.sessions.store.Delete(ctx, s.key); err != nil {
			return fmt.Errorf("flush session: %w", err)
		}
	}
	*s = Session{sessions: s.sessions, values: pyvalue.NewDict(), accessed: true, modified: true}
	return nil
}

func (s *Session) create(ctx context.Context) error {
	rec := s.record()
	for range createAttempts {
		key, err := s.sessions.store.Create(ctx, s.sessions.NewKey(), rec)
		if err == nil {
			s.saved(key, rec)
			return nil
		}
		if !errors.Is(err, ErrExists) {
			return fmt.Errorf("create session: %w", err)
		}
	}
	return fmt.Errorf("create session: the store called %d fresh keys taken; check it", createAttempts)
}

func (s *Session) record() Record { return Record{Data: s.data(), Expires: s.Expires()} }

func (s *Session) saved(key string, rec Record) {
	s.key, s.ends, s.modified, s.kept = key, rec.Expires, false, nil
	s.changed, s.cleared = nil, false
}
