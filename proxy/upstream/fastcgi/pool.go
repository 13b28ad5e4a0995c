package fastcgi

import (
	"sync"
	"time"
)

// pool are the connections that are open and unused. Timers end them; there is no goroutine.
type pool struct {
	limit   int
	timeout time.Duration

	mu     sync.Mutex
	links  []*link // the one used last is at the end
	closed bool
}

// get gives the connection that was used last, of those that are still open; nil: none.
func (p *pool) get() *link {
	for {
		l := p.pop()
		if l == nil || alive(l.Conn) {
			return l
		}
		l.Close()
	}
}

func (p *pool) pop() *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.links) > 0 {
		last := len(p.links) - 1
		l := p.links[last]
		p.links = p.links[:last]
		if l.timer.Stop() {
			return l
		}
	}
	return nil
}

// put keeps a connection. What it has sent beyond its answer makes it useless.
func (p *pool) put(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.links) >= p.limit || l.in.Buffered() > 0 {
		l.Close()
		return
	}
	l.reused = true
	l.timer = time.AfterFunc(p.timeout, func() { p.expire(l) })
	p.links = append(p.links, l)
}

func (p *pool) expire(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.links {
		if other == l {
			p.links = append(p.links[:i], p.links[i+1:]...)
			break
		}
	}
	l.Close()
}

// close ends the idle connections; those in use are closed when they come back.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, l := range p.links {
		l.timer.Stop()
		l.Close()
	}
	p.links = nil
}
