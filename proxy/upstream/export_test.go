package upstream

import (
	"context"
	"net"
	"net/http"
)

// SetDial makes every dial of an http upstream return conn.
func (u *Upstream) SetDial(conn net.Conn) {
	u.SetDialer(func() (net.Conn, error) { return conn, nil })
}

// SetDialer makes an http upstream dial by the function.
func (u *Upstream) SetDialer(dial func() (net.Conn, error)) {
	u.kind.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
		conn, err := dial()
		if err != nil {
			return nil, &DialError{err}
		}
		return conn, nil
	}
}
