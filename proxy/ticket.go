package proxy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"coatcheck/auth"
	"coatcheck/proxy/identity"
	"coatcheck/sessionstore"
)

// ticket is what the session cookie of a request is worth.
type ticket struct {
	session   *sessionstore.Session // nil: none
	principal auth.Principal
	saved     bool // the browser gets the cookie anew
	dead      bool // the browser is to forget the cookie it sent
}

func (t ticket) key() string {
	if t.session == nil {
		return ""
	}
	return t.session.Key()
}

// identify turns the cookie into a session and a principal.
func (g *guard) identify(ctx context.Context, h http.Header) (ticket, error) {
	session, err := g.cookie.Open(ctx, g.sessions, h)
	if err != nil {
		return ticket{}, err
	}
	if reason := session.Refused(); reason != nil {
		g.security(ctx, "session_refused", g.cookie.Keys(h)[0], reason)
	}
	if session.Key() == "" {
		return ticket{dead: g.cookie.Stale(h, session)}, nil
	}
	key := session.Key() // a flush takes it away
	principal, err := g.principals.Principal(ctx, session)
	if err != nil {
		return ticket{}, fmt.Errorf("find the user of session %s: %w", g.sessions.KeyHash(key), err)
	}
	if session.Empty() { // flushed: the password was changed
		return ticket{dead: true}, nil
	}
	return ticket{session: session, principal: principal}, nil
}

// settle writes the session where it was changed, or has to be written each time, before the upstream is called. If it was ended
// meanwhile it stays so.
func (g *guard) settle(ctx context.Context, t *ticket, noTouch bool) error {
	if t.session == nil {
		return nil
	}
	if g.sessions.Settings().SaveEveryRequest && !noTouch {
		t.session.Touch()
	}
	if !t.session.Modified() {
		return nil
	}
	err := t.session.Merge(ctx) // what an application writes at this moment stays
	if errors.Is(err, sessionstore.ErrGone) {
		*t = ticket{dead: true}
		return nil
	}
	t.saved = true
	return err
}

// introduce gives a visitor an id, in a session made for it where there is none. It stays through logins, as the data does.
func (g *guard) introduce(ctx context.Context, t *ticket) error {
	if t.session == nil && !t.principal.Anonymous() { // by credentials
		return nil
	}
	session := t.session
	if session == nil {
		var err error
		if session, err = g.sessions.Open(ctx, ""); err != nil {
			return fmt.Errorf("begin anonymous session: %w", err)
		}
		t.principal.Session = session
	}
	if id, _ := session.GetString(identity.VisitorName); id != "" {
		return nil
	}
	former := session.Key()
	err := session.Set(identity.VisitorName, rand.Text())
	if err == nil {
		err = session.Merge(ctx)
	}
	switch {
	case errors.Is(err, sessionstore.ErrGone): // logged out elsewhere at this moment
		*t = ticket{dead: true}
		return nil
	case err != nil:
		return fmt.Errorf("begin anonymous session: %w", err)
	}
	t.session, t.saved, t.dead = session, t.saved || session.Key() != former, false
	return nil
}

// cookieLine is the Set-Cookie line of the answer, or "".
func (g *guard) cookieLine(ctx context.Context, t ticket) string {
	switch {
	case t.dead:
		return g.cookie.Clear()
	case !t.saved:
		return ""
	}
	age := t.principal.Ends.Cap(t.session.Age(), g.now())
	line, err := g.cookie.Set(t.session.Key(), age, t.session.BrowserClose(), recordOf(ctx).Secure)
	if err != nil {
		g.security(ctx, "cookie_refused", t.session.Key(), err)
	}
	return line
}

func (g *guard) security(ctx context.Context, event, key string, err error) {
	rec := recordOf(ctx)
	g.log.LogAttrs(ctx, slog.LevelWarn, "session cookie not taken", slog.String("event", event), slog.String("request_id", rec.RequestID),
		slog.String("client", addrText(rec.arrival)), slog.String("session", g.sessions.KeyHash(key)), slog.String("err", plain(err.Error())))
}
