package sqlconn

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/go-sql-driver/mysql"
)

func openMySQL(rawURL string, opts Options) (*sql.DB, error) {
	u, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	config, err := mysqlConfig(u)
	if err != nil {
		return nil, withoutSecret(err, u)
	}
	config.ClientFoundRows = true      // an update that changes nothing still counts its row, as Django has it
	config.ParseTime = false           // dates are read by DB.ScanTime
	config.Logger = &mysql.NopLogger{} // what it would print is in the errors
	config.Timeout = opts.DialTimeout
	config.ReadTimeout = opts.OpTimeout
	config.WriteTimeout = opts.OpTimeout
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, withoutSecret(err, u)
	}
	return sql.OpenDB(tlsHint{readCommitted{connector}, "tls=false"}), nil
}

// mysqlConfig reads mysql://user:password@host:port/name?parameters; parameters are those of go-sql-driver (tls, collation, …), and socket=PATH.
func mysqlConfig(u *url.URL) (*mysql.Config, error) {
	query := u.Query()
	socket := query.Get("socket")
	query.Del("socket")
	config, err := mysql.ParseDSN("/?" + query.Encode())
	if err != nil {
		return nil, err
	}
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	config.DBName = strings.TrimPrefix(u.Path, "/")
	config.Net, config.Addr = "tcp", mysqlAddress(u)
	if socket != "" {
		config.Net, config.Addr = "unix", socket
	}
	if !query.Has("tls") && config.Net == "tcp" && !local(u.Hostname()) {
		config.TLSConfig = "true"
	}
	if config.DBName == "" {
		return nil, errors.New("the URL names no database; write mysql://user:password@host:port/name")
	}
	return config, nil
}

func mysqlAddress(u *url.URL) string {
	host, port := u.Hostname(), u.Port()
	if host == "" {
		host = "127.0.0.1"
	}
	if port == "" {
		port = "3306"
	}
	return net.JoinHostPort(host, port)
}

// readCommitted gives each new connection Django's isolation level. With the server's default, REPEATABLE READ, an update may wait for and
// die of gaps between rows.
type readCommitted struct{ driver.Connector }

func (c readCommitted) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	execer, ok := conn.(driver.ExecerContext)
	if !ok {
		return nil, errors.Join(errors.New("the mysql driver cannot execute"), conn.Close())
	}
	if _, err := execer.ExecContext(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", nil); err != nil {
		return nil, errors.Join(fmt.Errorf("set isolation level: %w", err), conn.Close())
	}
	return conn, nil
}
