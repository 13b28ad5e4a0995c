package portal

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"coatcheck/auth"
	"coatcheck/proxy/problem"
	"coatcheck/proxy/wording"
	"coatcheck/sessionstore"
)

// visitor is what JSON clients learn of a visitor.
type visitor struct {
	User *user `json:"user"` // null: nobody is logged in
	// Expires is when the session ends unless it is used (RFC 3339).
	Expires *time.Time `json:"expires,omitempty"`
	// IdleExpires and AbsoluteExpires are the limits of the session, where there are any; SecondsLeft is until the first of all three.
	IdleExpires     *time.Time `json:"idle_expires,omitempty"`
	AbsoluteExpires *time.Time `json:"absolute_expires,omitempty"`
	SecondsLeft     *int64     `json:"seconds_left,omitempty"`
	// BrowserClose says that the browser forgets the cookie when it is closed.
	BrowserClose bool   `json:"browser_close,omitempty"`
	Next         string `json:"next,omitempty"`
}

type user struct {
	ID        string   `json:"id"`
	Username  string   `json:"username"`
	Name      string   `json:"name"`
	Email     string   `json:"email"`
	Groups    []string `json:"groups"`
	Staff     bool     `json:"staff"`
	Superuser bool     `json:"superuser"`
}

func describe(p auth.Principal, session *sessionstore.Session, next string) visitor {
	if p.Anonymous() {
		return visitor{Next: next}
	}
	left := max(0, int64(time.Until(firstEnd(p, session))/time.Second))
	u := user{p.ID, p.Username, p.Name, p.Email, append([]string{}, p.Groups...), p.Staff, p.Superuser}
	return visitor{User: &u, Expires: date(ends(session)), IdleExpires: date(p.Ends.Idle), AbsoluteExpires: date(p.Ends.Absolute), SecondsLeft: &left,
		BrowserClose: session.BrowserClose(), Next: next}
}

// ends is when the record ends unless it is used.
func ends(session *sessionstore.Session) time.Time {
	if at := session.Ends(); !at.IsZero() {
		return at
	}
	return session.Expires() // caches keep no date
}

// firstEnd is when the session ends, by its record or by a limit.
func firstEnd(p auth.Principal, session *sessionstore.Session) time.Time {
	at := ends(session)
	if next := p.Ends.Next(); !next.IsZero() && next.Before(at) {
		return next
	}
	return at
}

// date is a point in time as JSON clients see it; nil for none.
func date(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC().Truncate(time.Second)
	return &at
}

// listing is what JSON clients learn of the account page.
type listing struct {
	visitor
	Sessions []device `json:"sessions"`
}

type device struct {
	ID       string     `json:"id"`
	This     bool       `json:"this,omitempty"`
	Address  string     `json:"address,omitempty"`
	Agent    string     `json:"agent,omitempty"`
	Created  *time.Time `json:"created,omitempty"`
	LastSeen *time.Time `json:"last_seen,omitempty"`
}

func listed(v visitor, devices []Device) listing {
	l := listing{visitor: v, Sessions: []device{}}
	for _, d := range devices {
		l.Sessions = append(l.Sessions, device{ID: d.Hash, This: d.This, Address: d.Address, Agent: d.Agent, Created: date(d.Created), LastSeen: date(d.LastSeen)})
	}
	return l
}

// nobody tells a JSON client that nobody is logged in.
func (p *Portal) nobody(w http.ResponseWriter, r *http.Request) {
	l := wording.For(r.Header)
	l.Announce(w.Header())
	p.writeJSON(w, r, http.StatusUnauthorized, struct {
		Status int    `json:"status"`
		Title  string `json:"title"`
		visitor
	}{http.StatusUnauthorized, l.Say("session.none", nil), visitor{}})
}

// whoAmI answers who is logged in and until when, always in JSON. Asking does not extend the session.
func (p *Portal) whoAmI(w http.ResponseWriter, r *http.Request) {
	principal, session, err := p.visit(w, r)
	switch {
	case err != nil:
		p.fault(w, r, err)
	case principal.Anonymous():
		p.nobody(w, r)
	default:
		p.writeJSON(w, r, http.StatusOK, describe(principal, session, ""))
	}
}

// wantsJSON: asked for by its name, and not by a browser that goes to a page.
func wantsJSON(r *http.Request) bool {
	return !problem.Navigation(r) && strings.Contains(strings.ToLower(strings.Join(r.Header["Accept"], ",")), "application/json")
}

func (p *Portal) writeJSON(w http.ResponseWriter, r *http.Request, status int, answer any) {
	body, err := json.Marshal(answer)
	if err != nil {
		p.fault(w, r, err)
		return
	}
	p.write(w, r, status, "application/json; charset=utf-8", append(body, '\n'))
}
