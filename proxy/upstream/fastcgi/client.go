// Package fastcgi asks FastCGI applications, such as PHP-FPM, for answers: the client side of FastCGI 1.0, for responders.
// Requests and answers are streamed; one connection carries one request at a time.
package fastcgi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options describe how to reach an application. Dial is required.
type Options struct {
	Dial func(ctx context.Context) (net.Conn, error)
	// KeepAlive keeps up to MaxIdle connections open for IdleTimeout. Each of them occupies a worker of PHP-FPM all that time.
	KeepAlive   bool
	MaxIdle     int
	IdleTimeout time.Duration
	// HeaderTimeout is how long the header of an answer may take after the request was sent; 0 waits for ever.
	HeaderTimeout time.Duration
	// Stderr gets what the application writes there, at most 8 KiB at once and 64 KiB of one request; nil drops it. It is
	// called by whoever reads the answer.
	Stderr func(ctx context.Context, text string)
}

// Client asks one application. Safe for concurrent use.
type Client struct {
	options Options
	idle    pool
	buffers sync.Pool
}

// New makes a client. It does not connect.
func New(o Options) *Client {
	return &Client{options: o, idle: pool{limit: o.MaxIdle, timeout: o.IdleTimeout},
		buffers: sync.Pool{New: func() any { return new(chunk) }}}
}

// Close ends the idle connections.
func (c *Client) Close() { c.idle.close() }

// Do sends r's body with params, which say everything else about the request, and reads the header of the answer. The answer
// ends with [io.EOF] only when the application has said that it is complete; with [io.ErrUnexpectedEOF] when the connection
// or the output ended before. When r's context ends the connection is closed, which is how a request is aborted.
//
// A request is sent a second time when a kept connection turned out to be closed, where it is replayable and nothing of an
// answer has come.
func (c *Client) Do(r *http.Request, params []Param) (*http.Response, error) {
	if kept := c.idle.get(); kept != nil {
		res, err := c.ask(kept, r, params)
		var stale *staleError
		if !errors.As(err, &stale) || !Replayable(r) || r.Context().Err() != nil {
			return res, err
		}
	}
	conn, err := c.options.Dial(r.Context())
	if err != nil {
		closeBody(r)
		return nil, err
	}
	return c.ask(&link{Conn: conn, in: bufio.NewReader(conn)}, r, params)
}

// Replayable reports whether r may be sent twice: it has no body, and doing it twice is as doing it once (RFC 9110 9.2.2).
func Replayable(r *http.Request) bool {
	if r.Body != nil && r.Body != http.NoBody {
		return false
	}
	switch r.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		r.Body.Close()
	}
}

// staleError is a kept connection that ended before the first byte of an answer.
type staleError struct{ err error }

func (e *staleError) Error() string { return "kept connection was closed: " + e.err.Error() }
func (e *staleError) Unwrap() error { return e.err }

// ask sends the request over the connection, which is the exchange's from here on.
func (c *Client) ask(conn *link, r *http.Request, params []Param) (*http.Response, error) {
	x := c.begin(conn, r)
	err := x.send(params)
	if err == nil {
		var res *http.Response
		if res, err = x.receive(); err == nil {
			return res, nil
		}
	}
	x.abort()
	return nil, x.explain(err)
}

// link is a connection with what was read ahead of it.
type link struct {
	net.Conn
	in     *bufio.Reader
	reused bool
	timer  *time.Timer // ends it, while it is idle
}

// bodyError is a request whose body could not be read to its end.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return fmt.Sprintf("read body of the request: %v", e.err) }
func (e *bodyError) Unwrap() error { return e.err }
