package proxy

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"coatcheck/auth"
	"coatcheck/proxy/problem"
	"coatcheck/proxy/wording"
)

// Logins checks the names and passwords of scripts, which come with each request, under the throttle of the login page. Errors other
// than [auth.ErrInvalidCredentials], [auth.ErrBusy] and *[auth.ThrottledError] are faults.
type Logins interface {
	Verify(ctx context.Context, login, password string, client netip.Addr) (auth.Principal, error)
}

const (
	// basicChallenge asks scripts for credentials (RFC 7617 2, 2.1). Browsers that go to a page get the login page instead: what
	// they are once told here they send for ever, and there would be no logout.
	basicChallenge = `Basic realm="coatcheck", charset="UTF-8"`
	// busyRetry is what scripts are told to wait when too many passwords are being checked.
	busyRetry = 3 * time.Second
)

// basic: every reading of the path takes credentials.
func (c choice) basic() bool {
	for _, other := range c.others {
		if !other.Basic {
			return false
		}
	}
	return c.route.Basic
}

// admit finds out whom the request speaks for: by its credentials where the route takes them, otherwise by its session. Credentials
// never reach the upstream, and make no session.
func (g *guard) admit(r *http.Request, p *Pass) (ticket, error) {
	if p.basic = g.logins != nil && p.choice.basic(); !p.basic {
		return g.identify(r.Context(), r.Header)
	}
	login, password, shown := r.BasicAuth()
	if !shown {
		return g.identify(r.Context(), r.Header)
	}
	r.Header.Del("Authorization")
	principal, err := g.logins.Verify(r.Context(), login, password, recordOf(r.Context()).Client)
	return ticket{principal: principal}, err
}

// fail answers a request that could not be admitted.
func (g *guard) fail(w http.ResponseWriter, r *http.Request, answer Answer, p Pass, err error) {
	var throttled *auth.ThrottledError
	switch {
	case errors.Is(err, auth.ErrInvalidCredentials):
		answer.NeedLogin(w, r, p)
	case errors.As(err, &throttled):
		status := http.StatusTooManyRequests
		if recordOf(r.Context()).verdict {
			status = http.StatusUnauthorized // nginx makes 500 of others
		}
		wait := max(throttled.RetryAfter, time.Second)
		refuse(w, r, problem.Problem{Status: status, Detail: "problem.throttled", Hint: "problem.throttled-hint", Values: wording.Values{"wait": wait}, RetryAfter: wait})
	case errors.Is(err, auth.ErrBusy):
		refuse(w, r, problem.Problem{Status: http.StatusServiceUnavailable, Detail: "problem.logins", Hint: "problem.few-seconds", RetryAfter: busyRetry})
	default:
		g.fault(w, r, err)
	}
}
