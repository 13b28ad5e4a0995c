package sessionstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"coatcheck/internal/pyvalue"
)

// Changer is a [Store] that changes a record without losing what others write to it at the same moment, in this process or
// another. A store that is built on another one (a cache, a counter) has to pass Change on: what is a Changer below has to be one above.
type Changer interface {
	// Change hands the live record under key to change and puts what that returns in its place, in one conditional write. If
	// somebody else wrote meanwhile, change is asked again, with the record as it is then. Nil leaves the record as it is.
	// ErrGone: there is no such record, or no longer; a refused one is an error of Load.
	Change(ctx context.Context, key string, change func(Record) *Record) error
}

// ErrContended is a fault: others wrote a record again and again while it was to be changed.
var ErrContended = errors.New("others write the session all the time")

const (
	// changeAttempts bounds a change; of n processes that change one record at once, each has to try n times at most.
	changeAttempts = 100
	// firstPause doubles with each attempt up to lastPause, so that processes fall out of step.
	firstPause, lastPause = time.Millisecond / 4, 16 * time.Millisecond
)

// ChangeBySwap is the Change of a store that reads a record together with a mark of its state (read, with the errors of Load), and that
// writes on condition of that mark (swap: false, if the record has another one by now).
func ChangeBySwap[Mark any](ctx context.Context, change func(Record) *Record,
	read func(context.Context) (Record, Mark, error), swap func(context.Context, Mark, Record) (bool, error)) error {
	pause := firstPause
	for range changeAttempts {
		rec, mark, err := read(ctx)
		if err == ErrNotFound { //nolint:errorlint // a refused record is another thing
			return ErrGone
		}
		if err != nil {
			return err
		}
		next := change(rec)
		if next == nil {
			return nil
		}
		if done, err := swap(ctx, mark, *next); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ErrContended, ctx.Err())
		case <-time.After(pause):
		}
		pause = min(2*pause, lastPause)
	}
	return ErrContended
}

// Change opens the session under key, lets change alter it, and saves it if it did. Several that change one session at the same moment lose
// nothing of one another, as long as the store is a [Changer]; signed cookies are none. Change may be called more than once, each time with
// the session as it is then, and must do nothing but read and write its values and expiry. An error of its own is returned as it is, and
// nothing is saved. [ErrGone]: there is no such session.
func (s *Sessions) Change(ctx context.Context, key string, change func(*Session) error) (*Session, error) {
	if !s.ValidKey(key) {
		return nil, ErrGone
	}
	leave, err := s.turns.enter(ctx, key) // in this process nobody has to try twice
	if err != nil {
		return nil, fmt.Errorf("wait to change session: %w", err)
	}
	defer leave()
	if s.changer == nil {
		return s.changeBySave(ctx, key, change)
	}
	var session *Session
	var refusal error
	err = s.changer.Change(ctx, key, func(rec Record) *Record {
		session = &Session{sessions: s, values: pyvalue.NewDict()}
		session.load(key, rec)
		if refusal = change(session); refusal != nil || !session.modified {
			return nil
		}
		next := session.record()
		return &next
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("change session: %w", err)
	case refusal != nil:
		return nil, refusal
	case session.modified:
		session.saved(key, session.record())
	}
	return session, nil
}

// Changes reports whether Change and Merge lose nothing: the store is a [Changer].
func (s *Sessions) Changes() bool { return s.changer != nil }

// changeBySave is for stores that cannot compare: the last writer wins.
func (s *Sessions) changeBySave(ctx context.Context, key string, change func(*Session) error) (*Session, error) {
	session, err := s.Open(ctx, key)
	switch {
	case err != nil:
		return nil, err
	case session.Key() == "":
		return nil, ErrGone
	}
	if err := change(session); err != nil {
		return nil, err
	}
	return session, session.Save(ctx)
}

// Begin makes a session under key and saves what fill puts into it. The key is one that [NewKey] made and that no client has
// seen. [ErrExists]: it was begun already. A session that fill leaves empty is not saved and has no key.
func (s *Sessions) Begin(ctx context.Context, key string, fill func(*Session) error) (*Session, error) {
	session := &Session{sessions: s, values: pyvalue.NewDict()}
	if err := fill(session); err != nil || session.Empty() {
		return session, err
	}
	rec := session.record()
	made, err := s.store.Create(ctx, key, rec)
	if err != nil {
		return nil, fmt.Errorf("begin session: %w", err)
	}
	session.saved(made, rec)
	return session, nil
}

// Merge is Save for one of several who write the session at the same moment: it brings what was set and deleted here into the
// record as it is in the store now, and the session then has what the others wrote, too. A container that was changed in place counts
// only if it was Set again. Where the store is no [Changer] it is Save.
func (s *Session) Merge(ctx context.Context) error {
	if s.key == "" || s.sessions.changer == nil || !s.modified {
		return s.Save(ctx)
	}
	merged, err := s.sessions.Change(ctx, s.key, s.replay)
	if err != nil {
		return fmt.Errorf("merge session: %w", err)
	}
	s.values = merged.data()
	s.saved(s.key, merged.record())
	return nil
}

// replay does to session what was done to s.
func (s *Session) replay(session *Session) error {
	if s.cleared {
		session.Clear()
	}
	for _, name := range s.changed {
		if value, there := s.data().Get(name); there {
			session.data().Set(name, value)
		} else {
			session.data().Delete(name)
		}
	}
	session.modified = true
	return nil
}

// note remembers for Merge that name was set or deleted.
func (s *Session) note(name string) {
	s.accessed, s.modified = true, true
	if !slices.Contains(s.changed, name) {
		s.changed = append(s.changed, name)
	}
}
