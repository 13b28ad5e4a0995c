package proxy

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"coatcheck/auth"
	"coatcheck/proxy/problem"
	"coatcheck/proxy/sessioncookie"
	"coatcheck/sessionstore"
)

// retryAfter is what clients are told when a store cannot be asked.
const retryAfter = 5 * time.Second

// guard decides who passes.
type guard struct {
	sessions   *sessionstore.Sessions
	principals Principals
	logins     Logins   // nil: no route takes credentials
	activity   Activity // nil: nobody keeps count
	now        func() time.Time
	leftHeader string // see Options.TimeLeftHeader
	cookie     *sessioncookie.Cookie
	log        *slog.Logger
}

func newGuard(o Options) *guard {
	return &guard{sessions: o.Sessions, principals: o.Principals, logins: o.Logins, activity: o.Activity, now: o.Now, leftHeader: o.TimeLeftHeader, cookie: o.Cookie, log: o.Log}
}

// serve answers a request that has a route. Nothing is read from a store for a request that is refused, or passes, whoever
// it comes from.
func (g *guard) serve(w http.ResponseWriter, r *http.Request, c choice, answer Answer) {
	rec := recordOf(r.Context())
	p := Pass{choice: c, guard: g, keep: g.onlyKey(c, r.Header)}
	if v := c.decide(auth.Principal{}, rec.Client); v.Outcome == Refused {
		answer.Forbidden(w, r, p, v)
		return
	}
	if c.public() || c.preflight(r) {
		answer.Allowed(w, r, p)
		return
	}
	v, err := g.checkIn(r, &p)
	if err != nil {
		g.fail(w, r, answer, p, err)
		return
	}
	rec.user = p.Principal.ID
	if v.Outcome == Allowed && !p.Principal.Anonymous() && c.route.foreignSocket(r.Header, rec.Host) {
		v.Outcome = Forbidden
		rec.event = EventForeignSocket
	}
	switch v.Outcome {
	case Allowed:
		answer.Allowed(w, r, p)
	case NeedLogin:
		answer.NeedLogin(w, r, p)
	default:
		answer.Forbidden(w, r, p, v)
	}
}

// checkIn finds out whom the request speaks for, decides, and writes what has to be written. An error is a fault.
func (g *guard) checkIn(r *http.Request, p *Pass) (Verdict, error) {
	ctx, rec := r.Context(), recordOf(r.Context())
	t, err := g.admit(r, p)
	if err == nil {
		err = g.settle(ctx, &t, p.choice.route.NoTouch)
	}
	if err != nil {
		return Verdict{}, err
	}
	if g.activity != nil && !p.choice.route.NoTouch {
		t.principal = g.activity.Touch(ctx, t.principal)
	}
	v := p.choice.decide(t.principal, rec.Client)
	if v.Outcome == Allowed && p.choice.stale(t.principal, g.now()) {
		v.Outcome, p.stale = NeedLogin, true
	}
	if v.Outcome == Allowed && p.choice.route.AnonymousSession {
		if err := g.introduce(ctx, &t); err != nil {
			return Verdict{}, err
		}
		v = p.choice.decide(t.principal, rec.Client) // the session may have ended meanwhile
	}
	p.Principal, p.keep = t.principal, t.key()
	p.lookedAt, p.cookie = true, g.cookieLine(ctx, t)
	return v, nil
}

// decide is the strictest of what the routes of all readings say.
func (c choice) decide(p auth.Principal, client netip.Addr) Verdict {
	v := Verdict{c.route.Access.Decide(p, client), c.route.name()}
	for _, other := range c.others {
		if outcome := other.Access.Decide(p, client); outcome < v.Outcome {
			v = Verdict{outcome, other.name()}
		}
	}
	return v
}

// stale: a reading of the path wants a younger login (ASVS 7.5.3). Credentials that came with the request are as young as it gets.
func (c choice) stale(p auth.Principal, now time.Time) bool {
	if p.Anonymous() || p.Session == nil {
		return false
	}
	old := func(r *route) bool { return r.MaxAuthAge > 0 && now.Sub(p.AuthTime) > r.MaxAuthAge }
	return old(c.route) || slices.ContainsFunc(c.others, old)
}

// public: every reading of the path is.
func (c choice) public() bool {
	for _, other := range c.others {
		if other.Access.Mode != ModePublic {
			return false
		}
	}
	return c.route.Access.Mode == ModePublic
}

// onlyKey is the session key an upstream gets that shares the session on a public route, where nobody checks it: the one there
// is, or none.
func (g *guard) onlyKey(c choice, h http.Header) string {
	if !c.route.ShareSession {
		return ""
	}
	if keys := g.cookie.Keys(h); len(keys) == 1 {
		return keys[0]
	}
	return ""
}

// fault: a store that cannot be asked is not a logout. The cookie stays where it is.
func (g *guard) fault(w http.ResponseWriter, r *http.Request, err error) {
	rec := recordOf(r.Context())
	rec.err = err
	if r.Context().Err() != nil {
		rec.left = errors.Is(r.Context().Err(), context.Canceled)
	} else {
		g.log.LogAttrs(r.Context(), slog.LevelError, "session store or user directory cannot be asked",
			slog.String("event", "store_error"), slog.String("request_id", rec.RequestID), traceAttr(rec), slog.String("err", plain(err.Error())))
	}
	addVary(w.Header())
	refuse(w, r, problem.Problem{
		Status: http.StatusServiceUnavailable, RetryAfter: retryAfter,
		Detail: "problem.lookup", Hint: "problem.few-seconds",
	})
}
