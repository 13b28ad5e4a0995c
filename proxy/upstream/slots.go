package upstream

import (
	"context"
	"time"
)

// slots limit the requests that are with an upstream; a nil channel does not.
type slots struct {
	taken chan struct{}
	wait  time.Duration
}

func newSlots(o Options) slots {
	s := slots{wait: o.QueueTimeout}
	if o.MaxConns > 0 {
		s.taken = make(chan struct{}, o.MaxConns)
	}
	return s
}

// enter waits for a slot.
func (s slots) enter(ctx context.Context) error {
	if s.taken == nil {
		return nil
	}
	select {
	case s.taken <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(s.wait)
	defer timer.Stop()
	select {
	case s.taken <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return ErrBusy
	}
}

func (s slots) leave() {
	if s.taken != nil {
		<-s.taken
	}
}

func (s slots) full() bool { return s.taken != nil && len(s.taken) == cap(s.taken) }
