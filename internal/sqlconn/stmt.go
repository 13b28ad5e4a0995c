package sqlconn

import (
	"context"
	"database/sql"
	"strings"
	"sync/atomic"
)

// Stmt is a statement that is prepared once for each connection, when it is first used there. Safe for concurrent use.
type Stmt struct {
	db    *sql.DB // the pool of readers or of writers
	plain bool    // not prepared by us
	query string

	prepared atomic.Pointer[sql.Stmt] // nil until the server was there once
}

// Statement returns query as a Stmt. Nothing is sent yet. PostgreSQL is left to pgx, which prepares statements by itself, and in
// the way the URL asks for (poolers).
func (db *DB) Statement(query string) *Stmt {
	pool := db.writer
	if strings.HasPrefix(query, "SELECT ") {
		pool = db.DB
	}
	return &Stmt{db: pool, plain: db.Dialect == Postgres, query: query}
}

// prepare returns nil for a plain statement.
func (s *Stmt) prepare(ctx context.Context) (*sql.Stmt, error) {
	if s.plain {
		return nil, nil
	}
	if stmt := s.prepared.Load(); stmt != nil {
		return stmt, nil
	}
	// Without a lock: nobody waits here for another's time-out.
	stmt, err := s.db.PrepareContext(ctx, s.query)
	if err == nil && !s.prepared.CompareAndSwap(nil, stmt) {
		_ = stmt.Close()
		stmt = s.prepared.Load()
	}
	return stmt, err
}

// Exec runs the statement.
func (s *Stmt) Exec(ctx context.Context, args ...any) (sql.Result, error) {
	stmt, err := s.prepare(ctx)
	switch {
	case err != nil:
		return nil, err
	case stmt == nil:
		return s.db.ExecContext(ctx, s.query, args...)
	}
	return stmt.ExecContext(ctx, args...)
}

// Query runs the statement; the caller closes the rows.
func (s *Stmt) Query(ctx context.Context, args ...any) (*sql.Rows, error) {
	stmt, err := s.prepare(ctx)
	switch {
	case err != nil:
		return nil, err
	case stmt == nil:
		return s.db.QueryContext(ctx, s.query, args...)
	}
	return stmt.QueryContext(ctx, args...)
}

// ScanRow runs the statement and reads its only row into dest; [sql.ErrNoRows] when there is none.
func (s *Stmt) ScanRow(ctx context.Context, args []any, dest ...any) error {
	stmt, err := s.prepare(ctx)
	switch {
	case err != nil:
		return err
	case stmt == nil:
		return s.db.QueryRowContext(ctx, s.query, args...).Scan(dest...)
	}
	return stmt.QueryRowContext(ctx, args...).Scan(dest...)
}
