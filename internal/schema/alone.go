package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"coatcheck/internal/sqlconn"
)

// lockNumber is ours among PostgreSQL's advisory locks: "coatchk" in ASCII.
const lockNumber = 0x636f617463686b

// lockName is ours among MySQL's, which are the whole server's: each database has its own.
const lockName = "CONCAT('coatcheck.', MD5(DATABASE()))"

// lockRetry is how often MySQL is asked again: a wait inside the server would outlast the driver's read timeout.
const lockRetry = 50 * time.Millisecond

// alone calls act while no other process does so with this database: in a transaction where the database can undo changes of tables, otherwise under a
// lock that ends with its connection.
func alone(ctx context.Context, db *sqlconn.DB, act func(executor) error) error {
	if db.Dialect == sqlconn.MySQL {
		return lockedMySQL(ctx, db, act)
	}
	tx, err := db.BeginTx(ctx, nil) // SQLite: takes the write lock
	if err != nil {
		return err
	}
	defer tx.Rollback() // nothing after a Commit
	if db.Dialect == sqlconn.Postgres {
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", lockNumber)); err != nil {
			return err
		}
	}
	if err := act(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func lockedMySQL(ctx context.Context, db *sqlconn.DB, act func(executor) error) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	for {
		var got sql.NullInt64
		if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK("+lockName+", 0)").Scan(&got); err != nil {
			return err
		}
		if got.Int64 == 1 {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for another process that does the same: %w", ctx.Err())
		case <-time.After(lockRetry):
		}
	}
	defer func() {
		_, free := conn.ExecContext(context.WithoutCancel(ctx), "DO RELEASE_LOCK("+lockName+")")
		err = errors.Join(err, free)
	}()
	return act(conn)
}
