// Package dbstore keeps sessions in a database table, as Django's engine db does (contrib/sessions/backends/db.py), on SQLite,
// PostgreSQL and MySQL.
package dbstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/sqlconn"
	"coatcheck/sessionstore"
)

const (
	// maxData bounds what is read of one record, in characters: more than the codec takes, so that a longer one is refused.
	maxData = 1<<20/3*4 + 1024
	// batch is the most rows that one statement of ClearExpired or Keys handles (F33).
	batch = 1000
)

// Codec turns session data into the text of a record, and back.
type Codec interface {
	Encode(d *pyvalue.Dict) ([]byte, error)
	// Decode fails for whatever is not to be trusted; fallback tells that the text was signed with a fallback key.
	Decode(text []byte) (d *pyvalue.Dict, fallback bool, err error)
}

// Options of a [Store].
type Options struct {
	Now func() time.Time // judges expiry; default time.Now
}

// Store is a [sessionstore.Store] in the table django_session. Expiry is judged by this process's clock, as in Django, never by the
// database's.
type Store struct {
	db    *sqlconn.DB
	codec Codec
	now   func() time.Time

	load, insert, update, swap, remove, clear, page *sqlconn.Stmt
}

var (
	_ sessionstore.Store   = (*Store)(nil)
	_ sessionstore.Lister  = (*Store)(nil)
	_ sessionstore.Changer = (*Store)(nil)
)

// New returns the store in db, which the caller closes. Nothing is asked of the database yet.
func New(db *sqlconn.DB, codec Codec, opts Options) *Store {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	q := queriesFor(db.Dialect)
	return &Store{
		db: db, codec: codec, now: opts.Now,
		load: db.Statement(q.load), insert: db.Statement(q.insert), update: db.Statement(q.update), swap: db.Statement(q.swap),
		remove: db.Statement(q.remove), clear: db.Statement(q.clear), page: db.Statement(q.page),
	}
}

// Load implements [sessionstore.Store].
func (s *Store) Load(ctx context.Context, key string) (sessionstore.Record, error) {
	rec, _, err := s.read(ctx, key)
	return rec, err
}

// read returns the record and the text it was read from. Its errors are those of Load.
func (s *Store) read(ctx context.Context, key string) (sessionstore.Record, []byte, error) {
	if !sessionstore.ValidKey(key) {
		return sessionstore.Record{}, nil, sessionstore.ErrNotFound
	}
	ctx, cancel := s.db.Timeout(ctx)
	defer cancel()
	var text []byte
	var rec sessionstore.Record
	ask := func() error {
		return s.load.ScanRow(ctx, []any{key, s.db.Time(s.now())}, &text, s.db.ScanTime(&rec.Expires))
	}
	err := ask()
	if sqlconn.IsLost(err) || sqlconn.IsRolledBack(err) {
		err = ask()
	}
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return sessionstore.Record{}, nil, sessionstore.ErrNotFound
	case errors.Is(err, sqlconn.ErrTime):
		return sessionstore.Record{}, nil, &sessionstore.RefusedError{Reason: "damaged date in " + table, Err: err}
	case err != nil:
		return sessionstore.Record{}, nil, s.fault("load session from", err)
	}
	rec.Data, rec.Resign, err = s.codec.Decode(text)
	if err != nil {
		return sessionstore.Record{}, nil, &sessionstore.RefusedError{Reason: "damaged record in " + table, Err: err}
	}
	return rec, text, nil
}

// Create implements [sessionstore.Store].
func (s *Store) Create(ctx context.Context, key string, rec sessionstore.Record) (string, error) {
	text, err := s.codec.Encode(rec.Data)
	if err != nil {
		return "", err
	}
	_, err = s.exec(ctx, s.insert, key, string(text), s.db.Time(rec.Expires))
	switch {
	case sqlconn.IsUnique(err):
		return "", sessionstore.ErrExists
	case err != nil:
		return "", s.fault("create session in", err)
	}
	return key, nil
}

// Update implements [sessionstore.Store]. The count is of rows that matched, also if nothing changed in them: package sqlconn opens MySQL so.
func (s *Store) Update(ctx context.Context, key string, rec sessionstore.Record) (string, error) {
	if !sessionstore.ValidKey(key) { // PostgreSQL would take some for a fault
		return "", sessionstore.ErrGone
	}
	text, err := s.codec.Encode(rec.Data)
	if err != nil {
		return "", err
	}
	rows, err := s.exec(ctx, s.update, string(text), s.db.Time(rec.Expires), key)
	switch {
	case err != nil:
		return "", s.fault("update session in", err)
	case rows == 0:
		return "", sessionstore.ErrGone
	}
	return key, nil
}

// Delete implements [sessionstore.Store].
func (s *Store) Delete(ctx context.Context, key string) error {
	if !sessionstore.ValidKey(key) {
		return nil
	}
	if _, err := s.exec(ctx, s.remove, key); err != nil {
		return s.fault("delete session from", err)
	}
	return nil
}

// exec runs one write and returns the number of rows. A write that lost against another transaction is run once more.
func (s *Store) exec(ctx context.Context, stmt *sqlconn.Stmt, args ...any) (int64, error) {
	ctx, cancel := s.db.Timeout(ctx)
	defer cancel()
	res, err := stmt.Exec(ctx, args...)
	if sqlconn.IsRolledBack(err) {
		res, err = stmt.Exec(ctx, args...)
	}
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// fault wraps what the database said, and says what to do where the table is not Django's.
func (s *Store) fault(doing string, err error) error {
	switch {
	case sqlconn.IsMissingTable(err):
		err = fmt.Errorf("there is no such table; run Django's migrate, or let coatcheck create tables in this database: %w", err)
	case sqlconn.IsMissingColumn(err):
		err = fmt.Errorf("it is not Django's session table, which has session_key, session_data and expire_date; name another database: %w", err)
	}
	return fmt.Errorf("%s %s: %w", doing, table, err)
}
