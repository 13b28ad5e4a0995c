package sqlconn

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Changes tells whether somebody else has committed to an SQLite database (PRAGMA data_version), on a connection of its own: for that, this
// process's other connections are others, too. Not safe for concurrent use.
type Changes struct {
	db   *sql.DB
	conn *sql.Conn // nil: none, and nothing is known
	ask  *sql.Stmt
	last int64
}

// Changes returns a watch over an SQLite database; close it.
func (db *DB) Changes() (*Changes, error) {
	if db.Dialect != SQLite {
		return nil, fmt.Errorf("watch %s database: only SQLite has a version of its data", db.Dialect)
	}
	own, err := sql.Open("sqlite", sqliteDSN(db.path, changesTimeout))
	if err != nil {
		return nil, fmt.Errorf("watch sqlite database: %w", err)
	}
	own.SetMaxOpenConns(1)
	return &Changes{db: own}, nil
}

// unknownVersion is none that SQLite gives.
const unknownVersion = -1

// changesTimeout is how long the watch waits for who has locked the whole file; it waits beside requests.
const changesTimeout = 20 * time.Millisecond

// Since reports whether there may have been a commit since it was last asked.
func (c *Changes) Since(ctx context.Context) (changed bool, err error) {
	if c.conn == nil {
		if err := c.connect(ctx); err != nil {
			return true, fmt.Errorf("watch sqlite database: %w", err)
		}
	}
	var version int64
	err = c.ask.QueryRowContext(ctx).Scan(&version)
	if isBusy(err) { // the version that is known will tell
		return false, fmt.Errorf("watch sqlite database: %w", err)
	}
	if err != nil {
		return true, fmt.Errorf("watch sqlite database: %w", errors.Join(err, c.disconnect()))
	}
	changed = version != c.last
	c.last = version
	return changed, nil
}

func (c *Changes) connect(ctx context.Context) error {
	conn, err := c.db.Conn(ctx)
	if err != nil {
		return err
	}
	if c.ask, err = conn.PrepareContext(ctx, "PRAGMA data_version"); err != nil {
		return errors.Join(err, conn.Close())
	}
	c.conn, c.last = conn, unknownVersion
	return nil
}

// disconnect forgets the connection: the version of another one says nothing about this one's.
func (c *Changes) disconnect() error {
	if c.conn == nil {
		return nil
	}
	err := errors.Join(c.ask.Close(), c.conn.Close())
	c.conn = nil
	return err
}

// Close closes the connection.
func (c *Changes) Close() error { return errors.Join(c.disconnect(), c.db.Close()) }
