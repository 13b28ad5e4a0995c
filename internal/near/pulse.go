package near

import (
	"context"
	"sync/atomic"
	"time"
)

// Times of a connection that is listened to. What is warm is served for at most pulseTime after the last sign of life (DESIGN: 3 s).
const (
	// BeatTime is how often a feed's server is asked for a sign of life, and how long it may take.
	BeatTime  = time.Second
	pulseTime = 2500 * time.Millisecond
	retryTime = time.Second
)

// Pulse is the [Feed] of a connection that is listened to: it has heard as long as the server gives signs of life. Safe for concurrent use.
type Pulse struct {
	began time.Time
	until atomic.Int64 // nanoseconds since began; 0: lost
	last  atomic.Int64 // of the latest sign of life
	told  []func()

	unable atomic.Bool
}

// NewPulse returns a feed that is lost. What it tells when it is found again, before it is believed, are those that forget everything.
func NewPulse(found ...func()) *Pulse { return &Pulse{began: time.Now(), told: found} }

// Heard implements [Feed].
func (p *Pulse) Heard() bool {
	until := p.until.Load()
	return until != 0 && int64(time.Since(p.began)) < until
}

// Found says that every change from now on is heard; what is older is forgotten.
func (p *Pulse) Found() {
	if p.until.Load() != 0 {
		return
	}
	for _, forget := range p.told {
		forget()
	}
	p.unable.Store(false)
}

// Beat says that everything was told that was changed before asked. The first one after a loss follows Found.
func (p *Pulse) Beat(asked time.Time) {
	at := asked.Sub(p.began)
	p.last.Store(int64(at))
	p.until.Store(int64(at + pulseTime))
}

// Lost says that changes are no longer heard.
func (p *Pulse) Lost() { p.until.Store(0) }

// CannotHear says that there is nothing to be heard, until Found.
func (p *Pulse) CannotHear() {
	p.Lost()
	p.unable.Store(true)
}

// Unable implements [Unable].
func (p *Pulse) Unable() bool { return p.unable.Load() }

// Age is how long ago the latest sign of life was asked for.
func (p *Pulse) Age() time.Duration { return time.Since(p.began) - time.Duration(p.last.Load()) }

// Keep listens until ctx ends, again and again: listen returns when its connection is lost, and why.
func Keep(ctx context.Context, listen func(ctx context.Context) error, lost func(error)) {
	for {
		err := listen(ctx)
		if ctx.Err() != nil {
			return
		}
		lost(err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(retryTime):
		}
	}
}
