package sqlconn

import (
	"context"
	"database/sql/driver"
	"fmt"
	"net/netip"
	"strings"
)

// local reports whether a connection to host stays on this machine. Others are encrypted and the server's certificate checked, unless the URL says
// otherwise (ASVS 12.3.1: no silent fall-back to plain text).
func local(host string) bool {
	if host == "" || host == "localhost" || strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// tlsHint says what to do when a server has no TLS, or a certificate that does not do.
type tlsHint struct {
	driver.Connector
	without string // the parameter of the URL that does without
}

func (c tlsHint) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err == nil {
		return conn, nil
	}
	for _, word := range []string{"TLS", "tls:", "x509:"} {
		if strings.Contains(err.Error(), word) {
			return nil, fmt.Errorf("%w (give the server a certificate for its name, or, on a network you trust, add %s to the URL)", err, c.without)
		}
	}
	return nil, err
}
