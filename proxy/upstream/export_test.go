package upstream

import (
	"context"
	"net"
)

// SetDial makes every dial of an upstream return conn.
func (u *Upstream) SetDial(conn net.Conn) {
	u.SetDialer(func() (net.Conn, error) { return conn, nil })
}

// SetDialer makes an upstream dial by the function.
func (u *Upstream) SetDialer(dial func() (net.Conn, error)) {
	u.SetDialContext(func(context.Context) (net.Conn, error) { return dial() })
}

// SetDialContext makes an upstream dial by the function.
func (u *Upstream) SetDialContext(dial func(context.Context) (net.Conn, error)) {
	u.dial = func(ctx context.Context) (net.Conn, error) {
		conn, err := dial(ctx)
		if err != nil {
			return nil, &DialError{err}
		}
		return conn, nil
	}
}
