package tlsconf

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Orders of certificates, attempts included: no more within the time. An authority that is down, or refuses, is left in peace (F31).
const (
	mostOrders = 10
	ordersTime = time.Minute
)

// errLimit: certificates are ordered as fast as they may be.
var errLimit = errors.New("too many certificates were ordered in the last minute")

// limit lets so many pass within a time, whenever that begins.
type limit struct {
	mu   sync.Mutex
	last []time.Time // when those passed that count, the oldest first
	most int
	time time.Duration
	now  func() time.Time
}

// wait returns how long the next one has to wait; zero: it has passed.
func (l *limit) wait() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for len(l.last) > 0 && now.Sub(l.last[0]) >= l.time {
		l.last = l.last[1:]
	}
	if len(l.last) >= l.most {
		return l.last[0].Add(l.time).Sub(now)
	}
	l.last = append(l.last, now)
	return 0
}

// pass waits until it may pass, or ctx ends.
func (l *limit) pass(ctx context.Context) error {
	for {
		left := l.wait()
		if left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(left):
		}
	}
}
