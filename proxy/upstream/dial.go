package upstream

import (
	"context"
	"net"
)

// dialer makes connections to one upstream.
type dialer func(ctx context.Context) (net.Conn, error)

func newDialer(o Options, to address) dialer {
	d := &net.Dialer{Timeout: o.DialTimeout, KeepAlive: keepAliveTime}
	where := to.dialTo()
	return func(ctx context.Context) (net.Conn, error) {
		conn, err := d.DialContext(ctx, to.network, where)
		if err != nil {
			return nil, &DialError{err}
		}
		return conn, nil
	}
}

// forTransport is the dialer as [net/http.Transport] calls it; the address it names is ours anyway.
func (d dialer) forTransport(ctx context.Context, _, _ string) (net.Conn, error) { return d(ctx) }
