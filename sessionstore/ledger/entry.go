package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"coatcheck/internal/sqlconn"
)

// Entry is what is known of a session besides its data.
type Entry struct {
	Hash     string // the digest of its key (sessionstore.KeyDigest), 64 hexadecimal digits
	UserID   string
	Created  time.Time // of a session that a Django made: when it was first seen
	LastSeen time.Time // as of the last batch, usually within half a minute
	AuthTime time.Time // of the login
	Address  string    // of the client that was seen last
	Agent    string    // its User-Agent, at most [MaxAgent] bytes of ASCII
}

// Find returns the session of this digest, or [ErrUnknown], or [ErrEnded].
func (l *Ledger) Find(ctx context.Context, hash string) (Entry, error) {
	found, err := l.entries(ctx, l.find, hash)
	if err != nil {
		return Entry{}, err
	}
	if len(found) > 0 {
		return found[0], nil
	}
	ctx, cancel := l.db.Timeout(ctx)
	defer cancel()
	switch ended, err := some(l.ended.Query(ctx, hash)); {
	case err != nil:
		return Entry{}, err
	case ended:
		return Entry{}, ErrEnded
	}
	return Entry{}, ErrUnknown
}

// OfUser returns the user's sessions that have not been ended here and have not expired, the newest activity first. One that a Django has
// ended may be among them.
func (l *Ledger) OfUser(ctx context.Context, userID string) ([]Entry, error) {
	return l.entries(ctx, l.ofUser, userID, l.now().UnixMilli())
}

// Held calls yield for every session that has not been ended here and has not expired, until it returns false.
func (l *Ledger) Held(ctx context.Context, yield func(Entry) bool) error {
	return l.each(ctx, l.held, yield, l.now().UnixMilli())
}

// Due calls yield for every session that was not seen since idle, or logged in before auth, until it returns false. Zero times count for nothing.
func (l *Ledger) Due(ctx context.Context, idle, auth time.Time, yield func(Entry) bool) error {
	return l.each(ctx, l.due, yield, millis(idle), millis(auth))
}

// each goes through what stmt selects after a hash, batch by batch. It holds no connection while it yields.
func (l *Ledger) each(ctx context.Context, stmt *sqlconn.Stmt, yield func(Entry) bool, args ...any) error {
	last := ""
	for {
		found, err := l.entries(ctx, stmt, append([]any{last}, args...)...)
		if err != nil {
			return err
		}
		for _, e := range found {
			if !yield(e) {
				return nil
			}
		}
		if len(found) < clearBatch {
			return nil
		}
		last = found[len(found)-1].Hash
	}
}

// Key returns the session key of the user's session; [ErrUnknown] also for one that was sealed with a secret key that is no longer ours.
func (l *Ledger) Key(ctx context.Context, userID, hash string) (string, error) {
	ctx, cancel := l.db.Timeout(ctx)
	defer cancel()
	var sealed sql.NullString
	err := l.key.ScanRow(ctx, []any{hash, userID}, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return "", ErrUnknown
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", Table, err)
	}
	text, ok := l.seal.Open(sealed.String, hash)
	if !ok {
		return "", ErrUnknown
	}
	return string(text), nil
}

func (l *Ledger) entries(ctx context.Context, stmt *sqlconn.Stmt, args ...any) ([]Entry, error) {
	ctx, cancel := l.db.Timeout(ctx)
	defer cancel()
	rows, err := stmt.Query(ctx, args...)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", Table, err)
	}
	defer rows.Close()
	var all []Entry
	for rows.Next() {
		e, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", Table, err)
		}
		all = append(all, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", Table, err)
	}
	return all, nil
}

func scan(rows *sql.Rows) (e Entry, err error) {
	var user, address, agent sql.NullString
	var created, auth, seen sql.NullInt64
	err = rows.Scan(&e.Hash, &user, &created, &auth, &seen, &address, &agent)
	e.UserID, e.Address, e.Agent = user.String, address.String, agent.String
	e.Created, e.AuthTime, e.LastSeen = instant(created), instant(auth), instant(seen)
	return e, err
}

func instant(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64).UTC()
}

// millis is 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
