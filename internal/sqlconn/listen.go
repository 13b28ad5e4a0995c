package sqlconn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Hearing is what a listener does with what it hears. Its functions are called one after the other.
type Hearing struct {
	Channel string
	// Beat is how often the server is asked for a sign of life, and how long that may take.
	Beat time.Duration
	// Ask is the question: a SELECT of one column of texts.
	Ask string
	// Alive gets the answers. Everything that was told before asked has been told by then.
	Alive func(asked time.Time, answer []string)
	Told  func(payload string)
}

// ErrPooler: the connection is not a server's own, so nobody knows what it hears.
var ErrPooler = errors.New("there is a pooler between us and the server, where LISTEN cannot be relied on")

// Listen connects to a PostgreSQL database and hears a channel until ctx ends or the connection is lost. The first Alive comes when everything that
// is told from then on is heard.
func (db *DB) Listen(ctx context.Context, h Hearing) error {
	if db.listening == nil {
		return fmt.Errorf("listen to %s database: only PostgreSQL tells", db.Dialect)
	}
	config := db.listening.Copy()
	config.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) { h.Told(n.Payload) }
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("listen to postgres database: %w", err)
	}
	defer func() { // its own time, for ctx may be over
		ctx, cancel := context.WithTimeout(context.Background(), h.Beat)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	return fmt.Errorf("listen to postgres database: %w", listen(ctx, conn, h))
}

// listen returns when the connection is lost or ctx ends, with the reason.
func listen(ctx context.Context, conn *pgx.Conn, h Hearing) error {
	if err := begin(ctx, conn, h); err != nil {
		return err
	}
	for {
		if err := beat(ctx, conn, h); err != nil {
			return err
		}
		if err := hear(ctx, conn, h.Beat); err != nil {
			return err
		}
	}
}

// begin refuses poolers, which hand out process numbers of their own.
func begin(ctx context.Context, conn *pgx.Conn, h Hearing) error {
	ctx, cancel := context.WithTimeout(ctx, h.Beat)
	defer cancel()
	var pid uint32
	if err := conn.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		return err
	}
	if pid != conn.PgConn().PID() {
		return ErrPooler
	}
	_, err := conn.Exec(ctx, "LISTEN "+Postgres.Quote(h.Channel))
	return err
}

func beat(ctx context.Context, conn *pgx.Conn, h Hearing) error {
	asked := time.Now()
	ctx, cancel := context.WithTimeout(ctx, h.Beat)
	defer cancel()
	rows, err := conn.Query(ctx, h.Ask)
	if err != nil {
		return err
	}
	answer, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	h.Alive(asked, answer)
	return nil
}

// hear waits for what is told, until the next beat is due.
func hear(ctx context.Context, conn *pgx.Conn, limit time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for limited.Err() == nil {
		if err := conn.PgConn().WaitForNotification(limited); err != nil && limited.Err() == nil {
			return err
		}
	}
	return ctx.Err()
}
