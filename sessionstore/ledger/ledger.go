// Package ledger is our own table of what is known of sessions besides their data, under a hash of the session key, for
// every engine. Django's own tables get no column of ours.
package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"coatcheck/internal/schema"
	"coatcheck/internal/signing"
	"coatcheck/internal/sqlconn"
)

// sealSalt makes the sealing key another than every signing key. Session keys are bound to their row's hash.
const sealSalt = "coatcheck.ledger.session_key"

// Table is the table's name.
const Table = "coatcheck_session"

// clearBatch bounds the rows that one statement removes, so that nobody waits for its locks (F33).
const clearBatch = 1000

var (
	// ErrUnknown: the ledger was asked and has no such session.
	ErrUnknown = errors.New("session is not in the ledger")
	// ErrEnded: the session was ended here, whatever a store says.
	ErrEnded = errors.New("session was ended")
)

// Ledger is the table in one database. Safe for concurrent use.
type Ledger struct {
	db   *sqlconn.DB
	seal signing.Sealer
	now  func() time.Time

	revoke, revoked, end, clear         *sqlconn.Stmt
	find, ended, ofUser, key, due, held *sqlconn.Stmt
}

// New returns the ledger in db; nothing is asked yet. Session keys are kept sealed with keys.
func New(db *sqlconn.DB, keys signing.Keys, now func() time.Time) *Ledger {
	p := db.Placeholder
	selected := "SELECT session_hash, user_id, created, auth_time, last_seen, address, agent FROM " + Table
	const live = " AND revoked_until IS NULL"
	return &Ledger{db: db, seal: signing.NewSealer(sealSalt, keys), now: now,
		revoke: db.Statement("INSERT INTO " + Table + " (session_hash, revoked_until) VALUES (" + p(1) + ", " + p(2) + ") " + conflict(db.Dialect) +
			"revoked_until = " + incoming(db.Dialect, "revoked_until")),
		revoked: db.Statement("SELECT 1 FROM " + Table + " WHERE session_hash = " + p(1) + " AND revoked_until > " + p(2)),
		end:     db.Statement("UPDATE " + Table + " SET revoked_until = " + p(1) + ", address = NULL, agent = NULL, sealed_key = NULL WHERE session_hash = " + p(2)),
		clear: db.Statement("DELETE FROM " + Table + " WHERE session_hash IN (SELECT h FROM (SELECT session_hash AS h FROM " + Table +
			" WHERE revoked_until < " + p(1) + " OR (revoked_until IS NULL AND expires < " + p(2) + ")" + fmt.Sprintf(" LIMIT %d) AS due)", clearBatch)),
		find:   db.Statement(selected + " WHERE session_hash = " + p(1) + live),
		ended:  db.Statement("SELECT 1 FROM " + Table + " WHERE session_hash = " + p(1) + " AND revoked_until IS NOT NULL"),
		ofUser: db.Statement(selected + " WHERE user_id = " + p(1) + " AND expires > " + p(2) + live + " ORDER BY last_seen DESC, session_hash"),
		key:    db.Statement("SELECT sealed_key FROM " + Table + " WHERE session_hash = " + p(1) + " AND user_id = " + p(2) + live),
		due: db.Statement(selected + " WHERE session_hash > " + p(1) + " AND (last_seen < " + p(2) + " OR auth_time < " + p(3) + ")" + live +
			fmt.Sprintf(" ORDER BY session_hash LIMIT %d", clearBatch)),
		held: db.Statement(selected + " WHERE session_hash > " + p(1) + " AND expires > " + p(2) + live + fmt.Sprintf(" ORDER BY session_hash LIMIT %d", clearBatch)),
	}
}

// conflict makes the insert of a known session an update; assignments follow.
func conflict(d sqlconn.Dialect) string {
	if d == sqlconn.MySQL {
		return "ON DUPLICATE KEY UPDATE "
	}
	return "ON CONFLICT (session_hash) DO UPDATE SET "
}

// incoming is the value that the insert had for a column.
func incoming(d sqlconn.Dialect, column string) string {
	if d == sqlconn.MySQL {
		return "VALUES(" + column + ")"
	}
	return "excluded." + column
}

// CreateTable makes the table or brings it up to date. The right to do so is needed only then.
func (l *Ledger) CreateTable(ctx context.Context) error {
	return schema.Upgrade(ctx, l.db, schema.Part{Name: Table, Steps: []schema.Step{create, describe}})
}

// Revoke remembers that the session of this digest is over, at least until then.
func (l *Ledger) Revoke(ctx context.Context, digest string, until time.Time) error {
	ctx, cancel := l.db.Timeout(ctx)
	defer cancel()
	if _, err := l.revoke.Exec(ctx, digest, l.db.Time(until)); err != nil {
		return fmt.Errorf("write %s: %w", Table, err)
	}
	return nil
}

// End takes the session out of all lists. The row stays as a mark until then, so that what another process has yet to write of the session
// does not bring it back; only the mark stays. A session that is not known is fine.
func (l *Ledger) End(ctx context.Context, digest string, until time.Time) error {
	ctx, cancel := l.db.Timeout(ctx)
	defer cancel()
	if _, err := l.end.Exec(ctx, l.db.Time(until), digest); err != nil {
		return fmt.Errorf("write %s: %w", Table, err)
	}
	return nil
}

// Revoked reports whether the session of this digest is over.
func (l *Ledger) Revoked(ctx context.Context, digest string) (bool, error) {
	ctx, cancel := l.db.Timeout(ctx)
	defer cancel()
	return some(l.revoked.Query(ctx, digest, l.db.Time(l.now())))
}

// some reports whether there is a row.
func some(rows *sql.Rows, err error) (bool, error) {
	if err != nil {
		return false, fmt.Errorf("read %s: %w", Table, err)
	}
	defer rows.Close()
	found := rows.Next()
	if err := rows.Err(); err != nil {
		return false, fmt.Errorf("read %s: %w", Table, err)
	}
	return found, nil
}

// ClearRevoked forgets revocations and sessions whose time has come, in batches, and says how many.
func (l *Ledger) ClearRevoked(ctx context.Context) (int64, error) {
	var total int64
	for {
		n, err := l.clearSome(ctx)
		total += n
		if err != nil || n < clearBatch {
			return total, err
		}
	}
}

func (l *Ledger) clearSome(ctx context.Context) (int64, error) {
	ctx, cancel := l.db.Timeout(ctx)
	defer cancel()
	now := l.now()
	res, err := l.clear.Exec(ctx, l.db.Time(now), now.UnixMilli())
	if err != nil {
		return 0, fmt.Errorf("clear %s: %w", Table, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("clear %s: count rows: %w", Table, err)
	}
	return n, nil
}
