package proxy

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"coatcheck/auth"
)

const (
	// recheckTime is how often the sessions of requests that go on are looked up, and so the bound for an end that nobody told us of.
	recheckTime = 5 * time.Second
	// nearTime is how often where that costs no call to a store, as long as nothing has changed.
	nearTime = 500 * time.Millisecond
	// shortTime is what a request may take to be finished although its session has ended.
	shortTime = time.Second
	// lookTime is for one look-up; a store that takes longer is not asked on.
	lookTime = 2 * time.Second
)

// errSessionEnded is why a request was cut off.
var errSessionEnded = errors.New("the session ended")

// Live knows the requests that are with upstreams, and cuts off those that outlive their session: WebSockets, event streams,
// long polls and downloads (ASVS 7.4.1). It serves one [Handler], or several that follow each other. Safe for concurrent use.
type Live struct {
	log   *slog.Logger
	every time.Duration

	mu      sync.Mutex
	flights map[string]*flight // by session key, the first of a list
	wake    chan struct{}
}

// flight is one request that is with its upstream.
type flight struct {
	key    string
	guard  *guard // that let it in
	choice choice
	client netip.Addr
	cancel context.CancelCauseFunc
	lent   bool // cancel is the request's own: its server ends it
	began  time.Time
	long   atomic.Bool // made to go on: upgraded, or an event stream

	// Held by Live.mu.
	ended      bool // its session ended in this process
	prev, next *flight
}

// NewLive returns a register without requests. It does nothing by itself: see [Live.Run].
func NewLive(log *slog.Logger) *Live {
	return &Live{log: log, every: recheckTime, flights: map[string]*flight{}, wake: make(chan struct{}, 1)}
}

// enter notes a request of a session and returns its context; leave has to follow.
func (l *Live) enter(ctx context.Context, f *flight) context.Context {
	if own, ok := ctx.Value(endKey{}).(ender); ok {
		f.cancel, f.lent = own.CancelCause, true
	} else {
		ctx, f.cancel = context.WithCancelCause(ctx)
	}
	f.began = time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.next = l.flights[f.key]; f.next != nil {
		f.next.prev = f
	}
	l.flights[f.key] = f
	return ctx
}

func (l *Live) leave(f *flight) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.next != nil {
		f.next.prev = f.prev
	}
	switch {
	case f.prev != nil:
		f.prev.next = f.next
	case f.next != nil:
		l.flights[f.key] = f.next
	default:
		delete(l.flights, f.key)
	}
	if !f.lent {
		f.cancel(nil)
	}
}

// End cuts off what goes on under the session key, at once. Requests that have just begun may finish, within a second.
func (l *Live) End(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for f := l.flights[key]; f != nil; f = f.next {
		f.ended = true
	}
	if l.cutEnded(l.flights[key]) {
		select {
		case l.wake <- struct{}{}:
		default: // Run has not looked yet
		}
	}
}

// cutEnded goes through a list and reports whether some of it was left to finish.
func (l *Live) cutEnded(f *flight) (left bool) {
	for ; f != nil; f = f.next {
		switch {
		case !f.ended:
		case f.long.Load() || time.Since(f.began) >= shortTime:
			f.cancel(errSessionEnded)
		default:
			left = true
		}
	}
	return left
}

// Run looks the sessions of requests that go on up, again and again, until ctx ends. Sessions end elsewhere, too: in a Django, in
// another process, by time, with their user.
func (l *Live) Run(ctx context.Context) {
	ticker := time.NewTicker(min(l.every, nearTime))
	defer ticker.Stop()
	all := time.Now()
	var late <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			due := time.Since(all) >= l.every
			if due {
				all = time.Now()
			}
			l.recheck(ctx, func(g *guard) bool { return due || g.sessions.Near() })
		case <-l.wake:
			late = time.After(shortTime)
		case <-late:
			late = nil
			if l.sweep() {
				late = time.After(shortTime)
			}
		}
	}
}

func (l *Live) sweep() (left bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, first := range l.flights {
		left = l.cutEnded(first) || left
	}
	return left
}

// recheck asks for each session once, of those whose guards are due. A store that has failed is not asked again in this round, and what it knows of goes on: it is
// not a logout.
func (l *Live) recheck(ctx context.Context, due func(*guard) bool) {
	failed := map[*guard]bool{}
	for _, s := range l.longer() {
		if failed[s.guard] || !due(s.guard) {
			continue
		}
		p, err := s.guard.look(ctx, s.key)
		if err != nil {
			failed[s.guard] = true
			l.log.LogAttrs(ctx, slog.LevelDebug, "sessions of live connections cannot be looked up", slog.String("err", plain(err.Error())))
			continue
		}
		l.judge(s, p)
	}
}

// watched is a session and who knows of it.
type watched struct {
	key   string
	guard *guard
}

// longer are the sessions of requests that are not short.
func (l *Live) longer() (sessions []watched) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, f := range l.flights {
		first := len(sessions)
		for ; f != nil; f = f.next {
			s := watched{key, f.guard}
			if (f.long.Load() || time.Since(f.began) >= shortTime) && !slices.Contains(sessions[first:], s) {
				sessions = append(sessions, s)
			}
		}
	}
	return sessions
}

// look returns whom the session speaks for now; nobody when it is gone. What a look changes in the session is not saved: a request of the
// browser will do that.
func (g *guard) look(ctx context.Context, key string) (auth.Principal, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	session, err := g.sessions.Open(ctx, key)
	if err != nil || session.Key() == "" {
		return auth.Principal{}, err
	}
	p, err := g.principals.Principal(ctx, session)
	if err == nil && session.Key() != "" {
		p.Session = session
	}
	return p, err
}

// judge cuts off what the rules would no longer let begin. Without a session nothing goes on that began with one.
func (l *Live) judge(s watched, p auth.Principal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for f := l.flights[s.key]; f != nil; f = f.next {
		if f.guard == s.guard && (p.Session == nil || f.choice.decide(p, f.client).Outcome != Allowed) {
			f.cancel(errSessionEnded)
		}
	}
}
