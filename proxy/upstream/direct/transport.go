// Package direct carries requests without a body to HTTP/1.1 upstreams on the goroutine of the one who asks: it writes the request
// and reads the answer where RoundTrip is called, and the answer's body where that is read. [net/http.Transport] hands each of these
// to goroutines of the connection and back, which costs more than all its other work.
//
// What it reads strictly are answers of the plainest form. Any other goes through net/http's own reader, and its connection is
// closed afterwards.
package direct

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	readSize   = 4 << 10  // bytes of a connection's reader, which it has during a request
	maxRequest = 64 << 10 // bytes of a request whose buffer is kept for the next
)

// Options describe an upstream. Dial, MaxHeader and MaxInterim are required.
type Options struct {
	// Dial makes a connection. Its errors are returned as they are.
	Dial func(ctx context.Context) (net.Conn, error)
	// MaxIdle is how many connections stay open without a request, each for IdleTimeout at most.
	MaxIdle     int
	IdleTimeout time.Duration
	// HeaderTimeout is how long it may take until the header of the answer is there; 0 waits for ever.
	HeaderTimeout time.Duration
	// StallTimeout is how long one read of an answer's body may take; 0 waits for ever.
	StallTimeout time.Duration
	// MaxHeader is how long the header of an answer may be, in bytes; with those of interim answers, unless somebody listens to them.
	MaxHeader int
	// MaxInterim is how many interim answers (1xx) may come before the answer.
	MaxInterim int
	// Ended is called once for each answer that RoundTrip returned, when it has ended: by the last read of its body, an error, or
	// Close; for one without a body, before RoundTrip returns.
	Ended func()
}

// Transport carries requests to one upstream. Safe for concurrent use; starts no goroutines.
type Transport struct {
	options  Options
	idle     pool
	readers  sync.Pool // of *bufio.Reader
	requests sync.Pool // of *[]byte
}

// New makes one. It does not connect.
func New(o Options) *Transport {
	if o.Ended == nil {
		o.Ended = func() {}
	}
	return &Transport{
		options: o, idle: pool{limit: o.MaxIdle, timeout: o.IdleTimeout},
		readers:  sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readSize) }},
		requests: sync.Pool{New: func() any { b := make([]byte, 0, 2<<10); return &b }},
	}
}

// CloseIdleConnections ends the connections that are open without a request; those in use end with their answers.
func (t *Transport) CloseIdleConnections() { t.idle.close() }

// RoundTrip implements [http.RoundTripper] for requests that suit. It keeps neither r's header nor its URL once it has returned, and
// nothing of r but itself, as [http.Response.Request], once the answer's body is closed or read to its end; it changes nothing of
// r. Where r has no User-Agent, none is sent. Of [net/http/httptrace.ClientTrace] it calls GotFirstResponseByte and Got1xxResponse.
//
// A GET, HEAD, OPTIONS or TRACE is sent a second time, on a new connection, when a kept one ended before the first byte of an
// answer. Errors are those of Dial, the cause of the context's end, [ErrHeaderTimeout], [ErrInterim], or what is wrong with the
// answer. A body that ends too early ends with [io.ErrUnexpectedEOF]; a body that is closed before its end, or whose context ends,
// takes its connection with it.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := context.Cause(r.Context()); err != nil {
		return nil, err
	}
	request := t.requests.Get().(*[]byte)
	defer t.release(request)
	var err error
	if *request, err = appendRequest((*request)[:0], r); err != nil {
		return nil, err
	}
	if kept := t.idle.get(t.deadline()); kept != nil {
		res, err := t.ask(kept, r, *request)
		var stale *staleError
		if !errors.As(err, &stale) || !replayable(r) {
			return res, err
		}
	}
	conn, err := t.options.Dial(r.Context())
	if cause := context.Cause(r.Context()); err != nil && cause != nil {
		return nil, cause
	}
	if err != nil {
		return nil, err
	}
	return t.ask(t.newLink(conn), r, *request)
}

func (t *Transport) newLink(conn net.Conn) *link {
	l := newLink(conn)
	if end := t.deadline(); !end.IsZero() {
		_ = conn.SetDeadline(end)
	}
	return l
}

// deadline is when the header of an answer to a request that begins now has to be there; zero: never.
func (t *Transport) deadline() time.Time {
	if t.options.HeaderTimeout <= 0 {
		return time.Time{}
	}
	return time.Now().Add(t.options.HeaderTimeout)
}

func (t *Transport) release(request *[]byte) {
	if cap(*request) <= maxRequest {
		t.requests.Put(request)
	}
}

// replayable: what may be sent twice without harm, as net/http sees it; RoundTrip takes no request with a body anyway.
func replayable(r *http.Request) bool {
	switch r.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}
