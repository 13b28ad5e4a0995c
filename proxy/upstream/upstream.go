// Package upstream carries requests to applications: over HTTP/1.1, HTTP/2 without TLS, unix sockets and FastCGI, one by one
// or several that share the work.
package upstream

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"coatcheck/proxy/upstream/direct"
)

const (
	dialTime      = 5 * time.Second
	continueTime  = time.Second
	idleTime      = 90 * time.Second
	queueTime     = 5 * time.Second
	maxIdle       = 256      // open connections without a request, for one upstream
	maxHeader     = 64 << 10 // bytes of an answer's header block
	keepAliveTime = 30 * time.Second
)

// Options describe one upstream. URL alone is enough, but for FastCGI, which needs a root.
type Options struct {
	// URL is http://host:port, https://host:port, h2c://host:port, unix:/path, fcgi://host:port or fcgi+unix:/path; the first
	// three may have a path, which requests are put below.
	URL string
	// DialTimeout is for making a connection, TLS included; 0: 5 s.
	DialTimeout time.Duration
	// ResponseHeaderTimeout is how long the header of an answer may take after the request was sent; 0 waits for ever, as long
	// polls do.
	ResponseHeaderTimeout time.Duration
	// StallTimeout is the longest silence in the middle of an answer's body; 0: no limit, as server-sent events need.
	StallTimeout time.Duration
	// IdleTimeout is how long an unused connection stays open; 0: 90 s.
	IdleTimeout time.Duration
	// MaxConns limits the requests that are with the upstream at the same time, upgraded connections included, and so the
	// connections; 0: no limit. Those above it wait QueueTimeout (0: 5 s) and end in ErrBusy.
	MaxConns     int
	QueueTimeout time.Duration
	// TLS is for https.
	TLS TLS
	// FastCGI is for fcgi and fcgi+unix.
	FastCGI FastCGI
	// HandOver gives every request to net/http's goroutines. Otherwise a request without a body to http or unix is carried by the
	// goroutine that asks ([direct.Transport]), which does the same for less.
	HandOver bool
}

// Upstream is one application and the pool of connections to it. Safe for concurrent use.
type Upstream struct {
	target *url.URL
	name   string // for errors and logs
	kind   kind
	direct *direct.Transport // for what suits; nil: nothing does
	dial   dialer
	stall  time.Duration
	slots  slots
	active atomic.Int64 // requests whose answer has not ended
}

// kind is how an upstream is spoken to.
type kind interface {
	http.RoundTripper
	// CloseIdleConnections ends the connections that are open without a request.
	CloseIdleConnections()
}

// New checks o and reads the files that it names. It does not connect: an upstream that is down answers 502, one request at
// a time.
func New(o Options) (*Upstream, error) {
	to, err := parse(o.URL)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	u := &Upstream{target: to.base, name: to.name, dial: newDialer(o, to), stall: o.StallTimeout, slots: newSlots(o)}
	dial := func(ctx context.Context) (net.Conn, error) { return u.dial(ctx) }
	if u.kind, err = newKind(o, to, dial); err != nil {
		return nil, fmt.Errorf("upstream %s: %w", to.name, err)
	}
	if to.kind == "http" && !o.HandOver {
		u.direct = newDirect(o, dial, u.leave)
	}
	return u, nil
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		value   *time.Duration
		initial time.Duration
	}{{&o.DialTimeout, dialTime}, {&o.IdleTimeout, idleTime}, {&o.QueueTimeout, queueTime}} {
		if *d.value == 0 {
			*d.value = d.initial
		}
	}
	return o
}

func newKind(o Options, to address, dial dialer) (kind, error) {
	switch to.kind {
	case "https":
		return newHTTPS(o, to, dial)
	case "h2c":
		return newH2C(o, dial), nil
	case "fcgi":
		return newFastCGI(o, dial)
	}
	return newHTTP(o, dial), nil
}

// Target is the base URL of the upstream's requests. It must not be changed.
func (u *Upstream) Target() *url.URL { return u.target }

// String names the upstream in logs, as it is configured.
func (u *Upstream) String() string { return u.name }

// RoundTrip implements [http.RoundTripper]. It changes neither r nor its header, and keeps nothing of r once the answer's body is
// closed or read to its end. A caller that wants no User-Agent sent has to set an empty one. A request without a body whose method is idempotent is tried a second time on a
// new connection when an idle one turned out to be closed, before the first byte of an answer. Errors are [DialError],
// [RefusedError], [ErrBusy], that of the request's context, that of its body, or what went wrong with the answer.
func (u *Upstream) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := u.slots.enter(r.Context()); err != nil {
		closeBody(r)
		return nil, fmt.Errorf("ask upstream %s: %w", u.name, err)
	}
	u.active.Add(1)
	res, err := u.send(r)
	if err != nil {
		u.leave()
		return nil, fmt.Errorf("ask upstream %s: %w", u.name, err)
	}
	return res, nil
}

func (u *Upstream) send(r *http.Request) (*http.Response, error) {
	if u.direct != nil && direct.Suits(r) {
		return u.direct.RoundTrip(r)
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	w := newWatch(u.stall, cancel)
	res, err := u.kind.RoundTrip(r.WithContext(w.limitInterim(ctx)))
	if err != nil {
		w.end()
		return nil, err
	}
	res.Request = r
	res.Body = newBody(res, w, u.leave)
	return res, nil
}

func (u *Upstream) leave() {
	u.active.Add(-1)
	u.slots.leave()
}

// Close ends the idle connections.
func (u *Upstream) Close() {
	u.kind.CloseIdleConnections()
	if u.direct != nil {
		u.direct.CloseIdleConnections()
	}
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		r.Body.Close()
	}
}
