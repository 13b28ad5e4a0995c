package upstream

import (
	"errors"
	"log/slog"
	"time"
)

// minShare is what a member gets of its share when slow start begins.
const minShare = 0.05

// member is an upstream in a list, with its state.
type member struct {
	*Upstream
	mark string // for the affinity cookie

	fails  int       // failed connections in a row
	until  time.Time // left out until then, once there were enough of them
	trying bool      // a request is on its way that tells whether it is back
	ill    bool      // by the health check
	bad    int       // failed health checks in a row
	since  time.Time // when it came back; zero: slow start is over
	credit float64   // of taking turns
}

// condition is how well a member is, the better the lower.
type condition int

const (
	isWell condition = iota
	isFull           // all its connections are in use
	isOut            // connections failed, and its time is not over
	isIll            // by the health check; gets nothing
)

func (b *Balancer) condition(m *member, now time.Time) condition {
	switch {
	case m.ill:
		return isIll
	case m.fails >= b.options.MaxFails && (m.trying || now.Before(m.until)):
		return isOut
	case m.slots.full():
		return isFull
	}
	return isWell
}

// pick chooses the member for a request, not the one excepted: that of the mark while it is well or full, otherwise by the policy
// among the best. When all are out, the one whose time is over first is asked all the same: its failure is what the client
// should see. nil: there is nobody to ask.
func (b *Balancer) pick(mark string, except *member) *member {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.options.Now()
	best, candidates := isIll, make([]*member, 0, len(b.members))
	for _, m := range b.members {
		c := b.condition(m, now)
		if m.mark == mark && c <= isFull {
			return b.chosen(m)
		}
		if m == except || c > best || c == isIll {
			continue
		}
		if c < best {
			best, candidates = c, candidates[:0]
		}
		candidates = append(candidates, m)
	}
	if len(candidates) == 0 {
		return nil
	}
	if best == isOut {
		return b.chosen(soonest(candidates))
	}
	return b.chosen(b.turn(candidates, now))
}

// chosen marks the request that tries a member whose time out is over.
func (b *Balancer) chosen(m *member) *member {
	m.trying = m.fails >= b.options.MaxFails
	return m
}

func soonest(members []*member) *member {
	first := members[0]
	for _, m := range members[1:] {
		if m.until.Before(first.until) {
			first = m
		}
	}
	return first
}

// turn takes turns by weight (the smooth round robin of nginx) among those with the least load; under round robin that is all.
func (b *Balancer) turn(members []*member, now time.Time) *member {
	var chosen *member
	var least, total float64
	for _, m := range members {
		share := b.share(m, now)
		total += share
		m.credit += share
		load := 0.0
		if b.options.Policy == LeastConnections {
			load = float64(m.active.Load()+1) / share
		}
		if chosen == nil || load < least || load == least && m.credit > chosen.credit {
			chosen, least = m, load
		}
	}
	chosen.credit -= total
	return chosen
}

// share is 1, and less during slow start.
func (b *Balancer) share(m *member, now time.Time) float64 {
	if m.since.IsZero() {
		return 1
	}
	if back := now.Sub(m.since); back < b.options.SlowStart {
		return max(minShare, float64(back)/float64(b.options.SlowStart))
	}
	m.since = time.Time{}
	return 1
}

// learn takes note of how a request went. A client that left says nothing about the member.
func (b *Balancer) learn(m *member, err error, left bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m.trying = false
	var dial *DialError
	switch {
	case err == nil:
		b.reached(m)
	case !left && errors.As(err, &dial):
		b.failed(m, err)
	}
}

func (b *Balancer) reached(m *member) {
	if m.fails >= b.options.MaxFails {
		m.since = b.options.Now()
		b.options.Log.Info("upstream is back", slog.String("upstream", m.name))
	}
	m.fails = 0
}

func (b *Balancer) failed(m *member, err error) {
	m.fails++
	if m.fails < b.options.MaxFails {
		return
	}
	pause := b.options.MaxFailTime
	if doublings := m.fails - b.options.MaxFails; doublings < 32 {
		pause = min(pause, b.options.FailTime<<doublings)
	}
	if pause <= 0 {
		pause = b.options.MaxFailTime
	}
	m.until = b.options.Now().Add(pause)
	b.options.Log.Warn("upstream is left out", slog.String("upstream", m.name), slog.Duration("for", pause), slog.Any("err", err))
}

// MemberStatus is how a member of a list is.
type MemberStatus struct {
	Name   string // its URL
	Well   bool   // it gets requests
	Active int64  // requests whose answer has not ended
	Fails  int    // failed connections in a row
}

// Status tells how the members are, in their order.
func (b *Balancer) Status() []MemberStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.options.Now()
	list := make([]MemberStatus, 0, len(b.members))
	for _, m := range b.members {
		list = append(list, MemberStatus{m.name, b.condition(m, now) <= isFull, m.active.Load(), m.fails})
	}
	return list
}
