package upstream

import (
	"net/http"
	"time"
)

// h2cPing is after how much silence of a connection we ask whether it is still there. A dead one would otherwise hold all
// requests that share it.
const h2cPing = 30 * time.Second

// h2c speaks HTTP/2 without TLS, with prior knowledge (RFC 9113 3.3): no upgrade is asked for, and an upstream that speaks
// HTTP/1.1 is an error.
type h2c struct{ *http.Transport }

func newH2C(o Options, dial dialer) h2c {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	t := newTransport(o, dial, protocols)
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: h2cPing, PingTimeout: o.DialTimeout}
	return h2c{t}
}

// RoundTrip implements [http.RoundTripper]. HTTP/2 has no Upgrade (RFC 9113 8.6); a server may ignore one (RFC 9110 7.8), and
// so do we.
func (t h2c) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, asked := r.Header["Upgrade"]; asked {
		plain := r.WithContext(r.Context())
		plain.Header = r.Header.Clone()
		plain.Header.Del("Upgrade")
		plain.Header.Del("Connection")
		r = plain
	}
	return t.Transport.RoundTrip(r)
}
