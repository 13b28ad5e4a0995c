package dbstore

import (
	"context"

	"coatcheck/sessionstore"
)

// Change implements [sessionstore.Changer]: the row is updated only while it holds the text that was read.
func (s *Store) Change(ctx context.Context, key string, change func(sessionstore.Record) *sessionstore.Record) error {
	read := func(ctx context.Context) (sessionstore.Record, []byte, error) { return s.read(ctx, key) }
	return sessionstore.ChangeBySwap(ctx, change, read, func(ctx context.Context, old []byte, rec sessionstore.Record) (bool, error) {
		text, err := s.codec.Encode(rec.Data)
		if err != nil {
			return false, err
		}
		rows, err := s.exec(ctx, s.swap, string(text), s.db.Time(rec.Expires), key, string(old))
		if err != nil {
			return false, s.fault("change session in", err)
		}
		return rows > 0, nil
	})
}
