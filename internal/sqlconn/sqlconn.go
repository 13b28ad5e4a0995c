// Package sqlconn opens databases by URL, with the settings each driver needs, and knows in what their dialects differ.
package sqlconn

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Limits of a pool, where Options leave them open.
const (
	DefaultMaxConns    = 10
	DefaultDialTimeout = time.Second
	DefaultOpTimeout   = time.Second
)

// sqliteTimeout is both how long a statement waits for another process's lock and the least time an operation gets (F17).
const sqliteTimeout = 2 * time.Second

// Options are what a URL does not say. Zero values are the defaults.
type Options struct {
	// TimeZone is that of dates in SQLite and MySQL, which keep none; nil is UTC. A Django with USE_TZ off keeps its TIME_ZONE there.
	TimeZone *time.Location
	// MaxConns bounds the pool: further callers wait until their context ends. Half of them stay open when idle.
	MaxConns int
	// DialTimeout bounds one attempt to connect.
	DialTimeout time.Duration
	// OpTimeout bounds one operation, the wait for a connection included: see [DB.Timeout].
	OpTimeout time.Duration
}

// DB is a pool of connections to one database, and its dialect. Safe for concurrent use.
//
// SQLite lets one connection write at a time, and those that wait for its lock try again at random moments, so that of 64 some wait for
// ever. Therefore writes queue for a connection of their own there. What a transaction does, it does by itself: a write past it would wait
// for it.
type DB struct {
	*sql.DB
	Dialect
	writer    *sql.DB // where writes go; the same pool but for SQLite
	zone      *time.Location
	opTimeout time.Duration
	path      string          // of SQLite's file
	listening *pgx.ConnConfig // of PostgreSQL: for connections that listen
}

// Open opens the database at rawURL: sqlite:PATH, postgres://user:password@host:port/name or mysql://user:password@host:port/name.
// It does not connect, so a server may come later; an SQLite file is made when it is missing, and looked at. No error holds a password.
func Open(rawURL string, opts Options) (*DB, error) {
	opts = opts.withDefaults()
	scheme, rest, ok := strings.Cut(rawURL, ":")
	if !ok {
		return nil, fmt.Errorf("open database: the URL has no scheme; write sqlite:PATH, postgres://… or mysql://…")
	}
	db := &DB{zone: opts.TimeZone, opTimeout: opts.OpTimeout}
	var err error
	switch scheme {
	case "sqlite":
		db.Dialect, db.opTimeout = SQLite, max(opts.OpTimeout, sqliteTimeout)
		db.DB, db.writer, db.path, err = openSQLite(rest)
	case "postgres", "postgresql":
		db.Dialect = Postgres
		db.DB, db.listening, err = openPostgres(rawURL, opts)
	case "mysql", "mariadb":
		db.Dialect = MySQL
		db.DB, err = openMySQL(rawURL, opts)
	default:
		return nil, fmt.Errorf("open database: unknown scheme %.20q; write sqlite:PATH, postgres://… or mysql://…", scheme)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s database: %w", db.Dialect, err)
	}
	db.SetMaxOpenConns(opts.MaxConns)
	db.SetMaxIdleConns(max(1, opts.MaxConns/2))
	db.SetConnMaxIdleTime(5 * time.Minute)
	if db.writer == nil {
		db.writer = db.DB
	}
	return db, nil
}

func (o Options) withDefaults() Options {
	if o.TimeZone == nil {
		o.TimeZone = time.UTC
	}
	if o.MaxConns <= 0 {
		o.MaxConns = DefaultMaxConns
	}
	if o.DialTimeout <= 0 {
		o.DialTimeout = DefaultDialTimeout
	}
	if o.OpTimeout <= 0 {
		o.OpTimeout = DefaultOpTimeout
	}
	return o
}

// Timeout returns a context for one operation.
func (db *DB) Timeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, db.opTimeout)
}

// parseURL hides what net/url says of a broken URL: it quotes from it, and the password may be in there.
func parseURL(rawURL string) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("the URL cannot be read; write special characters of user and password as %%XX")
	}
	if u.Host == "" && u.Opaque != "" {
		return nil, fmt.Errorf("the URL lacks its slashes; write %s://user:password@host:port/name", u.Scheme)
	}
	return u, nil
}

// withoutSecret makes sure that an error of a driver does not quote the password.
func withoutSecret(err error, u *url.URL) error {
	password, _ := u.User.Password()
	text := err.Error()
	for _, secret := range []string{password, url.QueryEscape(password), url.PathEscape(password), u.Query().Get("password")} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "<secret>")
		}
	}
	if text == err.Error() {
		return err
	}
	return fmt.Errorf("%s", text)
}
