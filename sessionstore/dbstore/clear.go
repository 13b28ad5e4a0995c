package dbstore

import (
	"context"

	"coatcheck/internal/sqlconn"
)

// ClearExpired implements [sessionstore.Store], in batches, so that nobody waits long for the rows in between. On an error it
// tells how many it had removed.
func (s *Store) ClearExpired(ctx context.Context) (int64, error) {
	now := s.db.Time(s.now())
	args := []any{now, now}
	if s.db.Dialect == sqlconn.MySQL {
		args = args[:1]
	}
	var total int64
	for {
		n, err := s.exec(ctx, s.clear, args...)
		total += n
		if err != nil {
			return total, s.fault("clear expired sessions in", err)
		}
		if n < batch {
			return total, nil
		}
	}
}

// Keys implements [sessionstore.Lister]. It holds no connection while it yields.
func (s *Store) Keys(ctx context.Context, yield func(key string) bool) error {
	last := ""
	for {
		keys, err := s.keysAfter(ctx, last)
		if err != nil {
			return s.fault("list sessions in", err)
		}
		for _, key := range keys {
			if !yield(key) {
				return nil
			}
		}
		if len(keys) < batch {
			return nil
		}
		last = keys[len(keys)-1]
	}
}

func (s *Store) keysAfter(ctx context.Context, last string) ([]string, error) {
	ctx, cancel := s.db.Timeout(ctx)
	defer cancel()
	rows, err := s.page.Query(ctx, last)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var keys []string
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, rows.Err()
}
