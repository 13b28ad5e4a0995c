package sqlconn

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// openPostgres asks a server elsewhere for TLS unless the URL says otherwise: libpq's own default goes on in the clear without a word. It sets the session's time zone as Django does with USE_TZ, so that a timestamp reads the same whatever the server's own is.
func openPostgres(rawURL string, opts Options) (*sql.DB, *pgx.ConnConfig, error) {
	u, err := parseURL(rawURL)
	if err != nil {
		return nil, nil, err
	}
	config, err := pgx.ParseConfig(rawURL)
	if err != nil {
		return nil, nil, withoutSecret(err, u)
	}
	if u.Query().Get("sslmode") == "" && !u.Query().Has("service") && os.Getenv("PGSSLMODE") == "" && !local(config.Host) {
		query := u.Query()
		query.Set("sslmode", "verify-full")
		u.RawQuery = query.Encode()
		if config, err = pgx.ParseConfig(u.String()); err != nil {
			return nil, nil, withoutSecret(err, u)
		}
	}
	config.ConnectTimeout = opts.DialTimeout
	config.RuntimeParams["timezone"] = "UTC"
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "coatcheck"
	}
	return sql.OpenDB(tlsHint{stdlib.GetConnector(*config, stdlib.OptionResetSession(discardDead)), "sslmode=disable"}), config, nil
}

// discardDead looks at a connection before it is used again: one on which the server has said something unasked has most likely been ended, and
// would fail the next statement (F18). go-sql-driver/mysql does the same by itself.
func discardDead(_ context.Context, conn *pgx.Conn) error {
	if !quiet(conn.PgConn().Conn()) {
		return driver.ErrBadConn
	}
	return nil
}
