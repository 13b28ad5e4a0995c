// Package lane serves the plainest requests of plain connections from the goroutine of their connection: HTTP/1.1, GET or HEAD, no body,
// a strict subset of the grammar. With the first request that is anything else, a connection goes to net/http, with the bytes that were
// read of that request; so everything that is odd, or only less usual, is read by net/http alone.
//
// Handlers see the same [http.Request], and clients the same bytes, as with net/http. A fuzz target holds one against the other.
package lane

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// freshTime is how long a connection without a request may hold up the end; browsers open some in advance, and on a new connection no
// client asks a second time.
const freshTime = time.Second

// Lane serves the connections of one server. Safe for concurrent use.
type Lane struct {
	server *http.Server
	// wrap is what the server's own listener would have been wrapped in.
	wrap  func(net.Listener) net.Listener
	dates dates

	draining atomic.Bool
	mu       sync.Mutex
	conns    map[*conn]struct{}
	closed   bool
	empty    chan struct{} // closed when it drains and there are no connections; nil: nobody waits
}

// New returns the lane of a server, whose handler, ReadHeaderTimeout, IdleTimeout and ErrorLog it takes at the time of use. Connections that are
// handed over come to the server by a listener that wrap has wrapped.
func New(server *http.Server, wrap func(net.Listener) net.Listener) *Lane {
	return &Lane{server: server, wrap: wrap, conns: map[*conn]struct{}{}}
}

// Listener is what the server has to serve instead of l: it keeps the connections that can be laned. Its Accept returns the others, and the
// errors of l.
func (l *Lane) Listener(from net.Listener) net.Listener { return listener{l.wrap(from), from, l} }

// listener accepts for a lane; what it cannot lane goes to wrapped.
type listener struct {
	net.Listener // wrapped
	from         net.Listener
	lane         *Lane
}

// Accept implements [net.Listener].
func (a listener) Accept() (net.Conn, error) {
	for {
		rwc, err := a.from.Accept()
		if err != nil {
			return nil, err
		}
		if _, secured := rwc.(interface{ ConnectionState() tls.ConnectionState }); secured {
			return a.lane.wrap(&single{conn: rwc, addr: a.Addr()}).Accept()
		}
		c := newConn(a.lane, rwc)
		if !a.lane.enter(c) {
			rwc.Close()
			continue
		}
		go c.serve()
	}
}

func (l *Lane) enter(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.conns[c] = struct{}{}
	}
	return !l.closed
}

func (l *Lane) leave(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
	if len(l.conns) == 0 && l.empty != nil {
		close(l.empty)
		l.empty = nil
	}
}

// handOver gives a connection to the server, which begins with what was read already.
func (l *Lane) handOver(rwc net.Conn, read []byte, local net.Addr) {
	if len(read) > 0 {
		rwc = &prefixed{Conn: rwc, prefix: read}
	}
	// Serve returns at once: the only connection was accepted, or the server has been shut down.
	one := &single{conn: rwc, addr: local}
	_ = l.server.Serve(l.wrap(one))
	one.Close()
}

// Drain closes the connections that wait for a request, lets running ones finish, and returns when there are none left or ctx has ended. The
// listeners have to be closed before.
func (l *Lane) Drain(ctx context.Context) {
	l.draining.Store(true)
	l.mu.Lock()
	done := make(chan struct{})
	if len(l.conns) == 0 {
		close(done)
	} else {
		l.empty = done
	}
	for c := range l.conns {
		c.dismiss(false)
	}
	l.mu.Unlock()
	fresh := time.NewTimer(freshTime)
	defer fresh.Stop()
	for {
		select {
		case <-done:
			return
		case <-ctx.Done():
			return
		case <-fresh.C:
			l.dismissFresh()
		}
	}
}

func (l *Lane) dismissFresh() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		c.dismiss(true)
	}
}

// Close closes all connections, also those with a running request.
func (l *Lane) Close() {
	l.draining.Store(true)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for c := range l.conns {
		c.rwc.Close()
		c.abandon()
	}
}

// single is a listener of one connection that is there already.
type single struct {
	mu   sync.Mutex
	conn net.Conn // nil: taken
	addr net.Addr
}

// Accept implements [net.Listener].
func (s *single) Accept() (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	conn := s.conn
	if s.conn = nil; conn == nil {
		return nil, net.ErrClosed
	}
	return conn, nil
}

// Close implements [net.Listener]: a connection that nobody took is closed.
func (s *single) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return nil
	}
	err := s.conn.Close()
	s.conn = nil
	return err
}

// Addr implements [net.Listener].
func (s *single) Addr() net.Addr { return s.addr }

// prefixed is a connection of which something was read.
type prefixed struct {
	net.Conn
	prefix []byte
}

// Read implements [net.Conn].
func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.prefix) > 0 && len(b) > 0 {
		n := copy(b, p.prefix)
		p.prefix = p.prefix[n:]
		return n, nil
	}
	return p.Conn.Read(b)
}

// CloseWrite is what net/http and httputil look for, to end one direction.
func (p *prefixed) CloseWrite() error {
	if half, ok := p.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return http.ErrNotSupported
}

// dates are the values of Date, made once a second.
type dates struct{ last atomic.Pointer[date] }

type date struct {
	second int64
	text   string
}

func (d *dates) now() string {
	now := time.Now()
	if last := d.last.Load(); last != nil && last.second == now.Unix() {
		return last.text
	}
	next := &date{now.Unix(), now.UTC().Format(http.TimeFormat)}
	d.last.Store(next)
	return next.text
}
