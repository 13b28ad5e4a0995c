package cache

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

// server is a memcached server with a pool of lanes. The driver knows neither contexts nor a limit of connections; lanes add both. Each server has its own,
// so that a dead one does not use up those of the others.
type server struct {
	net.Addr
	dialer    net.Dialer
	opTimeout time.Duration
	turns     chan struct{} // one for each lane in use

	mu     sync.Mutex
	idle   []*lane // last used last
	epoch  int     // counts the faults: connections from before one are not used again
	closed bool
}

// lane is a driver's client with at most one connection, used by one call at a time.
type lane struct {
	client *memcache.Client
	server *server
	epoch  int

	mu       sync.Mutex
	ctx      context.Context // of the call under way; the driver has no place for it
	deadline time.Time
	conn     net.Conn // that the call uses
	turn     int      // tells a late abort of an earlier call
}

// conn is a connection whose deadlines are never later than its lane's call allows.
type conn struct {
	net.Conn
	lane *lane
}

type unixOrTCP struct{ network, addr string }

func (a unixOrTCP) Network() string { return a.network }
func (a unixOrTCP) String() string  { return a.addr }

func newServer(host string, opts Options) *server {
	addr := unixOrTCP{"tcp", host}
	if strings.HasPrefix(host, "/") {
		addr.network = "unix"
	}
	return &server{Addr: addr, dialer: net.Dialer{Timeout: opts.DialTimeout}, opTimeout: opts.OpTimeout, turns: make(chan struct{}, opts.MaxConns)}
}

// PickServer and Each make a server the [memcache.ServerSelector] of its lanes.
func (s *server) PickServer(string) (net.Addr, error) { return s, nil }

// Each implements [memcache.ServerSelector].
func (s *server) Each(f func(net.Addr) error) error { return f(s) }

// run gives call a lane. Absence is translated, the driver's other answers are not. After a broken connection no other from before is used again: a
// server that was restarted fails one call, not one for each connection. A time-out says nothing of the others.
func (s *server) run(ctx context.Context, call func(*memcache.Client) error) error {
	l, err := s.take(ctx)
	if err != nil {
		return err
	}
	err = l.run(ctx, call)
	switch {
	case err == nil, errors.Is(err, memcache.ErrNotStored), errors.Is(err, memcache.ErrCASConflict):
		s.give(l, false)
		return err
	case errors.Is(err, memcache.ErrCacheMiss), errors.Is(err, memcache.ErrMalformedKey):
		s.give(l, false)
		return ErrAbsent
	}
	s.give(l, !timedOut(err))
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return err
}

// wait takes a turn, at once where there is one.
func (s *server) wait(ctx context.Context) error {
	select {
	case s.turns <- struct{}{}:
		return nil
	default:
	}
	deadline, _ := ctx.Deadline()
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case s.turns <- struct{}{}:
		return nil
	case <-timer.C:
		return errors.New("all connections are busy")
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *server) take(ctx context.Context) (*lane, error) {
	if err := s.wait(ctx); err != nil {
		return nil, fmt.Errorf("wait for a connection: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		<-s.turns
		return nil, net.ErrClosed
	}
	if n := len(s.idle); n > 0 {
		l := s.idle[n-1]
		s.idle = s.idle[:n-1]
		if l.epoch != s.epoch {
			_ = l.client.Close() // its idle connection; the client stays usable
			l.epoch = s.epoch
		}
		return l, nil
	}
	l := &lane{server: s, epoch: s.epoch, client: memcache.NewFromSelector(s)}
	l.client.DialContext, l.client.Timeout, l.client.MaxIdleConns = l.dial, s.opTimeout, 1
	return l, nil
}

func (s *server) give(l *lane, broken bool) {
	s.mu.Lock()
	if broken {
		s.epoch++
	}
	if s.closed {
		_ = l.client.Close()
	} else {
		s.idle = append(s.idle, l)
	}
	s.mu.Unlock()
	<-s.turns
}

// close waits for no call: a connection in use is closed at the end of its call.
func (s *server) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	var errs []error
	for _, l := range s.idle {
		errs = append(errs, l.client.Close())
	}
	return errors.Join(errs...)
}

// run gives the call the time that ctx has, and ends it when ctx ends; the driver then closes the connection.
func (l *lane) run(ctx context.Context, call func(*memcache.Client) error) error {
	turn := l.begin(ctx)
	stop := context.AfterFunc(ctx, func() { l.abort(turn) })
	defer func() { stop(); l.end() }()
	return call(l.client)
}

func (l *lane) begin(ctx context.Context) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn++
	l.ctx = ctx
	l.deadline, _ = ctx.Deadline()
	return l.turn
}

func (l *lane) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn++
	l.ctx, l.conn = nil, nil
}

func (l *lane) abort(turn int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.turn != turn {
		return
	}
	l.deadline = time.Unix(1, 0)
	if l.conn != nil {
		_ = l.conn.SetDeadline(l.deadline)
	}
}

// dial replaces the driver's context by that of the call.
func (l *lane) dial(_ context.Context, network, addr string) (net.Conn, error) {
	l.mu.Lock()
	ctx := l.ctx
	l.mu.Unlock()
	c, err := l.server.dialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, lane: l}, nil
}

// SetDeadline is what the driver does first with a connection, new or idle, and again after each part of an answer.
func (c *conn) SetDeadline(t time.Time) error {
	c.lane.mu.Lock()
	defer c.lane.mu.Unlock()
	c.lane.conn = c.Conn
	if t.After(c.lane.deadline) {
		t = c.lane.deadline
	}
	return c.Conn.SetDeadline(t)
}
