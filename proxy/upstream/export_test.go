package upstream

import (
	"context"
	"net"
	"net/http"
)

// SetDial makes every dial of an http upstream return conn.
func (u *Upstream) SetDial(conn net.Conn) {
	u.kind.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) { return conn, nil }
}
