// Package certtable keeps the certificates of a fleet, and the locks on them, in a table of the database. It knows nothing of what
// it keeps: values come sealed.
package certtable

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"coatcheck/internal/schema"
	"coatcheck/internal/sqlconn"
)

// Name is the table's.
const Name = "coatcheck_certificate"

// Table is the table in one database. Safe for concurrent use. The ends of locks are told by the database's clock, so that those of
// the processes need not agree.
type Table struct {
	db *sqlconn.DB

	get, put, putHeld, remove, names *sqlconn.Stmt
	take, grab, renew, release       *sqlconn.Stmt
}

// New returns the table in db; nothing is asked yet.
func New(db *sqlconn.DB) *Table {
	p := db.Placeholder
	end := clock[db.Dialect] + " + " + p(1)
	mine := " WHERE name_hash = " + p(2) + " AND lock_token = " + p(3)
	insert := "INSERT INTO " + Name + " (name_hash, name, sealed) "
	return &Table{db: db,
		get:     db.Statement("SELECT sealed FROM " + Name + " WHERE name_hash = " + p(1)),
		put:     db.Statement(insert + "VALUES (" + p(1) + ", " + p(2) + ", " + p(3) + ")" + replace(db.Dialect)),
		putHeld: db.Statement(insert + held(db.Dialect) + replace(db.Dialect)),
		remove:  db.Statement("DELETE FROM " + Name + " WHERE name_hash = " + p(1)),
		names:   db.Statement("SELECT name FROM " + Name + " WHERE sealed IS NOT NULL AND name LIKE " + p(1) + " ESCAPE '!'"),
		take: db.Statement("UPDATE " + Name + " SET lease_end = " + end + ", lock_token = " + p(2) + " WHERE name_hash = " + p(3) +
			" AND lease_end < " + clock[db.Dialect]),
		grab:    db.Statement(newLock(db.Dialect)),
		renew:   db.Statement("UPDATE " + Name + " SET lease_end = " + end + mine),
		release: db.Statement("DELETE FROM " + Name + " WHERE name_hash = " + p(1) + " AND lock_token = " + p(2)),
	}
}

// CreateTable makes the table. The right to do so is needed only then.
func (t *Table) CreateTable(ctx context.Context) error {
	return schema.Upgrade(ctx, t.db, schema.Part{Name: Name, Steps: []schema.Step{create}})
}

// hash is the primary key: names are longer than MySQL's keys may be. Files and locks do not meet.
func hash(kind, name string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + name))
	return hex.EncodeToString(sum[:])
}

// Get returns the value of name; [fs.ErrNotExist] if there is none.
func (t *Table) Get(ctx context.Context, name string) (value string, err error) {
	ctx, cancel := t.db.Timeout(ctx)
	defer cancel()
	err = t.get.ScanRow(ctx, []any{hash("file", name)}, &value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", fs.ErrNotExist
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", Name, err)
	}
	return value, nil
}

// Put writes the value of name. Where a lock is named, it does so only while token holds it, and reports whether it did.
func (t *Table) Put(ctx context.Context, name, value, lock, token string) (bool, error) {
	if lock == "" {
		_, err := t.exec(ctx, t.put, hash("file", name), name, value)
		return err == nil, err
	}
	return t.exec(ctx, t.putHeld, hash("file", name), name, value, hash("lock", lock), token)
}

// Remove removes name; nothing being there is fine.
func (t *Table) Remove(ctx context.Context, name string) error {
	_, err := t.exec(ctx, t.remove, hash("file", name))
	return err
}

// Names returns the names that begin with prefix.
func (t *Table) Names(ctx context.Context, prefix string) ([]string, error) {
	ctx, cancel := t.db.Timeout(ctx)
	defer cancel()
	rows, err := t.names.Query(ctx, strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(prefix)+"%")
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", Name, err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("list %s: %w", Name, err)
		}
		if strings.HasPrefix(name, prefix) { // SQLite's LIKE knows no case
			names = append(names, name)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list %s: %w", Name, err)
	}
	return names, nil
}

// Take makes token the holder of a lock that nobody holds, or whose holder's lease is over, and reports whether it did.
func (t *Table) Take(ctx context.Context, lock, token string, lease time.Duration) (bool, error) {
	taken, err := t.exec(ctx, t.take, lease.Milliseconds(), token, hash("lock", lock))
	if taken || err != nil {
		return taken, err
	}
	taken, err = t.exec(ctx, t.grab, lease.Milliseconds(), token, hash("lock", lock), lock)
	if sqlconn.IsUnique(err) {
		return false, nil
	}
	return taken, err
}

// Renew makes the lease of a lock begin anew if token still holds it, and reports whether it does.
func (t *Table) Renew(ctx context.Context, lock, token string, lease time.Duration) (bool, error) {
	return t.exec(ctx, t.renew, lease.Milliseconds(), hash("lock", lock), token)
}

// Release gives the lock up if token holds it.
func (t *Table) Release(ctx context.Context, lock, token string) error {
	_, err := t.exec(ctx, t.release, hash("lock", lock), token)
	return err
}

// exec reports whether a row was matched.
func (t *Table) exec(ctx context.Context, s *sqlconn.Stmt, args ...any) (bool, error) {
	ctx, cancel := t.db.Timeout(ctx)
	defer cancel()
	res, err := s.Exec(ctx, args...)
	if err != nil {
		return false, fmt.Errorf("write %s: %w", Name, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("write %s: count rows: %w", Name, err)
	}
	return n > 0, nil
}
