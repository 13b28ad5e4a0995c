package sqlconn

import (
	"database/sql"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// openPostgres sets the session's time zone as Django does with USE_TZ, so that a timestamp reads the same whatever the server's own is.
func openPostgres(rawURL string, opts Options) (*sql.DB, error) {
	u, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	config, err := pgx.ParseConfig(rawURL)
	if err != nil {
		return nil, withoutSecret(err, u)
	}
	config.ConnectTimeout = opts.DialTimeout
	config.RuntimeParams["timezone"] = "UTC"
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "coatcheck"
	}
	return stdlib.OpenDB(*config), nil
}
