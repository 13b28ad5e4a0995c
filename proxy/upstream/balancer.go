package upstream

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"coatcheck/proxy/upstream/fastcgi"
)

const (
	failTime    = time.Second
	maxFailTime = time.Minute
)

// Policy says which member of a list gets the next request.
type Policy int

// The policies. Members that are as good as each other take turns under both.
const (
	LeastConnections Policy = iota // the one with the fewest requests
	RoundRobin                     // one after the other
)

// BalancerOptions say how a list of upstreams shares the work. The zero value is complete: the fewest requests first, members that
// cannot be connected to are left out for a while.
type BalancerOptions struct {
	Policy Policy
	// AffinityCookie is the name of a cookie that keeps a browser with one member as long as that one is well; empty: none.
	// Its value is a hash of the member's place in the list: it tells nothing, and forging it is choosing a member.
	AffinityCookie string
	// MaxFails is after how many failed connections in a row (0: 1) a member is left out, for FailTime (0: 1 s), and for twice as
	// long with each further failure, at most MaxFailTime (0: 1 min). Then one request tries.
	MaxFails              int
	FailTime, MaxFailTime time.Duration
	// SlowStart is how long a member that is back gets less than its share, growing evenly; 0: none of that.
	SlowStart time.Duration
	Check     Check

	Log *slog.Logger     // nil: nothing is logged
	Now func() time.Time // nil: time.Now
}

// Balancer is a list of upstreams with the same application. Safe for concurrent use.
type Balancer struct {
	options BalancerOptions
	mu      sync.Mutex // of the members' states
	members []*member
}

// NewBalancer checks o. The upstreams must have the same path in their URLs.
func NewBalancer(upstreams []*Upstream, o BalancerOptions) (*Balancer, error) {
	if len(upstreams) == 0 {
		return nil, errors.New("a list of upstreams needs one at least")
	}
	if !o.Check.valid() {
		return nil, fmt.Errorf("health check path %q: give an absolute path, as in /healthz", o.Check.Path)
	}
	b := &Balancer{options: o.withDefaults()}
	for i, u := range upstreams {
		if u.target.EscapedPath() != upstreams[0].target.EscapedPath() {
			return nil, fmt.Errorf("upstreams %s and %s: all of a list need the same path", upstreams[0], u)
		}
		b.members = append(b.members, &member{Upstream: u, mark: mark(i)})
	}
	return b, nil
}

func (o BalancerOptions) withDefaults() BalancerOptions {
	o.MaxFails = max(o.MaxFails, 1)
	if o.FailTime <= 0 {
		o.FailTime = failTime
	}
	if o.MaxFailTime <= 0 {
		o.MaxFailTime = maxFailTime
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Check = o.Check.withDefaults()
	return o
}

// Target is the base URL of the first member; requests are rewritten for the others. It must not be changed.
func (b *Balancer) Target() *url.URL { return b.members[0].target }

// Close ends the idle connections.
func (b *Balancer) Close() {
	for _, m := range b.members {
		m.Close()
	}
}

// RoundTrip implements [http.RoundTripper]. A request without a body whose method is idempotent goes to a second member when the
// first one fails before the first byte of an answer, time-outs of the answer excepted: a slow application is not helped by twice
// the work. Requests of other methods are never sent twice.
func (b *Balancer) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := affinityOf(r, b.options.AffinityCookie)
	m := b.pick(sent, nil)
	if m == nil {
		closeBody(r)
		return nil, ErrUnavailable
	}
	a := newAttempt(r)
	res, err := b.try(m, a)
	if err != nil && a.repeatable(err) {
		if other := b.pick("", m); other != nil {
			m = other
			res, err = b.try(m, a)
		}
	}
	if err == nil && b.options.AffinityCookie != "" && sent != m.mark {
		setAffinity(res, b.options.AffinityCookie, m.mark)
	}
	return res, err
}

func (b *Balancer) try(m *member, a *attempt) (*http.Response, error) {
	res, err := m.RoundTrip(a.to(m, b.options.AffinityCookie))
	b.learn(m, err, a.r.Context().Err() != nil)
	return res, err
}

// attempt is a request that may be sent twice.
type attempt struct {
	r          *http.Request
	replayable bool
	answered   atomic.Bool // a byte of an answer was there
}

func newAttempt(r *http.Request) *attempt {
	a := &attempt{r: r, replayable: fastcgi.Replayable(r)}
	if a.replayable {
		trace := &httptrace.ClientTrace{GotFirstResponseByte: func() { a.answered.Store(true) }}
		a.r = r.WithContext(httptrace.WithClientTrace(r.Context(), trace))
	}
	return a
}

// to is the request as it goes to the member.
func (a *attempt) to(m *member, cookie string) *http.Request {
	target := *a.r.URL
	target.Scheme, target.Host = m.target.Scheme, m.target.Host
	r := a.r.WithContext(a.r.Context())
	r.URL = &target
	if cookie != "" {
		r.Header = withoutCookie(r.Header, cookie)
	}
	return r
}

// repeatable reports whether the request may go to another member after the error.
func (a *attempt) repeatable(err error) bool {
	if !a.replayable || a.answered.Load() || a.r.Context().Err() != nil {
		return false
	}
	var dial *DialError
	if errors.As(err, &dial) {
		return true
	}
	var refused *RefusedError
	var timeout interface{ Timeout() bool }
	slow := errors.As(err, &timeout) && timeout.Timeout()
	return !slow && !errors.As(err, &refused) && !errors.Is(err, ErrBusy)
}
