package sqlconn

import (
	"context"
	"database/sql"
	"errors"
)

// ExecContext runs a statement that writes.
func (db *DB) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return db.writer.ExecContext(ctx, query, args...)
}

// Exec is ExecContext without a limit.
func (db *DB) Exec(query string, args ...any) (sql.Result, error) {
	return db.writer.Exec(query, args...)
}

// BeginTx begins a transaction that may write.
func (db *DB) BeginTx(ctx context.Context, opts *sql.TxOptions) (*sql.Tx, error) {
	return db.writer.BeginTx(ctx, opts)
}

// Begin is BeginTx without a limit.
func (db *DB) Begin() (*sql.Tx, error) { return db.writer.Begin() }

// Close closes all connections.
func (db *DB) Close() error {
	err := db.DB.Close()
	if db.writer != db.DB {
		err = errors.Join(err, db.writer.Close())
	}
	return err
}
