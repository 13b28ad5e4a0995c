// Package ledger is our own table of what is known of sessions besides their data, under a hash of the session key, for
// every engine. Django's own tables get no column of ours.
package ledger

import (
	"context"
	"fmt"
	"time"

	"coatcheck/internal/sqlconn"
)

// Table is the table's name.
const Table = "coatcheck_session"

// clearBatch bounds the rows that one statement removes, so that nobody waits for its locks (F33).
const clearBatch = 1000

// Ledger is the table in one database. Safe for concurrent use.
type Ledger struct {
	db  *sqlconn.DB
	now func() time.Time

	revoke, revoked, clear *sqlconn.Stmt
}

// New returns the ledger in db; nothing is asked yet.
func New(db *sqlconn.DB, now func() time.Time) *Ledger {
	table, hash, until := db.Quote(Table), db.Quote("session_hash"), db.Quote("revoked_until")
	p := db.Placeholder
	return &Ledger{db: db, now: now,
		revoke:  db.Statement("INSERT INTO " + table + " (" + hash + ", " + until + ") VALUES (" + p(1) + ", " + p(2) + ") " + upsert(db.Dialect, hash, until)),
		revoked: db.Statement("SELECT 1 FROM " + table + " WHERE " + hash + " = " + p(1) + " AND " + until + " > " + p(2)),
		clear: db.Statement("DELETE FROM " + table + " WHERE " + hash + " IN (SELECT h FROM (SELECT " + hash + " AS h FROM " + table +
			" WHERE " + until + " < " + p(1) + fmt.Sprintf(" LIMIT %d) AS due)", clearBatch)),
	}
}

// upsert makes the insert of a known session an update of its revocation.
func upsert(d sqlconn.Dialect, hash, until string) string {
	if d == sqlconn.MySQL {
		return "ON DUPLICATE KEY UPDATE " + until + " = VALUES(" + until + ")"
	}
	return "ON CONFLICT (" + hash + ") DO UPDATE SET " + until + " = excluded." + until
}

// CreateTable makes the table if it is missing. The right to create is needed only then.
func (l *Ledger) CreateTable(ctx context.Context) error {
	if _, err := l.Revoked(ctx, ""); !sqlconn.IsMissingTable(err) {
		return err
	}
	date := map[sqlconn.Dialect]string{sqlconn.SQLite: "datetime", sqlconn.Postgres: "timestamp with time zone", sqlconn.MySQL: "datetime(6)"}[l.db.Dialect]
	err := l.db.Make(ctx, "CREATE TABLE IF NOT EXISTS "+l.db.Quote(Table)+" ("+
		l.db.Quote("session_hash")+" varchar(64) NOT NULL PRIMARY KEY, "+
		l.db.Quote("revoked_until")+" "+date+" NULL)")
	if err != nil {
		return fmt.Errorf("create table %s: %w", Table, err)
	}
	return nil
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

// Revoked reports whether the session of this digest is over.
func (l *Ledger) Revoked(ctx context.Context, digest string) (bool, error) {
	ctx, cancel := l.db.Timeout(ctx)
	defer cancel()
	rows, err := l.revoked.Query(ctx, digest, l.db.Time(l.now()))
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

// ClearRevoked forgets revocations whose time has come, in batches, and says how many.
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
	res, err := l.clear.Exec(ctx, l.db.Time(l.now()))
	if err != nil {
		return 0, fmt.Errorf("clear %s: %w", Table, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("clear %s: count rows: %w", Table, err)
	}
	return n, nil
}
