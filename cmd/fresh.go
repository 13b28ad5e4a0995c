package cmd

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// freshTime is how long a connection without a request may hold up the end; browsers open some in advance.
const freshTime = time.Second

// fresh are the connections whose first request has not come yet. net/http drops a request that it reads while it is shutting down
// (server.go conn.serve); on a new connection no client asks a second time.
type fresh struct {
	mu    sync.Mutex
	conns map[net.Conn]bool
}

// follow makes server tell of its connections.
func (f *fresh) follow(server *http.Server) {
	f.conns = map[net.Conn]bool{}
	next := server.ConnState
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		f.note(conn, state)
		if next != nil {
			next(conn, state)
		}
	}
}

func (f *fresh) note(conn net.Conn, state http.ConnState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if state == http.StateNew {
		f.conns[conn] = true
		return
	}
	delete(f.conns, conn)
}

func (f *fresh) none() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.conns) == 0
}

// settle waits until there are none, at most freshTime.
func (f *fresh) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, freshTime)
	defer cancel()
	ticks := time.NewTicker(time.Millisecond)
	defer ticks.Stop()
	for !f.none() {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}
