package proxy

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// A client may cancel this many requests of one HTTP/2 connection a minute; then it gets GOAWAY and has to come back. (What it
// cancels faster than we begin, net/http counts: golang.org/x/net/http2 Server, 4 times MaxConcurrentStreams.)
const (
	resetBudget = 200
	resetWindow = time.Minute
)

// resets counts the cancelled requests of a connection.
type resets struct {
	mu    sync.Mutex
	since time.Time
	count int
	over  bool // for good
}

type resetsKey struct{}

func withResets(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, resetsKey{}, new(resets))
}

// resetsOf is nil for what is not HTTP/2.
func resetsOf(r *http.Request) *resets {
	if r.ProtoMajor != 2 {
		return nil
	}
	b, _ := r.Context().Value(resetsKey{}).(*resets)
	return b
}

// spent reports whether the connection has to end.
func (b *resets) spent() bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.over
}

// note counts a request if it was cancelled.
func (b *resets) note(r *http.Request, now time.Time) {
	if b == nil || r.Context().Err() == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Sub(b.since) > resetWindow {
		b.since, b.count = now, 0
	}
	b.count++
	b.over = b.over || b.count > resetBudget
}
