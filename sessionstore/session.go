package sessionstore

import (
	"iter"
	"time"

	"coatcheck/internal/pyvalue"
)

// Session is one visitor's session. It belongs to one request and one goroutine: it is not safe for concurrent use, and of two
// requests that Save the same session the last one wins, as in Django. [Session.Merge] and [Sessions.Change] lose nothing.
type Session struct {
	sessions *Sessions
	key      string
	values   *pyvalue.Dict // nil: still in kept
	kept     *Kept         // in memory that the session came from; nil: none, or it was saved since
	ends     time.Time     // of the record as loaded or saved
	refused  error
	accessed bool
	modified bool
	changed  []string // names set or deleted since the session was loaded or saved, for Merge
	cleared  bool     // before that
}

func (s *Session) load(key string, rec Record) {
	s.key, s.ends, s.modified = key, rec.Expires, rec.Resign
	if rec.Data != nil {
		s.values = rec.Data
	}
}

// loadKept leaves the data where it is until somebody asks for it.
func (s *Session) loadKept(key string, k *Kept) {
	s.key, s.kept, s.values, s.ends, s.modified = key, k, nil, k.expires(), k.resign
}

// data is the session's own.
func (s *Session) data() *pyvalue.Dict {
	if s.values == nil {
		s.values = s.kept.data()
	}
	return s.values
}

// Kept returns the record in memory that the session came from, as long as the session says the same; else nil.
func (s *Session) Kept() *Kept {
	s.accessed = true
	if s.modified {
		return nil
	}
	return s.kept
}

// Key returns the session key, "" for a session that has no record yet. Save may change it.
func (s *Session) Key() string { return s.key }

// Refused returns the *[RefusedError] of a presented record that cannot be trusted, for the security log; nil otherwise.
func (s *Session) Refused() error { return s.refused }

// Get returns the value under name. A container is the session's own: do not change it, or call Touch afterwards.
func (s *Session) Get(name string) (pyvalue.Value, bool) {
	s.accessed = true
	return s.data().Get(name)
}

// GetString returns the string under name, and whether there is one.
func (s *Session) GetString(name string) (string, bool) {
	v, _ := s.Get(name)
	text, ok := v.(pyvalue.Str)
	return string(text), ok
}

// Set puts value, as [pyvalue.Of] takes it, under name.
func (s *Session) Set(name string, value any) error {
	v, err := pyvalue.Of(value)
	if err != nil {
		return err
	}
	s.data().Set(name, v)
	s.note(name)
	return nil
}

// Delete removes name and reports whether it was there.
func (s *Session) Delete(name string) bool {
	s.accessed = true
	found := s.data().Delete(name)
	if found {
		s.note(name)
	}
	return found
}

// Clear forgets all data and keeps the record (Django's clear; Flush also ends the record).
func (s *Session) Clear() {
	s.values = pyvalue.NewDict()
	s.accessed, s.modified = true, true
	s.changed, s.cleared = nil, true
}

// All yields names and values in order. Entries whose key is not a string, as a pickle may hold them, are left out.
func (s *Session) All() iter.Seq2[string, pyvalue.Value] {
	s.accessed = true
	return func(yield func(string, pyvalue.Value) bool) {
		for _, e := range s.data().Entries() {
			if name, ok := e.Key.(pyvalue.Str); ok && !yield(string(name), e.Value) {
				return
			}
		}
	}
}

// Touch marks the session as modified, so that the next Save writes it as it is: after a change inside a container, or to begin
// its life anew.
func (s *Session) Touch() { s.modified = true }

// Modified reports whether there is something to save.
func (s *Session) Modified() bool { return s.modified }

// Accessed reports whether the session was read or written (the answer then depends on the cookie: Vary).
func (s *Session) Accessed() bool { return s.accessed || s.modified }

// Empty reports whether the session has neither key nor data. An empty session is never written.
func (s *Session) Empty() bool { return s.key == "" && s.data().Len() == 0 }

// Due reports whether the request must save the session and send its cookie (Django's SessionMiddleware): it is not empty, and modified or
// Settings.SaveEveryRequest holds. In the latter case Touch comes before Save.
func (s *Session) Due() bool {
	return !s.Empty() && (s.modified || s.sessions.settings.SaveEveryRequest)
}
