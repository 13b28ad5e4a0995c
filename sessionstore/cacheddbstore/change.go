package cacheddbstore

import (
	"context"
	"errors"

	"coatcheck/sessionstore"
)

// Change implements [sessionstore.Changer]: it reads the row, never the entry, and deletes the entry afterwards. Of two changes the later
// one could be the first to write the entry.
func (s *Store) Change(ctx context.Context, key string, change func(sessionstore.Record) *sessionstore.Record) error {
	written := false
	err := s.rows.Change(ctx, key, func(rec sessionstore.Record) *sessionstore.Record {
		next := change(rec)
		written = next != nil
		return next
	})
	s.contact.heard(s.now(), err)
	if written || errors.Is(err, sessionstore.ErrGone) {
		s.drop(ctx, key)
	}
	return err
}
