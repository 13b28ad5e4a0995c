package sqlconn

import (
	"context"
	"database/sql"
	"sync"
)

// Stmt is a statement that is prepared once for each connection, when it is first used there. Safe for concurrent use.
type Stmt struct {
	db    *DB
	query string

	mu       sync.Mutex
	prepared *sql.Stmt // nil until the server was there once
}

// Statement returns query as a Stmt. Nothing is sent yet.
func (db *DB) Statement(query string) *Stmt { return &Stmt{db: db, query: query} }

// prepare leaves PostgreSQL to pgx, which keeps prepared statements by itself, and in the way the URL asks for (poolers).
func (s *Stmt) prepare(ctx context.Context) (*sql.Stmt, error) {
	if s.db.Dialect == Postgres {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.prepared != nil {
		return s.prepared, nil
	}
	stmt, err := s.db.PrepareContext(ctx, s.query)
	if err == nil {
		s.prepared = stmt
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

// Close frees the statement at the server; closing the DB does so too.
func (s *Stmt) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.prepared == nil {
		return nil
	}
	err := s.prepared.Close()
	s.prepared = nil
	return err
}
