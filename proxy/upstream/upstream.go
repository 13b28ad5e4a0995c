// Package upstream carries requests to applications.
package upstream

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	dialTime      = 5 * time.Second
	tlsTime       = 5 * time.Second
	continueTime  = time.Second
	idleTime      = 90 * time.Second
	maxIdle       = 256      // open connections without a request, for one upstream
	maxHeader     = 64 << 10 // bytes of an answer's header block
	keepAliveTime = 30 * time.Second
)

// Options describe one upstream.
type Options struct {
	// URL is http://host:port, https://host:port or unix:/path; the first two may have a path, which requests are put below.
	URL string
	// ResponseHeaderTimeout is how long the header of an answer may take after the request was sent; 0 waits for ever, as long
	// polls do.
	ResponseHeaderTimeout time.Duration
	// TLS is for https; nil verifies against the system's roots.
	TLS *tls.Config
}

// Upstream is one application and the pool of connections to it. Safe for concurrent use.
type Upstream struct {
	target    *url.URL
	transport *http.Transport
}

// New checks o. It does not connect: an upstream that is down answers 502, one request at a time.
func New(o Options) (*Upstream, error) {
	target, socket, err := parse(o.URL)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: dialTime, KeepAlive: keepAliveTime}
	dial := dialer.DialContext
	if socket != "" {
		dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		}
	}
	return &Upstream{target: target, transport: newTransport(o, dial)}, nil
}

// newTransport speaks HTTP/1.1, changes no body, and takes no proxy from the environment: requests with identity headers go to
// the configured address or nowhere.
func newTransport(o Options, dial func(context.Context, string, string) (net.Conn, error)) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:            dial,
		Protocols:              protocols,
		TLSClientConfig:        o.TLS.Clone(), // nil stays nil
		TLSHandshakeTimeout:    tlsTime,
		ResponseHeaderTimeout:  o.ResponseHeaderTimeout,
		ExpectContinueTimeout:  continueTime,
		IdleConnTimeout:        idleTime,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdle,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true,
	}
}

func parse(raw string) (target *url.URL, socket string, err error) {
	if path, ok := strings.CutPrefix(raw, "unix:"); ok {
		path = strings.TrimPrefix(path, "//")
		if !strings.HasPrefix(path, "/") {
			return nil, "", fmt.Errorf("upstream %q: give the socket's absolute path, as in unix:/run/app.sock", raw)
		}
		return &url.URL{Scheme: "http", Host: "localhost"}, path, nil
	}
	target, err = url.Parse(raw)
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("upstream: %q is not a URL", strings.SplitN(raw, "@", 2)[0])
	case target.User != nil:
		return nil, "", fmt.Errorf("upstream http URL for %s: user name and password do not belong in it", target.Host)
	case target.Scheme != "http" && target.Scheme != "https":
		return nil, "", fmt.Errorf("upstream %q: use http://, https:// or unix:/path", raw)
	case target.Hostname() == "":
		return nil, "", fmt.Errorf("upstream %q: the host is missing", raw)
	case target.RawQuery != "" || target.Fragment != "" || strings.Contains(target.EscapedPath(), "//"):
		return nil, "", fmt.Errorf("upstream %q: only scheme, host, port and a plain path belong in it", raw)
	}
	return target, "", nil
}

// Target is the base URL of the upstream's requests. It must not be changed.
func (u *Upstream) Target() *url.URL { return u.target }

// RoundTrip implements [http.RoundTripper]. A request without a body whose method is idempotent is tried a second time on a
// new connection when an idle one turned out to be closed, before the first byte of an answer (net/http Transport).
func (u *Upstream) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := u.transport.RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("ask upstream %s: %w", u.target.Host, err)
	}
	return res, nil
}

// Close ends the idle connections.
func (u *Upstream) Close() { u.transport.CloseIdleConnections() }
