package direct

import (
	"slices"
	"sync"
	"time"
)

// pool are the connections that are open and unused. One timer ends those that are so for too long; there is no goroutine.
type pool struct {
	limit   int
	timeout time.Duration

	mu     sync.Mutex
	links  []*link // by the time they became idle, the latest is at the end
	armed  bool    // the timer runs
	closed bool
}

// get gives the connection that was used last, of those that are open and have nothing to say; nil: none. It sets its deadline, as
// idle ones have a past one.
func (p *pool) get(deadline time.Time) *link {
	for {
		l := p.pop()
		if l == nil {
			return nil
		}
		if l.SetDeadline(deadline) == nil && l.probe.quiet() {
			return l
		}
		l.Close()
	}
}

func (p *pool) pop() *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.links) - 1
	if last < 0 {
		return nil
	}
	l := p.links[last]
	p.links[last] = nil
	p.links = p.links[:last]
	return l
}

// put keeps a connection, or closes it where there are enough.
func (p *pool) put(l *link) {
	l.reused, l.since = true, time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.links) >= p.limit {
		l.Close()
		return
	}
	p.links = append(p.links, l)
	if !p.armed {
		p.arm(p.timeout)
	}
}

func (p *pool) arm(wait time.Duration) {
	p.armed = true
	time.AfterFunc(wait, p.expire)
}

// expire closes what has been idle for too long, and comes back for the next one.
func (p *pool) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = false
	now, n := time.Now(), 0
	for ; n < len(p.links) && now.Sub(p.links[n].since) >= p.timeout; n++ {
		p.links[n].Close()
	}
	p.links = slices.Delete(p.links, 0, n)
	if len(p.links) > 0 {
		p.arm(p.timeout - now.Sub(p.links[0].since))
	}
}

// close ends the idle connections; those in use are closed when they come back.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, l := range p.links {
		l.Close()
	}
	p.links = nil
}
