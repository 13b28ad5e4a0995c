package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"coatcheck/proxy/problem"
	"coatcheck/proxy/sessionapi"
	"coatcheck/sessionstore"
)

// lend lets the application use the session through the session API while it has the request: the session of the visitor, or one that
// it may begin for a visitor who has none. Scripts that log in with each request have none and get none.
func (f *forward) lend(p Pass) *sessionapi.Visit {
	if f.tokens == nil || !p.choice.route.SessionAPI || !p.lookedAt || p.keep == "" && !p.Principal.Anonymous() {
		return nil
	}
	return f.tokens.Visit(p.keep)
}

// errNotHandedOut: the application's write was acknowledged, but the visitor cannot be given the session.
var errNotHandedOut = errors.New("the session that the application began cannot be looked up")

// collect ends the visit to the application as its answer begins, and returns the cookie line that goes with the answer. What
// the application began is moved to a key of its own: the reserved one has been in a token that is still good for a while, with which
// the session must not be brought back after a logout.
func (e *errand) collect(ctx context.Context) (string, error) {
	v, g := e.visit, e.guard
	if v == nil {
		return e.cookie, nil
	}
	saved := v.End()
	if !v.Fresh && !saved {
		return e.cookie, nil
	}
	session, err := g.sessions.Open(ctx, v.Key)
	if err == nil && v.Fresh && session.Key() != "" {
		err = session.CycleLiveKey(ctx)
	}
	switch {
	case errors.Is(err, sessionstore.ErrGone):
		return e.cookie, nil
	case err != nil && v.Fresh && saved:
		return "", fmt.Errorf("%w: %w", errNotHandedOut, err)
	case err != nil:
		g.log.LogAttrs(ctx, slog.LevelError, "session of the session API cannot be looked up", slog.String("event", "store_error"),
			slog.String("request_id", recordOf(ctx).RequestID), slog.String("err", plain(err.Error())))
		return e.cookie, nil
	case session.Key() != "":
		return g.cookieLine(ctx, ticket{session: session, principal: e.Principal, saved: true}), nil
	case v.Fresh:
		return e.cookie, nil
	}
	return g.cookieLine(ctx, ticket{dead: true}), nil // flushed
}

// unavailable is the answer where a session was begun and cannot be handed out.
func unavailable() problem.Problem {
	return problem.Problem{Status: 503, RetryAfter: retryAfter, Detail: "problem.lookup", Hint: "problem.few-seconds"}
}
