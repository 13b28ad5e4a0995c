package portal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"coatcheck/auth"
	"coatcheck/proxy/facts"
	"coatcheck/proxy/problem"
	"coatcheck/sessionstore"
)

// faultRetry is what clients are told to wait while a store cannot be asked.
const faultRetry = 5 * time.Second

// visit finds out who r comes from, writes what finding out has changed in the session, and sets or clears the cookie as Django
// would. An error is a fault; nothing was answered then, and the cookie stays.
func (p *Portal) visit(w http.ResponseWriter, r *http.Request) (auth.Principal, *sessionstore.Session, error) {
	session, err := p.opts.Cookie.Open(r.Context(), p.opts.Sessions, r.Header)
	if err != nil {
		return auth.Principal{}, nil, fmt.Errorf("open session: %w", err)
	}
	principal, err := p.opts.Auth.Principal(r.Context(), session)
	if err != nil {
		return auth.Principal{}, nil, fmt.Errorf("find principal: %w", err)
	}
	if session.Modified() && !session.Empty() {
		switch err := session.Save(r.Context()); {
		case errors.Is(err, sessionstore.ErrGone): // logged out elsewhere meanwhile
			principal = auth.Principal{}
			w.Header().Add("Set-Cookie", p.opts.Cookie.Clear())
			return principal, session, nil
		case err != nil:
			return auth.Principal{}, nil, fmt.Errorf("save session: %w", err)
		}
		return principal, session, p.setCookie(w, r, session, principal.Ends)
	}
	if p.opts.Cookie.Stale(r.Header, session) {
		w.Header().Add("Set-Cookie", p.opts.Cookie.Clear())
	}
	return principal, session, nil
}

// setCookie hands out the key of a session that is saved. It promises no more than the limits.
func (p *Portal) setCookie(w http.ResponseWriter, r *http.Request, session *sessionstore.Session, ends auth.Deadlines) error {
	line, err := p.opts.Cookie.Set(session.Key(), ends.Cap(session.Age(), time.Now()), session.BrowserClose(), facts.From(r.Context()).Secure)
	if err != nil {
		return fmt.Errorf("set session cookie: %w", err)
	}
	w.Header().Add("Set-Cookie", line)
	return nil
}

// fault answers what could not be found out or written. It acknowledges nothing, and the browser keeps its cookie.
func (p *Portal) fault(w http.ResponseWriter, r *http.Request, err error) {
	p.logFault(r, err)
	w.Header().Del("Set-Cookie")
	problem.Write(w, r, problem.Problem{
		Status:     http.StatusServiceUnavailable,
		Detail:     "problem.portal",
		Hint:       "problem.moment",
		RetryAfter: faultRetry,
	})
}

func (p *Portal) logFault(r *http.Request, err error) {
	level := slog.LevelError
	if errors.Is(r.Context().Err(), context.Canceled) { // the client left: nobody's fault
		level = slog.LevelDebug
	}
	p.opts.Log.LogAttrs(r.Context(), level, "own page failed", slog.String("path", r.URL.Path),
		slog.String("request_id", facts.From(r.Context()).RequestID), slog.Any("err", err))
}
